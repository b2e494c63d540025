/* A page in memory: what is where, in both depths, and that nothing is ever drawn beside the
 * canvas. */
#include "board/screen/draw.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct picture {
    struct draw_canvas canvas;
    uint8_t *memory; /* the canvas and nothing else: the sanitizer sees what goes beyond */
};

static struct picture picture(int width, int height, int bits)
{
    size_t stride = (size_t)width * (size_t)bits / 8 + 12;
    struct picture p = {.memory = malloc(stride * (size_t)height)};
    assert_non_null(p.memory);
    memset(p.memory, 0xee, stride * (size_t)height);
    p.canvas = (struct draw_canvas){p.memory, stride, width, height, bits, {16, 8}, {8, 8}, {0, 8}};
    if (bits == 16) {
        p.canvas.red = (struct draw_channel){11, 5};
        p.canvas.green = (struct draw_channel){5, 6};
        p.canvas.blue = (struct draw_channel){0, 5};
    }
    return p;
}

static uint32_t pixel(const struct picture *p, int x, int y)
{
    uint32_t value = 0;
    size_t wide = (size_t)p->canvas.bits / 8;
    memcpy(&value, p->memory + (size_t)y * p->canvas.stride + (size_t)x * wide, wide);
    return value;
}

static size_t count(const struct picture *p, struct draw_rect r, uint32_t value)
{
    size_t n = 0;
    for (int y = r.y; y < r.y + r.h; y++)
        for (int x = r.x; x < r.x + r.w; x++)
            n += pixel(p, x, y) == value;
    return n;
}

/* First and last row that hold `value` to the right of column x. */
static int rows_with(const struct picture *p, int x, uint32_t value)
{
    int first = -1, last = -2;
    for (int y = 0; y < p->canvas.height; y++)
        if (count(p, (struct draw_rect){x, y, p->canvas.width - x, 1}, value)) {
            first = first < 0 ? y : first;
            last = y;
        }
    return last - first + 1;
}

static void a_rectangle_is_clipped(void **state)
{
    (void)state;
    struct picture p = picture(40, 20, 32);
    struct draw_rect all = {0, 0, 40, 20};
    draw_fill(&p.canvas, (struct draw_rect){-5, -5, 400, 400}, 0x000000);
    assert_int_equal(count(&p, all, 0), 800);
    draw_fill(&p.canvas, (struct draw_rect){38, 18, 9, 9}, 0x123456);
    assert_int_equal(count(&p, all, 0x123456), 4);
    draw_fill(&p.canvas, (struct draw_rect){50, 5, 9, 9}, 0xffffff);
    draw_fill(&p.canvas, (struct draw_rect){5, -50, 9, 9}, 0xffffff);
    assert_int_equal(count(&p, all, 0xffffff), 0);
    free(p.memory);
}

static void sixteen_bits_keep_the_upper_ones(void **state)
{
    (void)state;
    struct picture p = picture(8, 8, 16);
    draw_fill(&p.canvas, (struct draw_rect){0, 0, 8, 8}, 0xff8008);
    assert_int_equal(pixel(&p, 3, 3), 0x1f << 11 | 0x20 << 5 | 1);
    free(p.memory);
}

static void text_is_made_of_glyphs(void **state)
{
    (void)state;
    struct picture p = picture(400, 40, 32), q = picture(400, 40, 32);
    draw_fill(&p.canvas, (struct draw_rect){0, 0, 400, 40}, 0);
    draw_fill(&q.canvas, (struct draw_rect){0, 0, 400, 40}, 0);
    assert_int_equal(draw_text(&p.canvas, 0, 0, 1, 1, "Hi\xc3\xa4", 0xffffff), 3 * draw_font.width);
    size_t ink = count(&p, (struct draw_rect){0, 0, 48, 32}, 0xffffff);
    assert_in_range(ink, 100, 800);
    assert_int_equal(count(&p, (struct draw_rect){48, 0, 352, 40}, 0xffffff), 0);

    /* What may not be shown and what the font lacks look like a question mark. */
    draw_text(&p.canvas, 100, 0, 1, 1, "a\x1b\xff\xe6\xbc\xa2z", 0xffffff);
    draw_text(&q.canvas, 100, 0, 1, 1, "a???z", 0xffffff);
    draw_text(&q.canvas, 0, 0, 1, 1, "Hi\xc3\xa4", 0xffffff);
    assert_memory_equal(p.memory, q.memory, p.canvas.stride * 40);
    free(p.memory);
    free(q.memory);
}

