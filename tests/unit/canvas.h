/* A picture of 32 bits a pixel to draw on, and to look at. */
#ifndef TESTS_UNIT_CANVAS_H
#define TESTS_UNIT_CANVAS_H

#include <stdlib.h>
#include <string.h>

#include "board/screen/draw.h"

static struct draw_canvas canvas;

static inline void paint(int width, int height)
{
    canvas = (struct draw_canvas){malloc((size_t)width * (size_t)height * 4),
                                  (size_t)width * 4,
                                  width,
                                  height,
                                  32,
                                  {16, 8},
                                  {8, 8},
                                  {0, 8}};
    assert_non_null(canvas.pixels);
    draw_fill(&canvas, (struct draw_rect){0, 0, width, height}, 0x123456);
}

static inline uint32_t pixel(int x, int y)
{
    uint32_t value;

    memcpy(&value, canvas.pixels + (size_t)y * canvas.stride + (size_t)x * 4, 4);
    return value;
}

#endif
