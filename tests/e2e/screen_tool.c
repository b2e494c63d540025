/* What the screens show, for the scripts that look at them with foreign eyes.
 *
 *   screen_tool qr TEXT SIDE     a picture (PPM) of the code on the ground of a page, SIDE pixels a side, on stdout
 *   screen_tool lines TEXT       the code as lines for a terminal */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "board/pc/qr.h"

#define GROUND 0x101820

static struct draw_canvas canvas(int width, int height)
{
    struct draw_canvas c = {calloc((size_t)width * (size_t)height, 4), (size_t)width * 4, width, height, 32, {16, 8}, {8, 8}, {0, 8}};

    if (!c.pixels)
        exit(1);
    draw_fill(&c, (struct draw_rect){0, 0, width, height}, GROUND);
    return c;
}

static void write_ppm(const struct draw_canvas *c)
{
    printf("P6 %d %d 255\n", c->width, c->height);
    for (int i = 0; i < c->width * c->height; i++) {
        uint32_t pixel;

        memcpy(&pixel, c->pixels + (size_t)i * 4, 4);
        putchar(pixel >> 16 & 255);
        putchar(pixel >> 8 & 255);
        putchar(pixel & 255);
    }
}

static int picture(const char *text, int side)
{
    struct draw_canvas c = canvas(side + 40, side + 40);
    struct qr q;

    qr_make(&q, text);
    if (!qr_draw(&c, (struct draw_rect){20, 20, side, side}, &q))
        return 1;
    write_ppm(&c);
    free(c.pixels);
    return 0;
}

static int lines(const char *text)
{
    static char bytes[QR_LINES_BYTES];
    struct qr q;

    qr_make(&q, text);
    return qr_lines(bytes, sizeof bytes, &q) && fputs(bytes, stdout) >= 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
    if (argc == 4 && !strcmp(argv[1], "qr"))
        return picture(argv[2], atoi(argv[3]));
    if (argc == 3 && !strcmp(argv[1], "lines"))
        return lines(argv[2]);
    fprintf(stderr, "usage: screen_tool qr TEXT SIDE | lines TEXT\n");
    return 2;
}
