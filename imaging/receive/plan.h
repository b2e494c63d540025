/* What all receiving stages share: the image, the target, what became of each chunk, and the first
 * failure.
 *
 * The stages, in the order data takes through them, each on threads of its own:
 *   packets ──> intake (track, rows, sums) ──> work (unpack, hash, decode)
 *           ──> store (write)      then: proof (read back)
 * Nothing flows back but three small signals: a block is done, a block proved wrong, a buffer is
 * free. */
#ifndef IMAGING_RECEIVE_PLAN_H
#define IMAGING_RECEIVE_PLAN_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "imaging/disk/disk.h"
#include "imaging/image/image.h"

#define RECEIVE_ERRORS(X)                                                                          \
    X(RECEIVE_EMEMORY, -800, "there is not enough memory to receive")                              \
    X(RECEIVE_ETHREAD, -801, "a thread cannot be started")                                         \
    X(RECEIVE_EREADBACK, -802, "the target does not return what was written to it")                \
    X(RECEIVE_ECHUNK, -803, "a chunk of the source does not have its hash")                        \
    X(RECEIVE_ETIMEOUT, -804, "nothing arrived for too long")                                      \
    X(RECEIVE_ECLOSED, -805, "the sender ended the session")                                       \
    X(RECEIVE_EBODY, -806, "the image's body does not have its hash")                              \
    X(RECEIVE_EINTR, -807, "interrupted")                                                          \
    X(RECEIVE_ESOURCE, -808, "the source ended too early")                                         \
    X(RECEIVE_EUNPROVEN, -809, "a chunk was not proven to be on the target")                       \
    X(RECEIVE_ECOUNTERFEIT, -810, "the target has less room than it says")

#define X(name, code, text) name = code,
enum receive_error { RECEIVE_ERRORS(X) };
#undef X

/* of the disk's head and of its tail: zero until all else is proven */
#define EDGE_BYTES (UINT64_C(1) << 20)

/* What is known of a chunk's content; grows only (of an edge that is made blank: falls back to
 * RIGHT). */
enum chunk_state {
    CHUNK_MISSING,
    CHUNK_RIGHT,   /* has its hash, in memory */
    CHUNK_WRITTEN, /* the target took it */
    CHUNK_PROVEN,  /* the target returned it, and it had its hash */
};

/* What became of the copy of the partition table on a disk of another size than the image's
 * (move.h). */
enum table_fate { TABLE_AS_IS, TABLE_MOVED, TABLE_LEFT };

/* Counters for the board, beacons and the report. Written by their stage, read by anyone. */
struct receive_counts {
    /* authentic ones of the stream; those that brought something */
    _Atomic uint64_t packets, wanted;
    /* of the body; of the stream before the body was there, not kept */
    _Atomic uint64_t body_packets, early;
    _Atomic uint64_t foreign, forged, malformed; /* another session's; wrong tag; not a packet */
    _Atomic uint64_t stale, skipped, bad;        /* see track.h */
    _Atomic uint64_t lost;                       /* packet numbers that never came */
    /* times of the first, of the as-many-as-source'th, of the last packet */
    _Atomic uint64_t first_ns, bound_ns, last_ns;
    _Atomic uint64_t unpacked, written, proven, kept; /* chunks */
    _Atomic uint64_t decoded, poisoned; /* blocks repaired; blocks thrown away for a wrong hash */
    _Atomic uint64_t repaired;          /* symbols that repair symbols stood in for */
    _Atomic uint64_t parked_ram, parked_disk; /* chunks set aside incomplete */
    _Atomic uint64_t shed;                    /* blocks left out because the machine was behind */
    _Atomic uint32_t left_out;                /* open blocks of the visit that are not taken now */
    _Atomic uint64_t write_ns, write_bytes;   /* time inside writes, for the disk's rate */
    /* when the write under way began (monotonic); 0: there is none */
    _Atomic uint64_t write_since;
    _Atomic uint32_t worst_ppm, open_blocks;
    _Atomic uint32_t lacking; /* blocks that need more symbols; the others may still be at work */
    _Atomic int table;        /* enum table_fate */
};

struct plan {
    const struct img_head *head;
    const struct img_body *body;
    struct disk *disk;
    bool verify;            /* read back what was written */
    _Atomic uint8_t *chunk; /* by ordinal: enum chunk_state */
    _Atomic uint32_t *open; /* by SBN: chunks not finished */
    struct receive_counts counts;
    /* chunks may be written: what comes before them is done (clear.h) */
    _Atomic bool ready;
    /* the partition table's copy was put there (move.h); UINT64_MAX: nowhere */
    uint64_t moved_at;
    _Atomic bool touched; /* something on the target was changed */
    _Atomic bool stop;    /* a failure, or the caller wants out */
    struct err fail;      /* the first failure; guarded by fail_lock */
    pthread_mutex_t fail_lock;
};

/* Takes the arguments into an empty plan; nothing finished. Keeps all pointers. 0 or
 * RECEIVE_EMEMORY. */
int plan_make(struct plan *p, const struct img_head *head, const struct img_body *body,
              struct disk *disk, bool verify, struct err *err);
void plan_free(struct plan *p);

/* Records the failure if it is the first, and stops all stages. */
void plan_fail(struct plan *p, const struct err *why);

/* The first failure, into err; its code. 0 when there was none and nothing was stopped. Any thread.
 */
int plan_why(struct plan *p, struct err *err);

static inline bool plan_stopped(struct plan *p)
{
    return atomic_load_explicit(&p->stop, memory_order_relaxed);
}

/* Raw length of data chunk `ordinal`. */
static inline uint32_t plan_raw_len(const struct plan *p, uint32_t ordinal)
{
    return img_raw_len(p->body->raw_bytes, p->body->data[ordinal].number);
}

static inline void plan_set(struct plan *p, uint32_t ordinal, enum chunk_state state)
{
    atomic_store_explicit(&p->chunk[ordinal], (uint8_t)state, memory_order_release);
}

static inline enum chunk_state plan_chunk(const struct plan *p, uint32_t ordinal)
{
    return (enum chunk_state)atomic_load_explicit(&p->chunk[ordinal], memory_order_acquire);
}

/* Its content is known: it need not be received. */
static inline bool plan_finished(const struct plan *p, uint32_t ordinal)
{
    return plan_chunk(p, ordinal) != CHUNK_MISSING;
}

/* Where the image ends on this target, which may be smaller where it ends in chunks without data.
 */
static inline uint64_t plan_end(const struct plan *p)
{
    return p->body->raw_bytes < p->disk->bytes ? p->body->raw_bytes : p->disk->bytes;
}

/* Whether the chunk touches the first or last EDGE_BYTES of the image on this target: those are
 * written last. */
bool plan_edge(const struct plan *p, uint32_t ordinal);

/* The last judge: every chunk (without `edges`: every other one) was written, and read back if the
 * plan verifies. 0 or RECEIVE_EUNPROVEN. */
int plan_judge(const struct plan *p, bool edges, struct err *err);

#endif
