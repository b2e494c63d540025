#include "board/box/boot/access_log.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "board/errors/box.h"
#include "board/log/log.h"
#include "net/ip/stack.h"
#include "net/os/clock.h"
#include "net/wire/utf8.h"

#define PIECE 65536
#define PATH_TEXT 4096
#define RETRY_NS (10 * MONO_S)

enum reading { READ_NONE, READ_WANTED, READ_READY, READ_BROKEN };

/* The one download: the thread fills `piece`, the control thread empties it. */
struct reader {
    enum reading state;
    bool left; /* the client has gone */
    bool opened, ended;
    int fd[2];        /* the older file, the newer one; -1: none, or read to its end */
    uint64_t rest;    /* of the newer one: what was in it when the download began */
    uint64_t at, end; /* then the memory from here to there */
    uint8_t piece[PIECE];
    size_t n, taken;
};

struct access_log {
    pthread_mutex_t lock;
    pthread_cond_t news;
    pthread_t thread;
    bool running, stop;
    /* under the lock; positions count all bytes there ever were */
    uint8_t memory[ACCESS_MEMORY];
    uint64_t begin, head, written; /* the oldest line's, the end's, up to where the files have it */
    uint64_t lines, lost, unsaid;  /* unsaid: of the lost, not yet said in the file */
    struct reader reader;
    /* the thread's own */
    char path[PATH_TEXT], older[PATH_TEXT]; /* "": memory alone */
    uint8_t out[PIECE];
    int fd;
    uint64_t size;
    int64_t budget;
    struct mono filled, retry;
    bool failing;
};

/* ---- memory ---- */

static void copy_out(const struct access_log *a, uint64_t at, uint8_t *to, size_t n)
{
    size_t from = (size_t)(at % ACCESS_MEMORY),
           first = n < ACCESS_MEMORY - from ? n : ACCESS_MEMORY - from;

    memcpy(to, a->memory + from, first);
    memcpy(to + first, a->memory, n - first);
}

static void copy_in(struct access_log *a, const char *line, size_t n)
{
    size_t to = (size_t)(a->head % ACCESS_MEMORY),
           first = n < ACCESS_MEMORY - to ? n : ACCESS_MEMORY - to;

    memcpy(a->memory + to, line, first);
    memcpy(a->memory, line + first, n - first);
    a->head += n;
}

static void oldest_gives_way(struct access_log *a)
{
    uint64_t at = a->begin;

    while (at < a->head && a->memory[at++ % ACCESS_MEMORY] != '\n')
        ;
    a->begin = at;
    if (a->written >= a->begin)
        return;
    a->written = a->begin;
    a->lost += a->path[0] != 0;
    a->unsaid++;
}

static unsigned lines_in(const uint8_t *bytes, size_t n)
{
    unsigned lines = 0;

    for (size_t i = 0; i < n; i++)
        lines += bytes[i] == '\n';
    return lines;
}

/* Nothing of a stranger's ends the line, moves a cursor or is no text. */
static void make_plain(char *to, size_t cap, const char *from)
{
    char *end = to + cap - 1;

    while (*from && to < end) {
        uint32_t cp = 0;
        size_t n = utf8_read((const uint8_t *)from, strlen(from), &cp);
        bool plain = n && !utf8_is_control(cp) && cp != '"';

        if (plain && n > (size_t)(end - to))
            break;
        if (plain)
            memcpy(to, from, n);
        else
            *to = '?';
        to += plain ? n : 1;
        from += n ? n : 1;
    }
    *to = 0;
}

