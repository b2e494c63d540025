#include "net/status/plain.h"

#include <stdarg.h>
#include <stdio.h>

#include "net/wire/must.h"
#include "net/wire/writer.h"

#define TAIL_BYTES 256 /* kept free for what follows the rows */

static void put(struct writer *w, const char *text)
{
    wr_copy(w, text, strlen(text));
}

static void putf(struct writer *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void putf(struct writer *w, const char *fmt, ...)
{
    char text[256];
    va_list args;
    int n;

    va_start(args, fmt);
    n = vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    MUST(n >= 0 && (size_t)n < sizeof text);
    put(w, text);
}

static void put_foreign(struct writer *w, const char *text)
{
    put(w, "<bdi>");
    for (; *text; text++)
        switch (*text) {
        case '&':
            put(w, "&amp;");
            break;
        case '<':
            put(w, "&lt;");
            break;
        case '>':
            put(w, "&gt;");
            break;
        case '"':
            put(w, "&quot;");
            break;
        case '\'':
            put(w, "&#39;");
            break;
        default:
            wr_u8(w, (uint8_t)*text);
        }
    put(w, "</bdi>");
}

/* ---- head and tail ---- */

/* The referrer's policy: with the box's own, "no-referrer", a browser would send the form as
 * nobody's. */
static void put_head(struct writer *w, const char *more)
{
    put(w, "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta "
           "name=\"viewport\" content=\"width=device-width\">"
           "<meta name=\"referrer\" content=\"same-origin\">");
    put(w, more);
    put(w, "<title>Ringcast</title><link rel=\"stylesheet\" href=\"/style.css\"></head><body><main "
           "class=\"page wide\">\n");
}

static void put_totals(struct writer *w, const struct room_snapshot *s)
{
    const struct room_totals *t = &s->totals;

    put(w, "<h1>");
    put_foreign(w, s->box.name);
    put(w, "</h1>\n<p>");
    put_foreign(w, s->box.guard_text);
    if (s->box.hold[0]) {
        put(w, "</p>\n<p><b>");
        put_foreign(w, s->box.hold);
        put(w, "</b>");
    }
    putf(w,
         "</p>\n<p>%u machines: %u waiting, %u imaging, %u verifying, <b>%u PASS</b>, <b>%u "
         "FAIL</b>, %u lost",
         t->machines, t->waiting, t->imaging, t->verifying, t->passed, t->failed, t->lost);
    if (t->expected)
        putf(w, "; %u expected, %u never came", t->expected, t->never_came);
    put(w, ".</p>\n");
}

static void put_sessions(struct writer *w, const struct room_snapshot *s)
{
    for (unsigned i = 0; i < s->n_sessions; i++) {
        put(w, "<p><b>");
        put_foreign(w, s->session[i].image);
        put(w, "</b>: ");
        put_foreign(w, s->session[i].sentence);
        putf(w, " %.0f Mbit/s.</p>\n", (double)s->session[i].rate / 1e6);
    }
}

/* ---- rows ---- */

static void put_cell(struct writer *w, const char *text)
{
    put(w, "<td>");
    put_foreign(w, text);
    put(w, "</td>");
}

static void put_row(struct writer *w, const struct room_machine *m)
{
    const uint8_t *a = m->mac;

    putf(w, "<tr data-state=\"%s\"><th scope=\"row\">%u</th><td>%s</td><td>%u %%</td>",
         room_state_word(m->state), m->number,
         m->state == ROOM_PASS   ? "PASS"
         : m->state == ROOM_FAIL ? "FAIL"
                                 : room_state_word(m->state),
         m->done / 100u);
    put_cell(w, m->name);
    put_cell(w, m->cause);
    putf(w, "<td>%.0f Mbit/s</td><td>%.2f %%</td><td>%.0f MB/s</td>", (double)m->rate / 1e6,
         m->loss_ppm / 1e4, (double)m->disk_rate / 1e6);
    if (m->link_mbps)
        putf(w, "<td>%u Mb/s</td>", m->link_mbps);
    else
        put(w, "<td></td>");
    if (m->eta_s >= 0)
        putf(w, "<td>%d min</td>", (m->eta_s + 59) / 60);
    else
        put(w, "<td></td>");
    putf(w, "<td>%02x:%02x:%02x:%02x:%02x:%02x</td>", a[0], a[1], a[2], a[3], a[4], a[5]);
    put_cell(w, m->serial);
    put_cell(w, m->position);
    put(w, "</tr>\n");
}

/* By their numbers. The snapshot's rows are nearly in that order, because numbers are given out as
 * rows are: few steps. */
static void sort_rows(const struct room_machine **row, unsigned n)
{
    for (unsigned i = 1; i < n; i++) {
        const struct room_machine *m = row[i];
        unsigned at = i;

        for (; at > 0 && row[at - 1]->number > m->number; at--)
            row[at] = row[at - 1];
        row[at] = m;
    }
}

static void put_rows(struct writer *w, const struct room_snapshot *s)
{
    static const struct room_machine *row[ROOM_MACHINES_MAX];
    unsigned i;

    for (i = 0; i < s->n_machines; i++)
        row[i] = &s->machine[i];
    sort_rows(row, s->n_machines);
    put(w, "<table><thead><tr><th>No.</th><th>State</th><th>Done</th><th>Name</th><th>Cause</"
           "th><th>Rate</th><th>Loss</th><th>Disk</th>"
           "<th>Link</th><th>Left</th><th>MAC</th><th>Serial</th><th>Place</th></tr></"
           "thead><tbody>\n");
    for (i = 0; i < s->n_machines && w->left >= PLAIN_ROW_MAX + TAIL_BYTES; i++)
        put_row(w, row[i]);
    put(w, "</tbody></table>\n");
    if (i < s->n_machines)
        putf(w, "<p>There is no room here for %u more.</p>\n", s->n_machines - i);
}

static size_t finish(struct writer *w)
{
    put(w, "<p><a href=\"/\">The page with scripts</a></p></main></body></html>\n");
    MUST(!w->bad);
    return w->done;
}

size_t plain_write(const struct room_snapshot *s, char *buf, size_t cap)
{
    struct writer w = writer_on(buf, cap);

    put_head(&w, "<meta http-equiv=\"refresh\" content=\"5\">");
    put_totals(&w, s);
    put_sessions(&w, s);
    put_rows(&w, s);
    return finish(&w);
}

size_t plain_door(char *buf, size_t cap)
{
    struct writer w = writer_on(buf, cap);

    put_head(&w, "");
    put(&w, "<h1>Ringcast</h1>\n<form method=\"post\" action=\"/plain/login\"><p><label>Password "
            "<input type=\"password\" name=\"password\" autocomplete=\"current-password\" "
            "required></label> <button>Log in</button></p></form>\n"
            "<p>A box without a password is set up on the page with scripts.</p>\n");
    return finish(&w);
}
