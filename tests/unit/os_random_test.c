/* Random bytes fill all that was asked for, and no more. */
#include "net/os/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

/* 1000 bytes none of which changes in 64 tries is as good as impossible (2^-512 for each byte). */
static void every_byte_is_filled(void **state)
{
    uint8_t bytes[1000], changed[1000] = {0};

    (void)state;
    for (int i = 0; i < 64; i++) {
        memset(bytes, 0, sizeof bytes);
        random_fill(bytes, sizeof bytes);
        for (size_t k = 0; k < sizeof bytes; k++)
            changed[k] |= bytes[k];
    }
    for (size_t k = 0; k < sizeof bytes; k++)
        assert_true(changed[k]);
}

static void nothing_behind_is_touched(void **state)
{
    uint8_t bytes[12] = {0};

    (void)state;
    random_fill(bytes, 0);
    assert_int_equal(random_mbedtls(NULL, bytes, 8), 0);
    assert_memory_equal(bytes + 8, ((uint8_t[4]){0}), 4);
}

static void words_differ(void **state)
{
    unsigned first = random_word(), differ = 0;

    (void)state;
    for (int i = 0; i < 16; i++)
        differ += random_word() != first;
    assert_true(differ);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_byte_is_filled),
        cmocka_unit_test(nothing_behind_is_touched),
        cmocka_unit_test(words_differ),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
