/* The monotonic clock (CLOCK_MONOTONIC), which no change of the date moves, and waits that use it.
 * Any thread.
 *
 * Pure code takes the time as an argument (net/wire/mono.h); only the code at the rim reads this
 * clock. */
#ifndef NET_OS_CLOCK_H
#define NET_OS_CLOCK_H

#include <pthread.h>
#include <stdbool.h>
#include <time.h>

#include "net/wire/mono.h"

struct mono clock_now(void);
/* The processor time that the calling thread has taken: for differences. */
struct mono clock_of_thread(void);

/* A condition whose timed waits end at a time of this clock. */
void clock_cond_init(pthread_cond_t *);
/* Waits for the condition until `end` at most; false when that time has come. The caller holds
 * `lock`. */
bool clock_cond_wait(pthread_cond_t *, pthread_mutex_t *lock, struct mono end);

#endif
