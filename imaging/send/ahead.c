#include "imaging/send/ahead.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "imaging/send/errors.h"
#include "net/wire/must.h"

/* Linux 4.14; some C libraries do not name it. */
#ifndef RWF_NOWAIT
#define RWF_NOWAIT 8
#endif

#define CHUNK (UINT64_C(1) << 20)
/* what is only to be brought into the kernel's memory is read to here, and one byte in so many
 * stands for all */
#define SCRATCH (64 << 10)
#define NONE UINT64_MAX
#define LOOK_S 1 /* how often a sleeping thread looks at the file */

struct ahead {
    const struct img_file *image;
    uint64_t span;  /* bytes of the stream: a pass */
    uint64_t bytes; /* to keep ready */
    _Atomic uint64_t want;
    _Atomic uint64_t ready;
    _Atomic uint64_t late; /* a position that the sender did not get; NONE */
    _Atomic uint32_t asleep;
    atomic_bool stop, failed, changed;
    /* the sender finds that reads cannot be told not to wait: the thread waits first */
    atomic_bool waits;
    struct err why; /* written before `failed` */
    pthread_t thread;
    uint8_t scratch[SCRATCH];
    /* The sender's: what it reads at once, small enough to stay in the processor's cache until it
     * is in the frames. */
    uint64_t base, have;
    uint8_t block[AHEAD_SYMBOLS * IMG_SYMBOL_BYTES];
};

/* ---- the thread ---- */

/* What has been read before is of the image as it was opened. */
static bool is_same(struct ahead *a)
{
    if (img_file_same(a->image))
        return true;
    atomic_store(&a->changed, true);
    return false;
}

/* Reads what is to be in the kernel's memory; that reports errors, too. */
static bool read_through(struct ahead *a, uint64_t offset, uint64_t n)
{
    while (n > 0) {
        size_t part = n < sizeof a->scratch ? (size_t)n : sizeof a->scratch;

        if (img_file_read(a->image, offset, a->scratch, part, &a->why) != 0) {
            atomic_store(&a->failed, true);
            return false;
        }
        offset += part;
        n -= part;
    }
    return true;
}

/* The chunk at a position, cut at the end of the pass. */
static uint64_t chunk_at(const struct ahead *a, uint64_t position, uint64_t *offset)
{
    uint64_t in_pass = position % a->span, left = a->span - in_pass;

    *offset = IMG_STREAM_OFFSET + in_pass;
    return left < CHUNK ? left : CHUNK;
}

/* Until the sender wants something, or it is time to look at the file. The sender repeats its calls
 * even when it waits, so one that came just before `asleep` does no harm. */
static void sleep_until_wanted(struct ahead *a)
{
    /* a futex counts it on the monotonic clock */
    static const struct timespec look = {.tv_sec = LOOK_S};

    atomic_store(&a->asleep, 1);
    if (!atomic_load(&a->stop))
        syscall(SYS_futex, &a->asleep, FUTEX_WAIT_PRIVATE, 1, &look, NULL, 0);
    atomic_store(&a->asleep, 0);
}

/* Waits until the kernel has read what it was asked for. A page that could not be read is found out
 * by whoever reads it then. */
static bool touch(struct ahead *a, uint64_t offset, uint64_t n)
{
    bool good = true;

    for (uint64_t at = 0; at < n && good; at += SCRATCH)
        good = read_through(a, offset + at, 1);
    return good && read_through(a, offset + n - 1, 1);
}

/* What is late is read; else what comes next is asked for, and waited for if the sender would wait;
 * *ready: so far that has been done. */
static bool go_on(struct ahead *a, uint64_t *ready, bool waits)
{
    uint64_t late = atomic_exchange(&a->late, NONE), offset,
             n = chunk_at(a, late == NONE ? *ready : late, &offset);

    if (late != NONE)
        return read_through(a, offset, n);
    (void)posix_fadvise(a->image->fd, (off_t)offset, (off_t)n, POSIX_FADV_WILLNEED);
    if (waits && !touch(a, offset, n))
        return false;
    *ready += n;
    atomic_store_explicit(&a->ready, *ready, memory_order_release);
    return true;
}

