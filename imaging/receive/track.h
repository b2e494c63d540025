/* What a receiver knows of one object: which symbols of which source blocks it holds, and what each
 * arriving symbol means. Pure bookkeeping: no payload, no clock, no heap; the product and the
 * simulator run the same code.
 *
 * The order in which symbols come is the carousel's (imaging/packet/SPEC.md section 3): window by
 * window, row by row. track does not rely on it for correctness, only for speed and memory: it
 * keeps two runs of TRACK_RUN rows "open", in which symbols may arrive in any order, and tells its
 * caller when a run is closed, so that the caller can fold the run's symbols into the block's sums
 * (imaging/fec) and reuse their memory.
 *
 *   symbol ──> track_symbol ──> TRACK_TAKE: store the payload at (block, row)
 *                           ──> close_below: rows below it may be folded and forgotten
 *                           ──> ready: k symbols of this block are held: decode it
 *
 * Memory: track_bytes() of the caller's, for the object's life. A *slot* is the bitmap (and, with
 * the caller, the sums) of one block that is neither done nor untouched; there are fewer slots than
 * blocks. When slots run out the one of another window that holds least is given up: what it held
 * must be received again. */
#ifndef IMAGING_RECEIVE_TRACK_H
#define IMAGING_RECEIVE_TRACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TRACK_RUN 128u        /* rows in a run */
#define TRACK_MAX_BLOCKS 128u /* source blocks in a window */
#define TRACK_MAX_ESI 16384u  /* 12288 source + 4096 repair symbols */
/* so many stale ones in a row, and the newest number is not believed any more */
#define TRACK_BEHIND 1000u
#define TRACK_NO_SLOT 0xffffu
#define TRACK_NONE UINT32_MAX

struct track_window {
    uint32_t first_sbn;
    uint16_t blocks; /* D, 1 … TRACK_MAX_BLOCKS */
    uint16_t k;      /* source symbols of each block */
};

struct track_slot {
    uint32_t sbn;  /* meaningful while used */
    uint16_t have; /* distinct symbols held, source and repair */
    uint8_t lg_t;  /* the code's parameter these sums are made for */
    bool used;
    uint64_t bits[TRACK_MAX_ESI / 64]; /* by ESI */
};

enum track_state { TRACK_OPEN, TRACK_READY, TRACK_DONE };

enum track_verdict {
    TRACK_TAKE,  /* new and wanted */
    TRACK_DUP,   /* held already */
    TRACK_HAVE,  /* its block is ready or done */
    TRACK_STALE, /* too late: its run is closed. After TRACK_BEHIND of them in a row the packet
                    number that made them late was a lie (a member of the group can tell one), and
                    the visit is taken up where it is */
    /* its block is not taken in this visit (slow disk, no slot, repair of another T) */
    TRACK_SKIP,
    TRACK_BAD, /* contradicts the object's shape */
};

struct track_act {
    enum track_verdict verdict;
    /* first symbol of a visit: fold and forget all rows of the visit before */
    bool new_visit;
    bool fresh;     /* the slot was just given to this block: its sums start at zero */
    bool ready;     /* with this symbol the block can be decoded; it is TRACK_READY now */
    uint16_t slot;  /* with TRACK_TAKE */
    uint16_t block; /* in the window */
    uint16_t row;   /* place in the visit's order: the ESI */
    /* rows below this one are closed in this visit (a multiple of TRACK_RUN) */
    uint16_t close_below;
    /* SBN of the block whose slot was taken away; all it held is lost. Or TRACK_NONE */
    uint32_t evicted;
};

struct track {
    const struct track_window *windows; /* kept, caller's */
    uint32_t n_windows, n_blocks;
    uint8_t *state;    /* enum track_state by SBN */
    uint16_t *slot_of; /* by SBN, or TRACK_NO_SLOT */
    struct track_slot *slots;
    uint32_t n_slots;
    uint32_t done;    /* blocks done */
    uint32_t lacking; /* blocks open: they need more symbols */
    /* the visit under way */
    bool started;
    uint32_t window;   /* index */
    uint32_t last_cci; /* newest packet number seen */
    uint16_t first_row, high_row, close_below;
    uint16_t behind;                       /* packets in a row that were found too late */
    uint64_t admit[TRACK_MAX_BLOCKS / 64]; /* blocks taken in this visit */
    /* source symbols that came in this visit, wanted or not */
    uint16_t got[TRACK_MAX_BLOCKS];
    /* policy and figures */
    uint32_t share; /* 1 … 256: part of a window's blocks taken at most in a visit */
    uint32_t visits;
    uint32_t worst_ppm; /* worst block loss of the last finished visit, parts per million */
    uint32_t evicted;   /* blocks given up for lack of slots */
};

/* Bytes that track_init needs for an object of n_blocks source blocks and n_slots slots (1 …
 * 65534). */
size_t track_bytes(uint32_t n_blocks, uint32_t n_slots);

/* Starts with nothing held. Keeps `windows` (in SBN order, without gaps) and `memory` (aligned for
 * uint64_t). */
void track_init(struct track *t, const struct track_window *windows, uint32_t n_windows,
                uint32_t n_slots, void *memory);

/* One authentic packet: cci its packet number, k and lg_t as it says. The caller acts on the result
 * before the next call, in this order: new_visit, close_below, evicted, fresh, then store the
 * symbol, then ready. */
struct track_act track_symbol(struct track *t, uint32_t cci, uint32_t sbn, uint16_t k, uint16_t esi,
                              uint8_t lg_t);

/* Packet numbers start anew: the next packet is the newest, whatever its number. */
void track_new_numbers(struct track *t);

/* The block's content is on the disk: frees its slot. Any state but DONE may become DONE. */
void track_block_done(struct track *t, uint32_t sbn);

/* What was held of the block proved wrong or unusable: forget it and receive it again. Not for DONE
 * blocks. */
void track_block_forget(struct track *t, uint32_t sbn);

/* The symbol just taken could not be stored: takes it back and leaves its block out for the rest of
 * the visit. */
void track_refuse(struct track *t, uint32_t sbn, uint16_t esi);

/* Leaves out `n` of the blocks taken in the visit under way, the last ones first, but never all.
 * Returns how many. */
uint32_t track_shed(struct track *t, uint32_t n);

/* Takes up to `n` of the open blocks left out in the visit under way again, the first ones first.
 * Returns how many. */
uint32_t track_admit(struct track *t, uint32_t n);

/* Blocks of the window under way that are still open, and how many of them are taken. */
void track_open_blocks(const struct track *t, uint32_t *open, uint32_t *taken);

/* Part of a window's blocks to take at most in a visit, 1 … 256 (256: all). Chooses anew for the
 * visit under way, so call it when one has just begun. */
void track_set_share(struct track *t, uint32_t share);

static inline bool track_complete(const struct track *t)
{
    return t->done == t->n_blocks;
}

static inline bool track_bit(const struct track_slot *s, uint32_t esi)
{
    return s->bits[esi / 64] >> (esi % 64) & 1;
}

#endif
