#include "imaging/receive/proof.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "imaging/hash/sha256.h"

#define STEP 8u /* chunks read at once: 1 MiB */

/* The next chunks to be read, shared by the readers. */
struct proof {
    struct plan *plan;
    pthread_mutex_t lock; /* guards the two below */
    uint32_t run, done;   /* run under way; chunks of it that were handed out */
    _Atomic uint32_t chunks;
    proof_progress *progress;
    void *ctx;
    struct err *err; /* the first failure; guarded by lock */
    _Atomic bool failed;
};

/* Neighbours of one state. */
struct step {
    uint32_t number, n;
    uint32_t ordinal; /* of the first, if they hold data */
    uint8_t state;
};

/* ---- one step ---- */

static uint64_t step_at(const struct step *s)
{
    return (uint64_t)s->number * IMG_CHUNK_BYTES;
}

/* Bytes of the step on this target, which may end before the image does. */
static size_t step_bytes(const struct plan *p, const struct step *s)
{
    uint64_t end = step_at(s) + (uint64_t)s->n * IMG_CHUNK_BYTES, last = plan_end(p);

    end = end < last ? end : last;
    return end > step_at(s) ? (size_t)(end - step_at(s)) : 0;
}

/* The target returned `hash` where another chunk is. */
static int wrong_bytes(const struct plan *p, uint64_t at, const uint8_t hash[SHA256_BYTES],
                       struct err *err)
{
    for (uint32_t i = 0; i < p->body->ndata; i++)
        if (!memcmp(p->body->data[i].hash, hash, SHA256_BYTES))
            return err_set(err, RECEIVE_ECOUNTERFEIT,
                           "the target returns at byte %llu what was written at byte %llu: it is "
                           "counterfeit, it has less room than it says, "
                           "or it writes to the wrong place",
                           (unsigned long long)at,
                           (unsigned long long)p->body->data[i].number * IMG_CHUNK_BYTES);
    return err_set(err, RECEIVE_EREADBACK,
                   "the target returns other bytes than were written at byte %llu",
                   (unsigned long long)at);
}

static bool all_zero(const uint8_t *p, size_t n)
{
    return n == 0 || (p[0] == 0 && memcmp(p, p + 1, n - 1) == 0);
}

static int zeros_prove(const struct plan *p, const struct step *s, const uint8_t *bytes, size_t n,
                       struct err *err)
{
    for (size_t i = 0; i < n; i += IMG_CHUNK_BYTES) {
        size_t len = n - i < IMG_CHUNK_BYTES ? n - i : IMG_CHUNK_BYTES;
        uint8_t hash[SHA256_BYTES];

        if (all_zero(bytes + i, len))
            continue;
        chunk_hash(hash, bytes + i, len);
        return wrong_bytes(p, step_at(s) + i, hash, err);
    }
    return 0;
}

static void mark_proven(struct plan *p, uint32_t ordinal)
{
    if (plan_chunk(p, ordinal) == CHUNK_PROVEN)
        return;
    plan_set(p, ordinal, CHUNK_PROVEN);
    atomic_fetch_add(&p->counts.proven, 1);
}

static int data_prove(struct plan *p, const struct step *s, const uint8_t *bytes, struct err *err)
{
    for (uint32_t i = 0; i < s->n; i++) {
        uint8_t hash[SHA256_BYTES];

        chunk_hash(hash, bytes + (size_t)i * IMG_CHUNK_BYTES, plan_raw_len(p, s->ordinal + i));
        if (memcmp(hash, p->body->data[s->ordinal + i].hash, sizeof hash))
            return wrong_bytes(p, step_at(s) + (uint64_t)i * IMG_CHUNK_BYTES, hash, err);
        mark_proven(p, s->ordinal + i);
    }
    return 0;
}

static int step_prove(struct plan *p, const struct step *s, uint8_t *buf, struct err *err)
{
    const struct disk_ops *ops = p->disk->ops;
    size_t n = step_bytes(p, s);
    int rc;

    if (s->state == IMG_ZERO && ops->hole && ops->hole(p->disk->ctx, step_at(s)) >= n)
        return 0; /* a file system says so of a file: terabytes of them cost nothing */
    rc = n ? ops->read(p->disk->ctx, buf, n, step_at(s), err) : 0;

    if (rc)
        return rc;
    return s->state == IMG_DATA ? data_prove(p, s, buf, err) : zeros_prove(p, s, buf, n, err);
}

/* ---- all ---- */

/* The next chunks that are no edge's data; false when there are no more. */
static bool step_next(struct proof *f, struct step *s)
{
    const struct img_body *b = f->plan->body;
    bool any = false;

    pthread_mutex_lock(&f->lock);
    while (!any && f->run < b->nruns) {
        const struct img_run *r = b->runs + f->run;
        uint32_t at = f->done, n = r->count - at < STEP ? r->count - at : STEP;

        *s = (struct step){r->first + at, n, r->ordinal + at, r->state};
        for (uint32_t i = 0; r->state == IMG_DATA && i < n; i++)
            if (plan_edge(f->plan, s->ordinal + i)) {
                n = i ? i : 1; /* up to it; or it alone, which is left out */
                s->n = i;
            }
        any = r->state != IMG_FREE && s->n > 0;
        f->done = r->state == IMG_FREE ? r->count : at + n;
        if (f->done == r->count) {
            f->run++;
            f->done = 0;
        }
    }
    pthread_mutex_unlock(&f->lock);
    return any;
}

