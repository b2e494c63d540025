#include "board/box/console/page.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include "board/screen/screen_text.h"
#include "net/wire/units.h"

#define TURN_S 8 /* a page of tiles, where not all fit */

/* What the box does for receivers, over all images. */
struct work {
    struct session_tally tally;
    unsigned needing, running;
    uint64_t rate;
    unsigned slowest; /* hundredths of a per cent */
    char names[PAGE_TEXT];
};

static void gather(const struct serve *s, struct work *w)
{
    size_t n = 0;

    *w = (struct work){.slowest = 10000};
    w->tally = serve_tally(s);
    for (unsigned i = 0; i < s->n_streams; i++) {
        const struct session_image *m = &s->streams[i].session;

        if (m->name[0] && n < sizeof w->names)
            n +=
                (size_t)snprintf(w->names + n, sizeof w->names - n, "%s%s", n ? ", " : "", m->name);
        w->needing += m->needing;
        w->running += m->running;
        w->rate += m->running ? s->streams[i].set : 0;
        for (uint32_t r = 0; m->running && r < m->used; r++)
            if (!m->rows[r].gone && m->rows[r].facts.state <= SESSION_RECEIVING &&
                m->rows[r].facts.done < w->slowest)
                w->slowest = m->rows[r].facts.done;
    }
}

static void stream_text(const struct work *w, char *to, size_t cap)
{
    char rate[UNITS_TEXT];

    if (w->running)
        snprintf(to, cap, "%s to %u machines, the slowest at %u %%", units_rate_text(rate, w->rate),
                 w->needing, w->slowest / 100);
    else
        snprintf(to, cap, "waits for a machine that needs it");
}

/* What the library is at, if anything. */
static void packing_text(struct library *l, char *to, size_t cap)
{
    const struct library_image *m;

    to[0] = 0;
    for (unsigned i = 0; !to[0] && (m = library_at(l, i)); i++)
        if (m->state == LIBRARY_PACKING || (m->state == LIBRARY_VERIFYING && !m->served))
            snprintf(to, cap, "%s%s, %u %%", m->record.name,
                     m->state == LIBRARY_PACKING ? "" : " is checked", m->percent);
}

/* ---- status ---- */

static void space_text(const char *folder, char *to, size_t cap)
{
    struct statvfs v;
    char size[UNITS_TEXT];

    to[0] = 0;
    if (folder && statvfs(folder, &v) == 0)
        snprintf(to, cap, "%s", units_size_text(size, (uint64_t)v.f_bavail * v.f_frsize));
}

static void add(struct screen_page *p, unsigned *n, const char *name, const char *value)
{
    if (*n < SCREEN_LINES && value && value[0])
        p->lines[(*n)++] = (struct screen_line){name, value};
}

/* The code in halves, as the log writes it and a person types it. */
static void add_reach(const struct page *p, struct page_memory *m, unsigned *n)
{
    const char *code = p->setup_code ? p->setup_code : "";
    size_t half = strlen(code) / 2;

    snprintf(m->code, sizeof m->code, "%.*s%s%s", (int)half, code, half ? "-" : "", code + half);
    add(&m->page, n, "page", p->url);
    add(&m->page, n, "set-up code", m->code);
}

static void build_status(const struct page *p, struct page_memory *m)
{
    struct screen_page *to = &m->page;
    struct work w;
    unsigned n = 0;
    bool warns, held;

    gather(p->serve, &w);
    services_text(p->services, m->dhcp, sizeof m->dhcp, &warns, m->files, sizeof m->files);
    snprintf(m->names, sizeof m->names, "%s", w.names);
    stream_text(&w, m->stream, sizeof m->stream);
    packing_text(p->library, m->packing, sizeof m->packing);
    space_text(p->data, m->space, sizeof m->space);
    snprintf(m->machines, sizeof m->machines,
             "%u passed, %u failed, %u lost, %u at it; %u done in all%s", w.tally.passed,
             w.tally.failed, w.tally.lost, w.tally.unfinished, p->machines->done,
             machines_are_full(p->machines) ? "; THE TABLE IS FULL: unknown ones are not imaged"
                                            : "");
    snprintf(m->skipped, sizeof m->skipped, "%u: the log says why", library_skipped(p->library));
    held = p->hold && p->hold[0];
    to->word = held ? "HOLD" : warns ? "STOP" : NULL;
    to->shape = held || warns ? SCREEN_BAR : SCREEN_PLAIN;
    to->sentence = held         ? p->hold
                   : warns      ? m->dhcp
                   : w.names[0] ? p->plan
                                : "There is no image yet: upload one on the page, or put a .ring "
                                  "or a raw image into the folder \"images\" of this disk.";
    to->qr = warns ? NULL : p->url;
    to->percent = w.running ? (int)(w.slowest / 100) : -1;
    add_reach(p, m, &n);
    add(to, &n, "address", m->address);
    add(to, &n, "images", w.names[0] ? m->names : "none");
    add(to, &n, "machines", m->machines);
    add(to, &n, "stream", m->stream);
    add(to, &n, "packing", m->packing);
    add(to, &n, "skipped", library_skipped(p->library) ? m->skipped : NULL);
    add(to, &n, "dhcp", warns ? "waits until it is gone" : m->dhcp);
    add(to, &n, "boot files", m->files);
    add(to, &n, "free space", m->space);
}

/* ---- the others ---- */

