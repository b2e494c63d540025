#include "net/os/clock.h"

#include <errno.h>

#include "net/wire/must.h"

struct mono clock_now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t); /* cannot fail for this clock */
    return (struct mono){t.tv_sec * MONO_S + t.tv_nsec};
}

struct mono clock_of_thread(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t); /* likewise */
    return (struct mono){t.tv_sec * MONO_S + t.tv_nsec};
}

void clock_cond_init(pthread_cond_t *cond)
{
    pthread_condattr_t attr;

    pthread_condattr_init(&attr);
    MUST(pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) == 0);
    MUST(pthread_cond_init(cond, &attr) == 0);
    pthread_condattr_destroy(&attr);
}

bool clock_cond_wait(pthread_cond_t *cond, pthread_mutex_t *lock, struct mono end)
{
    struct timespec t = {.tv_sec = end.ns / MONO_S, .tv_nsec = end.ns % MONO_S};

    return pthread_cond_timedwait(cond, lock, &t) != ETIMEDOUT;
}
