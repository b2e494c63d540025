#include "imaging/send/ahead.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "imaging/send/errors.h"

/* Linux 5.14; some C libraries do not name it yet. */
#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#endif

#define CHUNK (UINT64_C(1) << 20)
#define PAGE 4096

struct ahead {
    const struct img_file *image;
    uint64_t span;  /* bytes of the stream: a pass */
    uint64_t bytes; /* to keep ready */
    _Atomic uint64_t want;
    _Atomic uint64_t ready;
    atomic_bool asleep, stop, failed;
    sem_t wake;
    pthread_t thread;
};

/* Kernels before 5.14: read the pages by an ordinary read, which reports errors too. */
static bool read_through(const struct img_file *image, uint64_t offset, uint64_t n)
{
    static _Thread_local uint8_t scratch[16 * PAGE];

    while (n > 0) {
        size_t part = n < sizeof scratch ? (size_t)n : sizeof scratch;

        if (img_file_read(image, offset, scratch, part, NULL) != 0)
            return false;
        offset += part;
        n -= part;
    }
    return true;
}

bool ahead_populate(const struct img_file *image, uint64_t offset, uint64_t n)
{
    uint64_t from = offset / PAGE * PAGE;

    if (offset > image->map_bytes || n > image->map_bytes - offset)
        return false;
    if (n == 0 || madvise((void *)(uintptr_t)(image->map + from), (size_t)(offset + n - from),
                          MADV_POPULATE_READ) == 0)
        return true;
    return errno == EINVAL && read_through(image, offset, n);
}

/* The chunk at a position, cut at the end of the pass. */
static uint64_t chunk_at(const struct ahead *a, uint64_t position, uint64_t *offset)
{
    uint64_t in_pass = position % a->span, left = a->span - in_pass;

    *offset = IMG_STREAM_OFFSET + in_pass;
    return left < CHUNK ? left : CHUNK;
}

/* The sender repeats ahead_want even when it waits, so a call that came just before `asleep` does no harm. */
static void sleep_until_wanted(struct ahead *a)
{
    atomic_store(&a->asleep, true);
    while (sem_wait(&a->wake) != 0)
        ;
}

static void *run(void *arg)
{
    struct ahead *a = arg;
    uint64_t ready = 0, n, offset;

    while (!atomic_load(&a->stop)) {
        uint64_t want = atomic_load_explicit(&a->want, memory_order_relaxed);

        if (ready < want) /* the sender left rows out */
            ready = want;
        if (ready - want >= a->bytes) {
            sleep_until_wanted(a);
            continue;
        }
        n = chunk_at(a, ready, &offset);
        if (!ahead_populate(a->image, offset, n)) {
            atomic_store(&a->failed, true);
            break;
        }
        ready += n;
        atomic_store_explicit(&a->ready, ready, memory_order_release);
    }
    return NULL;
}

void ahead_want(struct ahead *a, uint64_t position)
{
    uint64_t ready = atomic_load_explicit(&a->ready, memory_order_relaxed);

    atomic_store_explicit(&a->want, position, memory_order_relaxed);
    if ((position >= ready || ready - position < a->bytes / 2) && atomic_load(&a->asleep) &&
        atomic_exchange(&a->asleep, false))
        (void)sem_post(&a->wake);
}

bool ahead_ready(const struct ahead *a, uint64_t position)
{
    return atomic_load_explicit(&a->ready, memory_order_acquire) >= position;
}

bool ahead_failed(const struct ahead *a)
{
    return atomic_load(&a->failed);
}

int ahead_open(struct ahead **out, const struct img_file *image, uint64_t bytes, struct err *err)
{
    struct ahead *a = calloc(1, sizeof *a);

    *out = NULL;
    if (!a || sem_init(&a->wake, 0, 0) != 0) {
        free(a);
        return err_set(err, SEND_ERR_MEMORY, "there is no memory to read ahead");
    }
    a->image = image;
    a->span = image->head.stream_bytes;
    a->bytes = bytes < a->span ? bytes : a->span;
    (void)madvise((void *)(uintptr_t)image->map, image->map_bytes, MADV_SEQUENTIAL);
    if (a->span > 0 && pthread_create(&a->thread, NULL, run, a) != 0) {
        sem_destroy(&a->wake);
        free(a);
        return err_set(err, SEND_ERR_THREAD, "the thread that reads ahead cannot be started");
    }
    *out = a;
    return 0;
}

void ahead_close(struct ahead *a)
{
    if (!a)
        return;
    atomic_store(&a->stop, true);
    (void)sem_post(&a->wake);
    if (a->span > 0)
        pthread_join(a->thread, NULL);
    sem_destroy(&a->wake);
    free(a);
}
