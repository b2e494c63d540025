/* What a bad line does to one frame after another: a pure step with a seed, so that two runs lose
 * alike. */
#ifndef TESTS_BOOT_IMPAIR_H
#define TESTS_BOOT_IMPAIR_H

#include <stdbool.h>
#include <stdint.h>

#include "net/wire/rng.h"

/* One direction of one line. */
struct impair {
    double drop;       /* probability that a run of lost frames begins with this one */
    unsigned burst;    /* frames in such a run; 0 is 1 */
    int64_t delay_ns;  /* every frame */
    int64_t jitter_ns; /* and up to so much more, which lets frames overtake each other */
    double late;       /* probability of `late_ns` more: a frame that the next ones overtake */
    int64_t late_ns;
    struct rng rng;
    unsigned losing; /* frames still to be lost in this run */
};

/* True when every frame passes at once. */
bool impair_none(const struct impair *);
/* The next frame: false when it is lost; else *delay_ns says how much later it comes (0: now). */
bool impair_frame(struct impair *, int64_t *delay_ns);
/* One setting, "drop=1%", "burst=8", "delay=2ms", "jitter=500us", "late=5%", "by=3ms" or "seed=7".
 * False: not one. */
bool impair_set(struct impair *, const char *setting);

#endif
