#include "board/log/log.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "net/os/clock.h"
#include "net/os/file.h"
#include "net/wire/utf8.h"

#define LINE_MAX_BYTES 544 /* date, time and 512 bytes of what is said */

static struct {
    pthread_mutex_t lock;
    char line[LOG_KEPT][LOG_LINE];
    unsigned n; /* lines so far; the next goes to n % LOG_KEPT */
} kept = {.lock = PTHREAD_MUTEX_INITIALIZER};

static struct {
    pthread_mutex_t lock;
    pthread_cond_t news, done;
    bool apart;   /* there is a thread that writes */
    bool writing; /* it has one in hand */
    unsigned first, n, left_out;
    char line[LOG_WAITING][LINE_MAX_BYTES];
} waiting = {.lock = PTHREAD_MUTEX_INITIALIZER, .news = PTHREAD_COND_INITIALIZER};

static void *writer_main(void *arg)
{
    char line[LINE_MAX_BYTES + 1];

    (void)arg;
    pthread_mutex_lock(&waiting.lock);
    for (;;) {
        while (waiting.n == 0) {
            waiting.writing = false;
            pthread_cond_broadcast(&waiting.done);
            pthread_cond_wait(&waiting.news, &waiting.lock);
        }
        snprintf(line, sizeof line, "%s\n", waiting.line[waiting.first]);
        waiting.first = (waiting.first + 1) % LOG_WAITING;
        waiting.n--;
        waiting.writing = true;
        pthread_mutex_unlock(&waiting.lock);
        (void)file_write(STDERR_FILENO, line,
                         strlen(line)); /* whole: nothing else comes in between */
        pthread_mutex_lock(&waiting.lock);
    }
    return NULL;
}

void log_threaded(void)
{
    pthread_t thread;

    clock_cond_init(&waiting.done);
    /* without it lines are written as they come */
    waiting.apart = pthread_create(&thread, NULL, writer_main, NULL) == 0;
    if (waiting.apart)
        pthread_detach(thread);
}

void log_drain(void)
{
    struct mono end = mono_add(clock_now(), MONO_S);
    bool more = true;

    pthread_mutex_lock(&waiting.lock);
    while (waiting.apart && more && (waiting.n || waiting.writing))
        more = clock_cond_wait(&waiting.done, &waiting.lock, end);
    pthread_mutex_unlock(&waiting.lock);
}

static void waiting_add(const char *line)
{
    snprintf(waiting.line[(waiting.first + waiting.n++) % LOG_WAITING], LINE_MAX_BYTES, "%s", line);
}

static void line_write(const char *line)
{
    char note[64];

    pthread_mutex_lock(&waiting.lock);
    if (!waiting.apart) {
        fprintf(stderr, "%s\n", line);
    } else if (waiting.n + 2 > LOG_WAITING) {
        waiting.left_out++;
    } else {
        snprintf(note, sizeof note, "(%u lines left out)", waiting.left_out);
        if (waiting.left_out)
            waiting_add(note);
        waiting.left_out = 0;
        waiting_add(line);
        pthread_cond_signal(&waiting.news);
    }
    pthread_mutex_unlock(&waiting.lock);
}

static void line_keep(const char *line)
{
    size_t n = strnlen(line, LOG_LINE - 1);
    char *to;

    pthread_mutex_lock(&kept.lock);
    to = kept.line[kept.n++ % LOG_KEPT];
    memcpy(to, line, n);
    to[n] = 0;
    pthread_mutex_unlock(&kept.lock);
}

unsigned log_last(char to[][LOG_LINE], unsigned n)
{
    pthread_mutex_lock(&kept.lock);
    n = n < LOG_KEPT ? n : LOG_KEPT;
    n = n < kept.n ? n : kept.n;
    for (unsigned i = 0; i < n; i++)
        memcpy(to[i], kept.line[(kept.n - n + i) % LOG_KEPT], LOG_LINE);
    pthread_mutex_unlock(&kept.lock);
    return n;
}

/* Names of files, requests and machines are in lines, and lines go to terminals: what might move a
 * cursor, or is no UTF-8, comes as '?'. */
static void line_make_plain(char *line)
{
    char *to = line;

    while (*line) {
        uint32_t cp = 0;
        size_t n = utf8_read((const uint8_t *)line, strlen(line), &cp);

        if (n == 0 || utf8_is_control(cp))
            *to++ = '?';
        else
            to = (char *)memmove(to, line, n) + n;
        line += n ? n : 1;
    }
    *to = 0;
}

void log_line(const char *fmt, ...)
{
    char line[512], date[LINE_MAX_BYTES - sizeof line], whole[LINE_MAX_BYTES];
    time_t now = time(NULL);
    struct tm tm;
    va_list ap;

    strftime(date, sizeof date, "%Y-%m-%d %H:%M:%S", localtime_r(&now, &tm));
    va_start(ap, fmt);
    vsnprintf(line, sizeof line, fmt, ap);
    va_end(ap);
    line_make_plain(line);
    snprintf(whole, sizeof whole, "%s %s", date, line);
    line_write(whole);
    line_keep(whole);
}
