#include "board/box/library/stick_file.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "board/box/library/sticks.h"
#include "board/errors/library.h"
#include "imaging/queue/queue.h"
#include "net/wire/must.h"

#define CELLS 16
#define CELL (128u << 10)
#define FORGET (8u << 20) /* so much read leaves the cache at once */
#define LOOK_MS 500       /* how soon a thread sees that it is not wanted any more */

/* What the thread says: the file is open, a cell is full, or why there is no more. */
struct part {
    enum { OPENED, FULL, FAILED } what;
    uint32_t cell, n;
    struct err err;
};

struct stick_file {
    atomic_int users; /* the thread and who takes: the last one cleans up */
    atomic_bool unwanted;
    struct queue parts, empty; /* from and to the thread */
    uint8_t *bytes;
    char root[STICK_ROOT_MAX], path[STICK_PATH_MAX + 1];
    uint64_t expected;
    /* who takes: */
    uint64_t size;
    struct part now;
    uint32_t at; /* of now */
};

static void leave(struct stick_file *f)
{
    if (atomic_fetch_sub(&f->users, 1) > 1)
        return;
    queue_free(&f->parts);
    queue_free(&f->empty);
    free(f->bytes);
    free(f);
}

/* ---- the thread ---- */

static int open_file(const struct stick_file *f, struct err *err)
{
    struct stat st = {0};
    int fd = stick_open_below(f->root, f->path, O_RDONLY | O_NONBLOCK);

    if (fd < 0 || fstat(fd, &st)) {
        err_set(err, LIBRARY_ESTICK, "%s cannot be read from the stick: %s", f->path,
                strerror(errno));
    } else if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size != f->expected) {
        err_set(err, LIBRARY_ESTICK, "expected %s of %llu bytes on the stick, got another file",
                f->path, (unsigned long long)f->expected);
    } else {
        posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
        return fd;
    }
    if (fd >= 0)
        close(fd);
    return -1;
}

static int read_whole(const struct stick_file *f, int fd, uint8_t *to, uint64_t at, uint32_t n,
                      struct err *err)
{
    for (uint32_t have = 0; have < n;) {
        ssize_t got = pread(fd, to + have, n - have, (off_t)(at + have));

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return err_set(err, LIBRARY_ESTICK, "the stick does not give byte %llu of %s: %s",
                           (unsigned long long)(at + have), f->path,
                           got < 0 ? strerror(errno) : "the file ends there");
        have += (uint32_t)got;
    }
    return 0;
}

/* NULL: nobody wants more. */
static uint8_t *next_cell(struct stick_file *f, uint32_t *cell)
{
    while (!atomic_load(&f->unwanted))
        if (queue_pop_wait(&f->empty, cell, LOOK_MS))
            return atomic_load(&f->unwanted) ? NULL : f->bytes + (size_t)*cell * CELL;
    return NULL;
}

static void read_all(struct stick_file *f, int fd)
{
    struct part p = {.what = OPENED};
    uint64_t at = 0;
    uint8_t *to;

    MUST(queue_push(&f->parts, &p));
    for (p.what = FULL; at < f->expected && (to = next_cell(f, &p.cell)); at += p.n) {
        p.n = f->expected - at < CELL ? (uint32_t)(f->expected - at) : CELL;
        if (read_whole(f, fd, to, at, p.n, &p.err))
            p.what = FAILED;
        MUST(queue_push(&f->parts, &p));
        if (p.what == FAILED)
            return;
        if ((at + p.n) % FORGET == 0)
            posix_fadvise(fd, 0, (off_t)(at + p.n), POSIX_FADV_DONTNEED);
    }
}

static void *reading_thread(void *arg)
{
    struct stick_file *f = arg;
    struct part failed = {.what = FAILED};
    int fd = open_file(f, &failed.err);

    if (fd < 0)
        MUST(queue_push(&f->parts, &failed));
    else
        read_all(f, fd);
    if (fd >= 0) {
        posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
        close(fd);
    }
    leave(f);
    return NULL;
}

/* ---- who takes ---- */

static uint64_t size(const void *file)
{
    const struct stick_file *f = file;

    return f->size;
}

/* The next part of the file, when there is one. */
static void turn(struct stick_file *f)
{
    if (f->now.what == FULL && f->now.n)
        MUST(queue_push(&f->empty, &f->now.cell));
    f->at = 0;
    if (!queue_pop(&f->parts, &f->now))
        f->now = (struct part){.what = OPENED};
    else if (f->now.what == OPENED)
        f->size = f->expected;
}

static long look(void *file, const uint8_t **bytes, struct err *err)
{
    struct stick_file *f = file;

    if (f->now.what != FAILED && f->at == f->now.n)
        turn(f);
    if (f->now.what == FAILED)
        return err_set(err, f->now.err.code, "%s", f->now.err.text);
    *bytes = f->bytes + (size_t)f->now.cell * CELL + f->at;
    return (long)(f->now.n - f->at);
}

static void took(void *file, size_t n)
{
    struct stick_file *f = file;

    MUST(n <= f->now.n - f->at);
    f->at += (uint32_t)n;
}

static void end(void *file)
{
    struct stick_file *f = file;

    atomic_store(&f->unwanted, true);
    leave(f);
}

static int make(struct stick_file *f, struct err *err)
{
    f->bytes = malloc((size_t)CELLS * CELL);
    if (!f->bytes || queue_init(&f->parts, 2 * CELLS, sizeof(struct part)) ||
        queue_init(&f->empty, CELLS, sizeof(uint32_t)))
        return err_set(err, LIBRARY_EMEMORY, "out of memory for a file of a stick");
    for (uint32_t cell = 0; cell < CELLS; cell++)
        MUST(queue_push(&f->empty, &cell));
    return 0;
}

int fetch_stick(struct fetch *to, const char *root, const char *path, uint64_t bytes,
                struct err *err)
{
    static const struct fetch_kind kind = {size, look, took, end};
    struct stick_file *f = calloc(1, sizeof *f);
    pthread_t thread;
    int rc =
        f ? make(f, err) : err_set(err, LIBRARY_EMEMORY, "out of memory for a file of a stick");

    if (f) {
        atomic_store(&f->users, 1);
        f->expected = bytes;
        snprintf(f->root, sizeof f->root, "%s", root);
        snprintf(f->path, sizeof f->path, "%s", path);
    }
    if (rc == 0) {
        atomic_store(&f->users, 2);
        rc = pthread_create(&thread, NULL, reading_thread, f) == 0
                 ? 0
                 : err_set(err, LIBRARY_ETHREAD, "no thread reads the stick");
        if (rc)
            atomic_store(&f->users, 1);
        else
            pthread_detach(thread);
    }
    if (rc && f)
        leave(f);
    *to = rc ? (struct fetch){0} : (struct fetch){&kind, f};
    return rc;
}
