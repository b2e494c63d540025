/* The core is kept running, believed when it wishes for an end, and ended when it hangs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "rootfs/init/keep.h"

static const struct mono t0 = {77 * MONO_S};

static struct mono at(int64_t ms)
{
    return mono_add(t0, ms * MONO_MS);
}

static enum keep_action step(struct keep *k, int64_t ms)
{
    int64_t wait;
    enum keep_action a = keep_step(k, at(ms), &wait);

    assert_true(wait > 0 && wait <= MONO_S);
    return a;
}

static void heard(struct keep *k, const char *text, int64_t ms)
{
    keep_heard(k, text, strlen(text), at(ms));
}

static void a_core(struct keep *k)
{
    keep_init(k, t0);
    assert_int_equal(step(k, 0), KEEP_START);
    assert_int_equal(step(k, 1), KEEP_WAIT);
}

static void starts_again_within_a_second(void **state)
{
    struct keep k;

    (void)state;
    a_core(&k);
    for (int i = 1; i < 50; i++) {
        keep_ended(&k, i % 3 - 1, at(i * 1000));
        assert_int_equal(step(&k, i * 1000), KEEP_WAIT);
        assert_int_equal(step(&k, i * 1000 + 499), KEEP_WAIT);
        assert_int_equal(step(&k, i * 1000 + 500), KEEP_START);
    }
}

static void a_wish_counts_with_a_clean_end(void **state)
{
    struct keep k;

    (void)state;
    a_core(&k);
    heard(&k, "power", 10);
    heard(&k, "off\n", 11);
    keep_ended(&k, 0, at(20));
    assert_int_equal(step(&k, 20), KEEP_END);
    assert_int_equal(k.wish, WISH_POWEROFF);

    a_core(&k);
    heard(&k, "reboot\n", 10);
    keep_ended(&k, -1, at(20)); /* it died on the way */
    assert_int_equal(step(&k, 520), KEEP_START);
    keep_ended(&k, 0, at(1000)); /* a clean end without a wish of its own */
    assert_int_equal(step(&k, 1500), KEEP_START);
}

static void other_words_are_nothing(void **state)
{
    static const char *const words[] = {"",
                                        "\n",
                                        "reboo\n",
                                        "reboot",
                                        "reboot now\n",
                                        " reboot\n",
                                        "REBOOT\n",
                                        "poweroff-poweroff-poweroff-poweroff-reboot\n",
                                        "\xff\n"};
    struct keep k;

    (void)state;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        a_core(&k);
        heard(&k, words[i], 10);
        keep_ended(&k, 0, at(20));
        assert_int_equal(step(&k, 520), KEEP_START);
    }
}

static void a_core_that_falls_silent_is_ended(void **state)
{
    struct keep k;

    (void)state;
    a_core(&k);
    assert_int_equal(step(&k, 3600000), KEEP_WAIT); /* it never promised to speak */
    heard(&k, "alive\n", 3600000);
    assert_int_equal(step(&k, 3660000), KEEP_WAIT);
    assert_int_equal(step(&k, 3660001), KEEP_KILL);
    assert_int_equal(step(&k, 3660500), KEEP_WAIT); /* once is enough */
    keep_ended(&k, -1, at(3660600));
    assert_int_equal(step(&k, 3661100), KEEP_START);
    assert_int_equal(step(&k, 9000000), KEEP_WAIT);
}

/* What a person at the box has decided about the data partition counts like the other wishes: after
 * an end in good order. */
static void the_data_partition_is_decided_on(void **state)
{
    static const struct {
        const char *word;
        enum wish wish;
    } row[] = {{"data-again\n", WISH_DATA_AGAIN}, {"data-anew\n", WISH_DATA_ANEW}};

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct keep k;

        a_core(&k);
        heard(&k, row[i].word, 10);
        keep_ended(&k, 1, at(20));
        assert_int_equal(step(&k, 30), KEEP_WAIT); /* it failed: no wish */
        assert_int_equal(k.wish, WISH_NONE);
        a_core(&k);
        heard(&k, row[i].word, 10);
        keep_ended(&k, 0, at(20));
        assert_int_equal(step(&k, 30), KEEP_END);
        assert_int_equal(k.wish, row[i].wish);
    }
}

static void the_core_says_that_it_keeps_its_memory(void **state)
{
    struct keep k;

    (void)state;
    a_core(&k);
    heard(&k, "alive\n", 10);
    assert_false(k.kept);
    heard(&k, "kept\n", 20);
    assert_true(k.kept);
    keep_ended(&k, -1, at(30));
    assert_false(k.kept);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_data_partition_is_decided_on),
        cmocka_unit_test(the_core_says_that_it_keeps_its_memory),
        cmocka_unit_test(starts_again_within_a_second),
        cmocka_unit_test(a_wish_counts_with_a_clean_end),
        cmocka_unit_test(other_words_are_nothing),
        cmocka_unit_test(a_core_that_falls_silent_is_ended),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
