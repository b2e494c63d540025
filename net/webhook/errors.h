/* The codes of this room and their sentences, once. X(NAME, code, sentence) */
#ifndef NET_WEBHOOK_ERRORS_H
#define NET_WEBHOOK_ERRORS_H

#define WEBHOOK_ERRORS(X)                                                                          \
    X(WEBHOOK_EURL, -3200, "not a webhook of the form http://ADDRESS[:PORT]/PATH")                 \
    X(WEBHOOK_ESECRET, -3201, "a webhook's secret has 16 to 64 bytes")                             \
    X(WEBHOOK_EMEMORY, -3202, "out of memory for the webhook")

#define X(name, code, sentence) name = code,
enum webhook_error { WEBHOOK_ERRORS(X) };
#undef X

#endif
