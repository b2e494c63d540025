#include "board/pc/draw.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "net/wire/must.h"
#include "net/wire/utf8.h"

#define LINE_MAX 256 /* bytes of text that can matter in one line */

struct theme {
    uint32_t page, ink, dim, bar;
};

static const struct theme themes[] = {
    [SCREEN_PLAIN] = {0x101820, 0xffffff, 0x9fb4c4, 0x3fa7e0},
    [SCREEN_TICK] = {0x006b2b, 0xffffff, 0xc8f0d4, 0xffffff},
    [SCREEN_CROSS] = {0xa00010, 0xffffff, 0xffd0d0, 0xffffff},
    [SCREEN_BAR] = {0xe8b800, 0x000000, 0x3a3000, 0x000000},
};

/* --- pixels --------------------------------------------------------------------------------------------------- */

static uint32_t channel(struct draw_channel c, uint32_t value)
{
    return value >> (8 - c.bits) << c.shift;
}

static uint32_t packed(const struct draw_canvas *c, uint32_t colour)
{
    return channel(c->red, colour >> 16 & 255) | channel(c->green, colour >> 8 & 255) |
           channel(c->blue, colour & 255);
}

static void put(const struct draw_canvas *c, uint8_t *row, int x, uint32_t pixel)
{
    uint16_t half = (uint16_t)pixel;
    if (c->bits == 32)
        memcpy(row + (size_t)x * 4, &pixel, 4);
    else
        memcpy(row + (size_t)x * 2, &half, 2);
}

static int clamp(int value, int low, int high)
{
    return value < low ? low : value > high ? high : value;
}

void draw_fill(const struct draw_canvas *c, struct draw_rect r, uint32_t colour)
{
    MUST(c->bits == 16 || c->bits == 32);
    int left = clamp(r.x, 0, c->width), right = clamp(r.x + r.w, left, c->width);
    int top = clamp(r.y, 0, c->height), bottom = clamp(r.y + r.h, top, c->height);
    uint32_t pixel = packed(c, colour);
    for (int y = top; y < bottom; y++) {
        uint8_t *row = c->pixels + (size_t)y * c->stride;
        for (int x = left; x < right; x++)
            put(c, row, x, pixel);
    }
}

/* --- text ----------------------------------------------------------------------------------------------------- */

/* The next character of *text as it may be shown; 0 at the end. */
static uint32_t next_plain(const char **text)
{
    uint32_t cp = 0;
    if (!**text)
        return 0;
    size_t n = utf8_read((const uint8_t *)*text, strnlen(*text, 4), &cp);
    *text += n ? n : 1;
    return n && !utf8_is_control(cp) ? cp : '?';
}

static const uint8_t *find_glyph(uint32_t cp)
{
    const struct draw_font *f = &draw_font;
    size_t low = 0, high = f->n_points, size = (size_t)f->height * (size_t)((f->width + 7) / 8);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (f->points[middle].code < cp)
            low = middle + 1;
        else
            high = middle;
    }
    if (low < f->n_points && f->points[low].code == cp)
        return f->bitmaps + f->points[low].glyph * size;
    return cp == '?' ? f->bitmaps : find_glyph('?');
}

static void draw_glyph(const struct draw_canvas *c, int x, int y, int sx, int sy, uint32_t cp,
                       uint32_t colour)
{
    const uint8_t *bits = find_glyph(cp);
    int stride = (draw_font.width + 7) / 8;
    for (int row = 0; row < draw_font.height; row++)
        for (int column = 0; column < draw_font.width; column++)
            if (bits[row * stride + column / 8] & 0x80 >> column % 8)
                draw_fill(c, (struct draw_rect){x + column * sx, y + row * sy, sx, sy}, colour);
}

int draw_text(const struct draw_canvas *c, int x, int y, int sx, int sy, const char *text,
              uint32_t colour)
{
    for (uint32_t cp; x < c->width && (cp = next_plain(&text));) {
        draw_glyph(c, x, y, sx, sy, cp, colour);
        x += draw_font.width * sx;
    }
    return x;
}

size_t draw_glyphs(const char *text)
{
    size_t n = 0;
    while (next_plain(&text))
        n++;
    return n;
}

size_t draw_plain(char *to, size_t n, const char *text)
{
    MUST(n > 0);
    size_t used = 0;
    uint8_t character[4];
    for (uint32_t cp; text && (cp = next_plain(&text));) {
        size_t length = utf8_write(character, cp);
        if (length >= n - used)
            break;
        memcpy(to + used, character, length);
        used += length;
    }
    to[used] = 0;
    return used;
}

/* --- shapes --------------------------------------------------------------------------------------------------- */

