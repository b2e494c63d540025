/* Making an image: source in, `.ring` file out, in one pass and bounded memory (about 200 MB
 * whatever the size). */
#ifndef IMAGING_PACK_PACK_H
#define IMAGING_PACK_PACK_H

#include <stdatomic.h>
#include <stdbool.h>

#include "imaging/image/image.h"
#include "imaging/image/sign.h"

struct pack_progress {
    uint64_t done, total; /* of the source, in its own measure; total 0: not known */
    uint64_t raw, stored; /* bytes of data chunks so far, before and after compression */
};

struct pack_options {
    const char *source, *output;
    const char *name;           /* plain UTF-8 of 1 .. 64 bytes, or NULL: after the source */
    const char *label;          /* plain UTF-8 of 0 .. 32 bytes */
    const struct sign_key *key; /* NULL: unsigned */
    int level;                  /* LZ4 HC, 1 .. 12 */
    unsigned threads;           /* for compression, 1 .. 64 */
    uint32_t max_k;             /* 0, or for tests: as window.h says */
    bool force;                 /* replace an existing output */
    uint64_t created;           /* seconds since 1970 */
    const atomic_int *stop;     /* set by a signal: gives up with IMG_EINTR; may be NULL */
    void (*progress)(void *ctx, const struct pack_progress *);
    void (*note)(void *ctx, const char *text); /* what a person should know */
    void *ctx;
};

struct pack_result {
    struct img_head head;
    uint64_t zero_bytes, free_bytes; /* of the source, left out */
    uint64_t stored_bytes;           /* the data chunks' stored bytes */
    uint64_t file_bytes;
};

/* Packs. The output has its name only when it is whole: on any error nothing is left behind. The
 * same source, options and key give the same bytes. */
int img_pack(const struct pack_options *, struct pack_result *, struct err *);

#endif
