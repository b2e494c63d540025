/* Proof that an opened image is whole: every chunk unpacks and hashes right, unused bytes of the
 * blocks are zero, every stored repair symbol is that of its block. Reads the stream once, in
 * order; about 80 MB of memory. */
#ifndef IMAGING_IMAGE_CHECK_H
#define IMAGING_IMAGE_CHECK_H

#include <stdatomic.h>

#include "imaging/image/file.h"

/* The first fault ends it. stop and progress (told of stream bytes done) may be NULL. */
int img_check(const struct img_file *, const atomic_int *stop,
              void (*progress)(void *ctx, uint64_t done), void *ctx, struct err *);

#endif
