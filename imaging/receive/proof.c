#include "imaging/receive/proof.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "imaging/image/sha256.h"
#include "imaging/receive/queue.h"

#define BATCH 256u       /* chunks, 32 MiB: so much is let gather, so that a disk with heads does not seek for each run */
#define STEP 8u          /* chunks read at once: 1 MiB */
#define GATHER_MAX 512u
#define AGAIN 256u /* chunks that are looked at once more: three seconds of a disk with heads */
#define IDLE_MS 100

struct run {
    uint32_t ordinal, n;
};

struct proof {
    struct plan *plan;
    struct queue written;
    pthread_t reader, blanker;
    bool reading;
    _Atomic bool drain, end, blanked;
    _Atomic uint64_t owed; /* chunks announced and not yet looked at */
    uint8_t *back;         /* STEP chunks; the reader's, and proof_again's when he is done */
};

/* Whether the target returns n neighbours from `ordinal` on. */
static int read_back(struct proof *f, uint32_t ordinal, uint32_t n, struct err *err)
{
    struct plan *p = f->plan;
    const struct img_chunk *c = p->body->data + ordinal;
    uint64_t at = (uint64_t)c->number * IMG_CHUNK_BYTES;
    uint32_t last = plan_raw_len(p, ordinal + n - 1);
    uint8_t hash[SHA256_BYTES];
    int rc = p->disk->ops->read(p->disk->ctx, f->back, (size_t)(n - 1) * IMG_CHUNK_BYTES + last, at, err);

    for (uint32_t i = 0; i < n && !rc; i++) {
        chunk_hash(hash, f->back + (size_t)i * IMG_CHUNK_BYTES, i + 1 < n ? IMG_CHUNK_BYTES : last);
        if (memcmp(hash, c[i].hash, sizeof hash))
            rc = err_set(err, RECEIVE_EREADBACK, "the target returns other bytes than were written at byte %llu",
                         (unsigned long long)c[i].number * IMG_CHUNK_BYTES);
    }
    return rc;
}

static void prove_step(struct proof *f, uint32_t ordinal, uint32_t n)
{
    struct plan *p = f->plan;
    struct err err = {0};

    if (read_back(f, ordinal, n, &err)) {
        plan_fail(p, &err);
        return;
    }
    for (uint32_t i = 0; i < n; i++)
        plan_set(p, ordinal + i, CHUNK_PROVEN);
    atomic_fetch_add(&p->counts.proven, n);
}

static void prove_run(struct proof *f, struct run r)
{
    while (r.n > 0 && !plan_stopped(f->plan)) {
        uint32_t n = r.n < STEP ? r.n : STEP;

        prove_step(f, r.ordinal, n);
        r.ordinal += n;
        r.n -= n;
        atomic_fetch_sub(&f->owed, n);
    }
}

static int by_ordinal(const void *a, const void *b)
{
    const struct run *x = a, *y = b;

    return x->ordinal < y->ordinal ? -1 : x->ordinal > y->ordinal;
}

static void *reader_main(void *arg)
{
    struct proof *f = arg;
    struct run runs[GATHER_MAX];
    uint32_t n = 0, chunks = 0;

    while (!atomic_load(&f->end)) {
        bool got = queue_pop_wait(&f->written, runs + n, IDLE_MS);

        if (got)
            chunks += runs[n++].n;
        if (n == 0 || (got && chunks < BATCH && n < GATHER_MAX && !atomic_load(&f->drain)))
            continue;
        qsort(runs, n, sizeof *runs, by_ordinal);
        for (uint32_t i = 0; i < n; i++)
            prove_run(f, runs[i]);
        n = chunks = 0;
    }
    return NULL;
}

static bool all_zero(const uint8_t *p, size_t n)
{
    return n == 0 || (p[0] == 0 && memcmp(p, p + 1, n - 1) == 0);
}

/* Makes [at, at + n) read as zeros, and looks. `buf` holds STEP chunks. */
static int zero_step(struct plan *p, uint8_t *buf, uint64_t at, size_t n, struct err *err)
{
    struct err ignored = {0}; /* what cannot be read may be healed by writing it */
    int rc;

    if (!p->disk->ops->read(p->disk->ctx, buf, n, at, &ignored) && all_zero(buf, n))
        return 0;
    atomic_store(&p->touched, true);
    rc = p->disk->ops->zero(p->disk->ctx, at, n, err);
    if (!rc && p->verify)
        rc = p->disk->ops->read(p->disk->ctx, buf, n, at, err);
    if (!rc && p->verify && !all_zero(buf, n))
        rc = err_set(err, RECEIVE_EREADBACK, "the target does not return the zeros written at byte %llu",
                     (unsigned long long)at);
    return rc;
}

