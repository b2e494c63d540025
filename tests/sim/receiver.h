/* One simulated receiver: the product's bookkeeping (imaging/receive/track) behind a channel.
 * Symbols carry no payload: a block is decoded, and done, in the moment track calls it ready. */
#ifndef TESTS_SIM_RECEIVER_H
#define TESTS_SIM_RECEIVER_H

#include "imaging/carousel/carousel.h"
#include "imaging/receive/track.h"
#include "tests/sim/channel.h"

#define RECEIVER_SLOTS 256 /* as the product: INTAKE_SLOTS */
#define RECEIVER_LATE 32   /* packets under way out of order, at most */

/* What a run of packets carries: a pick and the number of its first packet. */
struct carried {
    struct carousel_pick pick;
    uint64_t at; /* packets sent before, since the world began; its low 32 bits are the CCI */
};

struct image {
    struct carousel_shape shape;
    struct track_window *windows, *body; /* the shape as track wants it */
    uint32_t body_windows;
    uint64_t symbols; /* source symbols, stream and body: what the bound counts */
};

struct receiver_spec {
    struct channel_spec channel;
    uint32_t share;  /* of the blocks taken in a visit, 1 ... 256 (slow disk) */
    bool knows_body; /* has it from the start: for rows that study the stream alone */
};

struct late {
    uint64_t due; /* packets heard by then */
    uint32_t cci, sbn;
    uint16_t toi, k, esi;
    uint8_t lg_t;
};

struct receiver {
    struct track stream, body;
    void *memory;
    struct channel channel;
    struct rng rng; /* of reordering and duplication */
    double shuffle, twice;
    const struct image *image;
    uint64_t joined, dies;                  /* packets sent by then; dies: UINT64_MAX if never */
    uint64_t ready, bound, finished;        /* likewise; 0: not yet. ready: has the body */
    uint64_t heard, lost;                   /* packets since joining */
    uint64_t visit_heard[2], visit_lost[2]; /* in this visit and in the one before */
    uint8_t lg_t;                           /* its sums are made for */
    uint32_t n_late;
    struct late late[RECEIVER_LATE];
};

void receiver_init(struct receiver *r, const struct image *image, const struct receiver_spec *spec,
                   uint64_t seed);
void receiver_free(struct receiver *r);

/* Hears (or loses) everything in the list that is sent after it joined and before it dies or
 * finishes. */
void receiver_hear(struct receiver *r, const struct carried *list, unsigned n);

static inline bool receiver_alive(const struct receiver *r, uint64_t now)
{
    return r->joined <= now && now < r->dies && !r->finished;
}

/* The figures of its beacon. */
uint32_t receiver_mean_ppm(const struct receiver *r);
uint32_t receiver_worst_ppm(const struct receiver *r);

#endif
