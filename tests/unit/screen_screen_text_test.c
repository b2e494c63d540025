/* A page as text: everything a picture shows, and nothing that moves a cursor. */
#include "board/screen/screen_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char out[16384];

static void a_page_is_lines(void **state)
{
    struct screen_page page = {.title = "Ringcast",
                               .word = "STOP",
                               .sentence = "Because.",
                               .number = "17",
                               .percent = -1,
                               .lines = {{"address", "10.77.0.1"},
                                         {"left out", NULL},
                                         {NULL, "second"}},
                               .footer = "F1"};

    size_t n;

    (void)state;
    n = screen_text(out, sizeof out, &page);
    assert_int_equal(n, strlen(out));
    assert_string_equal(
        out,
        "\r\nRingcast\r\nmachine 17\r\n*** STOP ***\r\nBecause.\r\naddress        10.77.0.1\r\n"
        "               second\r\nF1\r\n");
}

static void a_code_is_among_them(void **state)
{
    struct screen_page page = {.title = "t", .percent = -1, .qr = "https://10.77.0.1/"};
    size_t all;

    (void)state;
    all = screen_text(out, sizeof out, &page);
    assert_non_null(strstr(out, "\x1b[97;40m\xe2\x96\x88"));
    assert_in_range(all, 1000, 4096); /* what a serial port's driver buffers */
    screen_text(out, 500, &page);
    assert_string_equal(out, "\r\nt\r\n"); /* whole or not at all */
}

static void a_wall_is_rows(void **state)
{
    static struct wall_tile tiles[400];
    struct wall wall = {tiles, 9, 0};
    struct screen_page page = {.percent = -1, .wall = &wall};

    (void)state;
    for (int i = 0; i < 400; i++)
        tiles[i] = (struct wall_tile){(uint16_t)(i + 1), (uint8_t)(i % WALL_STATES), 41, false};
    screen_text(out, sizeof out, &page);
    assert_string_equal(
        out,
        "\r\n    1 wait       2 41%        3 verify     4 ok         5 FAIL       6 LOST   \r\n"
        "    7 gone       8 wait       9 41%    \r\n");
    wall.n = 400;
    screen_text(out, sizeof out, &page);
    assert_non_null(strstr(out, "  240 "));
    assert_null(strstr(out, "  241 "));
    wall.turn = 3; /* of two pages */
    screen_text(out, sizeof out, &page);
    assert_non_null(strstr(out, "\r\n  241 "));
    assert_non_null(strstr(out, "  400 "));
}

static void foreign_text_is_harmless(void **state)
{
    const char *text[] = {"\x1b]0;title\x07", "\xc2\x9b"
                                              "31m\xff"};
    struct screen_page page = {.title = "a\x1b[2J",
                               .word = "\r",
                               .sentence = "\n\n",
                               .number = "\x1b"
                                         "c",
                               .percent = -1,
                               .lines = {{"\x1b[1A", "\x08\x08"}},
                               .footer = "\x9b\x7f",
                               .huge = "\x0e"};

    (void)state;
    for (int i = 0; i < 2; i++) {
        screen_text(out, sizeof out, &page);
        for (const char *c = out; *c; c++)
            assert_true((unsigned char)*c >= 0x20 || (c[0] == '\r' && c[1] == '\n') ||
                        (c[0] == '\n' && c[-1] == '\r'));
        assert_null(strstr(out, "\xc2\x9b"));
        assert_null(strchr(out, 0x7f));
        page.text = text;
        page.n_text = 2;
    }
}

/* Any room: never beyond it, always ended. */
static void it_stays_within_its_room(void **state)
{
    char longest[300];
    struct screen_page page = {.title = longest,
                               .sentence = longest,
                               .percent = -1,
                               .lines = {{longest, longest}},
                               .qr = "x"};

    (void)state;
    memset(longest, 'x', sizeof longest);
    longest[sizeof longest - 1] = 0;
    for (size_t n = 1; n < 1500; n += 7) {
        char *exact = malloc(n);

        assert_true(screen_text(exact, n, &page) < n);
        assert_int_equal(strlen(exact) < n, 1);
        free(exact);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_page_is_lines),          cmocka_unit_test(a_code_is_among_them),
        cmocka_unit_test(a_wall_is_rows),           cmocka_unit_test(foreign_text_is_harmless),
        cmocka_unit_test(it_stays_within_its_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
