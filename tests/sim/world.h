/* A sender and its receivers on one clock: the packet count, at the rate of the row. Runs a row's
 * plan to its end. */
#ifndef TESTS_SIM_WORLD_H
#define TESTS_SIM_WORLD_H

#include "net/session/rate.h"
#include "tests/sim/receiver.h"

#define WORLD_RATE 81274.0 /* packets a second: 1 Gbit/s line of 1538 bytes each */
#define WORLD_GROUPS 3

enum world_join {
    JOIN_START,    /* with the stream */
    JOIN_ANYWHERE, /* uniform over one pass; the first of a steered row starts the stream */
    JOIN_STORM     /* uniform over 10 s, a third of a pass into the stream */
};

struct world_group {
    uint32_t receivers;
    struct receiver_spec spec;
    enum world_join join;
    double dying; /* share of them that die, uniform over a pass after joining */
};

struct world_shape {
    uint16_t windows, blocks, k; /* the last window may have fewer blocks: */
    uint16_t last_blocks;
    uint32_t body;
};

struct world_plan {
    struct world_shape shape;
    struct world_group group[WORLD_GROUPS];
    bool steered;      /* by beacons; else the default repair, for ever */
    uint8_t max_lg_t;  /* steered */
    double beacon;     /* seconds between the beacons of a receiver */
    double patience;   /* passes after which the rest is counted as unfinished */
    uint32_t wait_for; /* groups 0 ... wait_for - 1 end the run */
};

/* What became of one receiver; times in packets since the world began. */
struct world_end {
    uint32_t group;
    bool died;
    uint64_t joined, ready, bound, finished; /* finished 0: never */
};

struct world_result {
    struct world_end *ends; /* of receivers, the caller's to free */
    uint32_t receivers;
    uint64_t sent, body; /* packets, and those of TOI 0 */
    uint64_t pass;       /* packets of a pass at default repair */
    uint64_t evicted;
    uint32_t most_r; /* of any visit */
    uint8_t most_lg_t;
    double least_rate; /* the lowest that --rate auto would have gone, of the row's rate */
};

/* Runs receivers `first`, first + step, ... only (shards of a row without feedback); the whole:
 * 0, 1. */
void world_run(const struct world_plan *plan, uint64_t seed, uint32_t first, uint32_t step,
               struct world_result *out);

#endif