static void text_stops_at_the_edge(void **state)
{
    (void)state;
    struct picture p = picture(50, 20, 16);
    char longest[2000];
    memset(longest, 'W', sizeof longest - 1);
    longest[sizeof longest - 1] = 0;
    draw_text(&p.canvas, -7, -9, 3, 5, longest, 0xffffff);
    assert_int_equal(draw_glyphs(longest), sizeof longest - 1);
    free(p.memory);
}

static void plain_text_moves_no_cursor(void **state)
{
    (void)state;
    char to[12];
    assert_int_equal(draw_plain(to, sizeof to, "a\x1b[2Jb\nc"), 8);
    assert_string_equal(to, "a?[2Jb?c");
    assert_int_equal(draw_plain(to, sizeof to, "\xc2\x9b\xc0\x80z"), 4);
    assert_string_equal(to, "???z");
    assert_int_equal(draw_plain(to, 5, "abc\xc3\xa4"), 3); /* not half a character */
    assert_string_equal(to, "abc");
    assert_int_equal(draw_plain(to, 1, "abc"), 0);
    assert_int_equal(draw_plain(to, sizeof to, NULL), 0);
    assert_string_equal(to, "");
}

static void each_shape_differs(void **state)
{
    (void)state;
    size_t ink[4];
    struct draw_rect all = {0, 0, 120, 120};
    for (int shape = SCREEN_PLAIN; shape <= SCREEN_BAR; shape++) {
        struct picture p = picture(120, 120, 32);
        draw_fill(&p.canvas, all, 0);
        draw_shape(&p.canvas, all, (enum screen_shape)shape, 0xffffff);
        ink[shape] = count(&p, all, 0xffffff);
        bool centre = pixel(&p, 60, 60) == 0xffffff, corner = pixel(&p, 18, 18) == 0xffffff;
        assert_int_equal(centre, shape == SCREEN_CROSS || shape == SCREEN_BAR);
        assert_int_equal(corner, shape == SCREEN_CROSS);
        free(p.memory);
    }
    assert_int_equal(ink[SCREEN_PLAIN], 0);
    for (int shape = SCREEN_TICK; shape <= SCREEN_BAR; shape++)
        assert_in_range(ink[shape], 1000, 8000);
}

static const struct screen_page passed = {
    .title = "Ringcast",
    .word = "PASS",
    .shape = SCREEN_TICK,
    .sentence = "Every byte was read back and is right. Take the cable out",
    .lines = {{"image", "debian.ring"}, {"disk", "NVMe 256 GB"}, {"rate", NULL}, {NULL, "no name"}},
    .percent = 100,
};

static void the_word_is_a_third_of_the_screen(void **state)
{
    (void)state;
    static const int sizes[][2] = {{640, 480}, {800, 600}, {1024, 768}, {1920, 1080}, {3840, 2160}};
    struct screen_page page = {.word = "PASS", .shape = SCREEN_TICK, .percent = -1};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct picture p = picture(sizes[i][0], sizes[i][1], 32);
        draw_page(&p.canvas, &page);
        assert_true(3 * rows_with(&p, 0, 0xffffff) >= sizes[i][1]);
        /* The last letter is whole: page is left to its right. */
        struct draw_rect edge = {sizes[i][0] - 8, 0, 8, sizes[i][1]};
        assert_int_equal(count(&p, edge, 0x006b2b), 8 * sizes[i][1]);
        free(p.memory);
    }
}

