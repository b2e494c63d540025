#include "imaging/receive/store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "imaging/hash/sha256.h"
#include "imaging/receive/move.h"
#include "imaging/receive/pages.h"
#include "net/os/clock.h"
#include "net/wire/must.h"

#define EDGE_MAX 24u      /* chunks that touch an edge: 9 at each end at the most */
#define SECTOR_LEAST 512u /* no disk has smaller ones */
#define STALE_MS 200      /* a short run is written when nothing joined it for so long */
#define READY_MS 5        /* until the target may be written it is asked so often whether it may */
/* chunks that wait: the disk must not, though no long run is among them */
#define MANY (STORE_BUFFERS * 2 / 3)

struct piece {
    uint32_t ordinal;
    uint8_t *raw;
};

struct store {
    struct plan *plan;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    uint8_t *memory;
    /* the last one given back is the first to be taken: memory is touched only as it is needed */
    uint8_t **free;
    uint32_t n_free;
    struct piece *pending; /* by ordinal */
    uint32_t n_pending, writing;
    struct piece edge[EDGE_MAX];
    uint32_t n_edge;
    bool drain, end;
};

/* Waits for a change at most `ms`; false when that time has passed. Called with the lock held. */
static bool wait_change(struct store *s, long ms)
{
    return clock_cond_wait(&s->changed, &s->lock, mono_add(clock_now(), ms * MONO_MS));
}

static bool neighbours(const struct plan *p, uint32_t a, uint32_t b)
{
    return b == a + 1 && p->body->data[b].number == p->body->data[a].number + 1;
}

/* The longest run of neighbours among the pending: *first is its place, the result its length. */
static uint32_t longest_run(const struct store *s, uint32_t *first)
{
    uint32_t best = 0;

    for (uint32_t i = 0, n; i < s->n_pending; i += n) {
        for (n = 1; i + n < s->n_pending && n < DISK_MAX_PARTS; n++)
            if (!neighbours(s->plan, s->pending[i + n - 1].ordinal, s->pending[i + n].ordinal))
                break;
        if (n > best) {
            best = n;
            *first = i;
        }
    }
    return best;
}

static void write_run(struct store *s, const struct piece *run, uint32_t n)
{
    struct plan *p = s->plan;
    struct disk_part parts[DISK_MAX_PARTS];
    struct err err = {0};
    uint64_t bytes = 0, start;

    for (uint32_t i = 0; i < n; i++) {
        parts[i] = (struct disk_part){run[i].raw, plan_raw_len(p, run[i].ordinal)};
        bytes += parts[i].n;
    }
    start = clock_now().ns;
    atomic_store(&p->counts.write_since, start);
    if (p->disk->ops->write(p->disk->ctx, parts, (int)n,
                            (uint64_t)p->body->data[run[0].ordinal].number * IMG_CHUNK_BYTES,
                            &err)) {
        plan_fail(p, &err);
        return;
    }
    /* first: counted twice would be more time than there is */
    atomic_store(&p->counts.write_since, 0);
    atomic_fetch_add(&p->counts.write_ns, clock_now().ns - start);
    atomic_fetch_add(&p->counts.write_bytes, bytes);
    atomic_fetch_add(&p->counts.written, n);
    for (uint32_t i = 0; i < n; i++)
        plan_set(p, run[i].ordinal, CHUNK_WRITTEN);
}

/* Writes one run if it is time to. Called with the lock held, which is let go while the disk works.
 */
static bool write_some(struct store *s, bool stale)
{
    struct piece run[DISK_MAX_PARTS];
    uint32_t first = 0, n = longest_run(s, &first);

    if (n == 0 || !atomic_load(&s->plan->ready) ||
        (n < STORE_RUN && !stale && !s->drain && s->n_pending < MANY))
        return false;
    memcpy(run, s->pending + first, n * sizeof *run);
    s->n_pending -= n;
    memmove(s->pending + first, s->pending + first + n, (s->n_pending - first) * sizeof *run);
    s->writing = n;
    pthread_mutex_unlock(&s->lock);
    if (!plan_stopped(s->plan))
        write_run(s, run, n);
    pthread_mutex_lock(&s->lock);
    for (uint32_t i = 0; i < n; i++)
        s->free[s->n_free++] = run[i].raw;
    s->writing = 0;
    pthread_cond_broadcast(&s->changed);
    return true;
}

