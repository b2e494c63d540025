#include "imaging/receive/queue.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "net/wire/must.h"

int queue_init(struct queue *q, uint32_t cells, uint32_t cell)
{
    MUST(cells > 0 && (cells & (cells - 1)) == 0);
    memset(q, 0, sizeof *q);
    q->mask = cells - 1;
    q->cell = cell;
    q->cells = malloc((size_t)cells * cell);
    if (!q->cells)
        return -1;
    sem_init(&q->filled, 0, 0);
    return 0;
}

void queue_free(struct queue *q)
{
    if (!q->cells)
        return;
    free(q->cells);
    q->cells = NULL;
    sem_destroy(&q->filled);
}

bool queue_push(struct queue *q, const void *item)
{
    uint32_t tail = atomic_load_explicit(&q->tail, memory_order_relaxed);

    if (tail - atomic_load_explicit(&q->head, memory_order_acquire) > q->mask)
        return false;
    memcpy(q->cells + (size_t)(tail & q->mask) * q->cell, item, q->cell);
    atomic_store_explicit(&q->tail, tail + 1, memory_order_release);
    sem_post(&q->filled);
    return true;
}

void queue_push_wait(struct queue *q, const void *item)
{
    while (!queue_push(q, item))
        nanosleep(&(struct timespec){.tv_nsec = 200000}, NULL);
}

/* The semaphore has said that a cell is there. */
static void take(struct queue *q, void *item)
{
    uint32_t head = atomic_load_explicit(&q->head, memory_order_relaxed);

    MUST(head != atomic_load_explicit(&q->tail, memory_order_acquire));
    memcpy(item, q->cells + (size_t)(head & q->mask) * q->cell, q->cell);
    atomic_store_explicit(&q->head, head + 1, memory_order_release);
}

bool queue_pop(struct queue *q, void *item)
{
    if (sem_trywait(&q->filled))
        return false;
    take(q, item);
    return true;
}

bool queue_pop_wait(struct queue *q, void *item, int timeout_ms)
{
    struct timespec until;
    int rc;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += timeout_ms / 1000;
    until.tv_nsec += (long)(timeout_ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    do
        rc = timeout_ms < 0 ? sem_wait(&q->filled) : sem_timedwait(&q->filled, &until);
    while (rc && errno == EINTR);
    if (rc)
        return false;
    take(q, item);
    return true;
}
