/* The classes of the control thread's turns, and how the metrics tell them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "net/status/metrics.h"
#include "net/status/steps.h"

static void each_turn_is_in_one_class(void **state)
{
    struct steps s = {0};
    uint64_t all = 0;

    (void)state;
    for (unsigned i = 0; i < STEPS_CLASSES; i++) {
        steps_add(&s, (int64_t)steps_bound_us[i] * 1000);
        assert_int_equal(s.n[i], 1);
        steps_add(&s, (int64_t)steps_bound_us[i] * 1000 + 1);
        assert_int_equal(s.n[i + 1], 1);
        s.n[i + 1] = 0;
        all++;
    }
    steps_add(&s, 0);
    assert_int_equal(s.n[0], 2);
    assert_int_equal(s.all, 2 * all + 1);
    assert_int_equal(s.most_ns, INT64_C(100000001));
}

static void a_turn_is_what_was_worked_since_the_last(void **state)
{
    struct steps s = {0};

    (void)state;
    steps_turn(&s, (struct mono){7 * MONO_S}); /* of before the loop */
    assert_int_equal(s.all, 0);
    steps_turn(&s, (struct mono){7 * MONO_S + 200000});
    steps_turn(&s, (struct mono){7 * MONO_S + 200000});
    assert_int_equal(s.all, 2);
    assert_int_equal(s.n[0], 1);
    assert_int_equal(s.n[1], 1);
    assert_int_equal(s.sum_ns, 200000);
}

/* A histogram of Prometheus counts from below: each bucket holds those before it. */
static void the_metrics_tell_them(void **state)
{
    struct room_snapshot *room = calloc(1, sizeof *room);
    char *text = malloc(METRICS_MAX);
    struct steps steps = {0};

    (void)state;
    assert_true(room && text);
    snapshot_init(room);
    for (unsigned i = 0; i < 999; i++)
        steps_add(&steps, 50000);
    steps_add(&steps, 4500000);
    steps_add(&steps, 250 * MONO_MS);
    text[metrics_write(room, &steps, text, METRICS_MAX)] = 0;
    assert_non_null(strstr(text, "# TYPE ringcast_control_turn_seconds histogram\n"));
    assert_non_null(strstr(text, "ringcast_control_turn_seconds_bucket{le=\"0.0001\"} 999\n"));
    assert_non_null(strstr(text, "ringcast_control_turn_seconds_bucket{le=\"0.004\"} 999\n"));
    assert_non_null(strstr(text, "ringcast_control_turn_seconds_bucket{le=\"0.005\"} 1000\n"));
    assert_non_null(strstr(text, "ringcast_control_turn_seconds_bucket{le=\"0.1\"} 1000\n"));
    assert_non_null(strstr(text, "ringcast_control_turn_seconds_bucket{le=\"+Inf\"} 1001\n"));
    assert_non_null(strstr(text, "ringcast_control_turn_seconds_sum 0.30445\n"));
    assert_non_null(strstr(text, "ringcast_control_turn_seconds_count 1001\n"));
    assert_non_null(strstr(text, "ringcast_control_longest_turn_seconds 0.25\n"));
    free(text);
    free(room);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_turn_is_in_one_class),
        cmocka_unit_test(a_turn_is_what_was_worked_since_the_last),
        cmocka_unit_test(the_metrics_tell_them),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
