#include "imaging/receive/receive.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "imaging/receive/clear.h"
#include "imaging/receive/edges.h"
#include "imaging/receive/keep.h"
#include "imaging/receive/move.h"
#include "imaging/receive/park.h"
#include "imaging/receive/proof.h"
#include "imaging/receive/store.h"

struct receive {
    struct plan plan;
    struct store *store;
    struct clear *clear;
    struct park *park;
    struct work *work;
    struct intake intake;
    size_t memory; /* for all of it */
    bool edges;    /* were made blank, and are to be written at the end */
    bool (*scanned)(void *ctx, unsigned permille);
    void *ctx;
};

static void pause_ms(long ms)
{
    nanosleep(&(struct timespec){.tv_nsec = ms * 1000000}, NULL);
}

static bool nothing_missing(const struct plan *p)
{
    for (uint32_t sbn = 0; sbn < p->body->nblocks; sbn++)
        if (atomic_load(&p->open[sbn]))
            return false;
    return true;
}

/* What a machine has beyond RECEIVE_PLENTY is half ours: memory is the cheapest place for
 * incomplete chunks and for what a slow disk has not taken yet. */
static size_t plenty(void)
{
    uint64_t spare = (uint64_t)sysconf(_SC_AVPHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);

    if (spare < RECEIVE_PLENTY)
        return 0;
    spare = (spare - RECEIVE_PLENTY) / 2;
    return (size_t)(spare < RECEIVE_PLENTY_MAX ? spare : RECEIVE_PLENTY_MAX);
}

/* Write buffers: a quarter of what there is beyond RECEIVE_MEMORY, more than the image has chunks
 * are of no use. */
static uint32_t store_buffers(const struct img_body *b, size_t memory)
{
    size_t n = memory > RECEIVE_MEMORY ? (memory - RECEIVE_MEMORY) / 4 / IMG_CHUNK_BYTES : 0;

    n = n < b->ndata ? n : b->ndata;
    n += STORE_BUFFERS;
    return n < STORE_BUFFERS_MAX ? (uint32_t)n : STORE_BUFFERS_MAX;
}

/* What the other stages leave of `memory`: rows and sums of the widest window (of two if there are
 * several), the ring, write buffers, tables, and some for code and stacks. */
static size_t park_bytes(const struct img_body *b, size_t memory)
{
    size_t widest = 0, used;

    for (uint32_t w = 0; w < b->nwindows; w++)
        if (b->windows[w].d > widest)
            widest = b->windows[w].d;
    used = widest * ROWS_HELD * IMG_SYMBOL_BYTES +
           (b->nwindows > 1 ? 2 : 1) * widest * fec_acc_bytes(FEC_LG_T_DEFAULT);
    used += ((size_t)64 << 20) + store_buffers(b, memory) * (size_t)IMG_CHUNK_BYTES +
            (size_t)b->ndata * 56 + ((size_t)12 << 20);
    return used + RECEIVE_PARK_MIN < memory ? memory - used : RECEIVE_PARK_MIN;
}

/* What is free may still not be had: limits, or a kernel that promises no more than it has. Then
 * the least must do. */
static int open_store(struct receive *r, struct err *err)
{
    int rc = store_open(&r->store, &r->plan, store_buffers(r->plan.body, r->memory), err);

    if (rc != RECEIVE_EMEMORY || r->memory <= RECEIVE_MEMORY)
        return rc;
    r->memory = RECEIVE_MEMORY;
    return store_open(&r->store, &r->plan, STORE_BUFFERS, err);
}

static int open_park(struct receive *r, size_t bytes, struct err *err)
{
    int rc =
        park_open(&r->park, &r->plan, bytes ? bytes : park_bytes(r->plan.body, r->memory), err);

    if (rc != RECEIVE_EMEMORY || bytes || r->memory <= RECEIVE_MEMORY)
        return rc;
    return park_open(&r->park, &r->plan, park_bytes(r->plan.body, RECEIVE_MEMORY), err);
}

/* Everything between packets and the writing thread. */
static int start_receiving(struct receive *r, const struct receive_options *opt, struct err *err)
{
    struct plan *p = &r->plan;
    int rc = open_park(r, opt->park_bytes, err);

    if (!rc)
        rc = intake_init(&r->intake, p, opt->patient, err);
    if (!rc)
        rc = work_open(&r->work, p, &r->intake.rows, r->park, r->store, opt->threads, err);
    if (!rc)
        intake_start(&r->intake, r->work);
    return rc;
}

