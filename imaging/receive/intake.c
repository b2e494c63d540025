#include "imaging/receive/intake.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "imaging/receive/pages.h"
#include "net/os/clock.h"
#include "net/wire/must.h"

#define NO_RUN 0xffffu
#define NO_ROW UINT32_MAX

_Static_assert(INTAKE_SLOTS <= WORK_DECODES, "whatever has a slot may wait to be decoded");

static uint8_t symbols_of(const struct img_chunk *c)
{
    return (uint8_t)(img_chunk_last_esi(c) - img_chunk_first_esi(c) + 1);
}

static const struct track_window *window(const struct intake *in)
{
    return in->windows + in->track.window;
}

static uint8_t *sums_of(const struct intake *in, uint32_t slot)
{
    return in->sums + slot * in->sums_stride;
}

/* ---- memory ---- */

static uint32_t slots_for(const struct plan *p)
{
    return p->body->nblocks < INTAKE_SLOTS ? p->body->nblocks : INTAKE_SLOTS;
}

/* Fresh from the kernel and untouched, the sums cost memory only where blocks need them. */
static int take_sums(struct intake *in, uint32_t slots)
{
    in->lg_t = in->lg_t_asked = FEC_LG_T_DEFAULT;
    in->sums_stride = fec_acc_bytes(in->lg_t);
    in->sums = pages_take(slots * in->sums_stride);
    return in->sums ? 0 : -1;
}

static void tell_blocks(struct intake *in)
{
    atomic_store(&in->plan->counts.open_blocks, in->track.n_blocks - in->track.done);
    atomic_store(&in->plan->counts.lacking, in->track.lacking);
}

static void mark_finished(struct intake *in)
{
    const struct img_body *b = in->plan->body;

    for (uint32_t i = 0; i < b->ndata; i++)
        in->left[i] = plan_finished(in->plan, i) ? 0 : symbols_of(b->data + i);
    for (uint32_t sbn = 0; sbn < b->nblocks; sbn++)
        if (atomic_load(&in->plan->open[sbn]) == 0)
            track_block_done(&in->track, sbn);
}

int intake_init(struct intake *in, struct plan *plan, bool patient, struct err *err)
{
    const struct img_body *b = plan->body;
    uint32_t slots = slots_for(plan), widest = 1;

    memset(in, 0, sizeof *in);
    in->plan = plan;
    in->patient = patient;
    memset(in->run_of, 0xff, sizeof in->run_of);
    in->windows = calloc(b->nwindows, sizeof *in->windows);
    in->track_memory = aligned_alloc(64, (track_bytes(b->nblocks, slots) + 63) & ~(size_t)63);
    in->left = malloc(b->ndata);
    in->scratch = aligned_alloc(64, sizeof *in->scratch);
    for (uint32_t w = 0; in->windows && w < b->nwindows; w++) {
        in->windows[w] =
            (struct track_window){b->windows[w].first_sbn, b->windows[w].d, b->windows[w].k};
        if (b->windows[w].d > widest)
            widest = b->windows[w].d;
    }
    in->rows.bytes = pages_take((size_t)widest * ROWS_HELD * IMG_SYMBOL_BYTES);
    if (!in->windows || !in->track_memory || !in->left || !in->scratch || !in->rows.bytes ||
        take_sums(in, slots)) {
        intake_free(in);
        return err_set(err, RECEIVE_EMEMORY, "not enough memory for the rows and sums of a window");
    }
    track_init(&in->track, in->windows, b->nwindows, slots, in->track_memory);
    mark_finished(in);
    tell_blocks(in);
    return 0;
}

void intake_start(struct intake *in, struct work *work)
{
    in->work = work;
}

void intake_free(struct intake *in)
{
    free(in->windows);
    free(in->track_memory);
    free(in->left);
    free(in->scratch);
    free(in->rows.bytes);
    free(in->sums);
    memset(in, 0, sizeof *in);
}

/* ---- chunks ---- */

static bool in_rows(const struct intake *in, uint32_t d, uint32_t row)
{
    return in->in_rows[d][row % ROWS_HELD / 64] >> (row % 64) & 1;
}

