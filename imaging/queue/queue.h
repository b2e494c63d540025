/* A bounded queue between exactly one producer and one consumer thread. The producer fills a cell,
 * then publishes it by a store of `tail`; the consumer sees it, empties the cell, and gives it back
 * by a store of `head`. A consumer that finds nothing sleeps on `tail` (a futex; time by the
 * monotonic clock, so that setting the clock holds nobody up). */
#ifndef IMAGING_QUEUE_QUEUE_H
#define IMAGING_QUEUE_QUEUE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct queue {
    uint8_t *cells;
    uint32_t mask; /* cells - 1; a power of two of them */
    uint32_t cell; /* bytes of one */
    _Atomic uint32_t head, tail;
    _Atomic bool sleeping; /* the consumer sleeps or is about to */
};

/* Makes a queue of `cells` (a power of two) of `cell` bytes each. 0, or -1 when there is no memory.
 */
int queue_init(struct queue *q, uint32_t cells, uint32_t cell);
void queue_free(struct queue *q);

/* Producer: false when full. Copies the item in. */
bool queue_push(struct queue *q, const void *item);

/* Producer: waits for room. */
void queue_push_wait(struct queue *q, const void *item);

/* Consumer: false when empty. Copies the item out. */
bool queue_pop(struct queue *q, void *item);

/* Consumer: waits at most timeout_ms for an item (forever when negative); false on time-out. */
bool queue_pop_wait(struct queue *q, void *item, int timeout_ms);

#endif
