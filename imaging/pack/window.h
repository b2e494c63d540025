/* Windows in the making (SPEC section 5): the stored chunks wait in a nameless file beside the
 * output until they fill a window and half of the next, so that the last window of an image is
 * never a tiny one; then a window is written, rows of symbols first, repair rows after them. Memory
 * is bounded: two bands of rows' worth, whatever the image. */
#ifndef IMAGING_PACK_WINDOW_H
#define IMAGING_PACK_WINDOW_H

#include "imaging/image/image.h"

/* A window closes at this many chunks even when its bytes would hold more: a disk of nearly empty
 * chunks. */
#define WINDOW_CHUNKS_MAX 524288
/* Repair rows stored with each window: all that T = 256 has. Serving is then reading; only more
 * than 256 repair symbols, or another T, cost the sender any coding. */
#define WINDOW_REPAIR 256

struct window_piece {
    uint64_t at; /* in the spool */
    uint32_t len;
    uint32_t start; /* in its block, once laid out */
    uint32_t next;  /* piece of the same block, or WINDOW_NONE */
};

#define WINDOW_NONE UINT32_MAX
/* A block must hold any chunk, and a quarter of a window be more than two. */
#define WINDOW_K_LEAST 100

struct fec_scratch;

struct window_maker {
    int out, spool;
    uint32_t max_k;    /* symbols of the largest block */
    uint64_t out_at;   /* where the next window begins */
    uint64_t spool_at; /* where the next chunk goes: round and round in a file of bounded size */
    uint64_t waiting;  /* bytes in the spool */
    uint32_t pieces;
    struct window_piece *piece; /* in ordinal order */
    uint32_t first[IMG_MAX_D];  /* of each block */
    uint8_t *band, *acc;
    struct fec_scratch *scratch;
    uint32_t ordinal, blocks, windows; /* written so far */
    /* Told of each window when it has been written; nonzero ends the making with that code. */
    int (*written)(void *ctx, const struct img_window *);
    void *ctx;
};

/* Writes windows to the descriptor `out` from IMG_STREAM_OFFSET on, spooling beside the file
 * `beside`. */
int window_start(struct window_maker *, int out, const char *beside, uint32_t max_k,
                 int (*written)(void *, const struct img_window *), void *ctx, struct err *);
/* The next data chunk's stored bytes; may write a window. */
int window_add(struct window_maker *, const uint8_t *stored, uint32_t len, struct err *);
/* Writes what is left, as one window or two of about the same size. */
int window_finish(struct window_maker *, struct err *);
void window_end(struct window_maker *);

#endif