/* Hands the chunk's symbols among rows [from, to] that are in memory to its worker. */
static void fill(struct intake *in, uint32_t sbn, uint32_t d, uint32_t ordinal, uint32_t from,
                 uint32_t to)
{
    const struct img_chunk *c = in->plan->body->data + ordinal;
    uint32_t first = img_chunk_first_esi(c), last = img_chunk_last_esi(c);
    struct job job = {.kind = JOB_FILL, .block = (uint8_t)d, .which = ordinal};

    for (uint32_t esi = from > first ? from : first; esi <= last && esi <= to; esi++)
        if (in->run_of[d][esi / TRACK_RUN % 2] == esi / TRACK_RUN && in_rows(in, d, esi)) {
            job.u.mask.bits[(esi - first) / 64] |= UINT64_C(1) << ((esi - first) % 64);
            job.halves |= (uint8_t)(1u << (esi / TRACK_RUN % 2));
        }
    if (!job.halves)
        return;
    for (int h = 0; h < 2; h++)
        if (job.halves >> h & 1)
            atomic_fetch_add_explicit(&in->rows.refs[d][h], 1, memory_order_relaxed);
    work_give(in->work, sbn, &job);
}

/* Source symbol `esi` is now in the rows: counts it for its chunks and hands over those it
 * completes. */
static void count_symbol(struct intake *in, uint32_t sbn, uint32_t d, uint32_t esi)
{
    const struct img_body *b = in->plan->body;
    uint32_t n, i = in->at_chunk[d];
    const uint32_t *chunks = img_block_chunks(b, sbn, &n);

    while (i > 0 && img_chunk_last_esi(b->data + chunks[i - 1]) >= esi)
        i--;
    while (i < n && img_chunk_last_esi(b->data + chunks[i]) < esi)
        i++;
    in->at_chunk[d] = i;
    for (; i < n && img_chunk_first_esi(b->data + chunks[i]) <= esi; i++)
        if (in->left[chunks[i]] > 0 && --in->left[chunks[i]] == 0)
            fill(in, sbn, d, chunks[i], 0, UINT32_MAX);
}

/* Sets aside what rows [from, to] hold of chunks that are still incomplete. */
static void set_aside(struct intake *in, uint32_t sbn, uint32_t d, uint32_t from, uint32_t to)
{
    const struct img_body *b = in->plan->body;
    uint32_t n, i;
    const uint32_t *chunks = img_block_chunks(b, sbn, &n);

    for (i = img_block_find(b, sbn, from); i < n && img_chunk_first_esi(b->data + chunks[i]) <= to;
         i++)
        if (in->left[chunks[i]] > 0)
            fill(in, sbn, d, chunks[i], from, to);
}

/* ---- runs ---- */

/* Folds one stretch of rows that are all source or all consecutive repair symbols. */
static void fold_stretch(struct intake *in, uint32_t d, uint32_t slot, uint32_t row, uint32_t n,
                         bool repair, uint32_t first)
{
    const uint8_t *symbols[TRACK_RUN];
    unsigned lg_t = in->track.slots[slot].lg_t;
    bool any = false;

    for (uint32_t i = 0; i < n; i++) {
        symbols[i] = in_rows(in, d, row + i) ? rows_at(&in->rows, d, row + i) : NULL;
        any = any || symbols[i];
    }
    if (any && repair)
        fec_absorb_repair(sums_of(in, slot), lg_t, first, n, symbols, in->scratch);
    else if (any)
        fec_absorb_source(sums_of(in, slot), lg_t, first, n, symbols, in->scratch);
}

/* Folds the rows of a run into the sums of a block of k: source rows, then repair rows. */
static void fold(struct intake *in, uint32_t k, uint32_t d, uint32_t slot, uint32_t run)
{
    uint32_t row = run * TRACK_RUN, last = k + (1u << in->track.slots[slot].lg_t);
    uint32_t end = row + TRACK_RUN < last ? row + TRACK_RUN : last, border = k < row   ? row
                                                                             : k < end ? k
                                                                                       : end;

    if (border > row)
        fold_stretch(in, d, slot, row, border - row, false, row);
    if (end > border)
        fold_stretch(in, d, slot, border, end - border, true, border - k);
}

static void clear_run(struct intake *in, uint32_t d, uint32_t run)
{
    uint32_t at = run % 2 * (TRACK_RUN / 64);

    for (uint32_t i = 0; i < TRACK_RUN / 64; i++)
        in->in_rows[d][at + i] = 0;
}

/* What the run's rows of one block still have to give goes into sums and parked chunks. */
static void close_block(struct intake *in, uint32_t w, uint32_t d, uint32_t run)
{
    uint32_t sbn = in->windows[w].first_sbn + d, slot = in->track.slot_of[sbn];
    uint32_t at = run % 2 * (TRACK_RUN / 64);

    if (in->run_of[d][run % 2] != run || !(in->in_rows[d][at] | in->in_rows[d][at + 1]))
        return;
    if (in->track.state[sbn] == TRACK_OPEN && slot != TRACK_NO_SLOT) {
        fold(in, in->windows[w].k, d, slot, run);
        if (run * TRACK_RUN < in->windows[w].k)
            set_aside(in, sbn, d, run * TRACK_RUN, run * TRACK_RUN + TRACK_RUN - 1);
    }
    clear_run(in, d, run);
}

