#include "tests/campaign/liar.h"

#include <stdlib.h>
#include <string.h>

#include "net/wire/must.h"

#define SECTOR 512u
#define CHANGES_LIKELY 50u /* a restore of these images makes about so many */
#define READS_LIKELY 120u

const char *lie_name(enum lie lie)
{
#define X(name, text) text,
    static const char *const names[] = {LIES(X)};
#undef X

    return names[lie];
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* Rubbish where others are to be. */
static void destroy(struct liar *l, uint64_t at, uint64_t n)
{
    uint64_t end = least(at + n, l->n);

    for (; at < end; at++)
        l->bytes[at] = (uint8_t)rng_u64(&l->rng);
}

/* `reach` bytes before and behind. */
static void destroy_beside(struct liar *l, uint64_t at, uint64_t n)
{
    uint64_t from = at > l->reach ? at - l->reach : 0;

    l->struck = true;
    if (rng_below(&l->rng, 4))
        destroy(l, from, at - from);
    else
        destroy(l, at + n, l->reach);
    if (rng_below(&l->rng, 2))
        destroy(l, at + n, l->reach);
}

static uint64_t real_at(struct liar *l, uint64_t at)
{
    bool wraps = l->lie == LIE_WRAP || l->lie == LIE_WRAP_ODD;

    if (wraps && at >= l->room)
        l->struck = true;
    return wraps ? at % l->room : at;
}

/* What happens by itself, or beside a change. */
static void beside(struct liar *l)
{
    uint64_t at;

    l->changes++;
    if (l->late_n && l->lie == LIE_DISCARD_LATE && rng_below(&l->rng, 8) == 0) {
        destroy(l, l->late_at, l->late_n);
        l->late_n = 0;
        l->struck = true;
    }
    if (l->changes != l->at_change)
        return;
    if (l->lie == LIE_FLIP_REST) {
        l->bytes[l->place] ^= (uint8_t)(1u << rng_below(&l->rng, 8));
        l->struck = true;
    } else if (l->lie == LIE_SECOND) {
        at = l->place & ~(uint64_t)(SECTOR - 1);
        memcpy(l->bytes + at, l->other + at, least(l->reach, l->n - at));
        l->struck = true;
    }
}

static void keep_before(struct liar *l, uint64_t at, uint64_t n)
{
    if (l->lie == LIE_STALE)
        memcpy(l->before + at, l->bytes + at, n);
}

/* The bytes themselves, wherever they go. */
static void put(struct liar *l, const uint8_t *bytes, uint64_t n, uint64_t at)
{
    keep_before(l, at, n);
    if (l->lie == LIE_LIMBO && at + n > l->room) {
        l->struck = true;
        n = at < l->room ? l->room - at : 0;
    }
    for (uint64_t done = 0, step; done < n; done += step) {
        uint64_t to = real_at(l, at + done);

        step = least(n - done,
                     l->lie == LIE_WRAP || l->lie == LIE_WRAP_ODD ? l->room - to : l->n - to);
        if (bytes)
            memcpy(l->bytes + to, bytes + done, step);
        else
            memset(l->bytes + to, 0, step);
    }
}

static bool covers(const struct liar *l, uint64_t at, uint64_t n)
{
    return l->place >= at && l->place - at < n;
}

/* A write that is struck. */
static int put_wrong(struct liar *l, const uint8_t *bytes, uint64_t n, uint64_t at, struct err *err)
{
    l->struck = true;
    switch (l->lie) {
    case LIE_LOST:
        return 0;
    case LIE_TORN:
        put(l, bytes, rng_below(&l->rng, n / SECTOR + 1) * SECTOR, at);
        return 0;
    case LIE_MISDIRECTED:
        put(l, bytes, n, rng_below(&l->rng, (l->n - n) / SECTOR + 1) * SECTOR);
        return 0;
    case LIE_WRITE_ERROR:
        return err_set(err, DISK_EWRITE, "write fails as told");
    case LIE_FLIP_WRITE:
        put(l, bytes, n, at);
        l->bytes[at + rng_below(&l->rng, n)] ^= (uint8_t)(1u << rng_below(&l->rng, 8));
        return 0;
    default:
        MUST(l->lie == LIE_WRITE_WIDE);
        put(l, bytes, n, at);
        destroy_beside(l, at, n);
        return 0;
    }
}

static int write_part(struct liar *l, const uint8_t *bytes, uint64_t n, uint64_t at,
                      struct err *err)
{
    bool once = l->lie == LIE_LOST || l->lie == LIE_TORN || l->lie == LIE_MISDIRECTED ||
                l->lie == LIE_WRITE_ERROR || l->lie == LIE_FLIP_WRITE || l->lie == LIE_WRITE_WIDE;

    if (at > l->n || n > l->n - at)
        return err_set(err, DISK_EWRITE, "beyond the end");
    beside(l);
    if (l->lie == LIE_FROZEN && l->changes >= l->at_change) {
        l->struck = true;
        return 0;
    }
    if (l->lie == LIE_DEAD && covers(l, at, n)) {
        l->struck = true;
        return rng_below(&l->rng, 2) ? err_set(err, DISK_EWRITE, "dead sector") : 0;
    }
    if (once && l->changes == l->at_change)
        return put_wrong(l, bytes, n, at, err);
    put(l, bytes, n, at);
    return 0;
}

static int liar_write(void *ctx, const struct disk_part *parts, int n_parts, uint64_t at,
                      struct err *err)
{
    struct liar *l = ctx;
    int rc = 0;

    pthread_mutex_lock(&l->lock);
    for (int i = 0; i < n_parts && !rc; at += parts[i++].n)
        rc = write_part(l, parts[i].bytes, parts[i].n, at, err);
    pthread_mutex_unlock(&l->lock);
    return rc;
}

static int liar_zero(void *ctx, uint64_t at, uint64_t n, struct err *err)
{
    struct liar *l = ctx;
    bool odd;

    pthread_mutex_lock(&l->lock);
    MUST(at <= l->n && n <= l->n - at);
    beside(l);
    odd = (l->lie == LIE_ZERO_NONE || l->lie == LIE_ZERO_SHORT || l->lie == LIE_ZERO_WIDE) &&
          rng_below(&l->rng, 3) == 0;
    odd = odd || (l->lie == LIE_FROZEN && l->changes >= l->at_change);
    l->struck = l->struck || odd;
    if (odd && l->lie == LIE_ZERO_SHORT && n > SECTOR)
        put(l, NULL, n - SECTOR * (1 + rng_below(&l->rng, n / SECTOR)), at);
    else if (!odd || l->lie == LIE_ZERO_WIDE)
        put(l, NULL, n, at);
    if (odd && l->lie == LIE_ZERO_WIDE)
        destroy_beside(l, at, n);
    pthread_mutex_unlock(&l->lock);
    (void)err;
    return 0;
}

static void liar_discard(void *ctx, uint64_t at, uint64_t n)
{
    struct liar *l = ctx;

    pthread_mutex_lock(&l->lock);
    MUST(at <= l->n && n <= l->n - at);
    beside(l);
    /* fakes know no discard */
    if (l->lie == LIE_WRAP || l->lie == LIE_WRAP_ODD || l->lie == LIE_LIMBO) {
        pthread_mutex_unlock(&l->lock);
        return;
    }
    if (l->lie == LIE_DISCARD_LATE && l->late_n == 0) {
        l->late_at = at;
        l->late_n = n;
    } else {
        destroy(l, at, n);
    }
    if (l->lie == LIE_DISCARD_WIDE)
        destroy_beside(l, at, n);
    pthread_mutex_unlock(&l->lock);
}

static int liar_flush(void *ctx, struct err *err)
{
    struct liar *l = ctx;
    int rc = 0;

    pthread_mutex_lock(&l->lock);
    beside(l);
    if (l->lie == LIE_FLUSH_ERROR && l->changes >= l->at_change && !l->struck) {
        l->struck = true;
        rc = err_set(err, DISK_EWRITE, "flush fails as told");
    }
    pthread_mutex_unlock(&l->lock);
    return rc;
}

void liar_see(struct liar *l, uint8_t *to, uint64_t n, uint64_t at)
{
    for (uint64_t done = 0, step; done < n; done += step) {
        uint64_t from = real_at(l, at + done);

        step = least(n - done,
                     l->lie == LIE_WRAP || l->lie == LIE_WRAP_ODD ? l->room - from : l->n - from);
        memcpy(to + done, l->bytes + from, step);
    }
}

static int liar_read(void *ctx, uint8_t *to, size_t n, uint64_t at, struct err *err)
{
    struct liar *l = ctx;
    bool now;
    int rc = 0;

    pthread_mutex_lock(&l->lock);
    now = ++l->reads == l->at_change;
    if (at > l->n || n > l->n - at) {
        rc = err_set(err, DISK_EREAD, "beyond the end");
    } else if ((l->lie == LIE_READ_ERROR && now) || (l->lie == LIE_DEAD && covers(l, at, n))) {
        l->struck = true;
        rc = err_set(err, DISK_EREAD, "read fails as told");
    } else if (l->lie == LIE_STALE && now) {
        l->struck = true;
        memcpy(to, l->before + at, n);
    } else {
        liar_see(l, to, n, at);
    }
    if (l->lie == LIE_FLIP_READ && now && !rc) {
        l->struck = true;
        to[rng_below(&l->rng, n)] ^= (uint8_t)(1u << rng_below(&l->rng, 8));
    }
    pthread_mutex_unlock(&l->lock);
    return rc;
}

static void liar_close(void *ctx)
{
    (void)ctx;
}

struct disk liar_disk(struct liar *l, uint64_t n, const uint8_t *content, enum lie lie,
                      uint64_t seed)
{
    static const struct disk_ops ops = {liar_read,  liar_write, liar_zero, liar_discard,
                                        liar_flush, liar_close, NULL};
    bool read = lie == LIE_FLIP_READ || lie == LIE_READ_ERROR || lie == LIE_STALE;
    bool blank = true;

    memset(l, 0, sizeof *l);
    l->rng.state = seed;
    l->bytes = malloc(n);
    l->before = malloc(n);
    MUST(l->bytes && l->before);
    memcpy(l->bytes, content, n);
    memcpy(l->before, content, n);
    l->n = n;
    l->lie = lie;
    l->at_change = 1 + (uint32_t)rng_below(&l->rng, read ? READS_LIKELY : CHANGES_LIKELY);
    l->place = rng_below(&l->rng, n);
    l->reach = SECTOR << rng_below(&l->rng, 12); /* up to 1 MiB */
    l->room = lie == LIE_WRAP ? UINT64_C(1) << (20 + rng_below(&l->rng, 3))
                              : (n / 4 + rng_below(&l->rng, n / 2)) & ~(uint64_t)(SECTOR - 1);
    pthread_mutex_init(&l->lock, NULL);
    for (uint64_t i = 0; i < n && blank; i++)
        blank = content[i] == 0;
    return (
        struct disk){.ops = &ops, .ctx = l, .bytes = n, .blank = blank && rng_below(&l->rng, 2)};
}

void liar_free(struct liar *l)
{
    free(l->bytes);
    free(l->before);
    pthread_mutex_destroy(&l->lock);
}
