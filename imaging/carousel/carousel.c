/* The schedule: see carousel.h for the order and for the body's policy. */
#include "imaging/carousel/carousel.h"

#include "net/wire/must.h"

#define BODY_SYMBOLS_MAX (UINT32_C(1) << 24)
#define BODY_T (UINT32_C(1) << CAROUSEL_BODY_LG_T)
#define BODY_LOSS_PPM 50000 /* a copy survives 5 % */
#define COST 400            /* tokens a body packet; one is earned with every packet */
#define SHARE 3             /* stream packets to each body packet of a copy */
#define FULL_COPIES 2       /* the bucket holds at least this many */
#define PAUSE 4             /* copies' length, after the first of a storm */
#define PAUSE_DOUBLINGS 16

/* ---- the body ---- */

static uint32_t body_k(const struct carousel *c, uint32_t sbn)
{
    uint32_t left = c->shape.body_symbols - sbn * CAROUSEL_K_MAX;
    return left < CAROUSEL_K_MAX ? left : CAROUSEL_K_MAX;
}

static uint32_t body_repair(uint32_t k)
{
    uint32_t r = steer_need(k, BODY_LOSS_PPM, 256);
    return r < BODY_T ? r : BODY_T;
}

static uint32_t body_blocks(const struct carousel *c)
{
    return (c->shape.body_symbols + CAROUSEL_K_MAX - 1) / CAROUSEL_K_MAX;
}

static void body_init(struct carousel *c)
{
    for (uint32_t b = 0; b < body_blocks(c); b++)
        c->body.copy += body_k(c, b) + body_repair(body_k(c, b));
    int64_t least = (int64_t)FULL_COPIES * c->body.copy * COST;
    int64_t share = (int64_t)c->pass_symbols; /* 1/400 of the pass, in tokens */
    c->body.full = share > least ? share : least;
    c->body.tokens = c->body.full;
}

static uint64_t sent_in_all(const struct carousel *c)
{
    return c->sent[0] + c->sent[1];
}

/* A copy has ended: how long to wait before another. */
static void body_rest(struct carousel *c)
{
    int64_t missing = (c->body.full - c->body.tokens) / ((int64_t)c->body.copy * COST);
    unsigned m = missing < PAUSE_DOUBLINGS ? (unsigned)missing : PAUSE_DOUBLINGS;
    c->body.rest_until = sent_in_all(c) + (uint64_t)PAUSE * ((1u << m) - 1) * c->body.copy;
    c->body.alone = false;
}

/* A copy has gone out alone: whether to go on alone with another, as nobody has told yet what the
 * loss is. */
static bool body_again(const struct carousel *c)
{
    return c->body.alone && c->shape.windows && !c->steer.fixed && !c->informed &&
           (int64_t)(c->body.alone_sent + c->body.copy) * COST <= c->body.full;
}

/* Begins the copy that is owed, if it may begin. */
static void body_begin(struct carousel *c)
{
    bool idle = c->shape.windows == 0; /* nobody would be delayed */
    if (!idle &&
        (sent_in_all(c) < c->body.rest_until || c->body.tokens < (int64_t)c->body.owed * COST))
        return;
    c->body.left = c->body.owed;
    c->body.owed = 0;
    c->body.share = 0;
    c->body.alone = idle;
}

/* How many body packets may leave now, at most max. */
static uint32_t body_due(struct carousel *c, uint32_t max)
{
    if (!c->body.left && c->body.owed)
        body_begin(c);
    uint32_t due = c->body.alone ? max : c->body.share / SHARE;
    if (due > c->body.left)
        due = c->body.left;
    return due < max ? due : max;
}

static void body_advance(struct carousel *c, uint32_t n, uint32_t k)
{
    c->body.row += n;
    c->body.left -= n;
    if (c->body.alone) {
        c->body.alone_sent += n;
    } else {
        c->body.tokens -= (int64_t)n * COST;
        c->body.share -= n * SHARE;
    }
    if (c->body.row == k + body_repair(k)) {
        c->body.row = 0;
        c->body.sbn = (c->body.sbn + 1) % body_blocks(c);
        c->body.turns += c->body.sbn == 0;
    }
    if (c->body.left)
        return;
    if (body_again(c))
        c->body.left = c->body.copy;
    else
        body_rest(c);
}

static void body_pick(struct carousel *c, uint32_t max, struct carousel_pick *pick)
{
    uint32_t k = body_k(c, c->body.sbn), row = c->body.row;
    uint32_t r = body_repair(k);
    uint32_t run = row < k ? k - row : k + r - row;
    uint32_t n = run < max ? run : max;
    uint32_t first =
        row < k ? 0
                : c->body.turns * r % (BODY_T - r + 1); /* never wraps: rows rise within a copy */
    *pick = (struct carousel_pick){.toi = 0,
                                   .count = (uint16_t)n,
                                   .sbn = c->body.sbn,
                                   .k = (uint16_t)k,
                                   .esi = (uint16_t)(row + first),
                                   .lg_t = CAROUSEL_BODY_LG_T};
    body_advance(c, n, k);
}

void carousel_want_body(struct carousel *c, bool joined)
{
    uint32_t missed = c->body.left ? c->body.copy - c->body.left : c->body.copy;
    if (joined && missed > c->body.owed)
        c->body.owed = missed;
    if (!joined && !c->body.left && !c->body.owed)
        c->body.owed = c->body.copy;
}

