/* The codes of this room and their sentences, once. X(NAME, code, sentence) */
#ifndef NET_IP_ERRORS_H
#define NET_IP_ERRORS_H

#define IP_ERRORS(X)                                                                               \
    X(IP_ELINK, -1100, "the network interface cannot be opened")                                   \
    X(IP_ETWICE, -1101, "the IP stack is open already: there is one in a process")                 \
    X(IP_EADDRESS, -1102, "not an IPv4 address with a prefix length (10.0.0.1/24)")                \
    X(IP_ERANDOM, -1103, "the system's random numbers are not to be had")                          \
    X(IP_ENOADDRESS, -1104,                                                                        \
      "no address: neither a DHCP server nor link-local addressing gave one")                      \
    X(IP_ENAME, -1105, "the host name cannot be resolved")                                         \
    X(IP_ENOMEM, -1106, "the IP stack is out of memory")                                           \
    X(IP_EGROUP, -1107, "the multicast group cannot be joined")                                    \
    X(IP_EPOLL, -1108, "waiting for the network interface failed")                                 \
    X(IP_ESTOPPED, -1109, "interrupted")

#define X(name, code, sentence) name = code,
enum ip_error { IP_ERRORS(X) };
#undef X

#endif
