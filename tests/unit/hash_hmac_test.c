/* HMAC-SHA-256 against RFC 4231: short keys, keys of the block's length and longer, a key used
 * again, output over input. */
#include "imaging/hash/hmac.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static const uint8_t hi[HMAC_BYTES] = {0xb0, 0x34, 0x4c, 0x61, 0xd8, 0xdb, 0x38, 0x53,
                                       0x5c, 0xa8, 0xaf, 0xce, 0xaf, 0x0b, 0xf1, 0x2b,
                                       0x88, 0x1d, 0xc2, 0x00, 0xc9, 0x83, 0x3d, 0xa7,
                                       0x26, 0xe9, 0x37, 0x6c, 0x2e, 0x32, 0xcf, 0xf7};
static const uint8_t jefe[HMAC_BYTES] = {0x5b, 0xdc, 0xc1, 0x46, 0xbf, 0x60, 0x75, 0x4e,
                                         0x6a, 0x04, 0x24, 0x26, 0x08, 0x95, 0x75, 0xc7,
                                         0x5a, 0x00, 0x3f, 0x08, 0x9d, 0x27, 0x39, 0x83,
                                         0x9d, 0xec, 0x58, 0xb9, 0x64, 0xec, 0x38, 0x43};
static const uint8_t longer[HMAC_BYTES] = {0x60, 0xe4, 0x31, 0x59, 0x1e, 0xe0, 0xb6, 0x7f,
                                           0x0d, 0x8a, 0x26, 0xaa, 0xcb, 0xf5, 0xb7, 0x7f,
                                           0x8e, 0x0b, 0xc6, 0x21, 0x37, 0x28, 0xc5, 0x14,
                                           0x05, 0x46, 0x04, 0x0f, 0x0e, 0xe3, 0x7f, 0x54};

/* Test cases 1, 2 and 6. */
static void gives_what_the_rfc_gives(void **state)
{
    static const char text[] = "Test Using Larger Than Block-Size Key - Hash Key First";
    uint8_t key[131], out[HMAC_BYTES];

    (void)state;
    memset(key, 0x0b, 20);
    hmac(key, 20, "Hi There", 8, out);
    assert_memory_equal(out, hi, HMAC_BYTES);
    hmac("Jefe", 4, "what do ya want for nothing?", 28, out);
    assert_memory_equal(out, jefe, HMAC_BYTES);
    memset(key, 0xaa, sizeof key);
    hmac(key, sizeof key, text, sizeof text - 1, out);
    assert_memory_equal(out, longer, HMAC_BYTES);
}

static void a_key_serves_many_messages(void **state)
{
    uint8_t key[20], out[HMAC_BYTES];
    struct hmac_key k;

    (void)state;
    memset(key, 0x0b, sizeof key);
    hmac_key_set(&k, key, sizeof key);
    for (int i = 0; i < 3; i++) {
        hmac_with(&k, "Hi There", 8, out);
        assert_memory_equal(out, hi, HMAC_BYTES);
    }
}

static void the_output_may_be_the_input(void **state)
{
    uint8_t bytes[HMAC_BYTES] = {1, 2, 3}, apart[HMAC_BYTES];
    struct hmac_key k;

    (void)state;
    hmac_key_set(&k, "key", 3);
    hmac_with(&k, bytes, sizeof bytes, apart);
    hmac_with(&k, bytes, sizeof bytes, bytes);
    assert_memory_equal(bytes, apart, HMAC_BYTES);
}

/* A key of zero bytes is the block of zeros. */
static void an_empty_key_is_a_key(void **state)
{
    static const uint8_t zeros[64];
    uint8_t none[HMAC_BYTES], block[HMAC_BYTES];

    (void)state;
    hmac(NULL, 0, "x", 1, none);
    hmac(zeros, sizeof zeros, "x", 1, block);
    assert_memory_equal(none, block, HMAC_BYTES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_what_the_rfc_gives),
        cmocka_unit_test(a_key_serves_many_messages),
        cmocka_unit_test(the_output_may_be_the_input),
        cmocka_unit_test(an_empty_key_is_a_key),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