static void proof_fail(struct proof *f, const struct err *why)
{
    pthread_mutex_lock(&f->lock);
    if (!f->err->code)
        *f->err = *why;
    pthread_mutex_unlock(&f->lock);
    atomic_store(&f->failed, true);
}

static void proof_read(struct proof *f, bool tell)
{
    uint8_t *buf = aligned_alloc(DISK_ALIGN, (size_t)STEP * IMG_CHUNK_BYTES);
    struct err err = {0};
    struct step s;

    if (!buf) {
        err_set(&err, RECEIVE_EMEMORY, "not enough memory to read the target back");
        proof_fail(f, &err);
    }
    while (!atomic_load(&f->failed) && !plan_stopped(f->plan) && step_next(f, &s)) {
        uint32_t so_far = atomic_fetch_add(&f->chunks, s.n);

        if (step_prove(f->plan, &s, buf, &err))
            proof_fail(f, &err);
        if (tell && f->progress &&
            !f->progress(f->ctx, (unsigned)((uint64_t)so_far * 1000 / f->plan->body->chunks))) {
            err_set(&err, RECEIVE_EINTR, "interrupted");
            proof_fail(f, &err);
        }
    }
    free(buf);
}

static void *reader_main(void *arg)
{
    proof_read(arg, false);
    return NULL;
}

int proof_all(struct plan *p, proof_progress *progress, void *ctx, struct err *err)
{
    struct err first = {0};
    struct proof f = {.plan = p,
                      .progress = progress,
                      .ctx = ctx,
                      .err = &first,
                      .lock = PTHREAD_MUTEX_INITIALIZER};
    pthread_t readers[PROOF_THREADS];
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    unsigned n = 0;

    if (!p->verify)
        return 0;
    while (n + 1 < PROOF_THREADS && (long)n + 1 < cpus &&
           pthread_create(&readers[n], NULL, reader_main, &f) == 0)
        n++;
    proof_read(&f, true);
    while (n > 0)
        pthread_join(readers[--n], NULL);
    if (plan_stopped(p))
        return plan_why(p, err);
    return first.code ? err_set(err, first.code, "%s", first.text) : 0;
}

/* ---- the last look ---- */

/* A chunk that is to hold what the image has there. Where the partition table was moved, that is
 * not so of the first chunk, which was read when it was written, nor of what lies under the table's
 * copy. */
static bool step_of(const struct plan *p, uint32_t number, struct step *s)
{
    const struct img_run *r = img_run_of(p->body, number);

    *s = (struct step){number, 1, r->ordinal + (number - r->first), r->state};
    return (number > 0 || p->moved_at == UINT64_MAX) && r->state != IMG_FREE &&
           step_at(s) < plan_end(p) && step_at(s) + step_bytes(p, s) <= p->moved_at;
}

static int prove_one(struct plan *p, uint32_t number, uint8_t *buf, struct err *err)
{
    struct step s;

    return step_of(p, number, &s) ? step_prove(p, &s, buf, err) : 0;
}

static int prove_near(struct plan *p, uint32_t from, uint32_t end, uint8_t *buf, struct err *err)
{
    int rc = 0;

    for (uint32_t i = from; i < end && !rc && !plan_stopped(p); i++)
        rc = prove_one(p, i, buf, err);
    return rc;
}

int proof_last(struct plan *p, struct err *err)
{
    uint32_t n = p->body->chunks,
             near = PROOF_NEAR / IMG_CHUNK_BYTES < n ? (uint32_t)(PROOF_NEAR / IMG_CHUNK_BYTES) : n;
    uint32_t end = (uint32_t)((plan_end(p) + IMG_CHUNK_BYTES - 1) / IMG_CHUNK_BYTES),
             tail = end > 2 * near ? end - near : near;
    uint8_t *buf = p->verify ? aligned_alloc(DISK_ALIGN, IMG_CHUNK_BYTES) : NULL;
    int rc;

    if (!p->verify)
        return 0;
    if (!buf)
        return err_set(err, RECEIVE_EMEMORY, "not enough memory to read the target back");
    rc = prove_near(p, 0, near < end ? near : end, buf, err);
    if (!rc)
        rc = prove_near(p, tail, end, buf, err);
    for (uint32_t i = 0; i < PROOF_SAMPLES && near < end && !rc && !plan_stopped(p); i++)
        rc = prove_one(p, (uint32_t)((uint64_t)i * end / PROOF_SAMPLES), buf, err);
    free(buf);
    return rc;
}
