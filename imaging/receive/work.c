#include "imaging/receive/work.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "imaging/hash/crc.h"
#include "imaging/hash/sha256.h"
#include "imaging/image/chunk.h"
#include "imaging/queue/queue.h"
#include "net/wire/must.h"

#define JOBS 16384u
#define EVENTS 16384u

struct worker {
    struct work *work;
    pthread_t thread;
    bool running;
    struct queue jobs, events;
    _Atomic uint32_t given, taken; /* jobs */
    uint8_t *stored;               /* a chunk's compressed bytes, being gathered */
    struct fec_scratch *scratch;
    uint64_t want[FEC_K_MAX / 64], repair[(1u << FEC_LG_T_MAX) / 64];
    struct job later[WORK_DECODES]; /* decodes that wait until nothing else does */
    uint32_t n_later;
};

/* The first chunk of a block that came wrong: the same wrong content again and again is the
 * sender's image, not the way here. */
struct wrong {
    uint32_t ordinal, print; /* a checksum of what came */
    uint8_t times;           /* 0: none */
};

struct work {
    struct plan *plan;
    struct rows *rows;
    struct park *park;
    struct store *store;
    uint8_t *told; /* by SBN: said to be poisoned and not forgotten yet; each block's worker's */
    struct wrong *wrong; /* likewise */
    unsigned n;
    _Atomic bool end;
    struct worker workers[WORK_MAX];
};

static uint32_t sbn_of(const struct plan *p, uint32_t ordinal)
{
    return img_sbn_of_chunk(p->body, img_window_of_chunk(p->body, ordinal), ordinal);
}

static void report(struct worker *w, enum event_kind kind, uint32_t sbn)
{
    struct event e = {kind, sbn};

    queue_push_wait(&w->events, &e);
}

/* Chunks are many, and nobody may be listening: once is enough. */
static void poison(struct worker *w, uint32_t sbn)
{
    if (w->work->told[sbn])
        return;
    w->work->told[sbn] = 1;
    report(w, EVENT_POISONED, sbn);
}

static struct park_mask full_mask(const struct img_chunk *c)
{
    uint32_t n = img_chunk_last_esi(c) - img_chunk_first_esi(c) + 1;
    struct park_mask m = {{UINT64_MAX, 0}};

    MUST(n <= 128);
    if (n < 64)
        m.bits[0] = (UINT64_C(1) << n) - 1;
    else if (n > 64)
        m.bits[1] = n == 128 ? UINT64_MAX : (UINT64_C(1) << (n - 64)) - 1;
    return m;
}

static bool covers(const struct park_mask *m, const struct park_mask *all)
{
    return (all->bits[0] & ~m->bits[0]) == 0 && (all->bits[1] & ~m->bits[1]) == 0;
}

/* Lays symbol `esi` of the chunk's block into the chunk's stored bytes. */
static void lay(uint8_t *stored, const struct img_chunk *c, uint32_t esi, const uint8_t *symbol)
{
    uint32_t from = esi * IMG_SYMBOL_BYTES, to = from + IMG_SYMBOL_BYTES;
    uint32_t lo = from > c->start ? from : c->start;
    uint32_t hi = to < c->start + c->stored ? to : c->start + c->stored;

    memcpy(stored + (lo - c->start), symbol + (lo - from), hi - lo);
}

static void release(struct worker *w, const struct job *job)
{
    for (int h = 0; job && h < 2; h++)
        if (job->halves >> h & 1)
            atomic_fetch_sub_explicit(&w->work->rows->refs[job->block][h], 1, memory_order_release);
}

static void note_wrong(struct worker *w, uint32_t sbn, uint32_t ordinal, uint32_t print)
{
    struct wrong *g = &w->work->wrong[sbn];
    struct err why = {0};

    if (g->times == 0 || (g->ordinal == ordinal && g->print != print))
        *g = (struct wrong){ordinal, print, 0};
    if (g->ordinal == ordinal && ++g->times == WORK_WRONG_MAX) {
        err_set(&why, RECEIVE_ECHUNK,
                "chunk %u of the disk came %d times with the same wrong content: the image is "
                "damaged where it is given out",
                w->work->plan->body->data[ordinal].number, WORK_WRONG_MAX);
        plan_fail(w->work->plan, &why);
    }
}