/* The target was looked at. It is written only after everything that can be refused has been had.
 */
static int start_stages(struct receive *r, const struct receive_options *opt, struct err *err)
{
    struct plan *p = &r->plan;
    bool all_there = nothing_missing(p);
    int rc = all_there ? 0 : start_receiving(r, opt, err);

    if (!rc && opt->last_look)
        rc = opt->last_look(opt->ctx, err);
    if (rc)
        return rc;
    if (!all_there || p->body->ndata == 0 || move_may_be(p)) {
        r->edges = true;
        rc = edges_blank(p, err);
    }
    return rc ? rc : clear_open(&r->clear, p, r->edges, err);
}

int receive_open(struct receive **out, const struct img_head *head, const struct img_body *body,
                 struct disk *disk, const struct receive_options *opt, struct err *err)
{
    struct receive *r = calloc(1, sizeof *r);
    int rc;

    *out = NULL;
    if (!r)
        return err_set(err, RECEIVE_EMEMORY, "not enough memory to receive");
    rc = plan_make(&r->plan, head, body, disk, opt->verify, err);
    if (rc) {
        free(r);
        return rc;
    }
    r->plan.ready = false; /* clear.c will say so */
    r->scanned = opt->scanned;
    r->ctx = opt->ctx;
    r->memory = opt->memory ? opt->memory : RECEIVE_MEMORY + plenty();
    rc = open_store(r, err);
    if (!rc)
        rc = keep_scan(&r->plan, r->store, opt->scanned, opt->ctx, err);
    if (!rc)
        rc = start_stages(r, opt, err);
    if (rc) {
        atomic_store(&r->plan.stop, true);
        receive_close(r);
        return rc;
    }
    *out = r;
    return 0;
}

void receive_attach(struct receive *r, struct collect *c, const struct frame_source *source)
{
    const struct img_body *b = r->plan.body;
    uint64_t source_symbols = 0;

    for (uint32_t w = 0; w < b->nwindows; w++)
        source_symbols += (uint64_t)b->windows[w].d * b->windows[w].k;
    if (source)
        r->intake.source = *source;
    collect_attach(c, r->work ? &r->intake : NULL, &r->plan.counts, source_symbols);
}

void receive_events(struct receive *r)
{
    if (r->work)
        intake_events(&r->intake, NULL);
}

bool receive_complete(const struct receive *r)
{
    return !r->work || intake_complete(&r->intake);
}

bool receive_settle(struct receive *r)
{
    while (r->work && !work_idle(r->work) && !plan_stopped(&r->plan)) {
        receive_events(r);
        pause_ms(1);
    }
    receive_events(r);
    return receive_complete(r);
}

/* Cuts what a fetch brings of a window's source rows into symbols. */
struct feed {
    struct receive *r;
    const struct img_window *w;
    struct err *err;
    uint32_t cci, next; /* next: symbol of the window, in the order of its rows */
    uint8_t part[IMG_SYMBOL_BYTES];
    size_t n_part;
};

static void feed_symbol(struct feed *f, const uint8_t *symbol)
{
    uint32_t row = f->next / f->w->d, block = f->next % f->w->d;

    f->next++;
    intake_symbol(&f->r->intake, f->cci++, f->w->first_sbn + block, f->w->k, (uint16_t)row,
                  FEC_LG_T_DEFAULT, symbol);
}

static int poisoned_image(struct err *err)
{
    return err_set(err, RECEIVE_ECHUNK,
                   "a chunk of the image does not have the hash that its signed tables state");
}

static int feed_bytes(void *ctx, uint64_t offset, const uint8_t *bytes, size_t n)
{
    struct feed *f = ctx;
    bool poisoned = false;

    (void)offset;
    while (n > 0) {
        size_t take = IMG_SYMBOL_BYTES - f->n_part < n ? IMG_SYMBOL_BYTES - f->n_part : n;

        if (take == IMG_SYMBOL_BYTES) {
            feed_symbol(f, bytes);
        } else {
            memcpy(f->part + f->n_part, bytes, take);
            f->n_part += take;
            if (f->n_part == IMG_SYMBOL_BYTES) {
                feed_symbol(f, f->part);
                f->n_part = 0;
            }
        }
        bytes += take;
        n -= take;
    }
    intake_events(&f->r->intake, &poisoned);
    if (poisoned)
        return poisoned_image(f->err);
    return plan_stopped(&f->r->plan) ? RECEIVE_EINTR : 0;
}

