/* What every bind.c does with its TCP connections. A connection is the pointer its owner keeps:
 * NULL once lwIP no longer calls us about it. The one header of this room that shows lwIP's types:
 * for bind.c files. */
#ifndef NET_IP_TCP_H
#define NET_IP_TCP_H

#include "lwip/tcp.h"

/* Listens on every address of ours; `accept` gets `arg`. ERR_OK, ERR_USE (the port is taken) or
 * ERR_MEM, both with *out NULL. */
err_t ip_tcp_listen(struct tcp_pcb **out, uint16_t port, tcp_accept_fn accept, void *arg);
/* Lets go of it at once; what has not been sent is lost. NULL is no connection, and nothing to do.
 * A callback that does this to its own connection returns ERR_ABRT. */
void ip_tcp_abort(struct tcp_pcb **);
/* What has been written still goes out, then the connection ends. ERR_ABRT when there was no memory
 * even for that: lwIP wants to hear it from the callback in which it happened. */
err_t ip_tcp_close(struct tcp_pcb **);

#endif
