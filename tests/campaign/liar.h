/* A disk in memory that lies in one of many ways, at a place and a time that a seed decides. The
 * lie's name says what it does. */
#ifndef TESTS_CAMPAIGN_LIAR_H
#define TESTS_CAMPAIGN_LIAR_H

#include <pthread.h>

#include "imaging/disk/disk.h"
#include "net/wire/rng.h"

/* X(name, how it is called) */
#define LIES(X)                                                                                    \
    X(LIE_NONE, "none")                                                                            \
    X(LIE_LOST, "lost write")                                                                      \
    X(LIE_TORN, "torn write")                                                                      \
    X(LIE_MISDIRECTED, "misdirected write")                                                        \
    X(LIE_FROZEN, "nothing is written from some moment on")                                        \
    X(LIE_DEAD, "dead sector")                                                                     \
    X(LIE_FLIP_WRITE, "flip on write")                                                             \
    X(LIE_FLIP_READ, "flip on read")                                                               \
    X(LIE_FLIP_REST, "flip at rest")                                                               \
    X(LIE_ZERO_NONE, "zeroing that does nothing")                                                  \
    X(LIE_ZERO_SHORT, "zeroing that ends early")                                                   \
    X(LIE_READ_ERROR, "read error")                                                                \
    X(LIE_WRITE_ERROR, "write error")                                                              \
    X(LIE_FLUSH_ERROR, "flush error")                                                              \
    X(LIE_STALE, "stale read")                                                                     \
    X(LIE_DISCARD_WIDE, "discard that reaches into its neighbours")                                \
    X(LIE_DISCARD_LATE, "discard that is done later")                                              \
    X(LIE_WRITE_WIDE, "write that reaches into its neighbours")                                    \
    X(LIE_ZERO_WIDE, "zeroing that reaches into its neighbours")                                   \
    X(LIE_WRAP, "addresses that wrap at a power of two")                                           \
    X(LIE_WRAP_ODD, "addresses that wrap somewhere")                                               \
    X(LIE_LIMBO, "writes beyond the real end are lost")                                            \
    X(LIE_SECOND, "a second writer")

#define X(name, text) name,
enum lie { LIES(X) LIE_COUNT };
#undef X

const char *lie_name(enum lie);

struct liar {
    uint8_t *bytes, *before; /* before: what a stale read returns */
    uint64_t n, room;        /* room: what it really has (wrap, limbo) */
    enum lie lie;
    struct rng rng;
    /* strikes at this change (write, zeroing, discard, flush), counted from 1; or read, where it is
     * one of reads */
    uint32_t at_change;
    uint32_t changes, reads;
    uint64_t place, reach;    /* of what is bad or destroyed */
    uint64_t late_at, late_n; /* a discard that is still to be done */
    const uint8_t *other;     /* what a second writer writes: an image of n bytes */
    bool struck;
    pthread_mutex_t lock; /* one call at a time */
};

/* A disk of n bytes, which are copied from `content`. */
struct disk liar_disk(struct liar *, uint64_t n, const uint8_t *content, enum lie, uint64_t seed);
/* What an honest read of the disk as it is now returns: n bytes from `at` on. */
void liar_see(struct liar *, uint8_t *to, uint64_t n, uint64_t at);
void liar_free(struct liar *);

#endif