static void *store_main(void *arg)
{
    struct store *s = arg;
    bool stale = false;

    pthread_mutex_lock(&s->lock);
    while (!s->end)
        if (!write_some(s, stale))
            stale = !wait_change(s, atomic_load(&s->plan->ready) ? STALE_MS : READY_MS);
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

static void store_free(struct store *s)
{
    free(s->memory);
    free(s->free);
    free(s->pending);
    free(s);
}

static struct store *store_make(uint32_t buffers)
{
    struct store *s = calloc(1, sizeof *s);

    if (!s)
        return NULL;
    s->memory = pages_take((size_t)buffers * IMG_CHUNK_BYTES);
    s->free = malloc(buffers * sizeof *s->free);
    s->pending = malloc(buffers * sizeof *s->pending);
    if (!s->memory || !s->free || !s->pending) {
        store_free(s);
        return NULL;
    }
    while (s->n_free < buffers) {
        s->free[s->n_free] = s->memory + (size_t)(buffers - 1 - s->n_free) * IMG_CHUNK_BYTES;
        s->n_free++;
    }
    return s;
}

int store_open(struct store **out, struct plan *plan, uint32_t buffers, struct err *err)
{
    struct store *s = store_make(buffers);

    *out = NULL;
    if (!s)
        return err_set(err, RECEIVE_EMEMORY, "not enough memory for write buffers");
    s->plan = plan;
    pthread_mutex_init(&s->lock, NULL);
    clock_cond_init(&s->changed);
    if (pthread_create(&s->thread, NULL, store_main, s)) {
        store_free(s);
        return err_set(err, RECEIVE_ETHREAD, "the writing thread cannot be started");
    }
    *out = s;
    return 0;
}

uint8_t *store_buffer(struct store *s)
{
    uint8_t *raw = NULL;

    pthread_mutex_lock(&s->lock);
    while (s->n_free == 0 && !plan_stopped(s->plan))
        wait_change(s, STALE_MS);
    if (s->n_free > 0 && !plan_stopped(s->plan))
        raw = s->free[--s->n_free];
    pthread_mutex_unlock(&s->lock);
    return raw;
}

static void give_back(struct store *s, uint8_t *raw)
{
    s->free[s->n_free++] = raw;
    pthread_cond_broadcast(&s->changed);
}

void store_return(struct store *s, uint8_t *raw)
{
    pthread_mutex_lock(&s->lock);
    give_back(s, raw);
    pthread_mutex_unlock(&s->lock);
}

/* Called with the lock held. */
static void keep_edge(struct store *s, uint32_t ordinal, const uint8_t *raw)
{
    uint8_t *copy = aligned_alloc(DISK_ALIGN, IMG_CHUNK_BYTES);
    struct err err = {0};

    MUST(s->n_edge < EDGE_MAX);
    if (!copy) {
        err_set(&err, RECEIVE_EMEMORY, "not enough memory for the edges of the disk");
        plan_fail(s->plan, &err);
        return;
    }
    memcpy(copy, raw, plan_raw_len(s->plan, ordinal));
    s->edge[s->n_edge++] = (struct piece){ordinal, copy};
}

void store_keep_edge(struct store *s, uint32_t ordinal, const uint8_t *raw)
{
    pthread_mutex_lock(&s->lock);
    keep_edge(s, ordinal, raw);
    pthread_mutex_unlock(&s->lock);
}

void store_put(struct store *s, uint32_t ordinal, uint8_t *raw)
{
    uint32_t at;

    pthread_mutex_lock(&s->lock);
    if (plan_edge(s->plan, ordinal)) {
        keep_edge(s, ordinal, raw);
        give_back(s, raw);
        pthread_mutex_unlock(&s->lock);
        return;
    }
    for (at = s->n_pending; at > 0 && s->pending[at - 1].ordinal > ordinal; at--)
        s->pending[at] = s->pending[at - 1];
    s->pending[at] = (struct piece){ordinal, raw};
    /* Waking the writer for every chunk would cost more than it gains: it looks by itself after
     * STALE_MS. */
    if (++s->n_pending % STORE_RUN == 0 || s->n_pending >= MANY)
        pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->lock);
}

void store_drain(struct store *s)
{
    pthread_mutex_lock(&s->lock);
    s->drain = true;
    pthread_cond_broadcast(&s->changed);
    while ((s->n_pending > 0 || s->writing > 0) && !plan_stopped(s->plan))
        wait_change(s, STALE_MS);
    s->drain = false;
    pthread_mutex_unlock(&s->lock);
}

/* `move`: of the first chunk on a disk of another size, what was changed; else NULL. */
static int check_edge(struct store *s, const struct piece *e, const struct move *move,
                      uint8_t *back, struct err *err)
{
    struct plan *p = s->plan;
    const struct img_chunk *c = p->body->data + e->ordinal;
    uint32_t n = plan_raw_len(p, e->ordinal);
    uint8_t hash[SHA256_BYTES];
    int rc = p->disk->ops->read(p->disk->ctx, back, n, (uint64_t)c->number * IMG_CHUNK_BYTES, err);
    bool as_made = rc || !move || move_undo(move, back, e->raw);

    if (rc)
        return rc;
    chunk_hash(hash, back, n);
    if (!as_made || memcmp(hash, c->hash, sizeof hash))
        return err_set(err, RECEIVE_EREADBACK,
                       "the target returns other bytes than were written at byte %llu",
                       (unsigned long long)c->number * IMG_CHUNK_BYTES);
    plan_set(p, e->ordinal, CHUNK_PROVEN);
    atomic_fetch_add(&p->counts.proven, 1);
    return 0;
}

