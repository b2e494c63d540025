/* What a beacon says of the loss: of the way, not of the receiver's own ring. */
#include "board/core/loss.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#define WINDOW 100000

static void loss_on_the_way_is_told(void **state)
{
    struct loss l;

    (void)state;
    loss_init(&l);
    loss_note(&l, &(struct loss_counts){.seen = 2000, .missed = 40}, WINDOW);
    assert_int_equal(l.window_ppm, 0); /* too few to mean something */
    loss_note(&l, &(struct loss_counts){.seen = 9900, .missed = 100}, WINDOW);
    assert_int_equal(l.window_ppm, 10000);
    assert_int_equal(l.worst_ppm, 0);
    loss_note(&l, &(struct loss_counts){.seen = 99000, .missed = 1000, .worst_ppm = 12000}, WINDOW);
    assert_int_equal(l.worst_ppm, 12000);
}

static void what_the_own_ring_dropped_is_none(void **state)
{
    struct loss l;

    (void)state;
    loss_init(&l);
    loss_note(
        &l,
        &(struct loss_counts){.seen = 8000, .missed = 2100, .dropped = 2000, .worst_ppm = 205000},
        WINDOW);
    assert_in_range(l.window_ppm, 12000, 12500); /* 100 of 8100 */
    assert_int_equal(l.worst_ppm, 205000 - 200000);
    /* All of it its own: the least there is, for nothing would say that no visit has ended. */
    loss_note(
        &l,
        &(struct loss_counts){.seen = 16000, .missed = 4100, .dropped = 4000, .worst_ppm = 200000},
        WINDOW);
    assert_int_equal(l.worst_ppm, 1);
    /* Drops are counted before the gap they leave is seen. */
    loss_init(&l);
    loss_note(&l, &(struct loss_counts){.seen = 8000, .missed = 0, .dropped = 500}, WINDOW);
    assert_int_equal(l.window_ppm, 0);
}

static void a_visit_is_charged_with_its_own_drops_only(void **state)
{
    struct loss l;

    (void)state;
    loss_init(&l);
    loss_note(&l,
              &(struct loss_counts){
                  .seen = 90000, .missed = 10000, .dropped = 10000, .worst_ppm = 101000},
              WINDOW);
    assert_int_equal(l.worst_ppm, 1000);
    loss_note(&l,
              &(struct loss_counts){
                  .seen = 185000, .missed = 15000, .dropped = 10000, .worst_ppm = 51000},
              WINDOW);
    assert_int_equal(l.worst_ppm, 51000);
    /* A ring opened anew counts from zero. */
    loss_note(
        &l,
        &(struct loss_counts){.seen = 280000, .missed = 17000, .dropped = 5, .worst_ppm = 21000},
        WINDOW);
    assert_int_equal(l.worst_ppm, 21000);
}

static void old_loss_is_forgotten_after_a_window(void **state)
{
    struct loss l;
    uint64_t seen = 0;

    (void)state;
    loss_init(&l);
    for (; seen < WINDOW; seen += 5000)
        loss_note(&l, &(struct loss_counts){.seen = seen, .missed = seen / 10}, WINDOW);
    assert_in_range(l.window_ppm, 80000, 100000);
    for (uint64_t missed = seen / 10; seen < 3 * WINDOW; seen += 5000)
        loss_note(&l, &(struct loss_counts){.seen = seen, .missed = missed}, WINDOW);
    assert_int_equal(l.window_ppm, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loss_on_the_way_is_told),
        cmocka_unit_test(what_the_own_ring_dropped_is_none),
        cmocka_unit_test(a_visit_is_charged_with_its_own_drops_only),
        cmocka_unit_test(old_loss_is_forgotten_after_a_window),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