static void *run(void *arg)
{
    struct ahead *a = arg;
    uint64_t ready = 0;
    bool waits = false;

    while (!atomic_load(&a->stop)) {
        uint64_t want = atomic_load_explicit(&a->want, memory_order_relaxed);

        /* the sender left rows out; or what was asked for has to be read */
        if (ready < want || waits != atomic_load(&a->waits))
            ready = want;
        waits = atomic_load(&a->waits);
        if (!is_same(a))
            break;
        if (ready - want >= a->bytes && atomic_load(&a->late) == NONE)
            sleep_until_wanted(a);
        else if (!go_on(a, &ready, waits))
            break;
    }
    return NULL;
}

/* ---- the sender ---- */

static void wake(struct ahead *a)
{
    if (atomic_load(&a->asleep) && atomic_exchange(&a->asleep, 0))
        syscall(SYS_futex, &a->asleep, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

/* The sender is at `position`: the thread goes on from there. */
static void want(struct ahead *a, uint64_t position)
{
    uint64_t ready = atomic_load_explicit(&a->ready, memory_order_relaxed);

    atomic_store_explicit(&a->want, position, memory_order_relaxed);
    if (position >= ready || ready - position < a->bytes / 2)
        wake(a);
}

/* Whole symbols from `position` on, as many as are there and fit. */
static void take(struct ahead *a, uint64_t position)
{
    uint64_t left = a->span - position % a->span,
             most = left < sizeof a->block ? left : sizeof a->block;
    bool waits = atomic_load_explicit(&a->waits, memory_order_relaxed);
    uint64_t ready = atomic_load_explicit(&a->ready, memory_order_acquire);
    struct iovec to = {a->block, most};
    ssize_t got;

    a->have = 0;
    if (waits && ready < position + most)
        return;
    got = preadv2(a->image->fd, &to, 1, (off_t)(IMG_STREAM_OFFSET + position % a->span),
                  waits ? 0 : RWF_NOWAIT);
    if (got < 0 && !waits && (errno == EOPNOTSUPP || errno == ENOSYS || errno == EINVAL))
        atomic_store(&a->waits, true);
    if (got > 0) {
        a->base = position;
        a->have = (uint64_t)got / IMG_SYMBOL_BYTES * IMG_SYMBOL_BYTES;
    }
}

const uint8_t *ahead_at(struct ahead *a, uint64_t position, unsigned n)
{
    uint64_t bytes = (uint64_t)n * IMG_SYMBOL_BYTES;

    MUST(bytes <= sizeof a->block);
    if (position >= a->base && position - a->base <= a->have &&
        bytes <= a->have - (position - a->base))
        return a->block + (position - a->base);
    want(a, position);
    take(a, position);
    if (bytes <= a->have && is_same(a))
        return a->block;
    a->have = 0;
    if (!atomic_load(&a->waits))
        atomic_store(&a->late, position);
    wake(a);
    return NULL;
}

bool ahead_failed(struct ahead *a, struct err *err)
{
    if (atomic_load(&a->changed))
        err_set(err, SEND_ERR_READ, "the image's file was changed while it was given out");
    else if (atomic_load(&a->failed) && err)
        *err = a->why;
    return atomic_load(&a->changed) || atomic_load(&a->failed);
}

/* ---- opening and closing ---- */

int ahead_open(struct ahead **out, const struct img_file *image, uint64_t bytes, struct err *err)
{
    struct ahead *a = calloc(1, sizeof *a);

    *out = NULL;
    if (!a)
        return err_set(err, SEND_ERR_MEMORY, "there is no memory to read ahead");
    a->image = image;
    a->span = image->head.stream_bytes;
    a->bytes = bytes > sizeof a->block ? bytes : sizeof a->block;
    a->bytes = a->bytes < a->span ? a->bytes : a->span;
    atomic_init(&a->late, NONE);
    (void)posix_fadvise(image->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    if (a->span > 0 && pthread_create(&a->thread, NULL, run, a) != 0) {
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
    atomic_store(&a->asleep, 0);
    syscall(SYS_futex, &a->asleep, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
    if (a->span > 0)
        pthread_join(a->thread, NULL);
    free(a);
}
