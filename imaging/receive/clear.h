/* What is done to the target before the first chunk is written, and beside the writing, on a thread
 * of its own:
 *
 *   marks ──> discard ──> plan.ready: chunks may be written ──> zero ranges are made zero
 *
 * Marks are written at powers of two and at the disk's end, and read back when all are there: a
 * disk that has less room than it says returns another mark, or none. What was at their places is
 * put back. The target is discarded as a whole, the edges apart, and flushed, or not at all: not
 * when something on it is to be kept, and never beside or after a write, because a device may let
 * go of more than it was told. Zero ranges are read, and written where they are not zero. Whether
 * that took is seen at the end (proof.h). */
#ifndef IMAGING_RECEIVE_CLEAR_H
#define IMAGING_RECEIVE_CLEAR_H

#include "imaging/receive/plan.h"

struct clear;

/* Starts the thread. `write`: chunks will be written; else only the zero ranges are looked at. The
 * edges are blank by then. Keeps plan. */
int clear_open(struct clear **out, struct plan *plan, bool write, struct err *err);
/* Waits until all zero ranges are zero, or the plan is stopped. */
void clear_wait(struct clear *);
void clear_close(struct clear *);

#endif
