/* Which symbol next? The endless ring over one image, pure: no clock, no heap; the same calls give
 * the same packets.
 *
 *     start -> body (TOI 0) -> window 0 -> window 1 -> ... -> window 0 -> ...  until stop
 *     a visit: rows 0 ... k-1 (source), then r repair rows; a row: that symbol of each of D blocks
 *
 * The order is the same in every pass, always. A receiver that joins anywhere has heard every
 * symbol once after one revolution; any permutation would cost it up to a whole further pass. Only
 * r and T change, per visit, by what the receivers report (steer.h). Repair rows are always
 * 0 ... r-1: a receiver that needs a second visit lacks source symbols, and those come again; fresh
 * repair symbols would gain it next to nothing.
 *
 * The body on demand. A receiver cannot place a symbol before it has the body
 * (`imaging/image/SPEC.md` section 4), so joiners are served one copy of it between the rows: all
 * k0 source symbols of each body block and r0 repair symbols, r0 = steer_need at 5 % loss (at most
 * 256); the next copy carries other repair symbols. The body is a ring of its own: who joins amid a
 * copy is owed only the part that it missed. The numbers:
 *   - At start nobody has it: the first copy goes out alone, and is not charged. Unless repair is
 *     fixed, further copies follow alone until the first report (at most 0.25 % of a pass): the
 *     first receivers measure the loss on them, so that T is right from window 0 on. So report as
 *     soon as the first receiver has the body.
 *   - After that 1 packet in 4 while a copy runs. What a copy costs the others does not depend on
 *     this share, how long the joiner waits does.
 *   - Every packet sent earns 1/400 token, every body packet costs one: in the long run at most
 *     0.25 % of all packets. The bucket starts full and holds 0.25 % of a pass, at least two
 * copies. So of any n packets at most n/400 + max(pass/400, 2 copies), and a copy per start, are
 * the body's: a pass is delayed by 0.5 % at most (unless two copies are more than 0.25 % of it),
 *     however many join.
 *   - A copy begins when the bucket holds what it costs, and not before a pause of 4 * (2^m - 1)
 *     copies' length since the last, m the copies missing from the full bucket then: a lone joiner
 *     is served at once, a storm in ever larger batches instead of all tokens going to its first
 *     tenth.
 *
 * Steps: init, start, then next as often as packets can leave; report, want_body, stop between them
 * at will. One thread; a `struct carousel` may be copied while nobody runs it. */
#ifndef IMAGING_CAROUSEL_CAROUSEL_H
#define IMAGING_CAROUSEL_CAROUSEL_H

#include <stdbool.h>
#include <stdint.h>
#include "imaging/carousel/steer.h"

#define CAROUSEL_ERRORS(X)                                                                         \
    X(CAROUSEL_E_BODY, -500, "the body has no symbols, or more than 2^24")                         \
    X(CAROUSEL_E_WINDOW, -501, "a window's blocks, symbols or repair rows are out of range")

enum {
#define X(name, code, text) name = code,
    CAROUSEL_ERRORS(X)
#undef X
};

#define CAROUSEL_K_MAX 12288
#define CAROUSEL_BLOCKS_MAX 128
#define CAROUSEL_BODY_LG_T 8

/* One window, as in the image's WINS. */
struct carousel_window {
    uint16_t blocks; /* D: 1 ... 128 */
    uint16_t k;      /* 1 ... 12288 */
    uint16_t stored; /* repair rows of T = 256 in the image: 0 ... 256 */
};

struct carousel_shape {
    const struct carousel_window *window; /* borrowed as long as the carousel lives */
    uint32_t windows;                     /* 0: an image without data; then only the body is sent */
    uint32_t body_symbols; /* source symbols of TOI 0 over all its blocks: 1 ... 2^24 */
};

/* A run of `count` symbols to send, in this order.
 *   TOI 1: symbol `esi` of blocks sbn, sbn + 1, ... (one row or a part of it)
 *   TOI 0: symbols esi, esi + 1, ... of body block sbn */
struct carousel_pick {
    uint16_t toi;
    uint16_t count;
    uint32_t sbn;
    uint16_t k;   /* source block length */
    uint16_t esi; /* < k: source; else repair symbol esi - k */
    uint8_t lg_t;
    uint8_t flags;   /* PICK_... */
    uint16_t block;  /* TOI 1: sbn's number within its window */
    uint16_t blocks; /* TOI 1: D of the window */
    uint32_t window; /* TOI 1 */
};

