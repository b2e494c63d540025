/* Writing: verified raw chunks in, large sequential writes out. Chunks come nearly in disk order
 * (the image is laid out for that), so a few dozen buffers are enough to join neighbours into runs.
 *
 * Nothing is written before plan.ready is set. The first and last EDGE_BYTES of the image are kept
 * in memory and written by store_edges, when everything else is proven: until then the target looks
 * empty and does not boot. */
#ifndef IMAGING_RECEIVE_STORE_H
#define IMAGING_RECEIVE_STORE_H

#include "imaging/receive/plan.h"

struct store;

#define STORE_BUFFERS 160u      /* of IMG_CHUNK_BYTES, at least: 20 MB */
#define STORE_BUFFERS_MAX 8192u /* 1 GB */
#define STORE_RUN 16u           /* chunks worth writing at once: 2 MiB */

/* Starts the writing thread, which has `buffers` of IMG_CHUNK_BYTES (STORE_BUFFERS to
 * STORE_BUFFERS_MAX): what a slow disk may be behind. Keeps plan. */
int store_open(struct store **out, struct plan *plan, uint32_t buffers, struct err *err);

/* A buffer of IMG_CHUNK_BYTES, aligned for the disk; waits for one. NULL once the plan is stopped.
 * Any thread. */
uint8_t *store_buffer(struct store *s);
/* Gives a buffer back unused. */
void store_return(struct store *s, uint8_t *raw);
/* Gives the verified content of a chunk, in a buffer of store_buffer. */
void store_put(struct store *s, uint32_t ordinal, uint8_t *raw);
/* Keeps a copy of an edge chunk that the target holds already. */
void store_keep_edge(struct store *s, uint32_t ordinal, const uint8_t *raw);

/* Waits until everything given has been written. */
void store_drain(struct store *s);
/* Writes the edges, flushes, and reads them back if the plan verifies; the first chunk last, after
 * the partition table's copy was put at the disk's end (move.h), and its first sector after all the
 * rest of it. All other stages are done by then. */
int store_edges(struct store *s, struct err *err);

/* Ends the thread (after stop or drain) and frees all. */
void store_close(struct store *s);

#endif
