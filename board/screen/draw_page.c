#include "board/screen/draw.h"

#include <stdio.h>
#include <string.h>

#include "board/screen/qr.h"

#define LINE_MAX 256 /* bytes of text that can matter in one line */
#define MANY_LINES 7

static int clamp(int value, int low, int high)
{
    return value < low ? low : value > high ? high : value;
}

struct theme {
    uint32_t page, ink, dim, bar;
};

static const struct theme themes[] = {
    [SCREEN_PLAIN] = {0x101820, 0xffffff, 0x9fb4c4, 0x3fa7e0},
    [SCREEN_TICK] = {0x006b2b, 0xffffff, 0xc8f0d4, 0xffffff},
    [SCREEN_CROSS] = {0xa00010, 0xffffff, 0xffd0d0, 0xffffff},
    [SCREEN_BAR] = {0xe8b800, 0x000000, 0x3a3000, 0x000000},
};

/* ---- the page ---- */

struct layout {
    struct draw_canvas canvas; /* narrower than the screen beside a code */
    const struct theme *theme;
    int scale, margin, row; /* of ordinary text; height of a row of it */
    int y;                  /* where the next thing goes */
    int width, qr_bottom;   /* of the whole screen, which is there again below the code */
    int bottom;             /* where the footer begins */
};

/* Below the code lines are as long as the screen is wide. */
static void widen(struct layout *l)
{
    if (l->y >= l->qr_bottom)
        l->canvas.width = l->width;
}

/* As many columns as fit, whole words where the line has any. Returns what is left of text. */
static const char *take_line(char line[LINE_MAX], const char *text, size_t columns)
{
    const char *end = text, *word_end = NULL, *p = text;
    for (size_t n = 0; n < columns && p - text < LINE_MAX - 4; n++) {
        if (!draw_next(&p))
            break;
        end = p;
        if (*p == ' ' || !*p)
            word_end = p;
    }
    if (word_end)
        end = word_end;
    memcpy(line, text, (size_t)(end - text));
    line[end - text] = 0;
    return end + strspn(end, " ");
}

static size_t columns(const struct layout *l)
{
    int wide = draw_font.width * l->scale;
    int fit = (l->canvas.width - 2 * l->margin) / wide;
    return (size_t)(fit > 0 ? fit : 1);
}

static void draw_wrapped(struct layout *l, const char *text, int rows, uint32_t colour)
{
    char line[LINE_MAX];
    for (; rows > 0 && *text; rows--) {
        widen(l);
        text = take_line(line, text, columns(l));
        draw_text(&l->canvas, l->margin, l->y, l->scale, l->scale, line, colour);
        l->y += l->row;
    }
}

/* The word's letters are a third of the screen high; they narrow as far as they must to leave room
 * for the shape. */
static void draw_word(struct layout *l, const struct screen_page *p)
{
    const struct draw_canvas *c = &l->canvas;
    int sy = (c->height / 3 + draw_font.ink_height - 1) / draw_font.ink_height;
    int tall = sy * draw_font.ink_height, letters = (int)draw_glyphs(p->word);
    int shape = p->shape == SCREEN_PLAIN ? 0 : tall;
    int room = c->width - 2 * l->margin - (shape ? shape + l->margin : 0);
    int sx = clamp(room / (draw_font.width * clamp(letters, 1, room)), 1, sy);
    int used = letters * sx * draw_font.width + (shape ? shape + l->margin : 0);
    int x = clamp((c->width - used) / 2, l->margin, c->width);
    draw_shape(c, (struct draw_rect){x, l->y, shape, shape}, p->shape, l->theme->ink);
    draw_text(c, x + (shape ? shape + l->margin : 0), l->y - draw_font.ink_top * sy, sx, sy,
              p->word, l->theme->ink);
    l->y += tall + l->margin;
}

/* The number stands behind the bar, twice as large as other text. */
static void draw_bar(struct layout *l, int percent)
{
    char number[16];
    int wide = 2 * draw_font.width * l->scale, tall = 2 * l->row, edge = 2 * l->scale;
    int full = l->canvas.width - 3 * l->margin - 5 * wide;
    percent = clamp(percent, 0, 100);
    int inner = (full - 4 * edge) * percent / 100;
    snprintf(number, sizeof number, "%3d %%", percent);
    draw_text(&l->canvas, l->canvas.width - l->margin - 5 * wide, l->y, 2 * l->scale, 2 * l->scale,
              number, l->theme->ink);
    struct draw_rect outside = {l->margin, l->y, full, tall};
    draw_fill(&l->canvas, outside, l->theme->ink);
    outside = (struct draw_rect){l->margin + edge, l->y + edge, full - 2 * edge, tall - 2 * edge};
    draw_fill(&l->canvas, outside, l->theme->page);
    outside = (struct draw_rect){l->margin + 2 * edge, l->y + 2 * edge, inner, tall - 4 * edge};
    draw_fill(&l->canvas, outside, l->theme->bar);
    l->y += tall + l->margin;
}

static int widest_name(const struct screen_page *p)
{
    size_t widest = 0;
    for (int i = 0; i < SCREEN_LINES; i++)
        if (p->lines[i].value && p->lines[i].name && draw_glyphs(p->lines[i].name) > widest)
            widest = draw_glyphs(p->lines[i].name);
    return (int)widest;
}

