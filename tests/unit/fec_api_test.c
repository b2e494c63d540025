/* The code at its own size, through fec.h, on every instruction set this CPU has. */
#include "imaging/fec/fec.h"

#include <pthread.h>
#include <stdatomic.h>

#include "net/wire/rng.h"
#include "tests/unit/fec_support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

enum { K_MAX = 2600, T_MAX = 1 << FEC_LG_T_MAX };

static const char *const names[] = {"portable", "ssse3", "avx2", "gfni", "avx512"};
static struct rng rng;
static struct fec_scratch scratch;
static uint8_t source[K_MAX][FEC_SYMBOL + 1]; /* odd distance: no symbol is aligned */
static uint8_t repair[T_MAX][FEC_SYMBOL];
static uint8_t *acc;

static uint64_t hash(uint64_t h, const void *bytes, size_t n)
{
    const uint8_t *p = bytes;

    for (size_t i = 0; i < n; i++)
        h = (h ^ p[i]) * UINT64_C(0x100000001B3); /* FNV-1a */
    return h;
}

static void absorb_run(unsigned lg_t, unsigned first, unsigned count, const uint64_t *have)
{
    const uint8_t *sym[K_MAX];

    for (unsigned i = 0; i < count; i++)
        sym[i] = !have || bit_get(have, first + i) ? source[first + i] : NULL;
    fec_absorb_source(acc, lg_t, first, count, sym, &scratch);
}

static void encode(unsigned lg_t, unsigned k, unsigned repairs)
{
    uint8_t *out[T_MAX];

    for (unsigned p = 0; p < repairs; p++)
        out[p] = repair[p];
    fec_clear(acc, lg_t);
    absorb_run(lg_t, 0, k, NULL);
    fec_repair(acc, lg_t, 0, repairs, out, &scratch);
}

/* SPEC.md section 8: 300 source symbols, T = 256. */
static void spec_vector_holds(void **state)
{
    static const uint8_t head[8] = {0xD2, 0x8D, 0x9D, 0xFC, 0xE8, 0x94, 0x65, 0x2A};
    uint64_t h = UINT64_C(0xCBF29CE484222325);

    (void)state;
    for (unsigned i = 0; i < 300; i++)
        for (unsigned j = 0; j < FEC_SYMBOL; j++)
            source[i][j] = (uint8_t)(i * 31 + j * 7 + (i * j >> 5));
    for (unsigned isa = 0; isa < sizeof names / sizeof names[0]; isa++) {
        if (fec_init(names[isa])) {
            print_message("%s: this CPU lacks it\n", names[isa]);
            continue;
        }
        encode(8, 300, 256);
        assert_memory_equal(repair[0], head, sizeof head);
        assert_int_equal(hash(h, repair, 256 * FEC_SYMBOL), UINT64_C(0x3D980CDC1C3F608C));
    }
}

struct loss {
    unsigned lg_t, k, missing;
    uint64_t have_source[(K_MAX + 63) / 64], have_repair[T_MAX / 64], want[(K_MAX + 63) / 64];
};

static void clear_some(uint64_t *bits, unsigned n, unsigned count)
{
    for (unsigned at; count; count--) {
        do
            at = (unsigned)rng_below(&rng, n);
        while (!bit_get(bits, at));
        bit_clear(bits, at);
    }
}

/* Up to `repairs` source symbols are missing, and as many repair symbols as make up for them have
 * come. */
static void random_loss(struct loss *l, unsigned repairs)
{
    unsigned most = repairs < l->k ? repairs : l->k;

    l->missing = rng_below(&rng, 3) ? (unsigned)rng_below(&rng, most + 1) : most;
    bits_first(l->have_source, sizeof l->have_source * 8, l->k);
    bits_first(l->have_repair, T_MAX, repairs);
    clear_some(l->have_source, l->k, l->missing);
    clear_some(l->have_repair, repairs, (unsigned)rng_below(&rng, repairs - l->missing + 1));
    memset(l->want, 0xFF, sizeof l->want);
}

/* Source in shuffled runs of FEC_RUN, then repair in one go. */
static void receive(const struct loss *l)
{
    const uint8_t *sym[T_MAX];
    unsigned runs = (l->k + FEC_RUN - 1) / FEC_RUN, order[(K_MAX + FEC_RUN - 1) / FEC_RUN];

    fec_clear(acc, l->lg_t);
    for (unsigned i = 0; i < runs; i++) {
        unsigned j = (unsigned)rng_below(&rng, i + 1);

        order[i] = order[j];
        order[j] = i;
    }
    for (unsigned i = 0; i < runs; i++) {
        unsigned first = order[i] * FEC_RUN, count = l->k - first;

        absorb_run(l->lg_t, first, count < FEC_RUN ? count : FEC_RUN, l->have_source);
    }
    for (unsigned p = 0; p < 1U << l->lg_t; p++)
        sym[p] = bit_get(l->have_repair, p) ? repair[p] : NULL;
    fec_absorb_repair(acc, l->lg_t, 0, 1U << l->lg_t, sym, &scratch);
}

