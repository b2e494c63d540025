/* The ends of the target, which look empty until everything else is proven: the first and last
 * EDGE_BYTES of the image, and the target's own last ones, where a larger disk has another
 * partition table. */
#ifndef IMAGING_RECEIVE_EDGES_H
#define IMAGING_RECEIVE_EDGES_H

#include "imaging/receive/plan.h"

/* A stretch of the disk. */
struct edge {
    uint64_t at, end;
};

void edges_of(const struct plan *, struct edge edge[3]);

/* Makes the target look empty: zeros in all edges, flushed; looks whether it does if the plan
 * verifies. Before anything else is written, and after a failure. */
int edges_blank(struct plan *, struct err *);

/* Whether all edges read as zeros; a plan that does not verify believes it. */
int edges_check(struct plan *, struct err *);

#endif
