/* QR codes: their finder patterns where they belong, whole pixels, the quiet zone, and half blocks
 * that say the same. A decoder of somebody else's reads them in tests/golden/qr_zbar.sh. */
#include "board/screen/qr.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/canvas.h"

static struct qr q;

/* A ring of dark, one of light, and a dark core of three. */
static void expect_finder(int left, int top)
{
    for (int y = 0; y < 7; y++)
        for (int x = 0; x < 7; x++) {
            int edge = x < 6 - x ? x : 6 - x, other = y < 6 - y ? y : 6 - y;

            assert_int_equal(qr_dark(&q, left + x, top + y), (edge < other ? edge : other) != 1);
        }
}

static void an_address_is_a_small_code(void **state)
{
    (void)state;
    qr_make(&q, "https://10.77.0.1/");
    assert_int_equal(q.size, 25);
    expect_finder(0, 0);
    expect_finder(q.size - 7, 0);
    expect_finder(0, q.size - 7);
    assert_false(qr_dark(&q, -1, 0) || qr_dark(&q, 0, q.size) || qr_dark(&q, 9999, -9999));
}

static void what_does_not_fit_is_nothing(void **state)
{
    char text[2000], lines[8];

    (void)state;
    memset(text, 'a', sizeof text);
    text[QR_TEXT_MAX] = 0;
    qr_make(&q, text);
    assert_int_equal(q.size, 77);
    memset(text, 'a', sizeof text);
    text[sizeof text - 1] = 0;
    paint(100, 100);
    for (int i = 0; i < 3; i++) {
        qr_make(&q, i == 0 ? NULL : i == 1 ? "" : text);
        assert_int_equal(q.size, 0);
        assert_false(qr_dark(&q, 0, 0));
        assert_int_equal(qr_draw(&canvas, (struct draw_rect){0, 0, 100, 100}, &q), 0);
        assert_int_equal(qr_lines(lines, sizeof lines, &q), 0);
    }
    qr_make(&q, "\x01\xff\x1b[2J"); /* whatever it says, it is only a picture */
    assert_true(q.size >= 21);
    free(canvas.pixels);
}

static void modules_are_whole_pixels_on_white(void **state)
{
    int side, module, left;

    (void)state;
    qr_make(&q, "https://10.77.0.1/");
    paint(300, 200);
    side = qr_draw(&canvas, (struct draw_rect){20, 10, 260, 180}, &q);
    module = 180 / (25 + 2 * QR_QUIET);
    assert_int_equal(side, module * (25 + 2 * QR_QUIET));
    left = 280 - side;
    for (int y = 0; y < 200; y++)
        for (int x = 0; x < 300; x++) {
            bool inside = x >= left && x < 280 && y >= 10 && y < 10 + side;
            int mx = (x - left) / module - QR_QUIET, my = (y - 10) / module - QR_QUIET;
            uint32_t want = !inside ? 0x123456 : qr_dark(&q, mx, my) ? 0 : 0xffffff;

            assert_int_equal(pixel(x, y), want);
        }
    free(canvas.pixels);
}

static void too_small_a_square_stays_empty(void **state)
{
    (void)state;
    qr_make(&q, "https://10.77.0.1/");
    paint(32, 32);
    assert_int_equal(qr_draw(&canvas, (struct draw_rect){0, 0, 32, 32}, &q), 0);
    assert_int_equal(qr_draw(&canvas, (struct draw_rect){0, 0, -5, 400}, &q), 0);
    qr_draw(&canvas, (struct draw_rect){-20, -20, 300, 300}, &q); /* clipped */
    free(canvas.pixels);
}

/* What a terminal shows, module for module: the upper half of a line's character, then its lower
 * half. */
static void half_blocks_say_the_same(void **state)
{
    static char lines[QR_LINES_BYTES];
    const char *at = lines;

    (void)state;
    qr_make(&q, "https://ringcast.local/");
    assert_true(qr_lines(lines, sizeof lines, &q) > 0);
    for (int y = -QR_QUIET; y < q.size + QR_QUIET; y += 2) {
        assert_int_equal(strncmp(at, "\x1b[97;40m", 8), 0);
        at += 8;
        for (int x = -QR_QUIET; x < q.size + QR_QUIET; x++) {
            bool blank = *at == ' ', full = !strncmp(at, "\xe2\x96\x88", 3),
                 upper = !strncmp(at, "\xe2\x96\x80", 3);

            assert_true(blank || full || upper || !strncmp(at, "\xe2\x96\x84", 3));
            assert_int_equal(qr_dark(&q, x, y), !full && !upper);
            if (y + 1 < q.size + QR_QUIET)
                assert_int_equal(qr_dark(&q, x, y + 1), blank || upper);
            at += blank ? 1 : 3;
        }
        assert_int_equal(strncmp(at, "\x1b[0m\r\n", 6), 0);
        at += 6;
    }
    assert_int_equal(*at, 0);
}

static void the_room_for_lines_is_enough_and_kept(void **state)
{
    static char lines[QR_LINES_BYTES];
    char text[QR_TEXT_MAX + 1], *exact;
    size_t n;

    (void)state;
    memset(text, 'a', sizeof text);
    text[QR_TEXT_MAX] = 0;
    qr_make(&q, text);
    n = qr_lines(lines, sizeof lines, &q);
    assert_in_range(n, 1, sizeof lines - 1);
    exact = malloc(n);
    assert_int_equal(qr_lines(exact, n, &q), 0); /* without room for the end it is nothing */
    assert_int_equal(exact[0], 0);
    free(exact);
    assert_int_equal(qr_lines(lines, 0, &q), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_is_a_small_code),
        cmocka_unit_test(what_does_not_fit_is_nothing),
        cmocka_unit_test(modules_are_whole_pixels_on_white),
        cmocka_unit_test(too_small_a_square_stays_empty),
        cmocka_unit_test(half_blocks_say_the_same),
        cmocka_unit_test(the_room_for_lines_is_enough_and_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