/* All stored bytes of a chunk are there: unpack, hash, hand on. Lets go of the job's rows as soon
 * as they are read. */
static void finish(struct worker *w, uint32_t ordinal, const uint8_t *stored, const struct job *job)
{
    struct plan *p = w->work->plan;
    const struct img_chunk *c = p->body->data + ordinal;
    uint32_t n = plan_raw_len(p, ordinal), sbn = sbn_of(p, ordinal);
    uint8_t hash[SHA256_BYTES];
    uint8_t *raw = store_buffer(w->work->store);
    uint32_t print = 0;
    int rc;

    if (!raw) {
        release(w, job);
        return;
    }
    rc = img_chunk_unpack(raw, n, stored, c->stored);
    if (rc)
        print = crc32_ieee(0, stored, c->stored);
    release(w, job);
    park_drop(w->work->park, ordinal);
    if (!rc)
        chunk_hash(hash, raw, n);
    if (rc || memcmp(hash, c->hash, sizeof hash)) {
        note_wrong(w, sbn, ordinal, rc ? print : crc32_ieee(1, hash, sizeof hash));
        store_return(w->work->store, raw);
        poison(w, sbn);
        return;
    }
    if (w->work->wrong[sbn].ordinal == ordinal)
        w->work->wrong[sbn].times = 0;
    plan_set(p, ordinal, CHUNK_RIGHT);
    atomic_fetch_add(&p->counts.unpacked, 1);
    store_put(w->work->store, ordinal, raw);
    if (atomic_fetch_sub(&p->open[sbn], 1) == 1)
        report(w, EVENT_DONE, sbn);
}

/* The chunk's stored bytes where they lie in the rows, if they lie there in one piece; else NULL.
 */
static const uint8_t *in_place(const struct worker *w, const struct job *job,
                               const struct img_chunk *c)
{
    uint32_t ring = ROWS_HELD * IMG_SYMBOL_BYTES, at = c->start % ring;

    return at + c->stored <= ring ? rows_at(w->work->rows, job->block, 0) + at : NULL;
}

static void gather(struct worker *w, const struct job *job, const struct img_chunk *c)
{
    uint32_t first = img_chunk_first_esi(c);

    for (uint32_t i = 0; i < 128; i++)
        if (job->u.mask.bits[i / 64] >> (i % 64) & 1)
            lay(w->stored, c, first + i, rows_at(w->work->rows, job->block, first + i));
}

static void do_fill(struct worker *w, const struct job *job)
{
    struct plan *p = w->work->plan;
    const struct img_chunk *c = p->body->data + job->which;
    struct park_mask all = full_mask(c), have = {{0, 0}};
    const uint8_t *whole = NULL;

    if (plan_finished(p, job->which)) {
        release(w, job);
        return;
    }
    if (covers(&job->u.mask, &all))
        whole = in_place(w, job, c);
    if (whole) {
        finish(w, job->which, whole, job);
        return;
    }
    park_get(w->work->park, job->which, w->stored, &have);
    gather(w, job, c);
    release(w, job);
    have.bits[0] |= job->u.mask.bits[0];
    have.bits[1] |= job->u.mask.bits[1];
    if (covers(&have, &all))
        finish(w, job->which, w->stored, NULL);
    else if (!park_put(w->work->park, job->which, w->stored, &have))
        poison(w, sbn_of(p, job->which));
}

/* Missing source symbols that unfinished chunks of the block need. */
static void wanted(struct worker *w, uint32_t sbn, const struct track_slot *slot)
{
    struct plan *p = w->work->plan;
    uint32_t n;
    const uint32_t *chunks = img_block_chunks(p->body, sbn, &n);

    memset(w->want, 0, sizeof w->want);
    for (uint32_t i = 0; i < n; i++) {
        const struct img_chunk *c = p->body->data + chunks[i];

        if (plan_finished(p, chunks[i]))
            continue;
        for (uint32_t esi = img_chunk_first_esi(c); esi <= img_chunk_last_esi(c); esi++)
            if (!track_bit(slot, esi))
                w->want[esi / 64] |= UINT64_C(1) << (esi % 64);
    }
}

