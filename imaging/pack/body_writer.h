/* The body of an image in the making (SPEC section 4): its tables grow in nameless files, so that a
 * disk of any size needs no memory for them. Inside of pack.c. */
#ifndef IMAGING_PACK_BODY_WRITER_H
#define IMAGING_PACK_BODY_WRITER_H

#include <stdio.h>

#include "imaging/hash/merkle.h"
#include "imaging/image/image.h"

struct body_writer {
    FILE *runs, *windows, *chunks;
    uint8_t state;      /* of the run that grows */
    uint32_t run;       /* its chunks so far; 0: none yet */
    struct merkle tree; /* over the chunk hashes */
};

/* Scratch files are made beside `beside`. */
int body_start(struct body_writer *, const char *beside, struct err *);
void body_end(struct body_writer *);

/* The next chunk of the disk. */
int body_add_chunk(struct body_writer *, uint8_t state, struct err *);
/* And, when it is a data chunk, what the chunk table says of it. */
int body_add_data(struct body_writer *, uint32_t stored_len, const uint8_t hash[IMG_HASH_BYTES],
                  struct err *);
int body_add_window(struct body_writer *, const struct img_window *, struct err *);

/* Puts the whole body into fd at `at` and sets body_bytes, body_hash and root of the head. */
int body_finish(struct body_writer *, const struct img_part *parts, unsigned nparts, int fd,
                uint64_t at, struct img_head *, struct err *);

#endif