/* The first n bytes of it: all that is not there yet. */
static int write_edge(struct store *s, const struct piece *e, uint32_t n, struct err *err)
{
    struct plan *p = s->plan;
    struct disk_part part = {e->raw, n};
    int rc = p->disk->ops->write(p->disk->ctx, &part, 1,
                                 (uint64_t)p->body->data[e->ordinal].number * IMG_CHUNK_BYTES, err);

    if (rc)
        return rc;
    plan_set(p, e->ordinal, CHUNK_WRITTEN);
    atomic_fetch_add(&p->counts.written, 1);
    return 0;
}

/* All edges but the first chunk of the disk. */
static int write_others(struct store *s, const struct piece *first, uint8_t *back, struct err *err)
{
    struct plan *p = s->plan;
    int rc = p->disk->ops->flush(p->disk->ctx, err);

    for (uint32_t i = 0; i < s->n_edge && !rc; i++)
        if (s->edge + i != first)
            rc = write_edge(s, s->edge + i, plan_raw_len(p, s->edge[i].ordinal), err);
    if (!rc)
        rc = p->disk->ops->flush(p->disk->ctx, err);
    for (uint32_t i = 0; i < s->n_edge && !rc && p->verify; i++)
        if (s->edge + i != first)
            rc = check_edge(s, s->edge + i, NULL, back, err);
    return rc;
}

/* All of the first chunk but its first sector, which stays zero: without it the disk is none that
 * anything starts from. `made` holds it. */
static int write_behind_first_sector(struct store *s, const struct piece *first, uint8_t *made,
                                     uint8_t *back, struct err *err)
{
    const struct disk *d = s->plan->disk;
    struct disk_part part = {made, plan_raw_len(s->plan, first->ordinal)};
    int rc;

    memcpy(made, first->raw, part.n);
    memset(made, 0, SECTOR_LEAST);
    rc = d->ops->write(d->ctx, &part, 1, 0, err);
    if (!rc)
        rc = d->ops->flush(d->ctx, err);
    if (!rc && s->plan->verify)
        rc = d->ops->read(d->ctx, back, part.n, 0, err);
    if (!rc && s->plan->verify && memcmp(made, back, part.n))
        rc = err_set(err, RECEIVE_EREADBACK,
                     "the target returns other bytes than were written at byte 0");
    return rc;
}

/* The first sector, by which the disk becomes one with partitions; before it, all that it speaks
 * of. A power cut may leave out any sector of a write, so this one goes alone: those that are
 * written along with it are there already. */
static int write_first(struct store *s, const struct piece *first, uint8_t *back, uint8_t *more,
                       struct err *err)
{
    struct plan *p = s->plan;
    uint32_t n = plan_raw_len(p, first->ordinal);
    struct move move;
    int rc = 0;

    move_plan(&move, p, first->raw, n);
    if (move.wanted)
        rc = move_tail(&move, first->raw, back, more, err);
    if (!rc && move.wanted)
        move_head(&move, first->raw);
    if (!rc)
        rc = write_behind_first_sector(s, first, more, back, err);
    if (!rc)
        rc = write_edge(s, first, n < DISK_ALIGN ? n : DISK_ALIGN, err);
    if (!rc)
        rc = p->disk->ops->flush(p->disk->ctx, err);
    if (!rc && p->verify)
        rc = check_edge(s, first, move.wanted ? &move : NULL, back, err);
    return rc;
}

static int write_edges(struct store *s, uint8_t *back, uint8_t *more, struct err *err)
{
    const struct piece *first = NULL;
    int rc;

    for (uint32_t i = 0; i < s->n_edge; i++)
        if (s->plan->body->data[s->edge[i].ordinal].number == 0)
            first = s->edge + i;
    rc = write_others(s, first, back, err);
    return rc || !first ? rc : write_first(s, first, back, more, err);
}

int store_edges(struct store *s, struct err *err)
{
    uint8_t *back = store_buffer(s), *more = back ? store_buffer(s) : NULL;

    return more ? write_edges(s, back, more, err) : err_set(err, RECEIVE_EINTR, "stopped");
}

void store_close(struct store *s)
{
    if (!s)
        return;
    pthread_mutex_lock(&s->lock);
    s->end = true;
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->lock);
    pthread_join(s->thread, NULL);
    for (uint32_t i = 0; i < s->n_edge; i++)
        free(s->edge[i].raw);
    pthread_mutex_destroy(&s->lock);
    pthread_cond_destroy(&s->changed);
    store_free(s);
}
