/* The IGMP querier over lwIP: the only file of this room that knows it. All calls on the stack's
 * owner thread. */
#ifndef NET_IGMP_BIND_H
#define NET_IGMP_BIND_H

#include "net/igmp/querier.h"
#include "net/ip/stack.h"

struct igmp_bind;

/* Queries leave as soon as the stack has an address, and from the address it has. NULL for
 * `timing`: the RFC's. Keeps the stack. 0 or IGMP_EMEMORY. */
int igmp_bind_open(struct igmp_bind **, struct ip_stack *, const struct igmp_timing *,
                   struct err *);
/* Call after every ip_stack_step, and at least every igmp_bind_pause milliseconds. */
void igmp_bind_tick(struct igmp_bind *, struct mono now);
/* At most 1000. */
int igmp_bind_pause(const struct igmp_bind *, struct mono now);
/* Who asks, its counters: read-only. */
const struct igmp_querier *igmp_bind_querier(const struct igmp_bind *);
void igmp_bind_close(struct igmp_bind *);

#endif