static bool window_done(const struct receive *r, const struct img_window *w)
{
    for (uint32_t d = 0; d < w->d; d++)
        if (r->intake.track.state[w->first_sbn + d] != TRACK_DONE)
            return false;
    return true;
}

/* All rows have been fed: the workers may still be at the last of them. */
static int await_workers(struct receive *r, struct err *err)
{
    bool poisoned = false;

    while (!intake_complete(&r->intake) && !poisoned && !plan_stopped(&r->plan)) {
        bool idle = work_idle(r->work);

        intake_events(&r->intake, &poisoned);
        if (idle && !intake_complete(&r->intake) && !poisoned)
            return err_set(err, RECEIVE_ESOURCE,
                           "the image's rows do not make up all of its chunks");
        pause_ms(1);
    }
    return poisoned ? poisoned_image(err) : 0;
}

int receive_rows(struct receive *r, receive_fetch *fetch, void *ctx, struct err *err)
{
    const struct img_body *b = r->plan.body;
    struct feed f = {.r = r, .err = err};
    int rc = 0;

    for (uint32_t i = 0; r->work && i < b->nwindows && !rc; i++) {
        f.w = b->windows + i;
        f.next = 0;
        f.n_part = 0;
        if (!window_done(r, f.w))
            rc = fetch(ctx, f.w->offset, f.w->offset + (uint64_t)f.w->k * f.w->d * IMG_SYMBOL_BYTES,
                       feed_bytes, &f, err);
    }
    if (rc || !r->work)
        return rc;
    return await_workers(r, err);
}

/* All other stages are done. Nothing is believed that is not written down chunk by chunk. */
static int conclude(struct receive *r, struct err *err)
{
    struct plan *p = &r->plan;
    int rc = p->disk->ops->flush(p->disk->ctx, err);

    if (!rc && atomic_load(&p->touched))
        rc = proof_all(p, r->scanned, r->ctx, err);
    if (!rc)
        rc = plan_judge(p, false, err);
    if (!rc && r->edges)
        rc = store_edges(r->store, err);
    if (!rc && atomic_load(&p->touched))
        rc = proof_last(p, err);
    return rc ? rc : plan_judge(p, true, err);
}

/* Why it failed; and a target that was changed must not look complete. */
static int give_up(struct receive *r, struct err *err)
{
    struct err why = {0}, blank = {0};
    int rc = plan_why(&r->plan, &why);

    if (atomic_load(&r->plan.touched) && edges_blank(&r->plan, &blank))
        return err_set(
            err, rc,
            "%.120s; nor can the target be made to look empty, it may seem complete: %.80s",
            why.text, blank.text);
    return err_set(err, rc, "%s", why.text);
}

int receive_finish(struct receive *r, struct err *err)
{
    struct plan *p = &r->plan;
    struct err why = {0};

    while (r->work && !work_idle(r->work) && !plan_stopped(p))
        pause_ms(1);
    store_drain(r->store);
    clear_wait(r->clear);
    if (!plan_stopped(p) && conclude(r, &why))
        plan_fail(p, &why);
    return plan_stopped(p) ? give_up(r, err) : 0;
}

void receive_stop(struct receive *r, const struct err *why)
{
    plan_fail(&r->plan, why);
}

bool receive_stopped(struct receive *r)
{
    return plan_stopped(&r->plan);
}

struct receive_counts *receive_counts(struct receive *r)
{
    return &r->plan.counts;
}

void receive_halt(struct receive *r)
{
    work_close(r->work);
    store_close(r->store);
    clear_close(r->clear);
    r->work = NULL;
    r->store = NULL;
    r->clear = NULL;
}

void receive_close(struct receive *r)
{
    if (!r)
        return;
    receive_halt(r);
    park_close(r->park);
    intake_free(&r->intake);
    plan_free(&r->plan);
    free(r);
}
