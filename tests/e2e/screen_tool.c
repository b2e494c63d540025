/* What the screens show, for the scripts that look at them with foreign eyes.
 *
 *   screen_tool qr TEXT SIDE     a picture (PPM) of the code on the ground of a page, SIDE pixels a
 *                                side, on stdout
 *   screen_tool lines TEXT       the code as lines for a terminal
 *   screen_tool page NAME WIDTH HEIGHT [QR]   a picture of a page: wall, log, pass, fail, found */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "board/screen/qr.h"
#include "board/screen/screen.h"

#define GROUND 0x101820

static struct draw_canvas canvas(int width, int height)
{
    struct draw_canvas c = {calloc((size_t)width * (size_t)height, 4),
                            (size_t)width * 4,
                            width,
                            height,
                            32,
                            {16, 8},
                            {8, 8},
                            {0, 8}};

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

static struct wall_tile tiles[200];
static const struct wall wall = {tiles, 200, 0};
static const char *const text[] = {"12:00:01 debian: 52:49:4e:47:00:01 (10.0.0.11) joins",
                                   "12:00:02 debian: the first receiver is there",
                                   "12:00:03 debian: rate 800 Mbit/s (100 MB/s): as configured"};
#define FOOTER "F1 status  F2 machines  F3 log  F4 address  R B P"
#define LINES                                                                                      \
    {                                                                                              \
        {"image", "debian"}, {"machine", "LENOVO ThinkCentre M70q"}, {"MAC", "52:49:4e:47:00:01"}, \
            {"disk", "nvme0n1, 256 GB (238 GiB), SAMSUNG MZVLB256"},                               \
        {                                                                                          \
            "its serial", "S4GENX0N123456"                                                         \
        }                                                                                          \
    }
static const struct {
    const char *name;
    struct screen_page page;
} pages[] = {
    {"wall",
     {.title = "Ringcast: 200 machines",
      .sentence = "3 waiting, 180 receiving, 5 verifying, 10 passed, 1 failed, 1 lost",
      .wall = &wall,
      .percent = -1,
      .footer = FOOTER}},
    {"log", {.title = "Ringcast: log", .text = text, .n_text = 3, .percent = -1, .footer = FOOTER}},
    {"pass",
     {.title = "Ringcast",
      .number = "117",
      .word = "PASS",
      .shape = SCREEN_TICK,
      .sentence = "debian is on this machine's disk, read back and verified",
      .percent = -1,
      .lines = LINES}},
    {"fail",
     {.title = "Ringcast",
      .number = "117",
      .word = "FAIL",
      .shape = SCREEN_CROSS,
      .sentence = "the disk nvme0n1 cannot be written",
      .percent = -1,
      .lines = LINES}},
    {"found", {.title = "Ringcast", .huge = "117", .percent = -1}},
    {"box",
     {.title = "ringcast",
      .sentence = "Machines on this switch that boot from the network get this image.",
      .percent = -1,
      .lines = LINES,
      .footer = "Switch the box off? Y: yes, any other key: no",
      .asks = true}},
};

static int page(const char *name, int width, int height, const char *qr)
{
    struct draw_canvas c = canvas(width, height);

    for (unsigned i = 0; i < 200; i++)
        tiles[i] = (struct wall_tile){(uint16_t)(i + 1),
                                      (uint8_t)(i < 150 ? WALL_RECEIVING : i % WALL_STATES),
                                      (uint8_t)(i * 2 / 3), i == 77};
    for (size_t i = 0; i < sizeof pages / sizeof *pages; i++)
        if (!strcmp(pages[i].name, name)) {
            struct screen_page p = pages[i].page;

            p.qr = qr;
            draw_page(&c, &p);
            write_ppm(&c);
            free(c.pixels);
            return 0;
        }
    return 1;
}

static int lines(const char *of)
{
    static char bytes[QR_LINES_BYTES];
    struct qr q;

    qr_make(&q, of);
    return qr_lines(bytes, sizeof bytes, &q) && fputs(bytes, stdout) >= 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
    if (argc == 4 && !strcmp(argv[1], "qr"))
        return picture(argv[2], atoi(argv[3]));
    if ((argc == 5 || argc == 6) && !strcmp(argv[1], "page"))
        return page(argv[2], atoi(argv[3]), atoi(argv[4]), argv[5]);
    if (argc == 3 && !strcmp(argv[1], "lines"))
        return lines(argv[2]);
    fprintf(stderr, "usage: screen_tool qr TEXT SIDE | lines TEXT | page NAME WIDTH HEIGHT [QR]\n");
    return 2;
}
