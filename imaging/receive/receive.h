/* The receiving stages joined, in reading order: open (what is there already?) → packets or rows in
 * → finish (all written, then all proven, the edges last). A newcomer reads receive.c from top to
 * bottom.
 *
 *     receive_open ──> receive_poll … until receive_complete ──> receive_finish ──> receive_close
 *                 └──> receive_rows (a file or a unicast stream) ──┘
 */
#ifndef IMAGING_RECEIVE_RECEIVE_H
#define IMAGING_RECEIVE_RECEIVE_H

#include "imaging/receive/collect.h"
#include "imaging/receive/plan.h"

/* for everything at the default T: a target may have 512 MB in all */
#define RECEIVE_MEMORY ((size_t)288 << 20)
/* half of the free memory beyond this is taken for incomplete chunks and for writing as well */
#define RECEIVE_PLENTY (UINT64_C(1) << 30)
#define RECEIVE_PLENTY_MAX (UINT64_C(4) << 30) /* two windows of 128 blocks */
#define RECEIVE_PARK_MIN ((size_t)16 << 20)

struct receive_options {
    bool verify;       /* read back what was written */
    bool patient;      /* the source can wait (not the ring) */
    unsigned threads;  /* workers; 0: by the number of CPUs */
    size_t memory;     /* for everything; 0: RECEIVE_MEMORY, and more where there is plenty */
    size_t park_bytes; /* memory for incomplete chunks; 0: what the rest leaves of `memory` */
    /* progress of looking at the target, first and last; false: no more. May be NULL */
    bool (*scanned)(void *ctx, unsigned permille);
    int (*last_look)(void *ctx,
                     struct err *err); /* once, immediately before the target is first written; not
                                          0: it is not written. May be NULL */
    void *ctx;
};

struct receive;

/* Looks at the target, takes all memory, starts the threads, and then makes the target look empty
 * if anything has to be written. Keeps head, body and disk. Nothing is written before the look is
 * over and memory is there. */
int receive_open(struct receive **out, const struct img_head *head, const struct img_body *body,
                 struct disk *disk, const struct receive_options *opt, struct err *err);

/* Lets c give symbols to this receiver, those it kept first: sets its intake, its counts and the
 * bound. The source (NULL: none that knows) is asked for its backlog when the disk is behind;
 * copied. */
void receive_attach(struct receive *r, struct collect *c, const struct frame_source *source);

/* Takes notice of what the workers did. Call between polls. */
void receive_events(struct receive *r);

/* True when every chunk is on its way to the disk: no more packets are needed. */
bool receive_complete(const struct receive *r);

/* No more packets will come: waits for the workers; whether what they had was enough. */
bool receive_settle(struct receive *r);

/* Takes n bytes of the image file that lie at `offset`; anything but 0 ends the transfer with that
 * as its result. */
typedef int receive_sink(void *ctx, uint64_t offset, const uint8_t *bytes, size_t n);
/* Brings bytes [from, to) of the image file to the sink, in order. 0, an error, or what the sink
 * returned. */
typedef int receive_fetch(void *ctx, uint64_t from, uint64_t to, receive_sink *sink, void *sink_ctx,
                          struct err *err);

/* Feeds the image's source rows from a file or a unicast stream instead of the ring; windows that
 * are there already are not fetched. Returns when all is taken or something failed. */
int receive_rows(struct receive *r, receive_fetch *fetch, void *ctx, struct err *err);

/* Waits for writing and proof, then writes the edges. 0: every byte the image defines is on the
 * target and, if asked for, was read back. Otherwise the first failure of any stage, and the target
 * looks empty. */
int receive_finish(struct receive *r, struct err *err);

/* Stops everything at once; receive_finish then says why. From any thread. */
void receive_stop(struct receive *r, const struct err *why);
bool receive_stopped(struct receive *r);

struct receive_counts *receive_counts(struct receive *r);

/* Ends all threads: the counts do not change any more. After receive_finish. */
void receive_halt(struct receive *r);
/* Ends all threads and frees all. */
void receive_close(struct receive *r);

#endif
