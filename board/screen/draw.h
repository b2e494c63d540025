/* Drawing a page into memory: rectangles, shapes and text in one fixed-width font
 * (build/gen/font.c, made from a console font), scaled by whole numbers. Pure: no device, no
 * allocation. */
#ifndef BOARD_SCREEN_DRAW_H
#define BOARD_SCREEN_DRAW_H

#include <stddef.h>
#include <stdint.h>

#include "board/screen/screen.h"

/* Where a colour channel sits in a pixel. */
struct draw_channel {
    uint8_t shift, bits; /* bits 1 .. 8, shift + bits at most the pixel's */
};

struct draw_canvas {
    uint8_t *pixels; /* borrowed: stride * height bytes */
    size_t stride;   /* bytes from one row to the next; at least width * bits / 8 */
    int width, height;
    int bits; /* 16 or 32, in the machine's byte order */
    struct draw_channel red, green, blue;
};

struct draw_rect {
    int x, y, w, h; /* clipped to the canvas by whoever draws */
};

/* The glyph font: rows of bytes, most significant bit left; the code points sorted. */
struct draw_font {
    int width, height;       /* of a glyph, in pixels */
    int ink_top, ink_height; /* rows a capital letter covers */
    const uint8_t *bitmaps;
    size_t n_points;
    const struct draw_point {
        uint16_t code, glyph;
    } * points;
};
extern const struct draw_font draw_font;

/* colour is 0xRRGGBB. */
void draw_fill(const struct draw_canvas *, struct draw_rect, uint32_t colour);

/* One line of UTF-8, cut at the canvas's right edge, each glyph scaled sx times wide and sy times
 * high; (x, y) is the upper left corner. Returns the x behind the last glyph. A character the font
 * lacks is drawn as '?'. */
int draw_text(const struct draw_canvas *, int x, int y, int sx, int sy, const char *text,
              uint32_t colour);

/* The character at *text as it may be shown ('?' for what may not), stepping over it; 0 at the end.
 */
uint32_t draw_next(const char **text);

/* How many glyphs draw_text would draw. */
size_t draw_glyphs(const char *text);

/* A tick, cross or bar that fills the square; SCREEN_PLAIN draws nothing. */
void draw_shape(const struct draw_canvas *, struct draw_rect square, enum screen_shape,
                uint32_t colour);

/* The whole page, every pixel of the canvas (draw_page.c). */
void draw_page(const struct draw_canvas *, const struct screen_page *);

/* Copies text into to[n] (n > 0) with control characters and broken UTF-8 as '?', cut at a whole
 * character and ended by 0; NULL counts as "". Returns the length. */
size_t draw_plain(char *to, size_t n, const char *text);

#endif
