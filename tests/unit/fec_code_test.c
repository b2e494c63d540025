/* The code at small sizes: against interpolation by Lagrange's formula, which knows of no
 * transform, against the vectors of imaging/fec/SPEC.md, and against itself over a hundred thousand
 * random losses. */
#include "imaging/fec/code.h"

#include "imaging/fec/fec.h"
#include "imaging/fec/field.h"
#include "imaging/fec/kernels.h"
#include "net/wire/rng.h"
#include "tests/unit/fec_support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

static struct code code;
static struct workspace work;

/* A whole codeword of a small code, its loss and its recovery. */
enum { N_MAX = 1024, SYMBOL_MAX = 96 };

static uint8_t word[N_MAX][SYMBOL_MAX];
static alignas(64) uint8_t acc[N_MAX / 2 * 128];

static const uint8_t *pointers[N_MAX];

static void random_source(struct rng *r, unsigned t, unsigned k)
{
    memset(word, 0, sizeof word);
    for (unsigned i = 0; i < k; i++)
        fill_random(r, word[t + i], code.symbol);
}

static void absorb_points(unsigned lg_t, unsigned first, unsigned count)
{
    code_absorb(&code, acc, lg_t, first, count, pointers + first, &work);
}

/* word[0 ... t - 1] from the source symbols. */
static void encode(unsigned lg_t, unsigned k)
{
    unsigned t = 1U << lg_t;
    uint8_t *out[N_MAX];

    for (unsigned p = 0; p < N_MAX; p++)
        pointers[p] = out[p] = word[p];
    memset(acc, 0, code_acc_bytes(&code, lg_t));
    absorb_points(lg_t, t, k);
    code_repair(&code, acc, lg_t, 0, t, out, &work);
}

static void expect_zero(unsigned lg_t)
{
    for (size_t i = 0; i < code_acc_bytes(&code, lg_t); i++)
        assert_int_equal(acc[i], 0);
}

/* logs[p] = log of the product of (w_p + w_i) over the data points i other than p. */
static void vanishing_logs(unsigned t, unsigned n, uint16_t *logs)
{
    for (unsigned p = 0; p < n; p++) {
        unsigned sum = 0;

        for (unsigned i = t; i < n; i++)
            sum += gf_log[gf_point(p) ^ gf_point(i)];
        logs[p] = (uint16_t)(sum % GF_ORDER);
    }
}

/* The value at point p of the polynomial of degree below n - t through the data points, for element
 * e. */
static gf_element interpolate(unsigned t, unsigned k, unsigned p, unsigned e, const uint16_t *logs)
{
    gf_element sum = 0;

    for (unsigned i = t; i < t + k; i++) {
        gf_element weight = gf_exp[((unsigned)logs[p] + 2 * GF_ORDER - logs[i] -
                                    gf_log[gf_point(p) ^ gf_point(i)]) %
                                   GF_ORDER];
        sum ^= gf_mul(weight, element_get(word[i], code.symbol, e));
    }
    return sum;
}

static void parity_is_interpolation(void **state)
{
    struct rng *r = *state;
    uint16_t logs[N_MAX];

    for (unsigned lg_n = 3; lg_n <= 9; lg_n++)
        for (unsigned lg_t = 2; lg_t < lg_n; lg_t++) {
            unsigned t = 1U << lg_t, n = 1U << lg_n, k = 1 + (unsigned)rng_below(r, n - t);

            code_init(&code, lg_n, 96);
            random_source(r, t, k);
            encode(lg_t, k);
            vanishing_logs(t, n, logs);
            for (unsigned p = 0; p < t; p++) {
                unsigned e = (unsigned)rng_below(r, code.symbol / 2);

                assert_int_equal(element_get(word[p], code.symbol, e),
                                 interpolate(t, k, p, e, logs));
            }
        }
}

