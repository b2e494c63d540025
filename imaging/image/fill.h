/* The rule by which chunks fall into the blocks of a window (SPEC section 5): the least filled
 * block takes the next one, the lowest number among equals. A heap, so that a disk of a million
 * chunks is laid out in a moment. */
#ifndef IMAGING_IMAGE_FILL_H
#define IMAGING_IMAGE_FILL_H

#include <stdint.h>

#include "imaging/image/image.h"

struct fill {
    unsigned d;
    uint32_t most;            /* the fullest block's fill */
    uint32_t heap[IMG_MAX_D]; /* fill * IMG_MAX_D + block: the order of these is the rule */
};

/* d = 1 .. IMG_MAX_D empty blocks. */
void fill_start(struct fill *, unsigned d);
/* The fill of the block that takes the next chunk. */
uint32_t fill_least(const struct fill *);
/* Puts `bytes` into that block; returns its number, and in *start where they begin. No fill may
 * pass 2^25 - 1. */
unsigned fill_put(struct fill *, uint32_t bytes, uint32_t *start);
/* Symbols that hold the fullest block: the k of the window. */
uint32_t fill_symbols(const struct fill *);

#endif
