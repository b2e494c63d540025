/* The lines of a screen without a picture: what is said, and how often. */
#include "board/screen/screen.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static int ends[2];
static struct screen *screen;

static int setup(void **state)
{
    (void)state;
    struct err err = {0};
    assert_int_equal(pipe(ends), 0);
    screen = screen_open("/dev/null", ends[1], &err);
    assert_false(screen_has_picture(screen));
    assert_int_equal(err.code, SCREEN_EOPEN);
    assert_non_null(strstr(err.text, "expected a framebuffer"));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    screen_close(screen);
    close(ends[0]);
    close(ends[1]);
    return 0;
}

/* Shows a page and returns what that said; a mark behind it keeps the read from waiting. */
static const char *shown(const struct screen_page *page)
{
    static char said[8192];
    screen_show(screen, page);
    assert_int_equal(write(ends[1], "#", 1), 1);
    ssize_t n = read(ends[0], said, sizeof said - 1);
    assert_true(n > 0 && said[n - 1] == '#');
    said[n - 1] = 0;
    return said;
}

static void a_page_is_said_once(void **state)
{
    (void)state;
    struct screen_page page = {.title = "Ringcast target",
                               .lines = {{"disk", "sda"}, {"left", NULL}, {NULL, "12 MB/s"}},
                               .percent = 12};
    assert_string_equal(shown(&page), "Ringcast target\n 12 %  disk sda | 12 MB/s\n");
    assert_string_equal(shown(&page), "");
    page.percent = 14;
    page.lines[0].value = "sdb";
    assert_string_equal(shown(&page), "");
    page.percent = 15;
    assert_string_equal(shown(&page), " 15 %  disk sdb | 12 MB/s\n");
    page.word = "PASS";
    page.sentence = "It may go";
    assert_string_equal(shown(&page),
                        "Ringcast target\n*** PASS ***\nIt may go\n 15 %  disk sdb | 12 MB/s\n");
}

static void foreign_text_is_harmless(void **state)
{
    (void)state;
    struct screen_page page = {.title = "a\x1b[31m",
                               .sentence = "b\r\n",
                               .lines = {{"\x07", "\xff\xfe"}},
                               .percent = -1};
    assert_string_equal(shown(&page), "a?[31m\nb??\n? ??\n");
}

static void long_text_is_cut(void **state)
{
    (void)state;
    char longest[9000];
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = 0;
    struct screen_page page = {.title = longest, .lines = {{longest, longest}}, .percent = 5};
    assert_in_range(strlen(shown(&page)), 4000, 4096);
    page.title = "short again";
    assert_in_range(strlen(shown(&page)), 4000, 4096);
}

static void neither_picture_nor_lines_is_fine(void **state)
{
    (void)state;
    struct screen *none = screen_open(NULL, -1, NULL);
    screen_show(none, &(struct screen_page){.title = "nobody sees this"});
    screen_close(none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_page_is_said_once, setup, teardown),
        cmocka_unit_test_setup_teardown(foreign_text_is_harmless, setup, teardown),
        cmocka_unit_test_setup_teardown(long_text_is_cut, setup, teardown),
        cmocka_unit_test(neither_picture_nor_lines_is_fine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
