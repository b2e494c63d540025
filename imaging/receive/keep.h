/* What the target holds already: chunks that hash right are kept, so that a receiver that was killed goes on where it
 * was, and a machine that has nearly this image is done quickly. */
#ifndef IMAGING_RECEIVE_KEEP_H
#define IMAGING_RECEIVE_KEEP_H

#include "imaging/receive/plan.h"
#include "imaging/receive/store.h"

#define KEEP_SAMPLES 256u /* chunks looked at first; if none is right, the rest is not read */

/* Reads the target and marks in the plan what may stay. Edge chunks that are right are given to the store. `progress`
 * (may be NULL) is called with parts per thousand. Returns 0 or the disk's error. */
int keep_scan(struct plan *plan, struct store *store, void (*progress)(void *, unsigned), void *ctx,
              struct err *err);

#endif
