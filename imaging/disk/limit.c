/* A limit on writing speed in front of a disk: for machines that share a storage, and to try out
 * slow disks. */
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "imaging/disk/disk.h"
#include "net/os/clock.h"

struct limit {
    struct disk below;
    uint64_t bytes_per_s;
    pthread_mutex_t lock;
    double free_at; /* seconds, monotonic: when all that was written has passed at the limit */
};

static double seconds_now(void)
{
    return (double)clock_now().ns * 1e-9;
}

static void pay(struct limit *l, uint64_t n)
{
    double now = seconds_now(), wait;
    struct timespec ts;

    pthread_mutex_lock(&l->lock);
    if (l->free_at < now)
        l->free_at = now;
    l->free_at += (double)n / (double)l->bytes_per_s;
    wait = l->free_at - now;
    pthread_mutex_unlock(&l->lock);
    ts.tv_sec = (time_t)wait;
    ts.tv_nsec = (long)((wait - (double)ts.tv_sec) * 1e9);
    nanosleep(&ts, NULL);
}

static int limit_read(void *ctx, uint8_t *to, size_t n, uint64_t at, struct err *err)
{
    struct limit *l = ctx;

    return l->below.ops->read(l->below.ctx, to, n, at, err);
}

static int limit_write(void *ctx, const struct disk_part *parts, int n_parts, uint64_t at,
                       struct err *err)
{
    struct limit *l = ctx;
    uint64_t n = 0;

    for (int i = 0; i < n_parts; i++)
        n += parts[i].n;
    pay(l, n);
    return l->below.ops->write(l->below.ctx, parts, n_parts, at, err);
}

static int limit_zero(void *ctx, uint64_t at, uint64_t n, struct err *err)
{
    struct limit *l = ctx;

    return l->below.ops->zero(l->below.ctx, at, n, err);
}

static void limit_discard(void *ctx, uint64_t at, uint64_t n)
{
    struct limit *l = ctx;

    l->below.ops->discard(l->below.ctx, at, n);
}

static int limit_flush(void *ctx, struct err *err)
{
    struct limit *l = ctx;

    return l->below.ops->flush(l->below.ctx, err);
}

static void limit_close(void *ctx)
{
    struct limit *l = ctx;

    disk_close(&l->below);
    pthread_mutex_destroy(&l->lock);
    free(l);
}

static uint64_t limit_hole(void *ctx, uint64_t at)
{
    struct limit *l = ctx;

    return l->below.ops->hole ? l->below.ops->hole(l->below.ctx, at) : 0;
}

static const struct disk_ops limit_ops = {limit_read,  limit_write, limit_zero, limit_discard,
                                          limit_flush, limit_close, limit_hole};

int disk_limit(struct disk *disk, uint64_t bytes_per_s, struct err *err)
{
    struct limit *l = calloc(1, sizeof *l);

    if (!l)
        return err_set(err, DISK_EOPEN, "out of memory");
    l->below = *disk;
    l->bytes_per_s = bytes_per_s;
    pthread_mutex_init(&l->lock, NULL);
    disk->ops = &limit_ops;
    disk->ctx = l;
    return 0;
}
