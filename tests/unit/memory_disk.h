/* A disk in memory for tests: every call can be watched, refused or swallowed. */
#ifndef TESTS_UNIT_MEMORY_DISK_H
#define TESTS_UNIT_MEMORY_DISK_H

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "imaging/disk/disk.h"
#include "net/wire/must.h"

enum memory_op { MEMORY_READ, MEMORY_WRITE, MEMORY_ZERO, MEMORY_DISCARD, MEMORY_FLUSH };

struct memory_disk {
    uint8_t *bytes;
    uint64_t n;
    pthread_mutex_t lock; /* one call at a time */
    uint32_t calls;
    /* Before the call is done: 0 go on, 1 say 0 and do nothing, negative: fail with that code. May
     * be NULL. */
    int (*watch)(void *ctx, enum memory_op op, const uint8_t *bytes, uint64_t at, uint64_t n);
    void *ctx;
};

/* Takes the lock; what watch says. A call beyond the disk's end is an error of the caller as on a
 * real disk. */
static int memory_enter(struct memory_disk *m, enum memory_op op, const uint8_t *bytes, uint64_t at,
                        uint64_t n, struct err *err)
{
    int rc;

    pthread_mutex_lock(&m->lock);
    m->calls++;
    if (op != MEMORY_DISCARD && (at > m->n || n > m->n - at))
        return err_set(err, op == MEMORY_READ ? DISK_EREAD : DISK_EWRITE,
                       "byte %llu is beyond the end", (unsigned long long)at);
    rc = m->watch ? m->watch(m->ctx, op, bytes, at, n) : 0;
    return rc < 0 ? err_set(err, rc, "call %u fails as told", m->calls) : rc;
}

static int memory_leave(struct memory_disk *m, int rc)
{
    pthread_mutex_unlock(&m->lock);
    return rc < 0 ? rc : 0;
}

static int memory_read(void *ctx, uint8_t *to, size_t n, uint64_t at, struct err *err)
{
    struct memory_disk *m = ctx;
    int rc = memory_enter(m, MEMORY_READ, NULL, at, n, err);

    if (rc == 0)
        memcpy(to, m->bytes + at, n);
    return memory_leave(m, rc);
}

static int memory_write(void *ctx, const struct disk_part *parts, int n_parts, uint64_t at,
                        struct err *err)
{
    struct memory_disk *m = ctx;
    int rc = 0;

    for (int i = 0; i < n_parts && rc >= 0; at += parts[i++].n) {
        rc = memory_enter(m, MEMORY_WRITE, parts[i].bytes, at, parts[i].n, err);
        if (rc == 0)
            memcpy(m->bytes + at, parts[i].bytes, parts[i].n);
        memory_leave(m, rc);
    }
    return rc < 0 ? rc : 0;
}

static int memory_zero(void *ctx, uint64_t at, uint64_t n, struct err *err)
{
    struct memory_disk *m = ctx;
    int rc = memory_enter(m, MEMORY_ZERO, NULL, at, n, err);

    if (rc == 0)
        memset(m->bytes + at, 0, n);
    return memory_leave(m, rc);
}

/* Discarded bytes turn into rubbish, as they may. */
static void memory_discard(void *ctx, uint64_t at, uint64_t n)
{
    struct memory_disk *m = ctx;
    struct err ignored = {0};

    if (memory_enter(m, MEMORY_DISCARD, NULL, at, n, &ignored) == 0) {
        MUST(at <= m->n && n <= m->n - at);
        memset(m->bytes + at, 0xd5, n);
    }
    memory_leave(m, 0);
}

static int memory_flush(void *ctx, struct err *err)
{
    struct memory_disk *m = ctx;

    return memory_leave(m, memory_enter(m, MEMORY_FLUSH, NULL, 0, 0, err));
}

static void memory_close(void *ctx)
{
    (void)ctx;
}

/* A disk of n bytes that all hold `fill`. */
static inline struct disk memory_disk(struct memory_disk *m, uint64_t n, int fill)
{
    static const struct disk_ops ops = {memory_read,  memory_write, memory_zero, memory_discard,
                                        memory_flush, memory_close, NULL};

    memset(m, 0, sizeof *m);
    m->bytes = malloc(n);
    m->n = n;
    MUST(m->bytes);
    memset(m->bytes, fill, n);
    pthread_mutex_init(&m->lock, NULL);
    return (struct disk){.ops = &ops, .ctx = m, .bytes = n, .blank = fill == 0};
}

static inline void memory_free(struct memory_disk *m)
{
    free(m->bytes);
    pthread_mutex_destroy(&m->lock);
}

#endif
