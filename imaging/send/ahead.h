/* Reads ahead of the sender: a thread that has the next rows brought into memory and mapped, so that the sending thread never
 * waits for a disk inside a copy, and never meets a page that cannot be read.
 *
 * Positions are bytes of the stream counted over all passes: they only grow. Sender: `ahead_want` where it is, `ahead_ready`
 * before it reads. */
#ifndef IMAGING_SEND_AHEAD_H
#define IMAGING_SEND_AHEAD_H

#include <stdbool.h>
#include <stdint.h>

#include "imaging/image/file.h"
#include "net/wire/err.h"

struct ahead;

/* Keeps `bytes` of the image's stream ready. Starts at once, at the stream's beginning. */
int ahead_open(struct ahead **out, const struct img_file *image, uint64_t bytes, struct err *err);
void ahead_close(struct ahead *a);

/* The sender is at `position`: the stream's bytes before it are no longer needed. Cheap; wakes the thread now and then. */
void ahead_want(struct ahead *a, uint64_t position);

/* Everything between the last ahead_want and `position` is in memory. */
bool ahead_ready(const struct ahead *a, uint64_t position);

/* The file could not be read: nothing more becomes ready. */
bool ahead_failed(const struct ahead *a);

/* Brings n bytes at `offset` of the file into memory and waits for them; false when they cannot be read. What the
 * thread does, for others. */
bool ahead_populate(const struct img_file *image, uint64_t offset, uint64_t n);

#endif
