/* Magic packets out of the stack's link. */
#ifndef NET_WOL_BIND_H
#define NET_WOL_BIND_H

#include "net/ip/stack.h"
#include "net/wol/wol.h"

/* Sends what is due. A frame that finds no memory is not sent: the machine is called again. */
void wol_bind_tick(struct wol *, struct ip_stack *, struct mono now);

#endif
