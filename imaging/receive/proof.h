/* Proof: when nothing is written any more, the target is read as a whole: data is hashed against
 * the signed tables, zero ranges must be zeros. A chunk that was read back while others were still
 * to be written would be proven too early: a device may reach beyond the range that it was told to
 * write, and one that has less room than it says writes over what it has. */
#ifndef IMAGING_RECEIVE_PROOF_H
#define IMAGING_RECEIVE_PROOF_H

#include "imaging/receive/plan.h"

#define PROOF_THREADS 4
/* bytes at either end that are read once more after the edges were written */
#define PROOF_NEAR (UINT64_C(32) << 20)
/* and chunks from all over the target: three seconds of a disk with heads */
#define PROOF_SAMPLES 256u

/* Told now and then how far it is, in parts per thousand; false ends it. */
typedef bool proof_progress(void *ctx, unsigned permille);

/* Before the edges are written: all of the target but its edges' data; those must still be zero
 * where the image has zeros. Marks what is right as proven. Several threads, this one too.
 * `progress` may be NULL. 0, the target's failure, or RECEIVE_EINTR. Nothing if the plan does not
 * verify. */
int proof_all(struct plan *, proof_progress *progress, void *ctx, struct err *err);

/* After the edges, when the very last byte is written: what lies near them, which their writing may
 * have touched, and a sample of all, data and zeros alike. */
int proof_last(struct plan *, struct err *err);

#endif
