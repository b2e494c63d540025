/* Every instruction set's kernels against products of single elements. */
#include "imaging/fec/kernels.h"

#include "imaging/fec/field.h"
#include "net/wire/rng.h"
#include "tests/unit/fec_support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

enum { BYTES = 4 * 192, ROUNDS = 300 };

static struct rng rng;
static const char *const names[] = {"portable", "ssse3", "avx2", "gfni", "avx512"};

/* Nothing is aligned, and an overrun hits the sanitizer's red zone or the neighbour. */
static uint8_t in[BYTES + 1], out[BYTES + 1], expected[BYTES];
static uint8_t *const src = in + 1, *const dst = out + 1;

static void each_kernel(void (*check)(void))
{
    for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (!gf_select(names[i])) {
            print_message("%s: this CPU lacks it\n", names[i]);
            continue;
        }
        assert_string_equal(gf->name, names[i]);
        check();
    }
}

/* dst += c src, element by element. */
static void reference_add(uint8_t *to, gf_element c, const uint8_t *from, size_t n)
{
    for (unsigned e = 0; e < n / 2; e++) {
        gf_element product = gf_mul(c, element_get(from, n, e));

        element_set(to, n, e, element_get(to, n, e) ^ product);
    }
}

static void reference_inverse(uint8_t *x, uint8_t *y, gf_element c, size_t n)
{
    reference_add(y, 1, x, n);
    reference_add(x, c, y, n);
}

static void reference_forward(uint8_t *x, uint8_t *y, gf_element c, size_t n)
{
    reference_add(x, c, y, n);
    reference_add(y, 1, x, n);
}

static void random_input(void)
{
    fill_random(&rng, src, BYTES);
    fill_random(&rng, dst, BYTES);
}

static void check_constants(void)
{
    uint8_t entry[GF_ENTRY_MAX];

    for (unsigned index = 0; index < 1 << 14; index += 2) {
        gf_element c = gf_point(index);

        random_input();
        memset(expected, 0, 64);
        reference_add(expected, c, src, 64);
        gf->multiply(dst, src, 64, gf_twiddle(index));
        assert_memory_equal(dst, expected, 64);
        reference_add(expected, c, src + 64, 64);
        gf->multiply_add(dst, src + 64, 64, gf_twiddle(index), c < 256);
        assert_memory_equal(dst, expected, 64);
    }
    for (unsigned i = 0; i < 5000; i++) {
        gf_element c = (gf_element)rng_u64(&rng);

        random_input();
        memcpy(expected, dst, 64);
        reference_add(expected, c, src, 64);
        gf_entry(entry, c);
        gf->multiply_add(dst, src, 64, entry, c < 256);
        assert_memory_equal(dst, expected, 64);
    }
}

static unsigned random_index(bool sub)
{
    return (unsigned)rng_below(&rng, sub ? 64 : 1 << 12) * 4;
}

static void check_radix_4(void)
{
    for (unsigned round = 0; round < ROUNDS; round++) {
        unsigned index = random_index(round % 2), n = 64 * (1 + round % 3);
        const struct gf_twiddles tw = {gf_twiddle(index), gf_twiddle(index + 2),
                                       gf_twiddle(index / 2), index < 256};
        gf_element a = gf_point(index), b = gf_point(index + 2), c = gf_point(index / 2);
        const uint8_t *rows[4] = {src, src + n, src + 2 * n, src + 3 * n};
        uint8_t *x = expected;

        random_input();
        memcpy(x, src, BYTES);
        reference_inverse(x, x + n, a, n);
        reference_inverse(x + 2 * n, x + 3 * n, b, n);
        reference_inverse(x, x + 2 * n, c, n);
        reference_inverse(x + n, x + 3 * n, c, n);
        gf->inverse4(dst, rows, n, &tw);
        assert_memory_equal(dst, expected, 4 * n);
        gf->inverse4_onto(dst, rows, n, &tw);
        for (unsigned i = 0; i < 4 * n; i++)
            assert_int_equal(dst[i], 0);
        gf->inverse4(src, rows, n, &tw);
        assert_memory_equal(src, expected, 4 * n);
        gf->forward4(dst, src, n, &tw);
        reference_forward(x, x + 2 * n, c, n);
        reference_forward(x + n, x + 3 * n, c, n);
        reference_forward(x, x + n, a, n);
        reference_forward(x + 2 * n, x + 3 * n, b, n);
        assert_memory_equal(dst, expected, 4 * n);
    }
}

static void check_radix_2(void)
{
    for (unsigned round = 0; round < ROUNDS; round++) {
        unsigned index = random_index(round % 2), n = 64 * (1 + round % 3);

        random_input();
        memcpy(expected, src, BYTES);
        reference_forward(expected, expected + n, gf_point(index), n);
        gf->forward2(dst, src, n, gf_twiddle(index), index < 256);
        assert_memory_equal(dst, expected, 2 * n);
        gf->inverse2(dst, n, gf_twiddle(index), index < 256);
        assert_memory_equal(dst, src, 2 * n);
        gf->add(dst, src, 2 * n);
        for (unsigned i = 0; i < 2 * n; i++)
            assert_int_equal(dst[i], 0);
    }
}

static void constants_multiply(void **state)
{
    (void)state;
    each_kernel(check_constants);
}

static void radix_4_is_two_levels(void **state)
{
    (void)state;
    each_kernel(check_radix_4);
}

static void radix_2_is_one_level(void **state)
{
    (void)state;
    each_kernel(check_radix_2);
}

static void unknown_names_are_refused(void **state)
{
    (void)state;
    assert_true(gf_select("portable"));
    assert_false(gf_select("abacus"));
    assert_string_equal(gf->name, "portable");
    assert_true(gf_select(NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(constants_multiply),
        cmocka_unit_test(radix_4_is_two_levels),
        cmocka_unit_test(radix_2_is_one_level),
        cmocka_unit_test(unknown_names_are_refused),
    };

    rng = seeded("fec_kernels_test");
    gf_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
