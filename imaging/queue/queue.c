#include "imaging/queue/queue.h"

#include <linux/futex.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "net/os/clock.h"
#include "net/wire/must.h"

#define MS INT64_C(1000000)

int queue_init(struct queue *q, uint32_t cells, uint32_t cell)
{
    MUST(cells > 0 && (cells & (cells - 1)) == 0);
    memset(q, 0, sizeof *q);
    q->mask = cells - 1;
    q->cell = cell;
    q->cells = malloc((size_t)cells * cell);
    return q->cells ? 0 : -1;
}

void queue_free(struct queue *q)
{
    free(q->cells);
    q->cells = NULL;
}

bool queue_push(struct queue *q, const void *item)
{
    uint32_t tail = atomic_load_explicit(&q->tail, memory_order_relaxed);

    if (tail - atomic_load_explicit(&q->head, memory_order_acquire) > q->mask)
        return false;
    memcpy(q->cells + (size_t)(tail & q->mask) * q->cell, item, q->cell);
    /* Sequentially consistent with the consumer's store of `sleeping`: one of the two sees the
     * other's. */
    atomic_store(&q->tail, tail + 1);
    if (atomic_load(&q->sleeping))
        syscall(SYS_futex, &q->tail, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
    return true;
}

void queue_push_wait(struct queue *q, const void *item)
{
    while (!queue_push(q, item))
        nanosleep(&(struct timespec){.tv_nsec = 200000}, NULL);
}

bool queue_pop(struct queue *q, void *item)
{
    uint32_t head = atomic_load_explicit(&q->head, memory_order_relaxed);

    if (head == atomic_load_explicit(&q->tail, memory_order_acquire))
        return false;
    memcpy(item, q->cells + (size_t)(head & q->mask) * q->cell, q->cell);
    atomic_store_explicit(&q->head, head + 1, memory_order_release);
    return true;
}

/* Sleeps until the producer has published something, or for left_ns (negative: without end). */
static void sleep_on_tail(struct queue *q, int64_t left_ns)
{
    struct timespec t = {.tv_sec = left_ns / (1000 * MS), .tv_nsec = left_ns % (1000 * MS)};
    uint32_t head = atomic_load_explicit(&q->head, memory_order_relaxed);

    atomic_store(&q->sleeping, true);
    if (atomic_load(&q->tail) == head)
        syscall(SYS_futex, &q->tail, FUTEX_WAIT_PRIVATE, head, left_ns < 0 ? NULL : &t, NULL, 0);
    atomic_store_explicit(&q->sleeping, false, memory_order_relaxed);
}

bool queue_pop_wait(struct queue *q, void *item, int timeout_ms)
{
    int64_t end, left;

    if (queue_pop(q, item))
        return true;
    end = clock_now().ns + timeout_ms * MS;
    for (;;) {
        left = timeout_ms < 0 ? -1 : end - clock_now().ns;
        if (timeout_ms >= 0 && left <= 0)
            return false;
        sleep_on_tail(q, left);
        if (queue_pop(q, item))
            return true;
    }
}