static void vectors_hold(void **state)
{
    static const gf_element data[2][12] = {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12},
                                           {0x19AB, 0x2BDF, 0x3E13, 0x5047, 0x627B, 0x74AF, 0x86E3,
                                            0x9917, 0xAB4B, 0xBD7F, 0xCFB3, 0xE1E7}};
    static const gf_element parity[2][4] = {{0x0958, 0xE906, 0x6F9B, 0x8FC9},
                                            {0x82FC, 0x54EB, 0x639C, 0xD8EB}};

    (void)state;
    code_init(&code, 4, 32);
    for (unsigned v = 0; v < 2; v++) {
        memset(word, 0, sizeof word);
        for (unsigned i = 0; i < 12; i++)
            element_set(word[4 + i], 32, v, gf_from_polynomial(data[v][i]));
        encode(2, 12);
        for (unsigned p = 0; p < 4; p++)
            assert_int_equal(gf_to_polynomial(element_get(word[p], 32, v)), parity[v][p]);
    }
}

struct pattern {
    unsigned lg_t, t, k;
    uint64_t source[N_MAX / 64], repair[N_MAX / 64], want[N_MAX / 64];
    bool lost[N_MAX]; /* by point */
};

static void lose(struct pattern *l, unsigned point)
{
    l->lost[point] = true;
    if (point < l->t)
        bit_clear(l->repair, point);
    else
        bit_clear(l->source, point - l->t);
}

/* A loss of `unknown` symbols, biased to the cases that matter: spread anywhere, in the source
 * alone, one stretch. */
static void random_loss(struct rng *r, struct pattern *l, unsigned unknown)
{
    unsigned symbols = l->t + l->k, kind = (unsigned)rng_below(r, 4);
    unsigned from = kind == 0 && unknown <= l->k ? l->t : 0;
    unsigned stretch = from + (unsigned)rng_below(r, symbols - from - unknown + 1);

    memset(l->lost, 0, sizeof l->lost);
    bits_first(l->source, N_MAX, l->k);
    bits_first(l->repair, N_MAX, l->t);
    memset(l->want, 0xFF, sizeof l->want);
    for (unsigned i = 0; i < unknown; i++) {
        unsigned p = stretch + i;

        while (kind != 1 && l->lost[p = from + (unsigned)rng_below(r, symbols - from)])
            ;
        lose(l, p);
    }
}

/* Absorbs what was not lost in runs of random length, in random order of runs, over two visits: the
 * second brings what the first left out. */
static void receive(struct rng *r, const struct pattern *l)
{
    unsigned symbols = l->t + l->k;
    static bool late[N_MAX];

    memset(acc, 0, code_acc_bytes(&code, l->lg_t));
    for (unsigned p = 0; p < symbols; p++)
        late[p] = rng_below(r, 4) == 0;
    for (unsigned visit = 0; visit < 2; visit++) {
        unsigned begin = (unsigned)rng_below(r, symbols), run;

        for (unsigned p = 0; p < symbols; p++)
            pointers[p] = !l->lost[p] && late[p] == (visit == 1) ? word[p] : NULL;
        for (unsigned done = 0; done < symbols; done += run) {
            unsigned at = (begin + done) % symbols;

            run = 1 + (unsigned)rng_below(r, 2 * l->t);
            run = run < symbols - done ? run : symbols - done;
            run = run < symbols - at ? run : symbols - at;
            absorb_points(l->lg_t, at, run);
        }
    }
}

static void expect_recovery(const struct pattern *l)
{
    int n = code_recover(&code, acc, l->lg_t, l->k, l->source, l->repair, l->want, &work), seen = 0;
    uint8_t out[SYMBOL_MAX];

    for (unsigned i = 0; i < l->k; i++) {
        if (!l->lost[l->t + i] || !bit_get(l->want, i))
            continue;
        code_recovered(&code, acc, l->lg_t, (unsigned)seen++, out);
        assert_memory_equal(out, word[l->t + i], code.symbol);
    }
    assert_int_equal(n, seen);
}

static void any_k_symbols_suffice(void **state)
{
    struct rng *r = *state;
    static struct pattern l;

    for (unsigned word_no = 0; word_no < 2000; word_no++) {
        unsigned lg_n = 4 + (unsigned)rng_below(r, 3);

        l.lg_t = 2 + (unsigned)rng_below(r, lg_n - 2);
        l.t = 1U << l.lg_t;
        l.k = 1 + (unsigned)rng_below(r, (1U << lg_n) - l.t);
        code_init(&code, lg_n, 32);
        random_source(r, l.t, l.k);
        encode(l.lg_t, l.k);
        for (unsigned i = 0; i < 50; i++) {
            random_loss(r, &l, i % 4 ? l.t : (unsigned)rng_below(r, l.t + 1));
            receive(r, &l);
            expect_recovery(&l);
        }
    }
}

