/* The codes of this room and their sentences, once. X(NAME, code, sentence) */
#ifndef NET_DHCP_ERRORS_H
#define NET_DHCP_ERRORS_H

#define DHCP_ERRORS(X)                                                                             \
    X(DHCP_ESHORT, -1600, "a DHCP message cut short")                                              \
    X(DHCP_EOP, -1601, "a BOOTP message that is neither a request nor a reply")                    \
    X(DHCP_EHARDWARE, -1602, "a DHCP message about something else than one Ethernet station")      \
    X(DHCP_ECOOKIE, -1603, "a BOOTP message without DHCP's options")                               \
    X(DHCP_EOPTION, -1604, "a DHCP option that reaches past the end of its field")                 \
    X(DHCP_EMANY, -1605, "a DHCP message with more options than any client sends")                 \
    X(DHCP_ETYPE, -1606, "a DHCP message whose type is unknown, repeated or malformed")            \
    X(DHCP_EOVERLOAD, -1607, "a DHCP message whose option overload is malformed")                  \
    X(DHCP_EABSENT, -1608, "a DHCP option that is not there")                                      \
    X(DHCP_EROOM, -1609, "a DHCP option longer than there is room for")                            \
    X(DHCP_EPOOL, -1610, "a pool of addresses that does not fit the box's subnet")                 \
    X(DHCP_ERESERVE, -1611, "a reservation that cannot be kept")                                   \
    X(DHCP_ERECORD, -1612, "a lease of an earlier run that does not fit the settings of this one") \
    X(DHCP_EMEMORY, -1613, "out of memory for the DHCP service")                                   \
    X(DHCP_EBIND, -1614, "the DHCP ports are in use")

#define X(name, code, sentence) name = code,
enum dhcp_error { DHCP_ERRORS(X) };
#undef X

#endif
