/* What the target holds already: chunks that hash right are kept, so that a receiver that was
 * killed goes on where it was, and a machine that has nearly this image is done quickly. */
#ifndef IMAGING_RECEIVE_KEEP_H
#define IMAGING_RECEIVE_KEEP_H

#include "imaging/receive/plan.h"
#include "imaging/receive/store.h"

#define KEEP_SAMPLES 256u /* chunks looked at first; if none is right, the rest is not read */

/* Told now and then how far the look is, in parts per thousand; false ends it. */
typedef bool keep_progress(void *ctx, unsigned permille);

/* Reads the target and marks in the plan what may stay. Edge chunks that are right are given to the
 * store. What cannot be read is not kept. `progress` may be NULL. Returns 0, RECEIVE_EMEMORY, or
 * RECEIVE_EINTR when progress said so. */
int keep_scan(struct plan *plan, struct store *store, keep_progress *progress, void *ctx,
              struct err *err);

#endif