static void larger_codes_recover(void **state)
{
    struct rng *r = *state;
    static struct pattern l;

    for (unsigned i = 0; i < 400; i++) {
        unsigned lg_n = 7 + (unsigned)rng_below(r, 4);

        l.lg_t = 3 + (unsigned)rng_below(r, lg_n - 3);
        l.t = 1U << l.lg_t;
        l.k = 1 + (unsigned)rng_below(r, (1U << lg_n) - l.t);
        code_init(&code, lg_n, 96);
        random_source(r, l.t, l.k);
        encode(l.lg_t, l.k);
        random_loss(r, &l, i % 4 ? l.t : (unsigned)rng_below(r, l.t + 1));
        fill_random(r, l.want, sizeof l.want);
        receive(r, &l);
        expect_recovery(&l);
    }
}

static void repair_alone_suffices(void **state)
{
    struct rng *r = *state;
    static struct pattern l;

    for (l.lg_t = 2; l.lg_t <= 8; l.lg_t++)
        for (unsigned i = 0; i < 20; i++) {
            l.t = 1U << l.lg_t;
            l.k = i ? 1 + (unsigned)rng_below(r, l.t) : l.t;
            code_init(&code, l.lg_t + 1 + i % 2, 96);
            random_source(r, l.t, l.k);
            encode(l.lg_t, l.k);
            random_loss(r, &l, 0);
            for (unsigned p = 0; p < l.t - l.k; p++)
                lose(&l, p);
            for (unsigned p = l.t; p < l.t + l.k; p++)
                lose(&l, p);
            receive(r, &l);
            expect_recovery(&l);
        }
}

static void one_symbol_too_few_is_refused(void **state)
{
    struct rng *r = *state;
    static struct pattern l;

    l.lg_t = 4, l.t = 16, l.k = 77;
    code_init(&code, 7, 32);
    random_source(r, l.t, l.k);
    encode(l.lg_t, l.k);
    random_loss(r, &l, l.t + 1);
    assert_int_equal(code_recover(&code, acc, l.lg_t, l.k, l.source, l.repair, NULL, &work),
                     FEC_E_FEW);
}

static void a_codeword_has_syndrome_zero(void **state)
{
    struct rng *r = *state;

    for (unsigned lg_t = 2; lg_t < 9; lg_t++) {
        unsigned t = 1U << lg_t, k = 1 + (unsigned)rng_below(r, 512 - t);

        code_init(&code, 9, 64);
        random_source(r, t, k);
        encode(lg_t, k);
        absorb_points(lg_t, 0, t);
        expect_zero(lg_t);
    }
}

static void some_repair_is_as_all_repair(void **state)
{
    struct rng *r = *state;
    uint8_t some[256][64], *out[256];

    code_init(&code, 10, 64);
    random_source(r, 256, 700);
    encode(8, 700);
    for (unsigned i = 0; i < 50; i++) {
        unsigned first = (unsigned)rng_below(r, 256),
                 count = 1 + (unsigned)rng_below(r, 256 - first);

        for (unsigned p = 0; p < count; p++)
            out[p] = some[p];
        code_repair(&code, acc, 8, first, count, out, &work);
        for (unsigned p = 0; p < count; p++)
            assert_memory_equal(some[p], word[first + p], 64);
    }
}

int main(void)
{
    static struct rng rng;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(parity_is_interpolation, &rng),
        cmocka_unit_test_prestate(vectors_hold, &rng),
        cmocka_unit_test_prestate(any_k_symbols_suffice, &rng),
        cmocka_unit_test_prestate(larger_codes_recover, &rng),
        cmocka_unit_test_prestate(repair_alone_suffices, &rng),
        cmocka_unit_test_prestate(one_symbol_too_few_is_refused, &rng),
        cmocka_unit_test_prestate(a_codeword_has_syndrome_zero, &rng),
        cmocka_unit_test_prestate(some_repair_is_as_all_repair, &rng),
    };

    rng = seeded("fec_code_test");
    if (fec_init(NULL))
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