/* The slot's repair symbols as a bitmap of their own: those from bit k on. */
static void repair_bits(struct worker *w, const struct track_slot *slot, uint32_t k)
{
    memset(w->repair, 0, sizeof w->repair);
    for (uint32_t i = 0; i < 1u << slot->lg_t; i++)
        if (track_bit(slot, k + i))
            w->repair[i / 64] |= UINT64_C(1) << (i % 64);
}

/* Recovered symbols below `esi`: how many wanted ones precede it. */
static uint32_t rank(const struct worker *w, uint32_t esi)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < esi / 64; i++)
        n += (uint32_t)__builtin_popcountll(w->want[i]);
    if (esi % 64)
        n += (uint32_t)__builtin_popcountll(w->want[esi / 64] << (64 - esi % 64));
    return n;
}

static void complete_chunk(struct worker *w, uint32_t ordinal, const struct job *job)
{
    const struct img_chunk *c = w->work->plan->body->data + ordinal;
    struct park_mask all = full_mask(c), have = {{0, 0}};
    uint32_t first = img_chunk_first_esi(c), nth = rank(w, first);
    uint8_t symbol[FEC_SYMBOL];

    park_get(w->work->park, ordinal, w->stored, &have);
    for (uint32_t esi = first; esi <= img_chunk_last_esi(c); esi++) {
        if (!(w->want[esi / 64] >> (esi % 64) & 1))
            continue;
        fec_recovered(job->u.decode.sums, job->u.decode.slot->lg_t, nth++, symbol);
        lay(w->stored, c, esi, symbol);
        have.bits[(esi - first) / 64] |= UINT64_C(1) << ((esi - first) % 64);
    }
    if (covers(&have, &all))
        finish(w, ordinal, w->stored, NULL);
}

static void do_forget(struct worker *w, const struct job *job)
{
    uint32_t n;
    const uint32_t *chunks = img_block_chunks(w->work->plan->body, job->which, &n);

    for (uint32_t i = 0; i < n; i++)
        park_drop(w->work->park, chunks[i]);
    w->work->told[job->which] = 0;
}

/* A job as it comes: all but decoding, which is long and is waited for by nobody, while rows that
 * wait hold up the intake. Nothing more comes for a block between its decode and the event that
 * ends it, so only other blocks overtake. */
static void take(struct worker *w, const struct job *job)
{
    if (job->kind == JOB_DECODE) {
        MUST(w->n_later < WORK_DECODES);
        w->later[w->n_later++] = *job;
        return;
    }
    if (job->kind == JOB_FILL)
        do_fill(w, job);
    else
        do_forget(w, job);
    atomic_fetch_add_explicit(&w->taken, 1, memory_order_release);
}

static void take_all(struct worker *w)
{
    struct job job;

    while (!atomic_load(&w->work->end) && queue_pop(&w->jobs, &job))
        take(w, &job);
}

static void decode(struct worker *w, const struct job *job)
{
    struct plan *p = w->work->plan;
    const struct track_slot *slot = job->u.decode.slot;
    uint32_t n, k = img_window_of_sbn(p->body, job->which)->k;
    const uint32_t *chunks = img_block_chunks(p->body, job->which, &n);
    int rc;

    wanted(w, job->which, slot);
    repair_bits(w, slot, k);
    rc = fec_recover(job->u.decode.sums, slot->lg_t, k, slot->bits, w->repair, w->want, w->scratch);
    MUST(rc >= 0);
    atomic_fetch_add(&p->counts.decoded, 1);
    atomic_fetch_add(&p->counts.repaired, rank(w, k));
    for (uint32_t i = 0; i < n && !plan_stopped(p); i++) {
        take_all(w);
        if (!plan_finished(p, chunks[i]))
            complete_chunk(w, chunks[i], job);
    }
}

/* Who lent slot and sums hears of the end of it, and sees in plan.open whether the block is
 * complete now; unless all is at an end anyway. */
