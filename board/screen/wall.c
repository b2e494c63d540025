#include "board/screen/wall.h"

#include <stdio.h>
#include <string.h>

#include "board/screen/draw.h"
#include "net/wire/must.h"

#define SCALE_MAX 12
#define GAP 2            /* pixels between tiles and round the letters, times the scale */
#define SYMBOL_LETTERS 3 /* "41%": what stands below the number */

static const struct {
    uint32_t ground, ink;
    enum screen_shape shape;
    const char *letter, *name;
} looks[WALL_STATES] = {
    [WALL_WAITING] = {0x37474f, 0xffffff, SCREEN_PLAIN, "W", "waiting"},
    [WALL_RECEIVING] = {0x0b4f8a, 0xffffff, SCREEN_PLAIN, "", "receiving"},
    [WALL_VERIFYING] = {0x5b2a86, 0xffffff, SCREEN_PLAIN, "V", "verifying"},
    [WALL_PASS] = {0x006b2b, 0xffffff, SCREEN_TICK, "", "passed"},
    [WALL_FAIL] = {0xa00010, 0xffffff, SCREEN_CROSS, "", "failed"},
    [WALL_LOST] = {0xe8b800, 0x000000, SCREEN_PLAIN, "?", "lost"},
    [WALL_LEFT] = {0x101820, 0x9fb4c4, SCREEN_PLAIN, "-", "gone"},
};

const char *wall_state_name(enum wall_state s)
{
    MUST(s < WALL_STATES);
    return looks[s].name;
}

static unsigned letters(const struct wall *w)
{
    unsigned most = SYMBOL_LETTERS;

    for (unsigned i = 0; i < w->n; i++)
        if (w->tiles[i].number > 999)
            most = w->tiles[i].number > 9999 ? 5 : most < 4 ? 4 : most;
    return most;
}

/* How high a tile with two rows of letters is, and how wide. */
static int tall(int scale)
{
    return 2 * draw_font.ink_height * scale + 4 * GAP * scale;
}

static int wide(int scale, unsigned n)
{
    return (int)n * draw_font.width * scale + 2 * GAP * scale;
}

struct wall_grid wall_fit(int width, int height, const struct wall *w)
{
    struct wall_grid g = {0, 0, SCALE_MAX, 1};
    unsigned n = letters(w), columns, rows;

    for (;; g.scale--) {
        columns = width > 0 ? (unsigned)(width / wide(g.scale, n)) : 0;
        rows = height > 0 ? (unsigned)(height / tall(g.scale)) : 0;
        if (columns * rows >= w->n || g.scale == 1)
            break;
    }
    if (columns * rows == 0 || w->n == 0)
        return g;
    g.pages = (w->n + columns * rows - 1) / (columns * rows);
    g.rows = rows;
    g.columns = g.pages > 1 ? columns : (w->n + rows - 1) / rows; /* fewer, and therefore wider */
    if (g.pages == 1)
        g.rows = (w->n + g.columns - 1) / g.columns;
    return g;
}

static void draw_centred(const struct draw_canvas *c, struct draw_rect r, int scale,
                         const char *text, uint32_t ink)
{
    int x = r.x + (r.w - (int)draw_glyphs(text) * draw_font.width * scale) / 2;

    draw_text(c, x, r.y + (r.h - draw_font.ink_height * scale) / 2 - draw_font.ink_top * scale,
              scale, scale, text, ink);
}

static void draw_frame(const struct draw_canvas *c, struct draw_rect r, int line, uint32_t colour)
{
    draw_fill(c, (struct draw_rect){r.x, r.y, r.w, line}, colour);
    draw_fill(c, (struct draw_rect){r.x, r.y + r.h - line, r.w, line}, colour);
    draw_fill(c, (struct draw_rect){r.x, r.y, line, r.h}, colour);
    draw_fill(c, (struct draw_rect){r.x + r.w - line, r.y, line, r.h}, colour);
}

/* Below the number: a shape, or a letter, or how far it is. */
static void draw_symbol(const struct draw_canvas *c, struct draw_rect r, int scale,
                        const struct wall_tile *t)
{
    char text[8];
    int side = r.h < r.w ? r.h : r.w;

    if (looks[t->state].shape != SCREEN_PLAIN) {
        draw_shape(c,
                   (struct draw_rect){r.x + (r.w - side) / 2, r.y + (r.h - side) / 2, side, side},
                   looks[t->state].shape, looks[t->state].ink);
        return;
    }
    if (t->state == WALL_RECEIVING)
        /* done is what verifying says */
        snprintf(text, sizeof text, "%u%%", t->percent < 100 ? t->percent : 99u);
    else
        snprintf(text, sizeof text, "%s", looks[t->state].letter);
    draw_centred(c, r, scale, text, looks[t->state].ink);
}

static void draw_tile(const struct draw_canvas *c, struct draw_rect r, int scale,
                      const struct wall_tile *t)
{
    struct draw_rect upper = {r.x, r.y, r.w, r.h / 2},
                     lower = {r.x, r.y + r.h / 2, r.w, r.h - r.h / 2};
    char number[8];

    MUST(t->state < WALL_STATES);
    draw_fill(c, r, looks[t->state].ground);
    if (t->state == WALL_RECEIVING)
        draw_fill(c,
                  (struct draw_rect){r.x, r.y + r.h - 2 * scale,
                                     r.w * (t->percent < 100 ? t->percent : 100) / 100, 2 * scale},
                  looks[t->state].ink);
    snprintf(number, sizeof number, "%u", t->number);
    draw_centred(c, upper, scale, number, looks[t->state].ink);
    draw_symbol(c, lower, scale, t);
    if (t->marked)
        draw_frame(c, r, 2 * scale, 0xffffff);
    else if (t->state == WALL_LEFT)
        draw_frame(c, r, 1, looks[t->state].ink);
}

void wall_draw(const struct draw_canvas *c, struct draw_rect area, const struct wall *w)
{
    struct wall_grid g = wall_fit(area.w, area.h, w);
    unsigned first = g.columns * g.rows * (w->turn % g.pages);

    for (unsigned i = 0; g.columns && i < g.columns * g.rows && first + i < w->n; i++) {
        int left = area.w * (int)(i % g.columns) / (int)g.columns,
            right = area.w * (int)(i % g.columns + 1) / (int)g.columns;
        int top = area.h * (int)(i / g.columns) / (int)g.rows,
            bottom = area.h * (int)(i / g.columns + 1) / (int)g.rows;

        draw_tile(c,
                  (struct draw_rect){area.x + left, area.y + top, right - left - GAP,
                                     bottom - top - GAP},
                  g.scale, &w->tiles[first + i]);
    }
}
