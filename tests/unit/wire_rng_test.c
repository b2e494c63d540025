/* The generator: the same seed gives the same numbers, and they stay in their ranges. */
#include "net/wire/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

/* The published reference output of splitmix64 for this seed. */
static void gives_the_reference_sequence(void **state)
{
    static const uint64_t expected[] = {
        UINT64_C(6457827717110365317),  UINT64_C(3203168211198807973),
        UINT64_C(9817491932198370423),  UINT64_C(4593380528125082431),
        UINT64_C(16408922859458223821),
    };
    struct rng r = {1234567};

    (void)state;
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++)
        assert_true(rng_u64(&r) == expected[i]);
}

static void stays_below_its_limit_and_reaches_everything_below(void **state)
{
    struct rng r = {1};
    unsigned seen[7] = {0};

    (void)state;
    for (int i = 0; i < 7000; i++) {
        uint64_t v = rng_below(&r, 7);

        assert_true(v < 7);
        seen[v]++;
    }
    for (int v = 0; v < 7; v++)
        assert_in_range(seen[v], 850, 1150);
    assert_true(rng_below(&r, 1) == 0);
}

static void unit_lies_in_the_half_open_interval(void **state)
{
    struct rng r = {2};
    double sum = 0;

    (void)state;
    for (int i = 0; i < 10000; i++) {
        double v = rng_unit(&r);

        assert_true(v >= 0 && v < 1);
        sum += v;
    }
    assert_true(sum > 4800 && sum < 5200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_the_reference_sequence),
        cmocka_unit_test(stays_below_its_limit_and_reaches_everything_below),
        cmocka_unit_test(unit_lies_in_the_half_open_interval),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
