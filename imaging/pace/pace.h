/* When may packets leave? A pure pacer: time is an argument, the memory is the caller's.
 *
 * Promise. Let R be the set rate in wire bytes a second, one packet = PACE_WIRE_BYTES, W = 100 ms.
 * Then
 *   1. in every interval of length W, at most ⌊R·W / 1538⌋ packets are sent: never above R,
 *   whatever delays the caller
 *      meets, as long as pace_spent is told a time at which the packets have left;
 *   2. in every interval of length τ, at most ⌈R·τ / 1538⌉ + B packets are allowed, B = max(8, R ·
 *   4 ms / 1538): after a
 *      delay at most B are caught up at once, and what is older is not caught up at all;
 *   3. a caller that always has packets sends on average R · W / (W + 0.1 ms + w), where w is the
 *   mean time that a packet
 *      waits from being due to being sent: 99.8 % of R when wake-ups are prompt, 98.7 % when each
 *      is late by a random 0 to
 *      2 ms. (With promise 1 none can do better for given wake-ups: a packet sent late by w keeps
 *      its successor of
 *      the next window away by w. So the pacer learns how late wake-ups are and asks for them that
 *      much earlier.)
 *
 * How. A record of the departures of the last 100 ms holds promise 1 exactly (departures within
 * PACE_GRAIN share an entry, counted as the latest of them); a token bucket of rate R and depth B
 * holds promise 2. A caller who may send more than PACE_TRAIN looks at the clock after as many:
 * what left first of a longer train would count as late as its last, and what follows it a window
 * later would be late by as much, window after window.
 *
 * Use: n = pace_allow(now); send up to n, at most a train; pace_spent(later, sent) with the clock
 * read after the packets were handed over; sleep until pace_next(later). */
#ifndef IMAGING_PACE_PACE_H
#define IMAGING_PACE_PACE_H

#include <stdbool.h>
#include <stdint.h>

#include "net/wire/mono.h"

#define PACE_WIRE_BYTES 1538 /* 1514 of frame, 4 of FCS, 8 of preamble, 12 of gap */
#define PACE_WINDOW (100 * MONO_MS)
#define PACE_GUARD (100 * MONO_US) /* added to the window: clock reads are not departures */
#define PACE_QUANTUM (2 * MONO_MS) /* pace_next gathers this much, so that wake-ups stay few, */
/* but no more packets than these: one super-frame (net/ring/ring.h) */
#define PACE_TRAIN 44
#define PACE_BURST (4 * MONO_MS) /* what a late wake-up may catch up */
#define PACE_BURST_PACKETS 8
#define PACE_RATE_MIN (10 * PACE_WIRE_BYTES) /* bytes a second: one packet a window */
#define PACE_UNLIMITED 0                     /* as a rate: no limit */
#define PACE_GRAIN (25 * MONO_US)            /* departures this close are one entry of the log */
#define PACE_LOG 4096                        /* entries: more than (window + guard) / grain */
#define PACE_RATE_MAX UINT64_C(12500000000)  /* 100 Gbit/s: keeps the arithmetic in 64 bits */

struct pace_entry {
    struct mono first, last;
    uint32_t n;
};

/* Private to pace.c, but for `rate`. */
struct pace {
    uint64_t rate;       /* wire bytes a second, or PACE_UNLIMITED */
    uint64_t cap;        /* packets a window */
    uint64_t depth;      /* of the bucket; its unit is byte·ns/s, so that a fill is rate · ns */
    uint64_t credit;     /* in the bucket */
    struct mono fed;     /* when the bucket was last filled */
    int64_t lead;        /* how late wake-ups have been of late, ns */
    struct mono asked;   /* the time last given by pace_next */
    bool asleep;         /* and nobody has come back since */
    uint64_t in_log;     /* packets in the log */
    uint32_t head, used; /* the log is a ring: its oldest entry, its number of entries */
    struct pace_entry log[PACE_LOG];
};

/* Starts with an empty window and an empty bucket. A rate outside PACE_RATE_MIN … PACE_RATE_MAX
 * counts as the nearer of the two. */
void pace_init(struct pace *p, uint64_t rate, struct mono now);

/* A new rate from now on. The window that straddles the change obeys the new rate: after a decrease
 * sending pauses until it fits. */
void pace_set_rate(struct pace *p, uint64_t rate, struct mono now);

/* How many packets may leave now; UINT32_MAX when unlimited. */
uint32_t pace_allow(struct pace *p, struct mono now);

/* n packets (at most what the last pace_allow gave) have left, the last of them not after `now`. */
void pace_spent(struct pace *p, struct mono now, uint32_t n);

/* When it is worth asking again: the time at which a train will be allowed, that is PACE_QUANTUM
 * worth of packets, at least one and at most PACE_TRAIN; or half of one, when it is the window that
 * keeps packets back. Not before `now`. */
struct mono pace_next(struct pace *p, struct mono now);

#endif
