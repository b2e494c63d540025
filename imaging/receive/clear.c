#include "imaging/receive/clear.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "imaging/receive/edges.h"
#include "net/wire/rng.h"

#define STEP ((size_t)8 * IMG_CHUNK_BYTES) /* bytes looked at at once */
#define MARK DISK_ALIGN                    /* bytes of a mark */
/* where the first one is; the others lie so far behind a power of two */
#define MARKS_AT (UINT64_C(64) << 10)
#define MARKS_FROM 20 /* the lowest power of two */
#define MARKS_MAX 48

struct clear {
    struct plan *plan;
    pthread_t thread;
    bool write;
    _Atomic bool done;
    uint8_t *buf; /* STEP bytes */
};

/* ---- marks ---- */

struct marks {
    uint64_t at[MARKS_MAX];
    unsigned n;
    uint64_t seed;
    uint8_t *old;  /* what was at their places, MARK bytes each */
    uint8_t *mark; /* MARK bytes */
};

static void mark_make(const struct marks *m, unsigned i, uint8_t mark[MARK])
{
    struct rng rng = {m->seed ^ m->at[i]};

    for (size_t at = 0; at < MARK; at += sizeof(uint64_t)) {
        uint64_t word = rng_u64(&rng);

        memcpy(mark + at, &word, sizeof word);
    }
}

static void marks_place(struct marks *m, uint64_t disk_bytes)
{
    uint64_t last = (disk_bytes & ~(uint64_t)(MARK - 1)) - MARK;

    if (disk_bytes < MARKS_AT + 2 * MARK)
        return;
    m->at[m->n++] = MARKS_AT;
    for (unsigned power = MARKS_FROM; power < 63 && (UINT64_C(1) << power) + MARKS_AT < last;
         power++)
        if (m->n < MARKS_MAX - 1)
            m->at[m->n++] = (UINT64_C(1) << power) + MARKS_AT;
    m->at[m->n++] = last;
}

static int mark_write(struct plan *p, const uint8_t *bytes, uint64_t at, struct err *err)
{
    struct disk_part part = {bytes, MARK};

    return p->disk->ops->write(p->disk->ctx, &part, 1, at, err);
}

static int marks_write(struct marks *m, struct plan *p, struct err *err)
{
    int rc = 0;

    for (unsigned i = 0; i < m->n && !rc; i++) {
        struct err ignored = {0}; /* what cannot be read may be healed by writing it */

        if (p->disk->ops->read(p->disk->ctx, m->old + (size_t)i * MARK, MARK, m->at[i], &ignored))
            memset(m->old + (size_t)i * MARK, 0, MARK);
    }
    for (unsigned i = 0; i < m->n && !rc; i++) {
        mark_make(m, i, m->mark);
        rc = mark_write(p, m->mark, m->at[i], err);
    }
    return rc ? rc : p->disk->ops->flush(p->disk->ctx, err);
}

/* The place of mark i returned `back`. */
static int mark_judge(struct marks *m, unsigned i, const uint8_t *back, struct err *err)
{
    for (unsigned j = 0; j < m->n; j++) {
        mark_make(m, j, m->mark);
        if (memcmp(m->mark, back, MARK))
            continue;
        if (i == j)
            return 0;
        return err_set(err, RECEIVE_ECOUNTERFEIT,
                       "the target returns at byte %llu what was written at byte %llu: it is "
                       "counterfeit, it has less room than it says",
                       (unsigned long long)m->at[i], (unsigned long long)m->at[j]);
    }
    return err_set(err, RECEIVE_EREADBACK,
                   "the target does not return what was written at byte %llu",
                   (unsigned long long)m->at[i]);
}

static int marks_read(struct marks *m, struct plan *p, uint8_t *back, struct err *err)
{
    int rc = 0;

    for (unsigned i = 0; i < m->n && !rc; i++) {
        rc = p->disk->ops->read(p->disk->ctx, back, MARK, m->at[i], err);
        if (!rc)
            rc = mark_judge(m, i, back, err);
    }
    return rc;
}

static int marks_remove(const struct marks *m, struct plan *p, struct err *err)
{
    int rc = 0;

    for (unsigned i = 0; i < m->n && !rc; i++)
        rc = mark_write(p, m->old + (size_t)i * MARK, m->at[i], err);
    return rc ? rc : p->disk->ops->flush(p->disk->ctx, err);
}

