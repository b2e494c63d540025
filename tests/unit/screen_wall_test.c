/* The wall board: every machine has its tile, none overlap, states differ by more than colour. */
#include "board/screen/wall.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/canvas.h"

static struct wall_tile tiles[4096];

static size_t count(struct draw_rect r, uint32_t colour)
{
    size_t n = 0;

    for (int y = r.y; y < r.y + r.h; y++)
        for (int x = r.x; x < r.x + r.w; x++)
            n += pixel(x, y) == colour;
    return n;
}

static struct wall room(unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        tiles[i] = (struct wall_tile){.number = (uint16_t)(i + 1), .state = WALL_PASS};
    return (struct wall){tiles, n, 0};
}

static void two_hundred_fit_a_screen(void **state)
{
    static const int sizes[][2] = {{1024, 640}, {1024, 700}, {1280, 900}, {1920, 980}};

    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct wall w = room(220);
        struct wall_grid g = wall_fit(sizes[i][0], sizes[i][1], &w);

        assert_int_equal(g.pages, 1);
        assert_true(g.columns * g.rows >= 220);
    }
}

static void fewer_machines_are_larger(void **state)
{
    struct wall w = room(0);
    int last = 100;

    (void)state;
    assert_int_equal(wall_fit(1024, 640, &w).columns, 0);
    for (unsigned n = 1; n < 4096; n += 13) {
        struct wall_grid g;

        w = room(n);
        g = wall_fit(1024, 640, &w);
        assert_true(g.columns * g.rows * g.pages >= n);
        assert_true(g.scale <= last && g.scale >= 1);
        last = g.scale;
    }
    assert_int_equal(last, 1);
    w = room(20);
    assert_true(wall_fit(1024, 640, &w).scale >= 2);
}

/* Seen by its ground: as many separate stretches of green in a row of the picture as columns, and
 * so downwards. */
static void every_machine_has_its_tile(void **state)
{
    (void)state;
    for (unsigned n = 1; n <= 240; n += 17) {
        struct wall w = room(n);
        struct wall_grid g = wall_fit(1024, 640, &w);
        unsigned across = 0, down = 0;

        for (unsigned i = 0; i < n; i++)
            tiles[i].state = WALL_LEFT;
        paint(1024, 640);
        wall_draw(&canvas, (struct draw_rect){0, 0, 1024, 640}, &w);
        for (int x = 1; x < 1024; x++)
            across += pixel(x, 1) == 0x123456 && pixel(x - 1, 1) != 0x123456;
        for (int y = 1; y < 640; y++)
            down += pixel(1, y) == 0x123456 && pixel(1, y - 1) != 0x123456;
        assert_int_equal(across, n < g.columns ? n : g.columns);
        assert_int_equal(down, g.rows);
        free(canvas.pixels);
    }
}

static void states_differ_without_colour(void **state)
{
    static uint8_t ink[WALL_STATES][200 * 200];
    static const uint32_t grounds[WALL_STATES] = {0x37474f, 0x0b4f8a, 0x5b2a86, 0x006b2b,
                                                  0xa00010, 0xe8b800, 0x101820};

    (void)state;
    for (int s = 0; s < WALL_STATES; s++) {
        struct wall w = room(1);

        tiles[0].state = (uint8_t)s;
        tiles[0].percent = 41;
        paint(200, 200);
        wall_draw(&canvas, (struct draw_rect){0, 0, 200, 200}, &w);
        assert_true(count((struct draw_rect){0, 0, 198, 198}, grounds[s]) > 198 * 198 / 2);
        for (int i = 0; i < 200 * 200; i++)
            ink[s][i] = pixel(i % 200, i / 200) != grounds[s];
        for (int other = 0; other < s; other++) {
            size_t differ = 0;

            for (int i = 0; i < 200 * 200; i++)
                differ += ink[s][i] != ink[other][i];
            assert_true(differ > 300);
        }
        assert_true(strlen(wall_state_name((enum wall_state)s)) > 3);
        free(canvas.pixels);
    }
}

static void the_strip_follows_the_percentage(void **state)
{
    size_t last = 0;

    (void)state;
    for (unsigned percent = 0; percent <= 120; percent += 20) {
        struct wall w = room(1);
        struct wall_grid g = wall_fit(400, 300, &w);
        size_t strip;

        tiles[0].state = WALL_RECEIVING;
        tiles[0].percent = (uint8_t)percent;
        paint(400, 300);
        wall_draw(&canvas, (struct draw_rect){0, 0, 400, 300}, &w);
        strip = count((struct draw_rect){0, 298 - g.scale, 398, 1}, 0xffffff);
        assert_int_equal(strip, 398 * (percent > 100 ? 100 : percent) / 100);
        assert_true(strip >= last);
        last = strip;
        free(canvas.pixels);
    }
}

static void a_marked_machine_has_a_frame(void **state)
{
    struct wall w = room(4);

    (void)state;
    tiles[2].marked = true;
    paint(400, 300);
    wall_draw(&canvas, (struct draw_rect){0, 0, 400, 300}, &w);
    assert_int_equal(count((struct draw_rect){0, 0, 400, 1}, 0xffffff), 0);
    assert_true(count((struct draw_rect){0, 150, 400, 1}, 0xffffff) > 90);
    free(canvas.pixels);
}

static void where_not_all_fit_they_take_turns(void **state)
{
    struct wall w = room(500);
    struct wall_grid g = wall_fit(500, 250, &w);
    size_t tile;

    (void)state;
    assert_true(g.pages > 1);
    tiles[499].state = WALL_FAIL; /* on the last page */
    for (unsigned turn = 0; turn < 2 * g.pages; turn++) {
        w.turn = turn;
        paint(500, 250);
        wall_draw(&canvas, (struct draw_rect){0, 0, 500, 250}, &w);
        tile = count((struct draw_rect){0, 0, 500, 250}, 0xa00010);
        assert_int_equal(tile > 0, turn % g.pages == g.pages - 1);
        free(canvas.pixels);
    }
}

static void nothing_is_drawn_beside_the_area(void **state)
{
    (void)state;
    for (int size = -3; size < 150; size += 7) {
        struct wall w = room(77);

        paint(200, 160);
        wall_draw(&canvas, (struct draw_rect){20, 10, size, size}, &w);
        assert_int_equal(count((struct draw_rect){0, 0, 200, 10}, 0x123456), 2000);
        assert_int_equal(count((struct draw_rect){0, 0, 20, 160}, 0x123456), 3200);
        if (size < 130)
            assert_int_equal(count((struct draw_rect){150, 0, 50, 160}, 0x123456), 8000);
        free(canvas.pixels);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_hundred_fit_a_screen),
        cmocka_unit_test(fewer_machines_are_larger),
        cmocka_unit_test(every_machine_has_its_tile),
        cmocka_unit_test(states_differ_without_colour),
        cmocka_unit_test(the_strip_follows_the_percentage),
        cmocka_unit_test(a_marked_machine_has_a_frame),
        cmocka_unit_test(where_not_all_fit_they_take_turns),
        cmocka_unit_test(nothing_is_drawn_beside_the_area),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
