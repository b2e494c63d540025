/* What the control thread asks of the sending thread: atomics that are read once a step, no locks.
 * Values are levels or counters, so a request that is overtaken by the next is not missed but
 * merged with it. */
#ifndef IMAGING_SEND_MAILBOX_H
#define IMAGING_SEND_MAILBOX_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "imaging/carousel/steer.h"

enum mail_run { MAIL_SUSPEND, MAIL_RUN, MAIL_FINISH };

/* Writers change a field, then add to `news` (release); the reader looks at `news` first (acquire).
 */
struct mailbox {
    _Atomic uint32_t news;
    _Atomic int run;
    _Atomic uint64_t rate;
    _Atomic uint32_t joined, lacking; /* counts of send_want_body */
    _Atomic uint32_t reports;
    _Atomic uint64_t report; /* the latest, packed */
};

static inline void mail_sent(struct mailbox *m)
{
    atomic_fetch_add_explicit(&m->news, 1, memory_order_release);
}

/* 20 bits a figure (at most 10^6), 24 for the number of reporters. */
static inline uint64_t mail_pack(const struct steer_report *r)
{
    uint64_t mean = r->mean_ppm < 1000000 ? r->mean_ppm : 1000000;
    uint64_t worst = r->worst_ppm < 1000000 ? r->worst_ppm : 1000000;
    uint64_t reporters = r->reporters < 0xffffff ? r->reporters : 0xffffff;

    return mean << 44 | worst << 24 | reporters;
}

static inline struct steer_report mail_unpack(uint64_t v)
{
    return (struct steer_report){.mean_ppm = (uint32_t)(v >> 44),
                                 .worst_ppm = (uint32_t)(v >> 24) & 0xfffff,
                                 .reporters = (uint32_t)v & 0xffffff};
}

#endif
