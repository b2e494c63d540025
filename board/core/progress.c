#include "board/core/progress.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "net/os/clock.h"
#include "net/wire/units.h"

#define REDRAW (100 * MONO_MS)
#define UNKNOWN_END (10 * MONO_S)
#define BAR 30

void progress_start(struct progress *p, const char *verb, uint64_t total, bool quiet)
{
    *p = (struct progress){.verb = verb, .total = total, .step = 1};
    p->start = p->shown = clock_now();
    p->tty = isatty(STDERR_FILENO);
    p->quiet = quiet;
}

/* "43.1 MB/s, 0:12 left" */
static void figures(const struct progress *p, uint64_t done, struct mono now, char *buf, size_t n)
{
    char size[UNITS_TEXT], left[UNITS_TEXT];
    double seconds = (double)mono_sub(now, p->start) / 1e9;
    double rate = seconds > 0 ? (double)done / seconds : 0;

    units_size_text(size, (uint64_t)rate);
    if (p->total > done && rate > 0) {
        units_time_text(left, (int64_t)((double)(p->total - done) / rate * 1e9));
        snprintf(buf, n, "%s/s, %s left", size, left);
    } else {
        snprintf(buf, n, "%s/s", size);
    }
}

static void draw(struct progress *p, uint64_t done, struct mono now, const char *note)
{
    char rate[2 * UNITS_TEXT + 16], size[UNITS_TEXT], bar[BAR + 1];
    double share = p->total ? (double)done / (double)p->total : 0;
    int full = (int)(share * BAR);

    figures(p, done, now, rate, sizeof rate);
    note = note ? note : "";
    if (p->tty && p->total) {
        for (int i = 0; i < BAR; i++)
            bar[i] = i < full ? '#' : '.';
        bar[BAR] = 0;
        fprintf(stderr, "\r%s [%s] %3.0f %%  %s  %s\033[K", p->verb, bar, share * 100, rate, note);
    } else if (p->total) {
        fprintf(stderr, "%s: %.0f %%, %s%s%s\n", p->verb, share * 100, rate, *note ? ", " : "",
                note);
    } else {
        fprintf(stderr, "%s%s: %s, %s%s%s%s", p->tty ? "\r" : "", p->verb,
                units_size_text(size, done), rate, *note ? ", " : "", note,
                p->tty ? "\033[K" : "\n");
    }
    fflush(stderr);
    p->shown = now;
}

void progress_at(struct progress *p, uint64_t done, const char *note)
{
    struct mono now = clock_now();
    unsigned percent;

    if (p->quiet)
        return;
    if (done > p->total && p->total)
        done = p->total;
    if (p->tty || !p->total) {
        if (mono_sub(now, p->shown) >= (p->tty ? REDRAW : UNKNOWN_END))
            draw(p, done, now, note);
        return;
    }
    percent = (unsigned)((double)done / (double)p->total * 100);
    if (percent < p->step * 5)
        return;
    draw(p, done, now, note);
    p->step = percent / 5 + 1;
}

void progress_end(struct progress *p)
{
    if (p->tty && !p->quiet)
        fputs("\r\033[K", stderr);
}
