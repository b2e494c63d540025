/* The last of the edges on a disk of another size than the image's: the partition table's copy goes
 * to the disk's real end, and the first chunk, which says where it is, is the very last thing
 * written (gpt_move.h has the bytes).
 *
 * The proof stays whole. The image's own bytes outside sectors 0 and 1 are compared with their
 * signed hashes as everywhere; of these two sectors, and of the new copy, every byte read back must
 * be the one that was made, and with the two sectors put back as the image has them, the first
 * chunk must still have its hash. Only what of the image lies under the new copy (the end of a disk
 * that is larger by less than a copy) is overwritten after it was proven. */
#ifndef IMAGING_RECEIVE_MOVE_H
#define IMAGING_RECEIVE_MOVE_H

#include "imaging/receive/plan.h"
#include "imaging/volume/gpt_move.h"

struct move {
    struct plan *plan;
    struct gpt_move gpt;
    bool wanted;
    uint8_t image[2 * 4096]; /* sectors 0 and 1 as the image has them */
};

/* Whether the edges must be written although the target holds them: its table ends elsewhere. */
bool move_may_be(const struct plan *);

/* Looks at the first chunk; counts what becomes of the table. The image is restored as it is when
 * nothing can be moved. */
void move_plan(struct move *, struct plan *, const uint8_t *first_chunk, uint32_t n);
/* Writes the new copy and reads it back. `a` and `b` hold IMG_CHUNK_BYTES each, aligned for the
 * disk. */
int move_tail(struct move *, const uint8_t *first_chunk, uint8_t *a, uint8_t *b, struct err *);
/* The first chunk as it is to be on this disk, in place. */
void move_head(struct move *, uint8_t *first_chunk);
/* Of the first chunk read back: whether sectors 0 and 1 are as made, which are then put back as the
 * image has them. */
bool move_undo(const struct move *, uint8_t *back, const uint8_t *first_chunk);

#endif
