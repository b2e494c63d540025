#include "board/screen/draw.h"

#include <stdbool.h>
#include <string.h>

#include "net/wire/must.h"
#include "net/wire/utf8.h"

/* ---- pixels ---- */

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
    size_t wide = (size_t)c->bits / 8, at = (size_t)left * wide,
           bytes = (size_t)(right - left) * wide;
    uint8_t *first = c->pixels + (size_t)top * c->stride;
    for (int x = left; x < right && top < bottom; x++)
        put(c, first, x, pixel);
    for (int y = top + 1; y < bottom; y++)
        memcpy(c->pixels + (size_t)y * c->stride + at, first + at, bytes);
}

/* ---- text ---- */

uint32_t draw_next(const char **text)
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
    for (uint32_t cp; x < c->width && (cp = draw_next(&text));) {
        draw_glyph(c, x, y, sx, sy, cp, colour);
        x += draw_font.width * sx;
    }
    return x;
}

size_t draw_glyphs(const char *text)
{
    size_t n = 0;
    while (draw_next(&text))
        n++;
    return n;
}

size_t draw_plain(char *to, size_t n, const char *text)
{
    MUST(n > 0);
    size_t used = 0;
    uint8_t character[4];
    for (uint32_t cp; text && (cp = draw_next(&text));) {
        size_t length = utf8_write(character, cp);
        if (length >= n - used)
            break;
        memcpy(to + used, character, length);
        used += length;
    }
    to[used] = 0;
    return used;
}

/* ---- shapes ---- */

/* Is (x, y) within `reach` of the segment from (x0, y0) to (x1, y1)? Coordinates below 2^15, so
 * products fit. */
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