/* Not in the edges: they have to read as zeros for now. */
static void discard(struct plan *p, uint64_t at, uint64_t end)
{
    uint64_t last = plan_end(p) - (plan_end(p) < EDGE_BYTES ? plan_end(p) : EDGE_BYTES);

    at = at < EDGE_BYTES ? EDGE_BYTES : at;
    end = end > last ? last : end;
    if (at >= end)
        return;
    atomic_store(&p->touched, true);
    p->disk->ops->discard(p->disk->ctx, at, end - at);
}

static void blank_run(struct plan *p, const struct img_run *r, uint8_t *buf)
{
    uint64_t at = (uint64_t)r->first * IMG_CHUNK_BYTES;
    uint64_t end = at + (uint64_t)r->count * IMG_CHUNK_BYTES;
    struct err err = {0};

    if (end > plan_end(p))
        end = plan_end(p);
    if (r->state == IMG_FREE)
        discard(p, at, end);
    while (r->state == IMG_ZERO && at < end && !plan_stopped(p)) {
        size_t n = end - at < STEP * IMG_CHUNK_BYTES ? (size_t)(end - at) : STEP * IMG_CHUNK_BYTES;

        if (zero_step(p, buf, at, n, &err))
            plan_fail(p, &err);
        at += n;
    }
}

static void *blanker_main(void *arg)
{
    struct proof *f = arg;
    struct plan *p = f->plan;
    uint8_t *buf = aligned_alloc(DISK_ALIGN, (size_t)STEP * IMG_CHUNK_BYTES);
    struct err err = {0};

    if (!buf) {
        err_set(&err, RECEIVE_EMEMORY, "not enough memory to look at the zero ranges");
        plan_fail(p, &err);
    }
    for (uint32_t i = 0; i < p->body->nruns && !p->disk->blank && !plan_stopped(p); i++)
        if (p->body->runs[i].state != IMG_DATA)
            blank_run(p, p->body->runs + i, buf);
    free(buf);
    atomic_store(&f->blanked, true);
    return NULL;
}

int proof_open(struct proof **out, struct plan *plan, struct err *err)
{
    struct proof *f = calloc(1, sizeof *f);

    *out = NULL;
    if (f)
        f->back = aligned_alloc(DISK_ALIGN, (size_t)STEP * IMG_CHUNK_BYTES);
    if (!f || !f->back || queue_init(&f->written, 4096, sizeof(struct run))) {
        if (f)
            free(f->back);
        free(f);
        return err_set(err, RECEIVE_EMEMORY, "not enough memory for read-back");
    }
    f->plan = plan;
    f->reading = plan->verify && pthread_create(&f->reader, NULL, reader_main, f) == 0;
    if ((plan->verify && !f->reading) || pthread_create(&f->blanker, NULL, blanker_main, f)) {
        atomic_store(&f->end, true);
        if (f->reading)
            pthread_join(f->reader, NULL);
        queue_free(&f->written);
        free(f->back);
        free(f);
        return err_set(err, RECEIVE_ETHREAD, "the read-back threads cannot be started");
    }
    *out = f;
    return 0;
}

void proof_written(struct proof *f, uint32_t ordinal, uint32_t n)
{
    struct run r = {ordinal, n};

    if (!f->reading)
        return;
    atomic_fetch_add(&f->owed, n);
    queue_push_wait(&f->written, &r);
}

/* Ends the reader's wait for more. The writing thread is at rest: this thread may push in its place. */
static void nudge(struct proof *f)
{
    struct run none = {0, 0};

    if (f->reading)
        queue_push(&f->written, &none);
}

void proof_drain(struct proof *f)
{
    atomic_store(&f->drain, true);
    if (!plan_stopped(f->plan))
        nudge(f);
    while (!plan_stopped(f->plan) && (atomic_load(&f->owed) > 0 || !atomic_load(&f->blanked)))
        nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
}

int proof_again(struct proof *f, struct err *err)
{
    const struct plan *p = f->plan;
    uint32_t n = p->body->ndata, samples = n < AGAIN ? n : AGAIN;
    int rc = 0;

    for (uint32_t i = 0; i < samples && !rc && f->reading && !plan_stopped(f->plan); i++) {
        uint32_t ordinal = (uint32_t)((uint64_t)i * n / samples);

        if (!plan_edge(p, ordinal))
            rc = read_back(f, ordinal, 1, err);
    }
    return rc;
}

void proof_close(struct proof *f)
{
    if (!f)
        return;
    atomic_store(&f->end, true);
    nudge(f);
    if (f->reading)
        pthread_join(f->reader, NULL);
    pthread_join(f->blanker, NULL);
    queue_free(&f->written);
    free(f->back);
    free(f);
}
