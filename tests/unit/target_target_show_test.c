/* What a target says in lines: its number on every page, its number alone while it is looked for,
 * and an end that stays. */
#include "board/target/target_show.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static int ends[2];
static struct target_show t;

static int setup(void **state)
{
    (void)state;
    assert_int_equal(pipe(ends), 0);
    memset(&t, 0, sizeof t);
    t.screen = screen_open(NULL, ends[1], NULL);
    target_show_mac(&t, (const uint8_t[]){0x52, 0x49, 0x4e, 0x47, 0, 1});
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    target_show_close(&t);
    close(ends[0]);
    close(ends[1]);
    return 0;
}

/* What was said since the last call; a mark behind it keeps the read from waiting. */
static const char *said(void)
{
    static char text[16384];
    ssize_t n;

    assert_int_equal(write(ends[1], "#", 1), 1);
    n = read(ends[0], text, sizeof text - 1);
    assert_true(n > 0 && text[n - 1] == '#');
    text[n - 1] = 0;
    return text;
}

static void progress(void)
{
    static const struct img_head head = {.name = "debian"};
    static const struct session_facts facts = {.loss_ppm = 100};
    const struct watch_view v = {.head = &head,
                                 .state = SESSION_RECEIVING,
                                 .total = 1000,
                                 .done = 500,
                                 .left_ns = -1,
                                 .facts = &facts};

    target_show_progress(&t, &v);
}

static void its_number_is_on_every_page(void **state)
{
    (void)state;
    target_show_waiting(&t, "Looking for the box");
    assert_int_equal(strncmp(said(), "Ringcast\nLooking", 16), 0);
    target_show_label(&t, 117, false);
    progress();
    assert_int_equal(strncmp(said(), "Ringcast 117\nReceiving\n", 23), 0);
    target_show_pass(&t, "done");
    assert_int_equal(strncmp(said(), "Ringcast 117\n*** PASS ***\ndone\n", 31), 0);
    target_show_label(&t, 4294967295u, false); /* whatever comes fits its room */
    assert_int_equal(strlen(t.number), 5);
}

/* Until something of the next attempt is on the disk. */
static void what_became_of_the_attempt_before_stays_said(void **state)
{
    (void)state;
    target_show_before(&t, "stopped; the disk is not usable");
    target_show_waiting(&t, "Looking for the box");
    assert_non_null(strstr(said(), "stopped; the disk is not usable"));
    progress();
    assert_null(strstr(said(), "stopped"));
    target_show_waiting(&t, "Looking for the box");
    assert_null(strstr(said(), "stopped"));
}

static void who_is_looked_for_says_so_alone(void **state)
{
    (void)state;
    target_show_label(&t, 117, true);
    progress();
    assert_int_equal(strncmp(said(), "Ringcast 117\n*** 117 ***\n", 25), 0);
    for (int i = 0; i < 8; i++)
        progress(); /* it blinks on the picture; the line is not said again and again */
    assert_string_equal(said(), "");
    target_show_label(&t, 0, true); /* the box has no number for it */
    progress();
    assert_int_equal(strncmp(said(), "Ringcast\n*** 52:49:4e:47:00:01 ***\n", 35), 0);
    target_show_label(&t, 117, false);
    progress();
    assert_int_equal(strncmp(said(), "Ringcast 117\nReceiving\n", 23), 0);
}

static void an_end_has_its_receipt(void **state)
{
    struct img_head head = {.name = "debian", .label = "2026.11"};

    (void)state;
    target_show_fail(&t, "no box", -1700);
    assert_non_null(strstr(t.receipt, "result FAIL -1700\nmac 52:49:4e:47:00:01\ntime "));
    target_show_image(&t, &head);
    target_show_pass(&t, "done");
    assert_non_null(strstr(t.receipt, "result PASS\n"));
    assert_non_null(strstr(t.receipt, "image debian\nversion 2026.11\nroot 0000"));
    target_show_fail(&t, "an error without a number is no pass", 0);
    assert_null(strstr(t.receipt, "PASS"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(its_number_is_on_every_page, setup, teardown),
        cmocka_unit_test_setup_teardown(what_became_of_the_attempt_before_stays_said, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(who_is_looked_for_says_so_alone, setup, teardown),
        cmocka_unit_test_setup_teardown(an_end_has_its_receipt, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
