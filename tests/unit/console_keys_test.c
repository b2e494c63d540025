/* Keys: which code and which bytes mean what, that nothing is done without its confirmation, and
 * that twice is once. */
#include "board/box/console/keys.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "net/wire/rng.h"

static const struct mono start = {1000 * MONO_S};

/* The last key that the bytes say; PRESS_NONE when they say none. */
static enum press said(const char *bytes, unsigned *keys)
{
    struct keys_line l = {0};
    enum press last = PRESS_NONE;

    for (*keys = 0; *bytes; bytes++) {
        enum press key = keys_byte(&l, (uint8_t)*bytes);

        *keys += key != PRESS_NONE;
        last = key != PRESS_NONE ? key : last;
    }
    return last;
}

static void terminals_say_keys(void **state)
{
    static const struct {
        const char *bytes;
        enum press key;
    } cases[] = {{"1", PRESS_STATUS},      {"4", PRESS_ADDRESS},      {"r", PRESS_PASSWORD},
                 {"R", PRESS_PASSWORD},    {"B", PRESS_RESTART},      {"p", PRESS_OFF},
                 {"H", PRESS_HOLD},        {"s", PRESS_ARM},          {"y", PRESS_YES},
                 {"5", PRESS_OTHER},       {"q", PRESS_OTHER},        {"\r", PRESS_OTHER},
                 {"\x1bOP", PRESS_STATUS}, {"\x1bOS", PRESS_ADDRESS}, {"\x1b[11~", PRESS_STATUS},
                 {"\x1b[13~", PRESS_LOG},  {"\x1b[[B", PRESS_WALL},   {"\x1b[A", PRESS_OTHER},
                 {"\x1bx", PRESS_OTHER},   {"\x1b[15~", PRESS_OTHER}, {"\x1b\x1bOQ", PRESS_WALL},
                 {"\x92", PRESS_OTHER}};
    unsigned n;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(said(cases[i].bytes, &n), cases[i].key);
        assert_int_equal(n, 1);
    }
    assert_int_equal(said("\x1b", &n), PRESS_NONE);
    assert_int_equal(said("\x1b[11", &n), PRESS_NONE);
    assert_int_equal(said("\x1b[1;5P", &n), PRESS_OTHER); /* Ctrl F1 of an xterm: not P */
    assert_int_equal(n, 1);
    /* no sequence is so long: noise */
    assert_int_equal(said("\x1b[1111111111111111111111R", &n), PRESS_PASSWORD);
    assert_int_equal(said("\x1b[2~", &n), PRESS_OTHER);
}

/* A cursor key or any other sequence never counts as the letters it is made of. */
static void sequences_are_no_letters(void **state)
{
    unsigned n;

    (void)state;
    for (char c = '@'; c < '~'; c++) {
        char bytes[] = {0x1b, '[', c, 0}, other[] = {0x1b, 'O', c, 0};
        enum press key = said(bytes, &n), second = said(other, &n);

        assert_true(key == PRESS_OTHER || key == PRESS_NONE);
        assert_true(second == PRESS_OTHER || (second >= PRESS_STATUS && second <= PRESS_ADDRESS));
    }
}

static void keyboards_say_keys(void **state)
{
    (void)state;
    assert_int_equal(keys_code(59), PRESS_STATUS);
    assert_int_equal(keys_code(62), PRESS_ADDRESS);
    assert_int_equal(keys_code(2), PRESS_STATUS);
    assert_int_equal(keys_code(19), PRESS_PASSWORD);
    assert_int_equal(keys_code(21), PRESS_YES);
    assert_int_equal(keys_code(35), PRESS_HOLD);
    assert_int_equal(keys_code(31), PRESS_ARM);
    assert_int_equal(keys_code(30), PRESS_OTHER);
    assert_int_equal(keys_code(65535), PRESS_OTHER);
}

static void views_change(void **state)
{
    struct keys k = {0};

    (void)state;
    assert_int_equal(k.view, VIEW_STATUS);
    for (enum press key = PRESS_STATUS; key <= PRESS_ADDRESS; key++) {
        assert_int_equal(keys_step(&k, key, start), ORDER_SHOW);
        assert_int_equal(k.view, key - PRESS_STATUS);
        assert_int_equal(keys_step(&k, PRESS_OTHER, start), ORDER_NONE);
        assert_int_equal(k.view, key - PRESS_STATUS);
    }
}