static void expect_recovery(const struct loss *l)
{
    uint8_t out[FEC_SYMBOL];
    int n = fec_recover(acc, l->lg_t, l->k, l->have_source, l->have_repair, l->want, &scratch),
        seen = 0;

    for (unsigned i = 0; i < l->k; i++)
        if (!bit_get(l->have_source, i) && bit_get(l->want, i)) {
            fec_recovered(acc, l->lg_t, (unsigned)seen++, out);
            assert_memory_equal(out, source[i], FEC_SYMBOL);
        }
    assert_int_equal(n, seen);
}

static void recover_one(unsigned i)
{
    static struct loss l;
    unsigned repairs;

    l.lg_t = i == 0 ? 12 : i % 16 == 1 ? 10 : 8 + i % 2;
    l.k = 1 + (unsigned)rng_below(&rng, i % 4 == 3 ? K_MAX : 500);
    repairs = 1 + (unsigned)rng_below(&rng, 1U << l.lg_t);
    encode(l.lg_t, l.k, repairs);
    random_loss(&l, repairs);
    if (i % 5 == 4)
        fill_random(&rng, l.want, sizeof l.want);
    receive(&l);
    expect_recovery(&l);
}

static void blocks_are_recovered(void **state)
{
    (void)state;
    fill_random(&rng, source, sizeof source);
    for (unsigned isa = 0; isa < sizeof names / sizeof names[0]; isa++) {
        if (fec_init(names[isa]))
            continue;
        for (unsigned i = 0; i < (isa ? 40 : 5); i++) /* portable: slow */
            recover_one(i);
    }
}

static void too_few_leaves_the_accumulator(void **state)
{
    static struct loss l = {.lg_t = 8, .k = 1000};
    uint64_t before;

    (void)state;
    encode(8, 1000, 256);
    bits_first(l.have_source, sizeof l.have_source * 8, 1000);
    bits_first(l.have_repair, T_MAX, 99);
    clear_some(l.have_source, 1000, 100);
    receive(&l);
    before = hash(0, acc, fec_acc_bytes(8));
    assert_int_equal(fec_recover(acc, 8, 1000, l.have_source, l.have_repair, NULL, &scratch),
                     FEC_E_FEW);
    assert_int_equal(hash(0, acc, fec_acc_bytes(8)), before);
}

/* The last block of points, and every accumulator byte alike on every instruction set. */
static void far_end_is_the_same_everywhere(void **state)
{
    const uint8_t *sym[200];
    uint64_t first = 0;

    (void)state;
    for (unsigned i = 0; i < 200; i++)
        sym[i] = source[i];
    for (unsigned isa = 0; isa < sizeof names / sizeof names[0]; isa++) {
        if (fec_init(names[isa]))
            continue;
        for (unsigned lg_t = FEC_LG_T_MIN; lg_t <= FEC_LG_T_MAX; lg_t++) {
            fec_clear(acc, lg_t);
            fec_absorb_source(acc, lg_t, FEC_K_MAX - 200, 200, sym, &scratch);
            fec_absorb_repair(acc, lg_t, (1U << lg_t) - 200, 200, sym, &scratch);
            if (lg_t == FEC_LG_T_MAX && !first)
                first = hash(0, acc, fec_acc_bytes(lg_t));
        }
        assert_int_equal(hash(0, acc, fec_acc_bytes(FEC_LG_T_MAX)), first);
    }
}

static void *init_often(void *running)
{
    for (unsigned i = 0; i < 40; i++)
        fec_init(NULL);
    atomic_store((atomic_bool *)running, false);
    return NULL;
}

/* Packing and checking initialise the code while receiver and sender use it. */
static void another_thread_that_initialises_disturbs_nobody(void **state)
{
    static struct loss l = {.lg_t = 8, .k = 300, .missing = 60};
    atomic_bool running = true;
    pthread_t other;

    (void)state;
    fec_init(NULL);
    fill_random(&rng, source, sizeof source);
    encode(8, l.k, 256);
    bits_first(l.have_source, sizeof l.have_source * 8, l.k);
    bits_first(l.have_repair, T_MAX, 256);
    clear_some(l.have_source, l.k, l.missing);
    memset(l.want, 0xFF, sizeof l.want);
    assert_int_equal(pthread_create(&other, NULL, init_often, &running), 0);
    do {
        receive(&l);
        expect_recovery(&l);
    } while (atomic_load(&running));
    pthread_join(other, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spec_vector_holds),
        cmocka_unit_test(blocks_are_recovered),
        cmocka_unit_test(too_few_leaves_the_accumulator),
        cmocka_unit_test(far_end_is_the_same_everywhere),
        cmocka_unit_test(another_thread_that_initialises_disturbs_nobody),
    };

    rng = seeded("fec_api_test");
    acc = aligned_alloc(64, (size_t)FEC_ROW << FEC_LG_T_MAX);
    if (!acc)
        return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    free(acc);
    return failed;
}
