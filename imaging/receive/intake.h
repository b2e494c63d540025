/* The receiver's first stage: every symbol of the stream passes through here, on one thread. It
 * keeps the newest rows in memory, hands complete chunks to the workers, folds closed runs into the
 * blocks' sums, sets incomplete chunks aside, and has blocks decoded as soon as k of their symbols
 * are there.
 *
 * When the disk cannot keep up, rows are still in use when their memory is wanted again. Then the
 * intake waits, and the source's memory fills. Beyond INTAKE_SHED percent of it so many blocks are
 * left out for the rest of the visit that the disk, at the speed it has shown, can take the others:
 * whole blocks are skipped on purpose, and come again in the next pass, rather than symbols of all
 * blocks being lost at random. Below INTAKE_ROOM percent a quarter of those left out is taken
 * again, so that the disk never rests; what they missed meanwhile comes in the next pass too. */
#ifndef IMAGING_RECEIVE_INTAKE_H
#define IMAGING_RECEIVE_INTAKE_H

#include "imaging/receive/plan.h"
#include "imaging/receive/track.h"
#include "imaging/receive/work.h"
#include "net/wire/frames.h"

#define INTAKE_SLOTS (2 * TRACK_MAX_BLOCKS) /* blocks begun and not done: two windows */
#define INTAKE_ROOM 10 /* percent of the source's memory: blocks left out are taken again */
#define INTAKE_SHED 50 /* percent of the source's memory: blocks are left out */
/* runs until it shows whether leaving blocks out was enough: what is in memory must pass first */
#define INTAKE_PATIENCE 8
#define INTAKE_FULL 90 /* percent: a block whose rows are in use is left out at once */
#define INTAKE_GRACE_MS                                                                            \
    200 /* a source that does not tell: so long a wait counts as 100 percent                       \
         */

struct intake {
    struct plan *plan;
    struct work *work;
    struct track track;
    struct track_window *windows;
    void *track_memory;
    struct rows rows;
    /* by row % ROWS_HELD: stored in this visit, run not closed */
    uint64_t in_rows[TRACK_MAX_BLOCKS][ROWS_HELD / 64];
    /* the run whose rows the even and odd half hold */
    uint16_t run_of[TRACK_MAX_BLOCKS][2];
    /* where the block's newest row was found in its chunk list */
    uint32_t at_chunk[TRACK_MAX_BLOCKS];
    uint8_t *left; /* by ordinal: symbols still missing; 0: complete, in work or finished */
    uint8_t *sums; /* by slot, sums_stride apart */
    size_t sums_stride;
    unsigned lg_t;           /* what the stride allows */
    bool lent[INTAKE_SLOTS]; /* by slot: slot and sums are in a worker's hands */
    unsigned lg_t_asked;     /* the largest that was on the wire */
    uint16_t closed;         /* rows below are closed */
    uint16_t top_run;
    uint32_t visit_blocks, visit_taken, visit_shed;
    /* row from which on all open blocks were taken, or UINT32_MAX: some are left out */
    uint32_t all_from;
    uint32_t shed_run;            /* the run in which blocks were last left out, or NO_RUN */
    uint64_t seen_ns, seen_bytes; /* of writing, when the visit began */
    uint64_t wire_rate;           /* of the stream in bytes/s as the sender says; 0: not known */
    struct frame_source source;   /* asked for its backlog; all NULL: not known */
    bool patient;                 /* wait as long as it takes: the source can wait too */
    struct fec_scratch *scratch;
};

/* Takes all memory. Chunks that the plan calls finished are not waited for. Keeps plan; `work`
 * follows by intake_start, since workers need the rows first. */
int intake_init(struct intake *in, struct plan *plan, bool patient, struct err *err);
void intake_start(struct intake *in, struct work *work);
void intake_free(struct intake *in);

/* One authentic symbol of the stream (see track_symbol for the numbers); borrows it. */
void intake_symbol(struct intake *in, uint32_t cci, uint32_t sbn, uint16_t k, uint16_t esi,
                   uint8_t lg_t, const uint8_t *symbol);

/* Takes notice of what the workers report. Call now and then; when poisoned is not NULL, it is set
 * to whether a block had to be thrown away. */
void intake_events(struct intake *in, bool *poisoned);

static inline bool intake_complete(const struct intake *in)
{
    return track_complete(&in->track);
}

#endif
