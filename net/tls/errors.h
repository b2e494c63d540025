/* The codes of this room and their sentences, once. X(NAME, code, sentence) */
#ifndef NET_TLS_ERRORS_H
#define NET_TLS_ERRORS_H

#define TLS_ERRORS(X)                                                                              \
    X(TLS_EMEMORY, -2400, "out of memory for TLS")                                                 \
    X(TLS_EBIND, -2401, "the HTTPS port is in use")                                                \
    X(TLS_EKEY, -2402, "the page's key or certificate cannot be made")                             \
    X(TLS_EFILE, -2403, "the page's key or certificate cannot be read or written")                 \
    X(TLS_ELIBRARY, -2404, "the TLS library cannot be started")                                    \
    X(TLS_EPEER, -2405, "no TLS connection can be made with the server")                           \
    X(TLS_ETRUST, -2406, "the file of authorities cannot be read or understood")                   \
    X(TLS_EPIN, -2407, "the server's certificate has another fingerprint than the one given")      \
    X(TLS_EAUTHORITY, -2408,                                                                       \
      "the server's certificate comes from no authority that is trusted here")                     \
    X(TLS_ENAME, -2409, "the server's certificate is for another name")                            \
    X(TLS_EDATE, -2410, "the server's certificate is too old, or not good yet")                    \
    X(TLS_EWEAK, -2411, "the server's certificate may not be used for this, or is too weak")

#define X(name, code, sentence) name = code,
enum tls_error { TLS_ERRORS(X) };
#undef X

#endif