static void the_bar_follows_the_percentage(void **state)
{
    (void)state;
    size_t before = 0;
    for (int percent = 0; percent <= 100; percent += 10) {
        struct picture p = picture(1024, 768, 32);
        struct screen_page page = {.title = "t", .percent = percent};
        draw_page(&p.canvas, &page);
        size_t ink = count(&p, (struct draw_rect){0, 0, 1024, 768}, 0x3fa7e0);
        assert_true(percent == 0 ? ink == 0 : ink > before);
        before = ink;
        free(p.memory);
    }
}

static void a_code_stands_beside_the_text(void **state)
{
    (void)state;
    struct picture p = picture(1024, 768, 32);
    struct draw_rect all = {0, 0, 1024, 768};
    struct screen_page page = {.title = "t", .sentence = "W", .percent = -1};
    draw_page(&p.canvas, &page);
    size_t ink = count(&p, all, 0xffffff);
    /* 33 modules with the quiet ones, of at most two fifths of the width */
    page.qr = "https://10.77.0.1/";
    draw_page(&p.canvas, &page);
    int side = 1024 * 2 / 5 / 33 * 33, left = 1024 - 16 - side;
    size_t light = count(&p, all, 0xffffff) - ink, dark = count(&p, all, 0);
    assert_int_equal(light + dark, (size_t)side * (size_t)side);
    assert_true(dark > light / 4);
    struct draw_rect above = {left, 0, side, 64}, beside = {1024 - 16, 0, 16, 768};
    assert_int_equal(count(&p, above, 0x101820), above.w * above.h);
    assert_int_equal(count(&p, beside, 0x101820), beside.w * beside.h);

    /* The longest text does not run into it, and is as wide as the screen below. */
    char longest[200];
    memset(longest, 'W', sizeof longest - 1);
    longest[sizeof longest - 1] = 0;
    page.sentence = longest;
    for (int i = 0; i < SCREEN_LINES; i++)
        page.lines[i].value = longest; /* so many, and the code is smaller */
    draw_page(&p.canvas, &page);
    side = 1024 / 4 / 33 * 33, left = 1024 - 16 - side;
    dark = count(&p, (struct draw_rect){left, 64, side, side}, 0);
    light = count(&p, (struct draw_rect){left, 64, side, side}, 0xffffff);
    assert_int_equal(light + dark, (size_t)side * (size_t)side);
    assert_int_equal(count(&p, (struct draw_rect){left - 16, 64, 16, side}, 0xffffff), 0);
    assert_true(count(&p, (struct draw_rect){left, 64 + side + 16, side, 200}, 0xffffff) > 1000);
    free(p.memory);
}

static void the_last_lines_of_a_text_are_seen(void **state)
{
    (void)state;
    struct picture p = picture(640, 480, 32), q = picture(640, 480, 32);
    const char *text[100];
    for (int i = 0; i < 100; i++)
        text[i] = i < 90 ? "forgotten long ago" : "seen";
    struct screen_page page = {.text = text, .n_text = 100, .percent = -1};
    draw_page(&p.canvas, &page);
    page.text = text + 86; /* 640x480: fourteen rows */
    page.n_text = 14;
    draw_page(&q.canvas, &page);
    assert_memory_equal(p.memory, q.memory, p.canvas.stride * 480);
    page.n_text = 13;
    draw_page(&q.canvas, &page);
    assert_memory_not_equal(p.memory, q.memory, p.canvas.stride * 480);
    free(p.memory);
    free(q.memory);
}

static void a_question_stands_out(void **state)
{
    (void)state;
    struct picture p = picture(640, 480, 32);
    struct draw_rect row = {0, 448, 640, 32};
    struct screen_page page = {.percent = -1, .footer = "really?"};
    draw_page(&p.canvas, &page);
    assert_true(count(&p, row, 0x101820) > 16000);
    page.asks = true;
    draw_page(&p.canvas, &page);
    assert_true(count(&p, row, 0xffffff) > 16000);
    free(p.memory);
}