#define PICK_PASS 1  /* first of a pass: log `Starting stream` */
#define PICK_VISIT 2 /* first of a visit: T >= 512 sums start from zero here */
#define PICK_STORED                                                                                \
    4 /* the bytes lie in the file: source rows, and repair rows of T = 256. Without it: computed  \
       */

/* Header fields of symbol i of a pick. */
static inline uint32_t carousel_sbn(const struct carousel_pick *p, unsigned i)
{
    return p->toi ? p->sbn + i : p->sbn;
}

static inline uint16_t carousel_esi(const struct carousel_pick *p, unsigned i)
{
    return p->toi ? p->esi : (uint16_t)(p->esi + i);
}

/* Symbols before this pick's first one in its window as stored (PICK_STORED, TOI 1): times 1440,
 * plus the window's file offset, is where its count * 1440 bytes lie. */
static inline uint64_t carousel_stored_at(const struct carousel_pick *p)
{
    return (uint64_t)p->esi * p->blocks + p->block;
}

/* Fields are the module's own. */
struct carousel {
    struct carousel_shape shape;
    struct steer steer;
    uint64_t pass_symbols; /* source symbols of one pass */
    uint64_t sent[2];      /* packets picked so far, by TOI */
    uint32_t passes;       /* begun since init */
    bool running;
    bool fresh;    /* nothing of the pass was picked yet */
    bool informed; /* by a report since start */
    struct {
        uint32_t window, sbn; /* sbn: of the window's first block */
        uint16_t row;         /* 0 ... k-1 source, then repair */
        uint16_t block;
        bool fresh; /* nothing of the visit was picked yet */
        struct steer_plan plan;
    } at;
    struct {
        uint32_t sbn, row;    /* next symbol: 0 ... k-1 source, then repair */
        uint32_t turns;       /* whole copies so far: choose the repair symbols */
        uint32_t copy;        /* symbols of a whole copy, repair included */
        uint32_t left;        /* of the copy under way; 0: none is */
        uint32_t owed;        /* after that, to those who joined since */
        uint32_t share;       /* stream packets not yet matched by body packets */
        uint64_t rest_until;  /* no new copy before this many packets in all */
        int64_t tokens, full; /* in 1/400 packet */
        bool alone; /* the copy under way is the first since start, or one that follows it */
        uint64_t alone_sent; /* symbols, since start */
    } body;
};

/* What goes on, for the status page. */
struct carousel_view {
    uint32_t pass;      /* passes begun, 0 before the first */
    uint32_t window;    /* being sent */
    uint16_t row, rows; /* of it: rows = k + r as planned now */
    uint16_t repair;    /* r of this visit */
    uint8_t lg_t;
    bool running, body; /* body: a copy of it is under way or owed */
    uint64_t sent_stream, sent_body;
};

/* Checks the shape and makes a stopped carousel. max_lg_t, fixed: as steer_init. Returns 0 or a
 * CAROUSEL_E_ code. */
int carousel_init(struct carousel *c, const struct carousel_shape *shape, unsigned max_lg_t,
                  bool fixed);

/* Begins (again) with the body and window 0; nothing when it runs. */
void carousel_start(struct carousel *c);

/* Suspends; next gives nothing until the next start. */
void carousel_stop(struct carousel *c);

/* The next run of at most `max` symbols into *pick. Returns its count; 0 when stopped, when max is
 * 0, or when there is no stream and nobody waits for the body. What is picked counts as sent: send
 * it, in order. */
unsigned carousel_next(struct carousel *c, unsigned max, struct carousel_pick *pick);

/* Somebody needs the body: `joined` for a receiver that begins to listen now (it is owed a whole
 * revolution from here); false when a beacon says that one still lacks it (it is owed one only if
 * none is under way). */
void carousel_want_body(struct carousel *c, bool joined);

/* Loss figures for the steering (steer.h); rare, at any time. */
void carousel_report(struct carousel *c, const struct steer_report *r);

struct carousel_view carousel_view(const struct carousel *c);

#endif