/* ---- the stream ---- */

static const struct carousel_window *window_now(const struct carousel *c)
{
    return &c->shape.window[c->at.window];
}

static void visit_begin(struct carousel *c)
{
    c->at.row = c->at.block = 0;
    c->at.fresh = true;
}

static void pass_begin(struct carousel *c)
{
    c->passes++;
    c->fresh = true;
    c->at.window = c->at.sbn = 0;
    if (c->shape.windows)
        visit_begin(c);
}

static void visit_end(struct carousel *c)
{
    c->at.sbn += window_now(c)->blocks;
    if (++c->at.window < c->shape.windows) {
        visit_begin(c);
        return;
    }
    steer_pass(&c->steer);
    pass_begin(c);
}

static void stream_advance(struct carousel *c, uint32_t n)
{
    const struct carousel_window *w = window_now(c);
    c->at.block = (uint16_t)(c->at.block + n);
    if (c->at.block < w->blocks)
        return;
    c->at.block = 0;
    c->at.row++;
    if (c->at.row >= w->k)
        c->at.plan.r = steer_raise(&c->steer, c->at.plan, w->k, w->blocks, w->stored);
    if (c->at.row == w->k + c->at.plan.r)
        visit_end(c);
}

static void stream_pick(struct carousel *c, uint32_t max, struct carousel_pick *pick)
{
    const struct carousel_window *w = window_now(c);
    if (c->at.fresh) /* planned no earlier than this: the body before it may have brought reports */
        c->at.plan = steer_visit(&c->steer, w->k, w->blocks, w->stored);
    uint32_t run = w->blocks - c->at.block, row = c->at.row;
    bool stored = row < w->k || c->at.plan.lg_t == STEER_LG_T_STORED;
    *pick = (struct carousel_pick){.toi = 1,
                                   .count = (uint16_t)(run < max ? run : max),
                                   .sbn = c->at.sbn + c->at.block,
                                   .k = w->k,
                                   .esi = (uint16_t)row,
                                   .lg_t = c->at.plan.lg_t,
                                   .flags = (uint8_t)((stored ? PICK_STORED : 0) |
                                                      (c->at.fresh ? PICK_VISIT : 0)),
                                   .block = c->at.block,
                                   .blocks = w->blocks,
                                   .window = c->at.window};
    c->at.fresh = false;
    stream_advance(c, pick->count);
}

/* ---- the whole ---- */

static bool window_legal(const struct carousel_window *w)
{
    return w->blocks >= 1 && w->blocks <= CAROUSEL_BLOCKS_MAX && w->k >= 1 &&
           w->k <= CAROUSEL_K_MAX && w->stored <= 1u << STEER_LG_T_STORED;
}

int carousel_init(struct carousel *c, const struct carousel_shape *shape, unsigned max_lg_t,
                  bool fixed)
{
    if (shape->body_symbols < 1 || shape->body_symbols > BODY_SYMBOLS_MAX)
        return CAROUSEL_E_BODY;
    *c = (struct carousel){.shape = *shape};
    for (uint32_t w = 0; w < shape->windows; w++) {
        if (!window_legal(&shape->window[w]))
            return CAROUSEL_E_WINDOW;
        c->pass_symbols += (uint64_t)shape->window[w].blocks * shape->window[w].k;
    }
    steer_init(&c->steer, max_lg_t, fixed);
    body_init(c);
    return 0;
}

void carousel_start(struct carousel *c)
{
    if (c->running)
        return;
    c->running = true;
    c->body.sbn = c->body.row = 0;
    c->body.left = c->body.copy;
    c->body.owed = 0;
    c->body.alone = true;
    c->body.alone_sent = 0;
    c->informed = false;
    pass_begin(c);
}

void carousel_stop(struct carousel *c)
{
    c->running = false;
}

static void count_sent(struct carousel *c, const struct carousel_pick *pick)
{
    c->sent[pick->toi] += pick->count;
    if (pick->toi && c->body.left)
        c->body.share += pick->count;
    c->body.tokens += pick->count;
    if (c->body.tokens > c->body.full)
        c->body.tokens = c->body.full;
}

unsigned carousel_next(struct carousel *c, unsigned max, struct carousel_pick *pick)
{
    if (!c->running || !max)
        return 0;
    bool first = c->fresh;
    uint32_t body = body_due(c, max);
    if (!body && !c->shape.windows)
        return 0;
    c->fresh = false; /* before the pick: it may begin the next pass */
    if (body)
        body_pick(c, body, pick);
    else
        stream_pick(c, max, pick);
    if (first)
        pick->flags |= PICK_PASS;
    count_sent(c, pick);
    return pick->count;
}

void carousel_report(struct carousel *c, const struct steer_report *r)
{
    c->informed |= r->reporters > 0;
    steer_hear(&c->steer, r);
}

struct carousel_view carousel_view(const struct carousel *c)
{
    struct carousel_view v = {.pass = c->passes,
                              .running = c->running,
                              .body = c->body.left || c->body.owed,
                              .sent_stream = c->sent[1],
                              .sent_body = c->sent[0]};
    if (c->passes && c->shape.windows) {
        v.window = c->at.window;
        v.row = c->at.row;
        v.rows = (uint16_t)(window_now(c)->k + c->at.plan.r);
        v.repair = c->at.plan.r;
        v.lg_t = c->at.plan.lg_t;
    }
    return v;
}
