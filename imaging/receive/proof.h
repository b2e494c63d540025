/* Proof: what was written is read back from the target and hashed against the signed tables, while reception goes
 * on; and what must read as zeros is made so and looked at. Nothing passes that was not read back. */
#ifndef IMAGING_RECEIVE_PROOF_H
#define IMAGING_RECEIVE_PROOF_H

#include "imaging/receive/plan.h"

struct proof;

/* Starts both threads: one for read-back (if the plan verifies), one that discards free ranges and zeroes the zero
 * ranges of a target that is not blank. Keeps plan. */
int proof_open(struct proof **out, struct plan *plan, struct err *err);

/* Chunks [ordinal, ordinal + n), neighbours on the disk, have been written. Called by the one writing thread. */
void proof_written(struct proof *p, uint32_t ordinal, uint32_t n);

/* Waits until all that was announced is proven and all zero ranges are zero. After store_drain. */
void proof_drain(struct proof *p);
/* Reads chunks from all over the target once more, if the plan verifies: on a disk that has less room than it says, what was written later lies
 * where something else had been read back. A sample, which finds what is large. After proof_drain. 0, or the target's failure. */
int proof_again(struct proof *p, struct err *err);
/* After store_close. */
void proof_close(struct proof *p);

#endif
