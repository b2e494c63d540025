/* Who keeps a receiver back: told for as long as it is so, and not when it is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "board/core/limit.h"

/* Runs for so many seconds, four looks each, with a disk that is written `busy` per cent of the
 * time. */
static void run(struct limit *l, struct mono *now, uint64_t *written, unsigned seconds,
                unsigned busy, bool left_out)
{
    for (unsigned i = 0; i < 4 * seconds; i++) {
        *now = mono_add(*now, MONO_S / 4);
        *written += (uint64_t)(MONO_S / 4) * busy / 100;
        limit_note(l, *now, *written, left_out);
    }
}

static void a_busy_disk_is_named(void **state)
{
    struct limit l = {0};
    struct mono now = {MONO_S};
    uint64_t written = 0;

    (void)state;
    run(&l, &now, &written, 3, 100, false);
    assert_true(l.disk && !l.machine); /* memory takes the difference, and still it is the disk */
    run(&l, &now, &written, 6, 80, true);
    assert_true(l.disk && !l.machine);
    run(&l, &now, &written, 6, 50, false);
    assert_false(l.disk || l.machine);
}

static void a_disk_with_time_is_not(void **state)
{
    struct limit l = {0};
    struct mono now = {MONO_S};
    uint64_t written = 0;

    (void)state;
    run(&l, &now, &written, 8, 30, true);
    assert_true(l.machine && !l.disk);
    run(&l, &now, &written, 8, 30, false);
    assert_false(l.disk || l.machine);
}

/* A long write is told in one piece when it is over: a count that falls for a moment decides
 * nothing. */
static void a_count_that_falls_says_nothing(void **state)
{
    struct limit l = {0};
    struct mono now = {MONO_S};
    uint64_t written = 5 * (uint64_t)MONO_S;

    (void)state;
    run(&l, &now, &written, 3, 100, true);
    written -= 4 * (uint64_t)MONO_S;
    now = mono_add(now, MONO_S);
    limit_note(&l, now, written, true);
    assert_true(l.disk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_busy_disk_is_named),
        cmocka_unit_test(a_disk_with_time_is_not),
        cmocka_unit_test(a_count_that_falls_says_nothing),
    };

    return cmocka_run_group_tests_name("limit", tests, NULL, NULL);
}
