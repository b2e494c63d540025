/* Included by lwIP's tcp.c and tcp_in.c (LWIP_HOOK_FILENAME in lwipopts.h). */
#ifndef NET_IP_HOOKS_H
#define NET_IP_HOOKS_H

#include "lwip/err.h"
#include "lwip/ip_addr.h"

/* Initial sequence number of a connection, RFC 6528: a clock of 4 us plus a keyed hash of the
 * four-tuple. */
u32_t ip_tcp_isn(const ip_addr_t *local_ip, u16_t local_port, const ip_addr_t *remote_ip,
                 u16_t remote_port);
#define LWIP_HOOK_TCP_ISN(lip, lport, rip, rport) ip_tcp_isn(lip, lport, rip, rport)

struct tcp_pcb;
struct tcp_hdr;
/* Asked before each packet of a connection or a listener. On a SYN for which a listener has no room
 * the oldest half-open connection of an address that holds more of them than the newcomer gives
 * way: a client on the same wire answers within a millisecond, invented ones never do. A SYN of the
 * address that holds most is dropped, and its client sends it again. */
err_t ip_tcp_before(const struct tcp_pcb *, const struct tcp_hdr *);
#define LWIP_HOOK_TCP_INPACKET_PCB(pcb, hdr, optlen, opt1len, opt2, p) ip_tcp_before(pcb, hdr)

#endif