/* Is (x, y) within `reach` of the segment from (x0, y0) to (x1, y1)? Coordinates below 2^15, so products fit. */
static bool near_segment(int x, int y, const int s[4], int reach)
{
    long dx = s[2] - s[0], dy = s[3] - s[1], px = x - s[0], py = y - s[1];
    long along = px * dx + py * dy, whole = dx * dx + dy * dy;
    if (along < 0 || along > whole) {
        px = along < 0 ? px : x - s[2];
        py = along < 0 ? py : y - s[3];
        return px * px + py * py <= (long)reach * reach;
    }
    long across = px * dy - py * dx;
    return across * across <= (long)reach * reach * whole;
}

/* End points in eighths of the square. */
static const int strokes[][2][4] = {
    [SCREEN_TICK] = {{1, 4, 3, 7}, {3, 7, 7, 1}},
    [SCREEN_CROSS] = {{1, 1, 7, 7}, {1, 7, 7, 1}},
    [SCREEN_BAR] = {{1, 4, 7, 4}, {1, 4, 7, 4}},
};

void draw_shape(const struct draw_canvas *c, struct draw_rect q, enum screen_shape shape,
                uint32_t colour)
{
    int line[2][4];
    if (shape == SCREEN_PLAIN)
        return;
    for (int i = 0; i < 8; i++)
        line[i / 4][i % 4] = (i % 2 ? q.h : q.w) * strokes[shape][i / 4][i % 4] / 8;
    for (int y = 0; y < q.h; y++)
        for (int x = 0; x < q.w; x++)
            if (near_segment(x, y, line[0], q.h / 11) || near_segment(x, y, line[1], q.h / 11))
                draw_fill(c, (struct draw_rect){q.x + x, q.y + y, 1, 1}, colour);
}

/* --- the page ------------------------------------------------------------------------------------------------- */

struct layout {
    const struct draw_canvas *canvas;
    const struct theme *theme;
    int scale, margin, row; /* of ordinary text; height of a row of it */
    int y;                  /* where the next thing goes */
};

/* As many columns as fit, whole words where the line has any. Returns what is left of text. */
static const char *take_line(char line[LINE_MAX], const char *text, size_t columns)
{
    const char *end = text, *word_end = NULL, *p = text;
    for (size_t n = 0; n < columns && p - text < LINE_MAX - 4; n++) {
        if (!next_plain(&p))
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
    int fit = (l->canvas->width - 2 * l->margin) / wide;
    return (size_t)(fit > 0 ? fit : 1);
}

static void draw_wrapped(struct layout *l, const char *text, int rows, uint32_t colour)
{
    char line[LINE_MAX];
    for (; rows > 0 && *text; rows--) {
        text = take_line(line, text, columns(l));
        draw_text(l->canvas, l->margin, l->y, l->scale, l->scale, line, colour);
        l->y += l->row;
    }
}

/* The word's letters are a third of the screen high; they narrow as far as they must to leave room for the shape. */
static void draw_word(struct layout *l, const struct screen_page *p)
{
    const struct draw_canvas *c = l->canvas;
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
    int full = l->canvas->width - 3 * l->margin - 5 * wide;
    percent = clamp(percent, 0, 100);
    int inner = (full - 4 * edge) * percent / 100;
    snprintf(number, sizeof number, "%3d %%", percent);
    draw_text(l->canvas, l->canvas->width - l->margin - 5 * wide, l->y, 2 * l->scale, 2 * l->scale,
              number, l->theme->ink);
    struct draw_rect outside = {l->margin, l->y, full, tall};
    draw_fill(l->canvas, outside, l->theme->ink);
    outside = (struct draw_rect){l->margin + edge, l->y + edge, full - 2 * edge, tall - 2 * edge};
    draw_fill(l->canvas, outside, l->theme->page);
    outside = (struct draw_rect){l->margin + 2 * edge, l->y + 2 * edge, inner, tall - 4 * edge};
    draw_fill(l->canvas, outside, l->theme->bar);
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
        if (!p->lines[i].value || l->y + l->row > l->canvas->height)
            continue;
        if (p->lines[i].name)
            draw_text(l->canvas, l->margin, l->y, l->scale, l->scale, p->lines[i].name, l->theme->dim);
        draw_text(l->canvas, value_x, l->y, l->scale, l->scale, p->lines[i].value, l->theme->ink);
        l->y += l->row;
    }
}

void draw_page(const struct draw_canvas *c, const struct screen_page *p)
{
    int scale = clamp(c->height / 700, 1, 8);
    struct layout l = {c, &themes[p->shape], scale, draw_font.width * scale,
                       draw_font.height * scale, draw_font.width * scale};
    draw_fill(c, (struct draw_rect){0, 0, c->width, c->height}, l.theme->page);
    if (p->title)
        draw_wrapped(&l, p->title, 1, l.theme->dim);
    l.y += l.margin;
    if (p->word && *p->word)
        draw_word(&l, p);
    if (p->sentence) {
        draw_wrapped(&l, p->sentence, 4, l.theme->ink);
        l.y += l.margin;
    }
    if (p->percent >= 0)
        draw_bar(&l, p->percent);
    draw_lines(&l, p);
}
