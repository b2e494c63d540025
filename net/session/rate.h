/* How fast may the stream go? Pure: samples and time in, advice out.
 *
 * rate follows what receivers report: down while the loss of the many exceeds what lower rates have
 * shown to be there anyway, down to what the disks of the many can take, and slowly up again. "The
 * many" are all but the slowest twentieth (at least one where there are four or more): those never
 * set the pace. Floor and ceiling are never crossed. Loss that does not fall when the rate does is
 * not caused by the rate: it is left to the code.
 *
 * All rates are bytes per second on the wire, preamble and gap counted. */
#ifndef NET_SESSION_RATE_H
#define NET_SESSION_RATE_H

#include <stdbool.h>
#include <stdint.h>

#include "net/wire/mono.h"

struct rate_sample {
    uint32_t recent_ppm; /* lost between its last two beacons */
    uint32_t loss_ppm;   /* lost in its last window: not looked at here, for the repair */
    uint32_t worst_ppm;  /* likewise, the largest of one block */
    uint64_t wanted;     /* what its disk could take; 0: no wish */
    bool receiving;      /* it has the manifest, and so figures for the repair */
};

struct rate_config {
    uint64_t floor, ceiling; /* 0 < floor <= ceiling */
    uint64_t start;          /* brought into [floor, ceiling] */
};

enum rate_reason {
    RATE_START,   /* nobody has reported yet */
    RATE_CEILING, /* as fast as allowed */
    RATE_FLOOR,   /* would go lower, may not */
    RATE_DISKS,   /* the receivers' disks */
    RATE_LOSS,    /* loss on the way */
    RATE_PROBING, /* going up to see */
    RATE_HOLDING  /* just below the rate at which loss set in */
};

struct rate {
    struct rate_config config;
    uint64_t now; /* the advice in force */
    enum rate_reason reason;
    uint32_t figure;  /* loss in ppm, or the number of receivers, as the reason needs */
    struct mono next; /* no decision before */
    bool started;
    /* loss */
    uint32_t ambient_ppm;      /* loss that lower rates did not remove */
    bool testing;              /* the rate was lowered to see whether the loss follows */
    uint32_t tested_ppm;       /* the loss at that time */
    uint64_t tested_rate;      /* and the rate */
    uint64_t disks;            /* what disks took when they last set the rate; 0: never */
    struct mono disks_until;   /* then more is tried */
    uint64_t trouble;          /* the rate at which loss set in; 0: none known */
    struct mono trouble_until; /* then it is tried again */
};

void rate_init(struct rate *, const struct rate_config *);
/* Call once a second or so, with the samples there are. Returns whether the advice changed.
 * Decisions are two beacon intervals and a second apart, so that reports show what the last one
 * did. */
bool rate_step(struct rate *, const struct rate_sample *, unsigned n, uint32_t beacon_ms,
               struct mono now);
/* Pause over: what was learnt before may be stale, decisions wait for fresh reports. */
void rate_resume(struct rate *, struct mono now);
/* "the disks of 12 receivers" and so on, into text. */
const char *rate_reason_text(const struct rate *, char *text, unsigned cap);

#endif
