/* Heads and bodies for tests, built by the SPEC's words and without the product's layout code. */
#ifndef TESTS_UNIT_IMAGE_SUPPORT_H
#define TESTS_UNIT_IMAGE_SUPPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "imaging/image/image.h"
#include "net/wire/rng.h"

#define MODEL_CHUNKS 4000
#define MODEL_WINDOWS 64

/* What an image says, as plain lists. */
struct model {
    uint64_t raw_bytes;
    uint32_t chunks, ndata, nwindows;
    uint8_t state[MODEL_CHUNKS];
    uint32_t number[MODEL_CHUNKS], stored[MODEL_CHUNKS]; /* by ordinal */
    uint8_t hash[MODEL_CHUNKS][32];
    struct {
        uint32_t d, k, r, first, chunks;
    } window[MODEL_WINDOWS];
    uint32_t block[MODEL_CHUNKS], start[MODEL_CHUNKS]; /* the layout, by the naive rule */
    unsigned nparts;
};

/* A random image of at most max_chunks chunks. */
void model_random(struct model *, struct rng *, uint32_t max_chunks);
/* Lays the chunks out by the rule of SPEC section 5 (a linear search) and sets every k. */
void model_lay_out(struct model *);

/* The model as bytes and the head that belongs to it; free the bytes. */
uint8_t *model_body(const struct model *, struct img_head *, size_t *n);
/* Sets body_bytes, body_hash and, from the hashes at the end of the body, the root. */
void model_seal(struct img_head *, const uint8_t *body, size_t n);

/* A new seed each run, or IMAGE_SEED; said at the start, so that a failure can be had again. */
struct rng model_seed(const char *program);

#endif
