/* Makes the repair rows that the image does not store (T >= 512, steered repair): a thread sums up
 * a window's source rows while they are being sent, and has the repair rows ready in batches when
 * they are due.
 *
 * Memory is reserved when opened and touched when first needed: D accumulators of T rows, two
 * batches, and T rows of a few blocks as they are read. */
#ifndef IMAGING_SEND_ENCODE_H
#define IMAGING_SEND_ENCODE_H

#include <stdbool.h>
#include <stdint.h>

#include "imaging/image/file.h"
#include "net/wire/err.h"

#define ENCODE_BATCH 128 /* repair rows made at once */

struct encode;

/* The largest T (as lg2, 8: none but the stored rows) whose sums for the image's widest window fit
 * into `memory` bytes. */
unsigned encode_lg_t_max(const struct img_file *image, uint64_t memory);

/* lg_t_max as above. */
int encode_open(struct encode **out, const struct img_file *image, unsigned lg_t_max,
                struct err *err);
void encode_close(struct encode *e);

/* A visit to window w with 2^lg_t repair symbols begins: its sums start from zero. What was under
 * way is dropped. */
void encode_visit(struct encode *e, const struct img_window *w, unsigned lg_t);

/* Repair row `row` of the visit: the symbols of the window's blocks, one behind the other. NULL:
 * not ready yet. Lent until a row of another batch is asked for; rows are asked for in ascending
 * order. */
const uint8_t *encode_row(struct encode *e, unsigned row);

/* The image's source rows could not be read, or are others than they were. The reason, if err is
 * given. */
bool encode_failed(struct encode *e, struct err *err);

#endif
