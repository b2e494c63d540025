/* What happens to a packet on the way to one receiver: seeded loss models, as runs of equal fate.
 */
#ifndef TESTS_SIM_CHANNEL_H
#define TESTS_SIM_CHANNEL_H

#include <stdbool.h>
#include <stdint.h>

#include "net/wire/rng.h"

struct channel_spec {
    double loss; /* share of packets lost, 0 ... 0.5 */
    double
        burst; /* mean length of a lost run in packets (Gilbert-Elliott); 0: independent losses */
    double stall;   /* mean packets between stalls that lose everything; 0: none */
    double stalled; /* packets lost in a stall */
    double shuffle; /* share of packets that come 1 ... 100 packets late */
    double twice;   /* share of packets that come a second time, 1 ... 100 packets later */
};

struct channel {
    struct rng rng;
    double loss, burst, stall, stalled;
    uint64_t run; /* packets left of the present fate */
    bool bad;     /* the present fate: lost */
    uint64_t to_stall;
    uint64_t in_stall;
};

/* In the stationary state of the model. */
void channel_init(struct channel *c, const struct channel_spec *spec, uint64_t seed);

/* The fate of the next packets, as many of at most n (> 0) as share it: returns how many. */
uint32_t channel_take(struct channel *c, uint32_t n, bool *lost);

/* Geometric with the given mean >= 1; exponential with any mean >= 0. */
uint64_t channel_geometric(struct rng *rng, double mean);
double channel_exponential(struct rng *rng, double mean);

#endif