static size_t line_text(char line[ACCESS_LINE_MAX], const struct access_entry *e, uint64_t seconds)
{
    char when[24], address[IP_TEXT], mac[18] = "-", machine[100] = "", file[300];
    time_t at = (time_t)seconds;
    struct tm tm;
    int n;

    strftime(when, sizeof when, "%Y-%m-%d %H:%M:%S", gmtime_r(&at, &tm));
    if (e->mac)
        snprintf(mac, sizeof mac, "%02x:%02x:%02x:%02x:%02x:%02x", e->mac[0], e->mac[1], e->mac[2],
                 e->mac[3], e->mac[4], e->mac[5]);
    make_plain(machine, sizeof machine, e->machine ? e->machine : "");
    make_plain(file, sizeof file, e->file[0] ? e->file : "-");
    n = snprintf(line, ACCESS_LINE_MAX, "%s %s %s %s %s%s%s %s %llu %s\n", when, e->protocol,
                 ip_address_text(address, e->address), mac, machine[0] ? "\"" : "-", machine,
                 machine[0] ? "\"" : "", e->result, (unsigned long long)e->bytes, file);
    return (size_t)n;
}

void access_log_add(struct access_log *a, const struct access_entry *e, uint64_t seconds)
{
    char line[ACCESS_LINE_MAX];
    size_t n;

    if (!a)
        return;
    n = line_text(line, e, seconds);
    pthread_mutex_lock(&a->lock);
    while (a->head + n - a->begin > ACCESS_MEMORY)
        oldest_gives_way(a);
    copy_in(a, line, n);
    a->lines++;
    pthread_cond_signal(&a->news);
    pthread_mutex_unlock(&a->lock);
}

struct access_counts access_log_counts(struct access_log *a)
{
    struct access_counts c;

    pthread_mutex_lock(&a->lock);
    c = (struct access_counts){a->lines, a->lost};
    pthread_mutex_unlock(&a->lock);
    return c;
}

/* ---- the files, by the thread alone ---- */

