/* The codes of this room and their sentences, once. X(NAME, code, sentence) */
#ifndef NET_TLS_ERRORS_H
#define NET_TLS_ERRORS_H

#define TLS_ERRORS(X)                                                                              \
    X(TLS_EMEMORY, -2400, "out of memory for TLS")                                                 \
    X(TLS_EBIND, -2401, "the HTTPS port is in use")                                                \
    X(TLS_EKEY, -2402, "the page's key or certificate cannot be made")                             \
    X(TLS_EFILE, -2403, "the page's key or certificate cannot be read or written")                 \
    X(TLS_ELIBRARY, -2404, "the TLS library cannot be started")

#define X(name, code, sentence) name = code,
enum tls_error { TLS_ERRORS(X) };
#undef X

#endif