/* A fingerprint is 32 bytes as "AB:CD:...": eight a line, which fit beside the code. */
static void split_fingerprint(const char *whole, char part[PAGE_FINGERS][24])
{
    size_t n = strlen(whole);

    for (size_t i = 0; i < PAGE_FINGERS; i++)
        snprintf(part[i], sizeof part[i], "%.23s", 24 * i < n ? whole + 24 * i : "");
}

static void build_address(const struct page *p, struct page_memory *m)
{
    struct screen_page *to = &m->page;
    unsigned n = 0;

    to->sentence =
        !p->url ? "This box has no page for browsers."
        : p->setup_code && p->setup_code[0]
            ? "Open this address in a browser on this network, and set a password with the code."
            : "Open this address in a browser on this network. It must show this fingerprint.";
    to->qr = p->url;
    split_fingerprint(p->fingerprint ? p->fingerprint : "", m->finger);
    add_reach(p, m, &n);
    add(to, &n, "address", m->address);
    for (unsigned i = 0; i < PAGE_FINGERS; i++)
        add(to, &n, i ? NULL : "fingerprint", m->finger[i]);
}

/* The day is left out: what is on the screen is of today. */
static void build_log(struct page_memory *m)
{
    enum { DAY = 11 };

    m->page.n_text = log_last(m->log, PAGE_LOG);
    for (unsigned i = 0; i < m->page.n_text; i++)
        m->log_line[i] = strlen(m->log[i]) > DAY ? m->log[i] + DAY : m->log[i];
    m->page.text = m->log_line;
}

/* ---- the wall board ---- */

static enum wall_state tile_state(enum room_state s)
{
    switch (s) {
    case ROOM_RECEIVING:
        return WALL_RECEIVING;
    case ROOM_VERIFYING:
        return WALL_VERIFYING;
    case ROOM_PASS:
        return WALL_PASS;
    case ROOM_FAIL:
        return WALL_FAIL;
    case ROOM_LOST:
        return WALL_LOST;
    case ROOM_LEFT:
        return WALL_LEFT;
    default:
        return WALL_WAITING;
    }
}

static int by_number(const void *a, const void *b)
{
    return ((const struct wall_tile *)a)->number - ((const struct wall_tile *)b)->number;
}

unsigned page_tiles(struct wall_tile tiles[ROOM_MACHINES_MAX], const struct room_snapshot *room)
{
    for (unsigned i = 0; i < room->n_machines; i++) {
        const struct room_machine *m = &room->machine[i];

        tiles[i] = (struct wall_tile){.number = m->number,
                                      .state = (uint8_t)tile_state(m->state),
                                      .percent = (uint8_t)(m->done / 100),
                                      .marked = m->identify};
    }
    qsort(tiles, room->n_machines, sizeof *tiles, by_number);
    return room->n_machines;
}

void page_totals(char *to, size_t n, const struct room_totals *t)
{
    const struct {
        uint32_t n;
        const char *name;
    } part[] = {{t->waiting, "waiting"},      {t->imaging, "imaging"}, {t->verifying, "verifying"},
                {t->passed, "passed"},        {t->failed, "failed"},   {t->lost, "lost"},
                {t->never_came, "never came"}};
    size_t used = (size_t)snprintf(to, n, "%u machines", t->machines);

    for (size_t i = 0; i < sizeof part / sizeof *part && used < n; i++)
        if (part[i].n)
            used += (size_t)snprintf(to + used, n - used, "  %u %s", part[i].n, part[i].name);
}

static void build_wall(const struct page *p, struct page_memory *m)
{
    page_totals(m->totals, sizeof m->totals, &p->room->totals);
    m->wall = (struct wall){m->tiles, page_tiles(m->tiles, p->room), m->shown / TURN_S};
    m->page.sentence = m->totals;
    m->page.wall = &m->wall;
}

static void build(const struct page *p, struct page_memory *m)
{
    static const char with_hold[] =
        "1 status 2 machines 3 log 4 address  H lift hold S arm R password B restart P off";
    static const char without[] =
        "1 status 2 machines 3 log 4 address  S arm R password B restart P off";
    const char *question = keys_question(p->keys),
               *keys = p->hold && p->hold[0] ? with_hold : without;

    m->page = (struct screen_page){.title = p->config->name,
                                   .percent = -1,
                                   .footer = question ? question : keys,
                                   .asks = question};
    snprintf(m->address, sizeof m->address, "%s on %s", p->config->ring.address,
             p->config->ring.interface);
    switch (p->keys->view) {
    case VIEW_LOG:
        build_log(m);
        break;
    case VIEW_ADDRESS:
        build_address(p, m);
        break;
    case VIEW_WALL:
        if (p->room) {
            build_wall(p, m);
            break;
        }
        /* fall through */
    case VIEW_STATUS:
        build_status(p, m);
        break;
    }
}

void page_show(struct screen *screen, const struct page *p, struct page_memory *m)
{
    m->shown++;
    build(p, m);
    screen_show(screen, &m->page);
}

void page_print(struct keyboard *k, const struct page *p, struct page_memory *m)
{
    static char text[6000];

    build(p, m);
    keyboard_say(k, text, screen_text(text, sizeof text, &m->page));
}

void page_say(struct screen *screen, const char *name, const char *sentence, bool warns)
{
    struct screen_page page = {.title = name,
                               .sentence = sentence,
                               .percent = -1,
                               .shape = warns ? SCREEN_BAR : SCREEN_PLAIN,
                               .word = warns ? "STOP" : NULL};

    screen_show(screen, &page);
}
