/* The codes of this room and their sentences, once. X(NAME, code, sentence) */
#ifndef NET_WOL_ERRORS_H
#define NET_WOL_ERRORS_H

#define WOL_ERRORS(X)                                                                              \
    X(WOL_EFULL, -3100, "more machines to wake than fit the list")                                 \
    X(WOL_EMAC, -3101, "no machine can have that address")

#define X(name, code, sentence) name = code,
enum wol_error { WOL_ERRORS(X) };
#undef X

#endif