static bool file_open(struct access_log *a)
{
    char last = '\n';
    struct stat st;

    a->fd = open(a->path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (a->fd < 0 || fstat(a->fd, &st))
        return false;
    a->size = (uint64_t)st.st_size;
    /* a power cut */
    if (a->size && pread(a->fd, &last, 1, (off_t)a->size - 1) == 1 && last != '\n' &&
        write(a->fd, "\n", 1) == 1)
        a->size++;
    return true;
}

static void file_close(struct access_log *a)
{
    if (a->fd >= 0)
        close(a->fd);
    a->fd = -1;
}

static bool file_ready(struct access_log *a, size_t n)
{
    if (a->fd < 0 && !file_open(a))
        return false;
    if (a->size + n <= ACCESS_FILE_MAX || !a->size)
        return true;
    if (rename(a->path, a->older))
        return false;
    file_close(a);
    return file_open(a);
}

/* How many of the bytes are in the file now. */
static size_t file_write(struct access_log *a, const uint8_t *bytes, size_t n)
{
    size_t done = 0;
    ssize_t put = 0;

    if (!file_ready(a, n))
        put = -1;
    while (put >= 0 && done < n && (put = write(a->fd, bytes + done, n - done)) > 0)
        done += (size_t)put;
    a->size += done;
    if (done < n && !a->failing)
        log_line("the access log on the data disk misses lines: %s", strerror(errno));
    a->failing = done < n;
    if (done < n)
        file_close(a);
    return done;
}

/* The most whole lines that fit into `out`, from what is not in the files yet. */
static size_t take_lines(struct access_log *a)
{
    size_t n = a->head - a->written < PIECE ? (size_t)(a->head - a->written) : PIECE;

    copy_out(a, a->written, a->out, n);
    while (n && a->out[n - 1] != '\n')
        n--;
    return n;
}

static bool within_ration(struct access_log *a, size_t n, struct mono now)
{
    int64_t each = MONO_S / ACCESS_RATE, more = mono_sub(now, a->filled) / each;

    a->budget = a->budget + more < ACCESS_BURST ? a->budget + more : ACCESS_BURST;
    a->filled = mono_add(a->filled, more * each);
    if (a->budget < (int64_t)n)
        return false;
    a->budget -= (int64_t)n;
    return true;
}

/* Called with the lock and returns with it; in between it has none. */
static void write_some(struct access_log *a, struct mono now)
{
    uint64_t from = a->written, unsaid = a->unsaid;
    size_t n = take_lines(a), done = n;
    char note[80];

    if (!within_ration(a, n, now)) {
        a->lost += lines_in(a->out, n);
        a->unsaid += lines_in(a->out, n);
        a->written += n;
        return;
    }
    pthread_mutex_unlock(&a->lock);
    snprintf(note, sizeof note, "(%llu lines are missing here)\n", (unsigned long long)unsaid);
    if (unsaid && file_write(a, (const uint8_t *)note, strlen(note)) < strlen(note))
        done = 0;
    else
        done = file_write(a, a->out, n);
    if (done < n)
        a->retry = mono_add(now, RETRY_NS);
    pthread_mutex_lock(&a->lock);
    if (done)
        a->unsaid -= unsaid;
    /* a line that is there in part is written again as a whole */
    while (done && done < n && a->out[done - 1] != '\n')
        done--;
    if (from + done > a->written)
        a->written = from + done;
}

/* ---- the download ---- */

static void reader_open(struct access_log *a, struct reader *r)
{
    struct stat st;

    r->fd[0] = a->path[0] ? open(a->older, O_RDONLY | O_CLOEXEC | O_NOFOLLOW) : -1;
    r->fd[1] = a->path[0] ? open(a->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW) : -1;
    r->rest = r->fd[1] >= 0 && fstat(r->fd[1], &st) == 0 ? (uint64_t)st.st_size : 0;
    pthread_mutex_lock(&a->lock);
    r->at = a->path[0] ? a->written : a->begin;
    r->end = a->head;
    pthread_mutex_unlock(&a->lock);
}

static void reader_drop(struct reader *r, int which)
{
    if (r->fd[which] >= 0)
        close(r->fd[which]);
    r->fd[which] = -1;
}

/* The next piece of a file; false: it is at its end. *broken: it cannot be read. */
static bool reader_file(struct reader *r, int which, bool *broken)
{
    size_t most = which == 0 || r->rest > PIECE ? PIECE : (size_t)r->rest;
    ssize_t n = r->fd[which] < 0 || !most ? 0 : read(r->fd[which], r->piece, most);

    *broken |= n < 0;
    r->n = n > 0 ? (size_t)n : 0;
    if (which == 1)
        r->rest -= r->n;
    if (!r->n)
        reader_drop(r, which);
    return r->n > 0;
}

static void reader_memory(struct access_log *a, struct reader *r)
{
    pthread_mutex_lock(&a->lock);
    if (r->at < a->begin) /* it has given way meanwhile */
        r->at = a->begin;
    r->n = r->at >= r->end ? 0 : r->end - r->at < PIECE ? (size_t)(r->end - r->at) : PIECE;
    copy_out(a, r->at, r->piece, r->n);
    r->at += r->n;
    pthread_mutex_unlock(&a->lock);
}

/* Called with the lock and returns with it. */
static void read_some(struct access_log *a)
{
    struct reader *r = &a->reader;
    bool broken = false;

    if (!r->left) {
        pthread_mutex_unlock(&a->lock);
        if (!r->opened)
            reader_open(a, r);
        r->opened = true;
        r->taken = 0;
        if (!reader_file(r, 0, &broken) && !broken && !reader_file(r, 1, &broken) && !broken)
            reader_memory(a, r);
        pthread_mutex_lock(&a->lock);
        r->ended = r->n == 0;
        r->state = broken ? READ_BROKEN : READ_READY;
    }
    if (!r->left)
        return;
    reader_drop(r, 0);
    reader_drop(r, 1);
    r->state = READ_NONE;
}

static int pull(void *ctx, struct web_call *c, uint8_t *to, size_t n)
{
    struct access_log *a = ctx;
    struct reader *r = &a->reader;
    int got = 0;

    (void)c;
    pthread_mutex_lock(&a->lock);
    if (r->state == READ_BROKEN)
        got = WEB_PULL_BROKEN;
    else if (r->state == READ_READY && r->ended)
        got = WEB_PULL_END;
    else if (r->state == READ_READY) {
        got = (int)(n < r->n - r->taken ? n : r->n - r->taken);
        memcpy(to, r->piece + r->taken, (size_t)got);
        r->taken += (size_t)got;
    }
    if (got >= 0 && r->state == READ_READY && r->taken == r->n) {
        r->state = READ_WANTED;
        pthread_cond_signal(&a->news);
    }
    pthread_mutex_unlock(&a->lock);
    return got;
}

static void gone(void *ctx, struct web_call *c)
{
    struct access_log *a = ctx;

    (void)c;
    pthread_mutex_lock(&a->lock);
    a->reader.left = true;
    pthread_cond_signal(&a->news);
    pthread_mutex_unlock(&a->lock);
}

static void download(void *ctx, struct web_call *c)
{
    struct access_log *a = ctx;
    bool mine;

    pthread_mutex_lock(&a->lock);
    mine = a->running && a->reader.state == READ_NONE;
    if (mine) {
        a->reader = (struct reader){.state = READ_WANTED, .fd = {-1, -1}};
        pthread_cond_signal(&a->news);
    }
    pthread_mutex_unlock(&a->lock);
    if (!mine) {
        web_problem(c, 503, 0, "the access log is being read: try again in a moment");
        return;
    }
    c->gone = gone;
    web_header(c, "Content-Disposition", "attachment; filename=\"access.log\"");
    web_stream(c, 200, "text/plain; charset=utf-8", WEB_UNKNOWN, pull);
}

void access_log_routes(struct access_log *a, struct web_routes *routes)
{
    static const struct web_route table[] = {
        {WEB_GET, "/api/v1/access.log", WEB_USER, download, NULL}};

    web_routes_add(routes, table, sizeof table / sizeof *table, a);
}

/* ---- the thread ---- */

static void wait_for_news(struct access_log *a, bool retries)
{
    if (!retries) {
        pthread_cond_wait(&a->news, &a->lock);
        return;
    }
    clock_cond_wait(&a->news, &a->lock, mono_add(clock_now(), MONO_S));
}

static void *run(void *ctx)
{
    struct access_log *a = ctx;

    a->filled = a->retry = clock_now();
    a->budget = ACCESS_BURST;
    pthread_mutex_lock(&a->lock);
    for (;;) {
        struct mono now = clock_now();
        bool last = a->stop, waits = a->path[0] && a->written < a->head,
             due = waits && (last || mono_sub(now, a->retry) >= 0);

        if (a->reader.state == READ_WANTED || (a->reader.left && a->reader.state != READ_NONE))
            read_some(a);
        else if (due)
            write_some(a, now);
        else if (!last)
            wait_for_news(a, waits);
        if (last && (!due || a->failing))
            break;
    }
    pthread_mutex_unlock(&a->lock);
    file_close(a);
    reader_drop(&a->reader, 0);
    reader_drop(&a->reader, 1);
    return NULL;
}

int access_log_open(struct access_log **out, const char *folder, struct err *err)
{
    struct access_log *a = *out = calloc(1, sizeof *a);

    if (!a)
        return err_set(err, PC_EMEMORY, "out of memory");
    a->fd = a->reader.fd[0] = a->reader.fd[1] = -1;
    if (folder) {
        snprintf(a->path, sizeof a->path, "%.4000s/access.log", folder);
        snprintf(a->older, sizeof a->older, "%.4000s/access.log.1", folder);
    }
    pthread_mutex_init(&a->lock, NULL);
    clock_cond_init(&a->news);
    /* without it there is memory, and nobody reads it */
    a->running = pthread_create(&a->thread, NULL, run, a) == 0;
    return 0;
}

void access_log_close(struct access_log *a)
{
    if (!a)
        return;
    pthread_mutex_lock(&a->lock);
    a->stop = true;
    pthread_cond_signal(&a->news);
    pthread_mutex_unlock(&a->lock);
    if (a->running)
        pthread_join(a->thread, NULL);
    pthread_cond_destroy(&a->news);
    pthread_mutex_destroy(&a->lock);
    free(a);
}