static void close_rows(struct intake *in, uint32_t w, uint32_t below)
{
    for (uint32_t run = in->closed / TRACK_RUN; run < below / TRACK_RUN; run++)
        for (uint32_t d = 0; d < in->windows[w].blocks; d++)
            close_block(in, w, d, run);
    in->closed = (uint16_t)below;
}

/* Blocks of a window, in 256ths, that the disk can take at the speed its latest writes have shown,
 * a tenth less to catch up. 0 when speeds are not known. */
static uint32_t bearable(const struct intake *in)
{
    const struct receive_counts *c = &in->plan->counts;
    const struct img_head *h = in->plan->head;
    double ns = (double)(atomic_load(&c->write_ns) - in->seen_ns);
    double bytes = (double)(atomic_load(&c->write_bytes) - in->seen_bytes);
    double raw_rate = h->stream_bytes
                          ? (double)in->wire_rate * (double)h->data_bytes / (double)h->stream_bytes
                          : 0;
    double share;

    if (raw_rate <= 0 || ns < 50e6)
        return 0;
    share = 256 * 0.9 * (bytes * 1e9 / ns) / raw_rate;
    return share < 1 ? 1 : share > 256 ? 256 : (uint32_t)share;
}

/* The share of a window's blocks to take: what was taken to the end of the visit that is over. If
 * none had to be left out, more: up to three times as many if the disk looks fast enough. All, if
 * the disk could take all that were open for the last quarter of the visit: a block that is left
 * out when a visit begins lacks its first rows once more, however early it is taken again, and then
 * every pass completes one block only. */
static void adapt_share(struct intake *in, uint32_t old)
{
    uint32_t share = in->track.share, likely = bearable(in);

    if (in->visit_taken == 0)
        return;
    if (in->all_from != NO_ROW && in->closed - in->all_from >= in->windows[old].k / 4u)
        share = 256;
    else if (in->visit_shed >= in->visit_taken)
        share = 1;
    else if (in->visit_shed > 0)
        share = (in->visit_taken - in->visit_shed) * 256 / in->visit_blocks;
    else if (likely > share + share / 4 + 1)
        share = likely < 3 * share ? likely : 3 * share;
    else
        share += share / 4 + 1;
    track_set_share(&in->track, share < 1 ? 1 : share > 256 ? 256 : share);
    in->seen_ns = atomic_load(&in->plan->counts.write_ns);
    in->seen_bytes = atomic_load(&in->plan->counts.write_bytes);
}

static void tell_left_out(struct intake *in)
{
    uint32_t open, taken;

    track_open_blocks(&in->track, &open, &taken);
    atomic_store(&in->plan->counts.left_out, open - taken);
}

/* track has moved to another visit; `old` is the window of the one before. */
static void turn(struct intake *in, uint32_t old, uint16_t close_below)
{
    uint32_t open;

    for (uint32_t run = in->closed / TRACK_RUN; run <= in->top_run; run++)
        for (uint32_t d = 0; d < in->windows[old].blocks; d++)
            close_block(in, old, d, run);
    adapt_share(in, old);
    memset(in->run_of, 0xff, sizeof in->run_of);
    memset(in->in_rows, 0, sizeof in->in_rows);
    memset(in->at_chunk, 0, sizeof in->at_chunk);
    in->closed = close_below;
    in->top_run = close_below / TRACK_RUN;
    in->visit_shed = 0;
    in->shed_run = NO_RUN;
    track_open_blocks(&in->track, &open, &in->visit_taken);
    in->all_from = in->visit_taken == open ? close_below : NO_ROW;
    in->visit_blocks = window(in)->blocks;
    tell_left_out(in);
}

/* ---- blocks ---- */

/* All that was held of a block's unfinished chunks is void. */
static void reset_block(struct intake *in, uint32_t sbn)
{
    const struct img_body *b = in->plan->body;
    struct job job = {.kind = JOB_FORGET, .which = sbn};
    uint32_t n, d = sbn - window(in)->first_sbn;
    const uint32_t *chunks = img_block_chunks(b, sbn, &n);

    if (d < window(in)->blocks) {
        memset(in->in_rows[d], 0, sizeof in->in_rows[d]);
        memset(in->run_of[d], 0xff, sizeof in->run_of[d]); /* jobs may still read those rows */
    }
    for (uint32_t i = 0; i < n; i++)
        if (!plan_finished(in->plan, chunks[i]))
            in->left[chunks[i]] = symbols_of(b->data + chunks[i]);
    work_give(in->work, sbn, &job);
}

