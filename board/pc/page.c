#include "board/pc/page.h"

#include <stdio.h>

#include "net/wire/units.h"

#define TEXT 320

/* What the box does for receivers, over all images. */
struct work {
    struct session_tally tally;
    unsigned needing, running;
    uint64_t rate;
    unsigned slowest; /* hundredths of a per cent */
    char names[TEXT];
};

static void gather(const struct serve *s, struct work *w)
{
    size_t n = 0;

    *w = (struct work){.slowest = 10000};
    w->tally = serve_tally(s);
    for (unsigned i = 0; i < s->n_streams; i++) {
        const struct session_image *m = &s->streams[i].session;

        if (m->name[0] && n < sizeof w->names)
            n += (size_t)snprintf(w->names + n, sizeof w->names - n, "%s%s", n ? ", " : "", m->name);
        w->needing += m->needing;
        w->running += m->running;
        w->rate += m->running ? s->streams[i].set : 0;
        for (uint32_t r = 0; m->running && r < m->used; r++)
            if (!m->rows[r].gone && m->rows[r].facts.state <= SESSION_RECEIVING && m->rows[r].facts.done < w->slowest)
                w->slowest = m->rows[r].facts.done;
    }
}

static void stream_text(const struct work *w, char *to, size_t cap)
{
    char rate[UNITS_TEXT];

    if (w->running)
        snprintf(to, cap, "%s to %u machines, the slowest at %u %%", units_rate_text(rate, w->rate), w->needing, w->slowest / 100);
    else
        snprintf(to, cap, "waits for a machine that needs it");
}

static void packing_text(struct images *m, char *to, size_t cap)
{
    const char *name = atomic_load(&m->packing);

    to[0] = 0;
    if (name)
        snprintf(to, cap, "%s, %u %%", name, atomic_load(&m->percent));
}

void page_show(struct screen *screen, const struct page *p)
{
    char address[TEXT], dhcp[TEXT], files[TEXT], stream[TEXT], machines[TEXT], packing[TEXT], skipped[TEXT];
    struct work w;
    bool warns;
    struct screen_page page = {.title = p->config->name, .percent = -1, .shape = SCREEN_PLAIN};

    gather(p->serve, &w);
    services_text(p->services, dhcp, sizeof dhcp, &warns, files, sizeof files);
    snprintf(address, sizeof address, "%s on %s", p->config->ring.address, p->config->ring.interface);
    stream_text(&w, stream, sizeof stream);
    packing_text(p->images, packing, sizeof packing);
    snprintf(machines, sizeof machines, "%u passed, %u failed, %u lost, %u at it; %u done in all", w.tally.passed, w.tally.failed,
             w.tally.lost, w.tally.unfinished, p->machines->done);
    snprintf(skipped, sizeof skipped, "%u: the log says why", p->images->skipped);
    page.word = warns ? "STOP" : NULL;
    page.shape = warns ? SCREEN_BAR : SCREEN_PLAIN;
    page.sentence = warns ? dhcp
                  : w.names[0] ? "Machines on this switch that boot from the network get this image."
                               : "There is no image yet: put a .ring or a raw image into the folder \"images\" of this disk.";
    page.lines[0] = (struct screen_line){"images", w.names[0] ? w.names : "none"};
    page.lines[1] = (struct screen_line){"machines", machines};
    page.lines[2] = (struct screen_line){"stream", stream};
    page.lines[3] = (struct screen_line){"packing", packing[0] ? packing : NULL};
    page.lines[4] = (struct screen_line){"skipped", p->images->skipped ? skipped : NULL};
    page.lines[5] = (struct screen_line){"address", address};
    page.lines[6] = (struct screen_line){"dhcp", warns ? "waits until the other server is gone" : dhcp};
    page.lines[7] = (struct screen_line){"boot files", files};
    if (w.running)
        page.percent = (int)(w.slowest / 100);
    screen_show(screen, &page);
}

void page_say(struct screen *screen, const char *name, const char *sentence, bool warns)
{
    struct screen_page page = {.title = name, .sentence = sentence, .percent = -1, .shape = warns ? SCREEN_BAR : SCREEN_PLAIN,
                               .word = warns ? "STOP" : NULL};

    screen_show(screen, &page);
}