static int marks_try(struct clear *c, struct err *err)
{
    struct marks m = {.old = aligned_alloc(DISK_ALIGN, (size_t)MARKS_MAX * MARK),
                      .mark = aligned_alloc(DISK_ALIGN, MARK)};
    struct timespec now;
    int rc = 0;

    clock_gettime(CLOCK_REALTIME, &now);
    m.seed = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
    if (!m.old || !m.mark)
        rc = err_set(err, RECEIVE_EMEMORY, "not enough memory to try the target");
    if (!rc)
        marks_place(&m, c->plan->disk->bytes);
    if (!rc)
        rc = marks_write(&m, c->plan, err);
    if (!rc)
        rc = marks_read(&m, c->plan, c->buf, err);
    if (!rc)
        rc = marks_remove(&m, c->plan, err);
    free(m.old);
    free(m.mark);
    return rc;
}

/* ---- discard, zero ranges ---- */

/* All but the edges. */
static int discard_all(struct plan *p, struct err *err)
{
    struct edge edge[3];
    uint64_t at = 0;

    edges_of(p, edge);
    for (int i = 0; i < 2; i++) {
        uint64_t end = (edge[i].end + DISK_ALIGN - 1) & ~(uint64_t)(DISK_ALIGN - 1);

        at = end > at ? end : at;
        if (at < edge[i + 1].at)
            p->disk->ops->discard(p->disk->ctx, at, edge[i + 1].at - at);
    }
    return p->disk->ops->flush(p->disk->ctx, err);
}

/* Nothing of what is to be written is there yet. */
static int prepare(struct clear *c, struct err *err)
{
    struct plan *p = c->plan;
    int rc = p->verify ? marks_try(c, err) : 0;

    if (!rc && atomic_load(&p->counts.kept) == 0)
        rc = discard_all(p, err);
    return rc ? rc : edges_check(p, err);
}

static bool all_zero(const uint8_t *p, size_t n)
{
    return n == 0 || (p[0] == 0 && memcmp(p, p + 1, n - 1) == 0);
}

/* Makes [at, at + n) zero unless it reads as zeros. */
static int zero_step(struct clear *c, uint64_t at, size_t n, struct err *err)
{
    const struct disk *d = c->plan->disk;
    struct err ignored = {0}; /* what cannot be read may be healed by writing it */

    if (d->ops->hole && d->ops->hole(d->ctx, at) >= n)
        return 0;
    if (!d->ops->read(d->ctx, c->buf, n, at, &ignored) && all_zero(c->buf, n))
        return 0;
    atomic_store(&c->plan->touched, true);
    return d->ops->zero(d->ctx, at, n, err);
}

static void zero_run(struct clear *c, const struct img_run *r)
{
    struct plan *p = c->plan;
    uint64_t at = (uint64_t)r->first * IMG_CHUNK_BYTES,
             end = at + (uint64_t)r->count * IMG_CHUNK_BYTES;
    struct err err = {0};

    end = end < plan_end(p) ? end : plan_end(p);
    while (at < end && !plan_stopped(p)) {
        size_t n = end - at < STEP ? (size_t)(end - at) : STEP;

        if (zero_step(c, at, n, &err))
            plan_fail(p, &err);
        at += n;
    }
}

static void *clear_main(void *arg)
{
    struct clear *c = arg;
    struct plan *p = c->plan;
    struct err err = {0};

    if (c->write && !p->disk->blank && prepare(c, &err))
        plan_fail(p, &err);
    atomic_store(&p->ready, true);
    for (uint32_t i = 0; i < p->body->nruns && !p->disk->blank && !plan_stopped(p); i++)
        if (p->body->runs[i].state == IMG_ZERO)
            zero_run(c, p->body->runs + i);
    atomic_store(&c->done, true);
    return NULL;
}

int clear_open(struct clear **out, struct plan *plan, bool write, struct err *err)
{
    struct clear *c = calloc(1, sizeof *c);

    *out = NULL;
    if (c)
        c->buf = aligned_alloc(DISK_ALIGN, STEP);
    if (!c || !c->buf) {
        free(c);
        return err_set(err, RECEIVE_EMEMORY, "not enough memory to look at the zero ranges");
    }
    c->plan = plan;
    c->write = write;
    if (pthread_create(&c->thread, NULL, clear_main, c)) {
        free(c->buf);
        free(c);
        return err_set(err, RECEIVE_ETHREAD, "the thread that clears the target cannot be started");
    }
    *out = c;
    return 0;
}

void clear_wait(struct clear *c)
{
    while (!plan_stopped(c->plan) && !atomic_load(&c->done))
        nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
}

void clear_close(struct clear *c)
{
    if (!c)
        return;
    pthread_join(c->thread, NULL);
    free(c->buf);
    free(c);
}
