/* How much was lost on the way, as a beacon says it (net/session/SPEC.md section 4). Pure: counts
 * in, parts per million out.
 *
 * What the receiver's own ring had no room for did arrive. No repair of the sender's helps against
 * it, and a machine that is too slow must not have everybody's repair raised: so it is taken out
 * here. */
#ifndef BOARD_CORE_LOSS_H
#define BOARD_CORE_LOSS_H

#include <stdint.h>

#define LOSS_MARKS 16   /* parts of a window after which the loss is looked at anew */
#define LOSS_LEAST 2048 /* packets for a loss that means something */

/* Counts since the start, of the packets of one session. */
struct loss_counts {
    uint64_t seen, missed; /* missed: numbers that never came */
    /* of them, by our own ring; less than before when the ring was opened anew */
    uint64_t dropped;
    uint32_t worst_ppm; /* missed of one block in the visit that ended last; 0: none has */
};

struct loss {
    /* over about the last window's worth of packets; over all of them while there are fewer */
    uint32_t window_ppm;
    uint32_t worst_ppm; /* of one block in the last visit; 0: not known */
    /* its own */
    struct loss_mark {
        uint64_t seen, lost;
    } mark[LOSS_MARKS]; /* the newest is at (marks - 1) % LOSS_MARKS */
    uint32_t marks;
    struct loss_counts visit; /* when worst_ppm was last news */
};

/* All zero but for one mark. */
void loss_init(struct loss *);
/* Call now and then. `window`: packets of the widest window; 0: not known yet. */
void loss_note(struct loss *, const struct loss_counts *, uint64_t window);

#endif