static void do_decode(struct worker *w, const struct job *job)
{
    if (!plan_stopped(w->work->plan))
        decode(w, job);
    if (!plan_stopped(w->work->plan))
        report(w, EVENT_DECODED, job->which);
}

/* The decode that has waited longest. */
static void decode_next(struct worker *w)
{
    struct job job = w->later[0];

    memmove(w->later, w->later + 1, --w->n_later * sizeof *w->later);
    do_decode(w, &job);
    atomic_fetch_add_explicit(&w->taken, 1, memory_order_release);
}

static void *worker_main(void *arg)
{
    struct worker *w = arg;
    struct job job;

    while (!atomic_load(&w->work->end)) {
        if (w->n_later == 0 && queue_pop_wait(&w->jobs, &job, -1))
            take(w, &job);
        take_all(w);
        if (w->n_later > 0)
            decode_next(w);
    }
    return NULL;
}

static int start(struct work *k, unsigned i, struct err *err)
{
    struct worker *w = k->workers + i;

    w->work = k;
    w->stored = aligned_alloc(DISK_ALIGN, IMG_CHUNK_BYTES);
    w->scratch = aligned_alloc(64, sizeof *w->scratch);
    if (!w->stored || !w->scratch || queue_init(&w->jobs, JOBS, sizeof(struct job)) ||
        queue_init(&w->events, EVENTS, sizeof(struct event)))
        return err_set(err, RECEIVE_EMEMORY, "not enough memory for a working thread");
    if (pthread_create(&w->thread, NULL, worker_main, w))
        return err_set(err, RECEIVE_ETHREAD, "a working thread cannot be started");
    w->running = true;
    return 0;
}

int work_open(struct work **out, struct plan *plan, struct rows *rows, struct park *park,
              struct store *store, unsigned threads, struct err *err)
{
    struct work *k = calloc(1, sizeof *k);
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    int rc = 0;

    *out = NULL;
    if (!k)
        return err_set(err, RECEIVE_EMEMORY, "not enough memory for working threads");
    if (threads == 0)
        threads = cpus > 2 ? (unsigned)cpus - 1 : 1;
    k->plan = plan;
    k->rows = rows;
    k->park = park;
    k->store = store;
    k->told = calloc(plan->body->nblocks, 1);
    k->wrong = calloc(plan->body->nblocks, sizeof *k->wrong);
    if (!k->told || !k->wrong)
        rc = err_set(err, RECEIVE_EMEMORY, "not enough memory for working threads");
    for (k->n = 0; k->n < threads && k->n < WORK_MAX && !rc; k->n++)
        rc = start(k, k->n, err);
    if (rc) {
        work_close(k);
        return rc;
    }
    *out = k;
    return 0;
}

void work_give(struct work *k, uint32_t sbn, const struct job *job)
{
    struct worker *w = k->workers + sbn % k->n;

    atomic_fetch_add_explicit(&w->given, 1, memory_order_relaxed);
    queue_push_wait(&w->jobs, job);
}

bool work_event(struct work *k, struct event *out)
{
    for (unsigned i = 0; i < k->n; i++)
        if (queue_pop(&k->workers[i].events, out))
            return true;
    return false;
}

bool work_idle(struct work *k)
{
    for (unsigned i = 0; i < k->n; i++)
        if (atomic_load_explicit(&k->workers[i].taken, memory_order_acquire) !=
            atomic_load_explicit(&k->workers[i].given, memory_order_relaxed))
            return false;
    return true;
}

void work_close(struct work *k)
{
    if (!k)
        return;
    atomic_store(&k->end, true);
    for (unsigned i = 0; i < k->n; i++) {
        struct worker *w = k->workers + i;
        struct job none = {.kind = JOB_FORGET};

        if (w->running) {
            queue_push(&w->jobs, &none); /* where it is full, nobody sleeps */
            pthread_join(w->thread, NULL);
        }
        queue_free(&w->jobs);
        queue_free(&w->events);
        free(w->stored);
        free(w->scratch);
    }
    free(k->told);
    free(k->wrong);
    free(k);
}
