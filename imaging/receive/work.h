/* Working threads: from symbols in memory to verified raw chunks. A block's jobs all go to the same
 * thread, in order, so that a chunk is parked, completed and decoded by one hand. Decoding waits
 * for the other jobs, of whichever block. */
#ifndef IMAGING_RECEIVE_WORK_H
#define IMAGING_RECEIVE_WORK_H

#include "imaging/fec/fec.h"
#include "imaging/receive/park.h"
#include "imaging/receive/plan.h"
#include "imaging/receive/store.h"
#include "imaging/receive/track.h"

#define ROWS_HELD (2 * TRACK_RUN) /* rows of a visit in memory: two runs */
#define WORK_WRONG_MAX 4          /* so often the same wrong content of a chunk fails the machine */
#define WORK_MAX 4                /* threads */
#define WORK_DECODES 256          /* blocks being decoded or waiting for it */

/* The newest symbols of each block of the window under way: row r of block d lies at slot r %
 * ROWS_HELD. Written by the intake alone; a run's slots of a block are not written again while a
 * job still refers to them. */
struct rows {
    uint8_t *bytes; /* [block][ROWS_HELD][IMG_SYMBOL_BYTES] */
    /* jobs that refer to the even and the odd run of the block */
    _Atomic uint16_t refs[TRACK_MAX_BLOCKS][2];
};

static inline uint8_t *rows_at(const struct rows *r, uint32_t block, uint32_t row)
{
    return r->bytes + ((size_t)block * ROWS_HELD + row % ROWS_HELD) * IMG_SYMBOL_BYTES;
}

enum job_kind {
    JOB_FILL,   /* symbols of a chunk are in the rows: complete the chunk, or park them */
    JOB_DECODE, /* k symbols of a block are in its sums: recover the others, complete its chunks */
    JOB_FORGET, /* drop what is parked of a block */
};

struct job {
    uint8_t kind;
    uint8_t block;  /* FILL: in the window */
    uint8_t halves; /* FILL: bit h: refers to run h of rows.refs */
    uint32_t which; /* FILL: chunk ordinal; else SBN */
    union {
        struct park_mask mask; /* FILL: which of the chunk's symbols are in the rows */
        struct {
            const struct track_slot *slot; /* DECODE: lent until EVENT_DECODED */
            uint8_t *sums;
        } decode;
    } u;
};

enum event_kind {
    EVENT_DONE,     /* every chunk of the block is finished */
    EVENT_POISONED, /* a chunk did not have its hash, or could not be kept: receive the block again.
                       Said once until JOB_FORGET */
    EVENT_DECODED,  /* a decode has ended, well or not: its slot and sums are given back */
};

struct event {
    uint32_t kind, sbn;
};

struct work;

/* Starts `threads` threads (0: one less than there are CPUs, at least 1). Keeps all pointers. */
int work_open(struct work **out, struct plan *plan, struct rows *rows, struct park *park,
              struct store *store, unsigned threads, struct err *err);

/* Intake only: hands a job to its block's thread, waiting for room in its queue. */
void work_give(struct work *w, uint32_t sbn, const struct job *job);
/* Intake only: the next event of any thread; false when there is none. */
bool work_event(struct work *w, struct event *out);
/* True when no job waits or runs. */
bool work_idle(struct work *w);
/* Ends the threads and frees all. */
void work_close(struct work *w);

#endif