static void draw_lines(struct layout *l, const struct screen_page *p)
{
    int value_x = l->margin + (widest_name(p) + 2) * draw_font.width * l->scale;
    for (int i = 0; i < SCREEN_LINES; i++) {
        if (!p->lines[i].value || l->y + l->row > l->bottom)
            continue;
        widen(l);
        if (p->lines[i].name)
            draw_text(&l->canvas, l->margin, l->y, l->scale, l->scale, p->lines[i].name,
                      l->theme->dim);
        draw_text(&l->canvas, value_x, l->y, l->scale, l->scale, p->lines[i].value, l->theme->ink);
        l->y += l->row;
    }
}

static int count_lines(const struct screen_page *p)
{
    int n = 0;
    for (int i = 0; i < SCREEN_LINES; i++)
        n += p->lines[i].value != NULL;
    return n;
}

/* On the right of what is still to come, from here down; smaller where many lines want to be long.
 */
static void draw_code(struct layout *l, const struct screen_page *p)
{
    struct qr q;
    int room = l->bottom - l->y - l->margin,
        most = count_lines(p) > MANY_LINES ? l->width / 4 : l->width * 2 / 5;
    int side = room < most ? room : most;

    qr_make(&q, p->qr);
    side =
        qr_draw(&l->canvas, (struct draw_rect){l->width - l->margin - side, l->y, side, side}, &q);
    l->qr_bottom = side ? l->y + side + l->margin : 0;
    l->canvas.width = side ? l->width - side - 2 * l->margin : l->width;
}

/* In the corner, three times as high as text; the rest begins below it. */
static void draw_number(struct layout *l, const char *number)
{
    int scale = 3 * l->scale, wide = (int)draw_glyphs(number) * draw_font.width * scale,
        top = l->margin / 2;

    draw_text(&l->canvas, l->width - l->margin - wide, top - draw_font.ink_top * scale, scale,
              scale, number, l->theme->ink);
    l->y = top + draw_font.ink_height * scale + l->margin / 2;
}

static void draw_footer(struct layout *l, const struct screen_page *p)
{
    struct draw_rect row = {0, l->bottom, l->width, l->canvas.height - l->bottom};

    if (p->asks)
        draw_fill(&l->canvas, row, l->theme->ink);
    draw_text(&l->canvas, l->margin, l->bottom, l->scale, l->scale, p->footer,
              p->asks ? l->theme->page : l->theme->dim);
}

static unsigned rows_of(const struct layout *l, const char *text)
{
    char line[LINE_MAX];
    unsigned n = 0;

    for (; *text; n++)
        text = take_line(line, text, columns(l));
    return n;
}

/* The last lines that fit, the newest at the bottom. */
static void draw_log(struct layout *l, const struct screen_page *p)
{
    unsigned first = p->n_text, rows = 0,
             room = l->bottom > l->y ? (unsigned)((l->bottom - l->y) / l->row) : 0;

    while (first > 0 && rows + rows_of(l, p->text[first - 1]) <= room)
        rows += rows_of(l, p->text[--first]);
    for (; first < p->n_text; first++)
        draw_wrapped(l, p->text[first], (int)room, l->theme->ink);
}

static void draw_wall(struct layout *l, const struct screen_page *p)
{
    struct draw_rect area = {l->margin / 2, l->y, l->width - l->margin, l->bottom - l->y};

    wall_draw(&l->canvas, area, p->wall);
}

/* Nothing but a number, which is read from the other end of the room. */
static void draw_huge(struct layout *l, const struct screen_page *p)
{
    const struct draw_canvas *c = &l->canvas;
    int n = clamp((int)draw_glyphs(p->huge), 1, c->width), high = l->bottom - 2 * l->margin;
    int sx = clamp((c->width - 2 * l->margin) / (n * draw_font.width), 1, 400),
        sy = clamp(high / draw_font.ink_height, 1, 400);

    sx = clamp(sx, 1, sy);
    sy = clamp(sy, 1, 2 * sx); /* still the shape of a figure */
    draw_text(c, (c->width - n * draw_font.width * sx) / 2,
              (l->bottom - draw_font.ink_height * sy) / 2 - draw_font.ink_top * sy, sx, sy, p->huge,
              l->theme->ink);
}

static void draw_content(struct layout *l, const struct screen_page *p)
{
    if (p->title)
        draw_wrapped(l, p->title, 1, l->theme->dim);
    l->y += l->margin;
    if (p->number)
        draw_number(l, p->number);
    if (p->word && *p->word)
        draw_word(l, p);
    if (p->qr)
        draw_code(l, p);
    if (p->sentence) {
        draw_wrapped(l, p->sentence, p->wall || p->text ? 1 : 4, l->theme->ink);
        l->y += l->margin;
    }
    if (p->wall) {
        draw_wall(l, p);
    } else if (p->text) {
        draw_log(l, p);
    } else {
        if (p->percent >= 0)
            draw_bar(l, p->percent);
        draw_lines(l, p);
    }
}

void draw_page(const struct draw_canvas *c, const struct screen_page *p)
{
    int scale = clamp(c->height / 700, 1, 8);
    struct theme inverse = {themes[p->shape].ink, themes[p->shape].page, themes[p->shape].page,
                            themes[p->shape].page};
    struct layout l = {*c,
                       p->inverted ? &inverse : &themes[p->shape],
                       scale,
                       draw_font.width * scale,
                       draw_font.height * scale,
                       draw_font.width * scale,
                       c->width,
                       0,
                       c->height - (p->footer ? draw_font.height * scale : 0)};

    draw_fill(c, (struct draw_rect){0, 0, c->width, c->height}, l.theme->page);
    if (p->huge)
        draw_huge(&l, p);
    else
        draw_content(&l, p);
    l.canvas.width = l.width;
    if (p->footer)
        draw_footer(&l, p);
}