/* Whether an unfinished chunk of the block lacks a symbol. */
static bool lacks(const struct intake *in, uint32_t sbn)
{
    uint32_t n, i;
    const uint32_t *chunks = img_block_chunks(in->plan->body, sbn, &n);

    for (i = 0; i < n && in->left[chunks[i]] == 0; i++)
        ;
    return i < n;
}

/* k symbols are there. If they are all that was needed, the chunks are on their way already. */
static void decode(struct intake *in, uint32_t sbn, uint32_t d, uint32_t slot)
{
    struct track_slot *s = in->track.slots + slot;
    struct job job = {.kind = JOB_DECODE, .which = sbn};

    if (!lacks(in, sbn))
        return;
    for (int h = 0; h < 2; h++) {
        uint32_t run = in->run_of[d][h];

        if (run == NO_RUN)
            continue;
        fold(in, window(in)->k, d, slot, run);
        set_aside(in, sbn, d, run * TRACK_RUN, run * TRACK_RUN + TRACK_RUN - 1);
        clear_run(in, d, run);
    }
    in->lent[slot] = true;
    job.u.decode.slot = s;
    job.u.decode.sums = sums_of(in, slot);
    work_give(in->work, sbn, &job);
}

/* How near the source is to losing packets while we wait, in percent. */
static unsigned pressure(const struct intake *in, int64_t waited_ns)
{
    if (in->source.backlog)
        return in->source.backlog(in->source.ctx);
    return (unsigned)(waited_ns / (INTAKE_GRACE_MS * 10000));
}

static void leave_out(struct intake *in, uint32_t n)
{
    in->visit_shed += n;
    if (n > 0)
        in->all_from = NO_ROW;
    atomic_fetch_add(&in->plan->counts.shed, n);
    tell_left_out(in);
}

/* Blocks of the window that the disk can go on with; a quarter less than are taken now when its
 * speed is not known. */
static uint32_t sustainable(const struct intake *in, uint32_t taken)
{
    uint32_t share = bearable(in), blocks = (window(in)->blocks * share + 255) / 256;

    if (share == 0)
        return taken - (taken + 3) / 4;
    return blocks < taken ? blocks : taken - (taken + 7) / 8;
}

/* The disk is behind: fewer blocks from here on. */
static void shed(struct intake *in, uint32_t run)
{
    uint32_t open, taken;

    if (in->shed_run != NO_RUN && run < in->shed_run + INTAKE_PATIENCE)
        return;
    in->shed_run = run;
    track_open_blocks(&in->track, &open, &taken);
    if (taken > 1)
        leave_out(in, track_shed(&in->track, taken - sustainable(in, taken)));
}

/* The disk has worked off what waited: it can take more than it is given. Once a run. */
static void take_more(struct intake *in)
{
    uint32_t open, taken, more, back;

    if (in->patient || !in->source.backlog || in->source.backlog(in->source.ctx) > INTAKE_ROOM)
        return;
    track_open_blocks(&in->track, &open, &taken);
    more = track_admit(&in->track, (open - taken + 3) / 4);
    back = more < in->visit_shed ? more : in->visit_shed;
    in->visit_shed -= back;
    in->visit_taken += more - back;
    if (in->all_from == NO_ROW && taken + more == open)
        in->all_from = in->closed;
    tell_left_out(in);
}

/* Makes the block's half free for the row's run; false when it cannot be waited for. */
static bool claim(struct intake *in, uint32_t d, uint32_t row)
{
    uint32_t run = row / TRACK_RUN;
    _Atomic uint16_t *refs = &in->rows.refs[d][run % 2];
    int64_t start;

    if (in->run_of[d][run % 2] == run)
        return true;
    if (run > in->top_run)
        in->top_run = (uint16_t)run;
    start = clock_now().ns;
    while (atomic_load_explicit(refs, memory_order_acquire) > 0) {
        unsigned percent = in->patient ? 0 : pressure(in, clock_now().ns - start);

        if (percent >= INTAKE_SHED)
            shed(in, run);
        if (plan_stopped(in->plan) || percent >= INTAKE_FULL)
            return false;
        nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
    }
    in->run_of[d][run % 2] = (uint16_t)run;
    return true;
}

