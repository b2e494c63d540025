/* The codes of this room and their sentences, once. X(NAME, code, sentence) */
#ifndef NET_TFTP_ERRORS_H
#define NET_TFTP_ERRORS_H

#define TFTP_ERRORS(X)                                                                             \
    X(TFTP_ESHORT, -1900, "the packet ends before its header does")                                \
    X(TFTP_EOPCODE, -1901, "not a packet that a client sends")                                     \
    X(TFTP_ESTRING, -1902, "a name, mode or option of the request does not end, or is too long")   \
    X(TFTP_EBIND, -1903, "the TFTP port is in use")                                                \
    X(TFTP_EMEMORY, -1904, "out of memory for the TFTP server")

#define X(name, code, sentence) name = code,
enum tftp_error { TFTP_ERRORS(X) };
#undef X

#endif
