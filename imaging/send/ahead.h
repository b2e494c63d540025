/* The image's stream, read for the sender: the sender's thread takes bytes that the kernel has in
 * memory, through a block that stays in the processor's cache; a thread beside it has the kernel
 * read what comes next, waits for what is late, and finds out what cannot be read. Nothing is
 * mapped, so a bad sector and a file that somebody cuts short are errors and no signals. Every
 * block is used only if the file has the size and the time of change that it was opened with; a
 * suspended sender's file is looked at each second.
 *
 *   sender ──ahead_at──> preadv2(RWF_NOWAIT) ──> block
 *           ──> frames     not there: the sender asks again later
 *                               │ late
 *   reading thread <────────────┘   posix_fadvise far ahead, pread of what is late
 *
 * Where a file system cannot be asked without waiting (FAT, memory), the thread waits until what
 * was asked for is there, and the sender reads only behind it. Positions are bytes of the stream
 * counted over all passes: they only grow. */
#ifndef IMAGING_SEND_AHEAD_H
#define IMAGING_SEND_AHEAD_H

#include <stdbool.h>
#include <stdint.h>

#include "imaging/image/file.h"
#include "net/wire/err.h"

#define AHEAD_SYMBOLS 192 /* that the sender reads at once */

struct ahead;

/* Has `bytes` of the image's stream read ahead. Starts at once, at the stream's beginning. All
 * memory is taken here. */
int ahead_open(struct ahead **out, const struct img_file *image, uint64_t bytes, struct err *err);
void ahead_close(struct ahead *a);

/* The n symbols (1 .. AHEAD_SYMBOLS) of the stream from `position` on, which do not cross the end
 * of a pass. What lies before is no longer needed. Lent until the next call. NULL: not yet, or,
 * when ahead_failed, never. Does not wait. */
const uint8_t *ahead_at(struct ahead *a, uint64_t position, unsigned n);

/* The file cannot be read, or is another than it was: nothing more comes. The reason, if err is
 * given. */
bool ahead_failed(struct ahead *a, struct err *err);

#endif
