/* The codes of this room and their sentences, once. X(NAME, code, sentence) */
#ifndef NET_IGMP_ERRORS_H
#define NET_IGMP_ERRORS_H

#define IGMP_ERRORS(X)                                                                             \
    X(IGMP_ESHORT, -2000, "the IGMP message is shorter than 8 bytes")                              \
    X(IGMP_ECHECKSUM, -2001, "the IGMP message's checksum is wrong")                               \
    X(IGMP_EHEADER, -2002, "not a whole IPv4 datagram with IGMP in it")                            \
    X(IGMP_ETYPE, -2003, "no IGMP message that concerns a querier")                                \
    X(IGMP_EMEMORY, -2004, "out of memory for the IGMP querier")

#define X(name, code, sentence) name = code,
enum igmp_error { IGMP_ERRORS(X) };
#undef X

#endif
