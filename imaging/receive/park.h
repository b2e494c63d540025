/* Incomplete chunks: what has arrived of them, in their compressed form, until the missing symbols
 * come or are decoded. In memory while there is some; then in the cheapest place there is: the
 * chunk's own destination on the target, which is large enough by definition and not written yet.
 * Chunks of the edges stay in memory: their destination must look empty. A chunk is handled by one
 * thread at a time (its block's worker); different chunks by any. */
#ifndef IMAGING_RECEIVE_PARK_H
#define IMAGING_RECEIVE_PARK_H

#include "imaging/receive/plan.h"

#define PARK_MASK_WORDS 2 /* a chunk of 131072 stored bytes touches at most 93 symbols */

/* Which of a chunk's symbols are there, by their place in the chunk. */
struct park_mask {
    uint64_t bits[PARK_MASK_WORDS];
};

struct park;

/* Takes `bytes` of memory for parked chunks at start. Keeps plan. */
int park_open(struct park **out, struct plan *plan, size_t bytes, struct err *err);
void park_close(struct park *p);

/* Fetches what is parked of the chunk into stored[] (room for IMG_CHUNK_BYTES, aligned to
 * DISK_ALIGN) and says which symbols that covers; false when nothing is. It stays parked. */
bool park_get(struct park *p, uint32_t ordinal, uint8_t *stored, struct park_mask *mask);

/* Parks the chunk's stored bytes, of which `mask` is right, in place of what was. False when there
 * is no room for it anywhere: what was parked of it is gone too. stored[] is as in park_get and may
 * be changed behind its end. */
bool park_put(struct park *p, uint32_t ordinal, uint8_t *stored, const struct park_mask *mask);

void park_drop(struct park *p, uint32_t ordinal);

#endif
