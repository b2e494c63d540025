/* How long the thread that hands out addresses works between two looks at the network: the CPU time
 * of each turn of its loop, in classes. What waits for that thread, an address for instance, waits
 * for one turn more. Pure. */
#ifndef NET_STATUS_STEPS_H
#define NET_STATUS_STEPS_H

#include <stdint.h>

#include "net/wire/mono.h"

#define STEPS_CLASSES 13
/* rising; the last class of `n` has no bound */
extern const uint32_t steps_bound_us[STEPS_CLASSES];

struct steps {
    /* turns that took no longer than the bound, and longer than the one before */
    uint64_t n[STEPS_CLASSES + 1];
    uint64_t all;
    int64_t sum_ns, most_ns;
    struct mono worked; /* until the last turn's end */
};

/* A turn ends: `worked` is the processor time of the thread so far. The first call begins the first
 * turn. */
void steps_turn(struct steps *, struct mono worked);
/* One more turn. */
void steps_add(struct steps *, int64_t ns);

#endif