static void nothing_is_done_without_yes(void **state)
{
    static const enum keys_order order[] = {ORDER_PASSWORD, ORDER_RESTART, ORDER_OFF, ORDER_LIFT,
                                            ORDER_ARM};
    struct keys k = {0};

    (void)state;
    assert_int_equal(keys_step(&k, PRESS_YES, start), ORDER_NONE);
    for (int i = 0; i < 4; i++) {
        enum press key = (enum press)(PRESS_PASSWORD + i);

        assert_null(keys_question(&k));
        assert_int_equal(keys_step(&k, key, start), ORDER_NONE);
        assert_non_null(keys_question(&k));
        assert_int_equal(keys_step(&k, PRESS_YES, mono_add(start, KEYS_ASK_NS - 1)), order[i]);
        assert_null(keys_question(&k));
        assert_int_equal(keys_step(&k, PRESS_YES, start), ORDER_NONE); /* once */

        keys_step(&k, key, start); /* too late */
        assert_int_equal(keys_step(&k, PRESS_YES, mono_add(start, KEYS_ASK_NS)), ORDER_NONE);
        keys_step(&k, key, start); /* another key in between */
        assert_int_equal(keys_step(&k, i ? PRESS_WALL : PRESS_OTHER, start),
                         i ? ORDER_SHOW : ORDER_NONE);
        assert_int_equal(keys_step(&k, PRESS_YES, start), ORDER_NONE);
        keys_step(&k, key, start); /* another question */
        keys_step(&k, (enum press)(PRESS_PASSWORD + (i + 1) % 5), start);
        assert_int_equal(keys_step(&k, PRESS_YES, start), order[(i + 1) % 5]);
    }
}

static void a_question_is_forgotten(void **state)
{
    struct keys k = {0};

    (void)state;
    keys_step(&k, PRESS_OFF, start);
    keys_tick(&k, mono_add(start, KEYS_ASK_NS - 1));
    assert_non_null(keys_question(&k));
    /* a key that is held does not hold the question open */
    keys_step(&k, PRESS_OFF, mono_add(start, KEYS_ASK_NS / 2));
    keys_tick(&k, mono_add(start, KEYS_ASK_NS));
    assert_null(keys_question(&k));
}

/* Any keys at all: each pressed twice gives the orders of each pressed once. */
static void twice_is_once(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 50; seed++) {
        struct rng rng = {seed};
        struct keys one = {0}, two = {0};
        struct mono now = start;

        for (int i = 0; i < 400; i++) {
            enum press key = (enum press)rng_below(&rng, PRESS_OTHER + 1);
            enum keys_order a = keys_step(&one, key, now), b = keys_step(&two, key, now),
                            c = keys_step(&two, key, now);

            if (b != a || (c != ORDER_NONE && c != ORDER_SHOW) || one.view != two.view ||
                one.asked != two.asked)
                printf("seed %llu, step %d\n", (unsigned long long)seed, i);
            assert_int_equal(a, b);
            assert_true(c == ORDER_NONE || c == ORDER_SHOW);
            assert_int_equal(one.view, two.view);
            assert_int_equal(one.asked, two.asked);
            now = mono_add(now, (int64_t)rng_below(&rng, 6 * MONO_S));
        }
    }
}

/* What decides about the data is asked only where the data cannot be read, and there nobody is
 * asked about a password. */
static void lost_data_is_decided_with_two_keys(void **state)
{
    static const struct {
        enum press key;
        enum keys_order there, lost;
    } row[] = {{PRESS_AGAIN, ORDER_NONE, ORDER_DATA_AGAIN},
               {PRESS_ANEW, ORDER_NONE, ORDER_DATA_ANEW},
               {PRESS_PASSWORD, ORDER_PASSWORD, ORDER_NONE},
               {PRESS_RESTART, ORDER_RESTART, ORDER_RESTART}};

    (void)state;
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        struct keys there = {0}, lost = {.lost = true};

        assert_int_equal(keys_step(&there, row[i].key, start), ORDER_NONE);
        assert_int_equal(keys_question(&there) != NULL, row[i].there != ORDER_NONE);
        assert_int_equal(keys_step(&there, PRESS_YES, start), row[i].there);
        assert_int_equal(keys_step(&lost, row[i].key, start), ORDER_NONE);
        assert_int_equal(keys_question(&lost) != NULL, row[i].lost != ORDER_NONE);
        assert_int_equal(keys_step(&lost, PRESS_YES, start), row[i].lost);
        keys_step(&lost, row[i].key, start);
        assert_int_equal(keys_step(&lost, PRESS_OTHER, start), ORDER_NONE);
        assert_int_equal(keys_step(&lost, PRESS_YES, start), ORDER_NONE);
    }
    assert_int_equal(keys_code(20), PRESS_AGAIN);
    assert_int_equal(keys_code(49), PRESS_ANEW);
    assert_int_equal(keys_byte(&(struct keys_line){0}, 't'), PRESS_AGAIN);
    assert_int_equal(keys_byte(&(struct keys_line){0}, 'N'), PRESS_ANEW);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lost_data_is_decided_with_two_keys),
        cmocka_unit_test(terminals_say_keys),
        cmocka_unit_test(sequences_are_no_letters),
        cmocka_unit_test(keyboards_say_keys),
        cmocka_unit_test(views_change),
        cmocka_unit_test(nothing_is_done_without_yes),
        cmocka_unit_test(a_question_is_forgotten),
        cmocka_unit_test(twice_is_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
