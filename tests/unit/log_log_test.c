/* The last lines of the log: in order, none torn by another thread, cut at their room. */
#include "board/log/log.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define DATE 20 /* bytes of date, time and a blank */

static char lines[LOG_KEPT + 1][LOG_LINE];

static void the_last_lines_are_kept(void **state)
{
    (void)state;
    assert_int_equal(log_last(lines, 5), 0);
    for (int i = 0; i < LOG_KEPT + 10; i++)
        log_line("line %d", i);
    assert_int_equal(log_last(lines, 3), 3);
    assert_string_equal(lines[0] + DATE, "line 71");
    assert_string_equal(lines[2] + DATE, "line 73");
    assert_int_equal(log_last(lines, LOG_KEPT + 1), LOG_KEPT);
    assert_string_equal(lines[0] + DATE, "line 10");
}

static void a_long_line_is_cut(void **state)
{
    char longest[400];

    (void)state;
    memset(longest, 'x', sizeof longest);
    longest[sizeof longest - 1] = 0;
    log_line("%s", longest);
    assert_int_equal(log_last(lines, 1), 1);
    assert_int_equal(strlen(lines[0]), LOG_LINE - 1);
}

static void nothing_in_a_line_moves_a_cursor(void **state)
{
    (void)state;
    log_line("%s", "a\x1b[2Jb\nc\td\x7f"
                   "e\xc2\x9b"
                   "31mf\x9bg\xff\xe2\x82h\xc3\xa4\xf0\x9f\x98\x80");
    assert_int_equal(log_last(lines, 1), 1);
    assert_string_equal(lines[0] + DATE, "a?[2Jb?c?d?e?31mf?g???h\xc3\xa4\xf0\x9f\x98\x80");
}

static void *chatter(void *letter)
{
    char line[101];

    memset(line, *(const char *)letter, 100);
    line[100] = 0;
    for (int i = 0; i < 500; i++)
        log_line("%s", line);
    return NULL;
}

static void threads_do_not_tear_lines(void **state)
{
    char letters[] = "ab";
    pthread_t t[2];

    (void)state;
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&t[i], NULL, chatter, &letters[i]), 0);
    for (int i = 0; i < 2; i++)
        pthread_join(t[i], NULL);
    assert_int_equal(log_last(lines, LOG_KEPT), LOG_KEPT);
    for (int i = 0; i < LOG_KEPT; i++) {
        assert_int_equal(strlen(lines[i]), DATE + 100);
        assert_int_equal(strspn(lines[i] + DATE, lines[i][DATE] == 'a' ? "a" : "b"), 100);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_lines_are_kept),
        cmocka_unit_test(a_long_line_is_cut),
        cmocka_unit_test(nothing_in_a_line_moves_a_cursor),
        cmocka_unit_test(threads_do_not_tear_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
