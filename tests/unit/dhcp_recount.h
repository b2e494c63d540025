/* The counts of a table of leases, made anew from its slots, are those it keeps. */
#ifndef TESTS_UNIT_DHCP_RECOUNT_H
#define TESTS_UNIT_DHCP_RECOUNT_H

#include <string.h>

#include "net/dhcp/server.h"
#include "net/wire/must.h"

static inline void dhcp_recount(const struct dhcp_leases *t)
{
    struct dhcp_pool_count c[DHCP_POOLS_MAX] = {0};

    for (unsigned i = 0; i < t->n; i++) {
        const struct dhcp_slot *s = &t->slot[i];

        if (s->reserved)
            continue;
        c[s->pool].size++;
        c[s->pool].spare +=
            s->state == DHCP_SLOT_NEW || (s->state == DHCP_SLOT_PAST && s->probation);
        c[s->pool].bound += s->state == DHCP_SLOT_BOUND;
        c[s->pool].probation += s->state == DHCP_SLOT_BOUND && s->probation;
        c[s->pool].declined += s->state == DHCP_SLOT_DECLINED;
    }
    MUST(memcmp(c, t->count, sizeof c) == 0);
}

#endif