static void hold(struct intake *in, const struct track_act *a, uint32_t sbn, uint16_t k,
                 uint16_t esi, const uint8_t *symbol)
{
    uint32_t d = a->block, row = a->row;

    if (!claim(in, d, row)) {
        track_refuse(&in->track, sbn, esi);
        leave_out(in, 1);
        return;
    }
    memcpy(rows_at(&in->rows, d, row), symbol, IMG_SYMBOL_BYTES);
    in->in_rows[d][row % ROWS_HELD / 64] |= UINT64_C(1) << (row % 64);
    atomic_fetch_add_explicit(&in->plan->counts.wanted, 1, memory_order_relaxed);
    if (esi < k)
        count_symbol(in, sbn, d, esi);
    if (a->ready)
        decode(in, sbn, d, a->slot);
}

/* Symbols for a larger T are on the wire than there is room for sums of: makes larger room, if
 * memory allows, and takes over what the blocks hold (made for their own T, which a block keeps
 * while it holds much). */
static void grow(struct intake *in, unsigned lg_t)
{
    uint64_t room = (uint64_t)sysconf(_SC_AVPHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE) / 2;
    size_t stride = fec_acc_bytes(lg_t);
    uint8_t *sums =
        in->track.n_slots * stride <= room ? pages_take(in->track.n_slots * stride) : NULL;

    in->lg_t_asked = lg_t;
    if (!sums)
        return;
    /* Decoding works on the sums where they are. */
    while (!work_idle(in->work)) {
        /* a worker may still be at them, and nothing more is needed */
        if (plan_stopped(in->plan)) {
            free(sums);
            return;
        }
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    for (uint32_t i = 0; i < in->track.n_slots; i++)
        if (in->track.slots[i].used)
            memcpy(sums + i * stride, sums_of(in, i), fec_acc_bytes(in->track.slots[i].lg_t));
    free(in->sums);
    in->sums = sums;
    in->sums_stride = stride;
    in->lg_t = lg_t;
}

void intake_symbol(struct intake *in, uint32_t cci, uint32_t sbn, uint16_t k, uint16_t esi,
                   uint8_t lg_t, const uint8_t *symbol)
{
    struct receive_counts *c = &in->plan->counts;
    uint32_t old = in->track.window;
    bool first = !in->track.started;
    struct track_act a;

    if (lg_t > in->lg_t_asked && lg_t <= FEC_LG_T_MAX)
        grow(in, lg_t);
    if (lg_t > in->lg_t) {
        /* No room for such sums: source symbols serve smaller ones, repair symbols are of no use.
         */
        if (esi >= k) {
            atomic_fetch_add_explicit(&c->skipped, 1, memory_order_relaxed);
            return;
        }
        lg_t = (uint8_t)in->lg_t;
    }
    a = track_symbol(&in->track, cci, sbn, k, esi, lg_t);
    if (a.new_visit)
        turn(in, first ? in->track.window : old, a.close_below);
    if (a.close_below > in->closed) {
        close_rows(in, in->track.window, a.close_below);
        take_more(in);
    }
    if (a.evicted != TRACK_NONE)
        reset_block(in, a.evicted);
    if (a.fresh) {
        reset_block(in, sbn);
        fec_clear(sums_of(in, a.slot), lg_t);
    }
    if (a.verdict == TRACK_TAKE)
        hold(in, &a, sbn, k, esi, symbol);
    else if (a.verdict == TRACK_STALE)
        atomic_fetch_add_explicit(&c->stale, 1, memory_order_relaxed);
    else if (a.verdict == TRACK_SKIP)
        atomic_fetch_add_explicit(&c->skipped, 1, memory_order_relaxed);
    else if (a.verdict == TRACK_BAD)
        atomic_fetch_add_explicit(&c->bad, 1, memory_order_relaxed);
}

/* True when the event means that the block must be received again. While a decode has the slot,
 * nothing is decided: its end decides, whatever chunks said in the meantime. */
static bool spoiled(struct intake *in, const struct event *e)
{
    uint16_t slot = in->track.slot_of[e->sbn];

    if (in->track.state[e->sbn] == TRACK_DONE)
        return false;
    if (e->kind == EVENT_DECODED)
        in->lent[slot] = false;
    if (slot != TRACK_NO_SLOT && in->lent[slot])
        return false;
    if (atomic_load(&in->plan->open[e->sbn]) > 0)
        return true;
    track_block_done(&in->track, e->sbn);
    return false;
}

void intake_events(struct intake *in, bool *poisoned)
{
    struct event e;

    while (work_event(in->work, &e)) {
        if (!spoiled(in, &e))
            continue;
        track_block_forget(&in->track, e.sbn);
        reset_block(in, e.sbn);
        atomic_fetch_add(&in->plan->counts.poisoned, 1);
        if (poisoned)
            *poisoned = true;
    }
    atomic_store(&in->plan->counts.worst_ppm, in->track.worst_ppm);
    tell_blocks(in);
}