static void a_machine_shows_which_it_is(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        struct picture p = picture(1024, 768, 32);
        struct draw_rect all = {0, 0, 1024, 768};
        struct screen_page page = {.title = "t",
                                   .percent = -1,
                                   .huge = i == 0   ? "7"
                                           : i == 1 ? "117"
                                                    : "4095"};
        draw_page(&p.canvas, &page);
        size_t ink = count(&p, all, 0xffffff), ground = count(&p, all, 0x101820);
        assert_true(3 * rows_with(&p, 0, 0xffffff) >= 768);
        page.inverted = true;
        draw_page(&p.canvas, &page);
        assert_int_equal(count(&p, all, 0x101820), ink);
        assert_int_equal(count(&p, all, 0xffffff), ground);
        free(p.memory);
    }
}

static void a_number_stands_in_the_corner(void **state)
{
    (void)state;
    struct picture p = picture(1024, 768, 32);
    struct screen_page page = {.title = "Ringcast", .number = "17", .percent = -1};
    draw_page(&p.canvas, &page);
    struct draw_rect corner = {1024 - 16 - 96, 0, 96, 80}, rest = {300, 0, 1024 - 112 - 300, 768};
    assert_in_range(count(&p, corner, 0xffffff), 1000, 5000);
    assert_int_equal(count(&p, rest, 0xffffff), 0);
    free(p.memory);
}

static void a_page_fits_any_canvas(void **state)
{
    (void)state;
    static const int sizes[][2] = {{1, 1},     {3, 200},    {320, 200},
                                   {640, 480}, {1024, 768}, {1366, 768}};
    char longest[3000];
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = 0;
    const char *text[] = {longest, "", "short", longest};
    struct wall_tile tiles[3] = {{1, WALL_PASS, 0, true},
                                 {65535, WALL_FAIL, 255, false},
                                 {0, WALL_RECEIVING, 255, true}};
    struct wall wall = {tiles, 3, 99};
    struct screen_page wide = {.title = longest,
                               .word = longest,
                               .shape = SCREEN_CROSS,
                               .sentence = longest,
                               .number = longest,
                               .lines = {{longest, longest}},
                               .percent = 1000,
                               .qr = "https://10.77.0.1/",
                               .footer = longest};
    struct screen_page walled = wide, written = wide, alone = wide;
    walled.wall = &wall;
    written.text = text;
    written.n_text = 4;
    alone.huge = longest;
    for (size_t i = 0; i < 2 * sizeof sizes / sizeof *sizes; i++) {
        struct picture p = picture(sizes[i / 2][0], sizes[i / 2][1], i % 2 ? 16 : 32);
        draw_page(&p.canvas, &passed);
        draw_page(&p.canvas, &wide);
        draw_page(&p.canvas, &walled);
        draw_page(&p.canvas, &written);
        draw_page(&p.canvas, &alone);
        draw_page(&p.canvas, &(struct screen_page){.percent = -1});
        free(p.memory);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_rectangle_is_clipped),
        cmocka_unit_test(sixteen_bits_keep_the_upper_ones),
        cmocka_unit_test(text_is_made_of_glyphs),
        cmocka_unit_test(text_stops_at_the_edge),
        cmocka_unit_test(plain_text_moves_no_cursor),
        cmocka_unit_test(each_shape_differs),
        cmocka_unit_test(the_word_is_a_third_of_the_screen),
        cmocka_unit_test(the_bar_follows_the_percentage),
        cmocka_unit_test(a_code_stands_beside_the_text),
        cmocka_unit_test(the_last_lines_of_a_text_are_seen),
        cmocka_unit_test(a_question_stands_out),
        cmocka_unit_test(a_machine_shows_which_it_is),
        cmocka_unit_test(a_number_stands_in_the_corner),
        cmocka_unit_test(a_page_fits_any_canvas),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
