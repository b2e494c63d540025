#include "board/screen/screen_text.h"

#include <stdio.h>
#include <string.h>

#include "board/screen/draw.h"
#include "board/screen/qr.h"
#include "net/wire/must.h"

#define TILE 13 /* columns */

struct out {
    char *to;
    size_t used, room; /* room for the ending 0 is not counted */
};

/* Foreign or ours: plain. */
static void add(struct out *o, const char *text)
{
    o->used += draw_plain(o->to + o->used, o->room - o->used + 1, text);
}

static void end_line(struct out *o)
{
    if (o->room - o->used < 2)
        return;
    memcpy(o->to + o->used, "\r\n", 3);
    o->used += 2;
}

static void add_line(struct out *o, const char *before, const char *text, const char *after)
{
    if (!text || !*text)
        return;
    add(o, before);
    add(o, text);
    add(o, after);
    end_line(o);
}

static void add_values(struct out *o, const struct screen_page *p)
{
    char name[32];

    for (int i = 0; i < SCREEN_LINES; i++) {
        if (!p->lines[i].value)
            continue;
        draw_plain(name, sizeof name, p->lines[i].name);
        add(o, name);
        for (size_t n = draw_glyphs(name); n < 14; n++)
            add(o, " ");
        add_line(o, " ", p->lines[i].value, "");
    }
}

static const char *tile_text(char text[8], const struct wall_tile *t)
{
    static const char *const words[WALL_STATES] = {"wait", "",     "verify", "ok",
                                                   "FAIL", "LOST", "gone"};

    MUST(t->state < WALL_STATES);
    snprintf(text, 8, "%u%%", t->percent < 100 ? t->percent : 99u);
    return t->state == WALL_RECEIVING ? text : words[t->state];
}

/* The page of them whose turn it is. */
static void add_wall(struct out *o, const struct wall *w)
{
    unsigned across = SCREEN_TEXT_COLUMNS / TILE, page = across * SCREEN_TEXT_ROWS,
             pages = (w->n + page - 1) / page;
    unsigned first = pages ? w->turn % pages * page : 0;

    for (unsigned i = 0; i < page && first + i < w->n; i++) {
        char text[8], tile[32];

        snprintf(tile, sizeof tile, "%5u %-6s ", w->tiles[first + i].number,
                 tile_text(text, &w->tiles[first + i]));
        add(o, tile);
        if (i % across == across - 1 || first + i + 1 == w->n)
            end_line(o);
    }
}

static void add_code(struct out *o, const char *text)
{
    struct qr q;

    qr_make(&q, text);
    o->used += qr_lines(o->to + o->used, o->room - o->used + 1, &q);
}

size_t screen_text(char *to, size_t n, const struct screen_page *p)
{
    struct out o = {to, 0, n - 1};

    MUST(n > 0);
    to[0] = 0;
    end_line(&o);
    add_line(&o, "", p->title, "");
    add_line(&o, "machine ", p->number, "");
    add_line(&o, "*** ", p->huge, " ***");
    add_line(&o, "*** ", p->word, " ***");
    add_line(&o, "", p->sentence, "");
    if (p->wall)
        add_wall(&o, p->wall);
    for (unsigned i = 0; p->text && i < p->n_text; i++)
        add_line(&o, "", p->text[i], "");
    if (!p->wall && !p->text)
        add_values(&o, p);
    if (p->qr)
        add_code(&o, p->qr);
    add_line(&o, "", p->footer, "");
    return o.used;
}
