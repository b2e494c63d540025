/* The facts about GF(2^16) and Cantor's basis that the code rests on (imaging/fec/SPEC.md sections
 * 1 and 2). */
#include "imaging/fec/field.h"
#include "net/wire/rng.h"
#include "tests/unit/fec_support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static struct rng rng;

static gf_element any(void)
{
    return (gf_element)rng_u64(&rng);
}

/* Multiplication as in a textbook, in the polynomial representation. */
static unsigned textbook(unsigned a, unsigned b)
{
    unsigned product = 0;

    for (int i = 15; i >= 0; i--) {
        product = product << 1 ^ (product >> 15) * 0x1002D;
        product ^= b >> i & 1 ? a : 0;
    }
    return product;
}

static void products_are_those_of_polynomials(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 100000; i++) {
        gf_element a = any(), b = any();

        assert_int_equal(gf_to_polynomial(gf_mul(a, b)),
                         textbook(gf_to_polynomial(a), gf_to_polynomial(b)));
    }
}

static void inverses_and_logarithms(void **state)
{
    (void)state;
    for (unsigned a = 1; a < 65536; a++) {
        assert_int_equal(gf_mul((gf_element)a, gf_inverse((gf_element)a)), 1);
        assert_int_equal(gf_exp[gf_log[a]], a);
        assert_int_equal(gf_from_polynomial(gf_to_polynomial((gf_element)a)), a);
    }
    assert_int_equal(gf_mul(0, 5), 0);
    assert_int_equal(gf_exp[GF_ORDER], 1);
}

/* beta_{i+1}^2 + beta_{i+1} = beta_i, and of the two roots the even one in the polynomial
 * representation. */
static void basis_is_cantors(void **state)
{
    (void)state;
    assert_int_equal(gf_point(1), 1);
    for (unsigned i = 0; i < 15; i++) {
        gf_element next = gf_point(2U << i);

        assert_int_equal(gf_mul(next, next) ^ next, gf_point(1U << i));
        assert_int_equal(gf_to_polynomial(next) & 1, 0);
    }
}

/* s_m, the product of (x + v) over the first 2^m points v, sends point i to point i >> m: no
 * twiddle needs a table of its own. By definition for small m, and by s_{m+1} = s_m^2 + s_m for the
 * rest. */
static void subspace_polynomials_shift_indices(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 200; round++) {
        unsigned i = any();
        gf_element x = gf_point(i), s = x;

        for (unsigned m = 0; m < 16; m++, s = gf_mul(s, s) ^ s) {
            gf_element product = x;

            for (unsigned v = 1; m <= 8 && v < 1U << m; v++)
                product = gf_mul(product, x ^ gf_point(v));
            if (m <= 8)
                assert_int_equal(product, s);
            assert_int_equal(s, gf_point(i >> m));
        }
    }
}

/* What lets kernels halve their work: below 256 a constant multiplies the two bytes apart. */
static void small_constants_act_on_bytes(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 100000; i++) {
        gf_element c = any() & 255, v = any();
        gf_element apart = gf_mul(c, v & 255) | (gf_element)(gf_mul(c, v >> 8) << 8);

        assert_true(gf_mul(c, v & 255) < 256);
        assert_int_equal(gf_mul(c, v), apart);
        assert_int_equal(gf_point(c), c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(products_are_those_of_polynomials),
        cmocka_unit_test(inverses_and_logarithms),
        cmocka_unit_test(basis_is_cantors),
        cmocka_unit_test(subspace_polynomials_shift_indices),
        cmocka_unit_test(small_constants_act_on_bytes),
    };

    rng = seeded("fec_field_test");
    gf_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
