/* Included by lwIP's tcp.c (LWIP_HOOK_FILENAME in lwipopts.h). */
#ifndef NET_IP_HOOKS_H
#define NET_IP_HOOKS_H

#include "lwip/ip_addr.h"

/* Initial sequence number of a connection, RFC 6528: a clock of 4 us plus a keyed hash of the four-tuple. */
u32_t ip_tcp_isn(const ip_addr_t *local_ip, u16_t local_port, const ip_addr_t *remote_ip, u16_t remote_port);
#define LWIP_HOOK_TCP_ISN(lip, lport, rip, rport) ip_tcp_isn(lip, lport, rip, rport)

#endif
