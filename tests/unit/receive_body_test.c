/* The body from packets: with loss, in disorder, over several blocks, and anew after a wrong
 * symbol. */
#include "imaging/receive/body.h"

#include <stdlib.h>
#include <string.h>

#include "net/wire/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#define T 256u
#define SYMBOL ((size_t)FEC_SYMBOL)

struct source {
    uint64_t bytes;
    uint32_t symbols, blocks;
    uint8_t *source, *repair;
};

static uint16_t k_of(const struct source *s, uint32_t sbn)
{
    uint32_t left = s->symbols - sbn * FEC_K_MAX;

    return (uint16_t)(left < FEC_K_MAX ? left : FEC_K_MAX);
}

static void make(struct source *s, uint64_t bytes)
{
    struct fec_scratch *scratch = aligned_alloc(64, sizeof *scratch);
    uint8_t *sums = aligned_alloc(64, fec_acc_bytes(8));

    s->bytes = bytes;
    s->symbols = (uint32_t)((bytes + SYMBOL - 1) / SYMBOL);
    s->blocks = (s->symbols + FEC_K_MAX - 1) / FEC_K_MAX;
    s->source = calloc(s->symbols, SYMBOL);
    s->repair = malloc(s->blocks * T * SYMBOL);
    for (uint64_t i = 0; i < bytes; i++)
        s->source[i] = (uint8_t)(i * 31 + i / 977);
    for (uint32_t sbn = 0; sbn < s->blocks; sbn++) {
        const uint8_t *in[FEC_RUN];
        uint8_t *out[T];

        fec_clear(sums, 8);
        for (uint32_t at = 0, n; at < k_of(s, sbn); at += n) {
            n = k_of(s, sbn) - at < FEC_RUN ? k_of(s, sbn) - at : FEC_RUN;
            for (uint32_t i = 0; i < n; i++)
                in[i] = s->source + ((size_t)sbn * FEC_K_MAX + at + i) * SYMBOL;
            fec_absorb_source(sums, 8, at, n, in, scratch);
        }
        for (uint32_t i = 0; i < T; i++)
            out[i] = s->repair + ((size_t)sbn * T + i) * SYMBOL;
        fec_repair(sums, 8, 0, T, out, scratch);
    }
    free(sums);
    free(scratch);
}

static void end(struct source *s)
{
    free(s->source);
    free(s->repair);
}

static const uint8_t *symbol(const struct source *s, uint32_t sbn, uint32_t esi)
{
    uint16_t k = k_of(s, sbn);

    return esi < k ? s->source + ((size_t)sbn * FEC_K_MAX + esi) * SYMBOL
                   : s->repair + ((size_t)sbn * T + esi - k) * SYMBOL;
}

/* One copy of the body with `loss`; the packet numbers go on from *cci. */
static void send_copy(const struct source *s, struct body_object *b, struct rng *r, double loss,
                      uint32_t *cci)
{
    for (uint32_t sbn = 0; sbn < s->blocks; sbn++)
        for (uint32_t esi = 0; esi < k_of(s, sbn) + T; esi++, (*cci)++)
            if (rng_unit(r) >= loss)
                body_symbol(b, *cci, sbn, k_of(s, sbn), (uint16_t)esi, 8, symbol(s, sbn, esi));
}

static void it_comes_whole_with_loss_over_any_number_of_blocks(void **state)
{
    static const uint64_t sizes[] = {1, 1440, 1441, 100000, FEC_K_MAX * UINT64_C(1440) + 5000};
    struct rng r = {7};

    (void)state;
    for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct body_object b;
        struct source s;
        struct err err = {0};
        uint32_t cci = UINT32_MAX - 100;

        make(&s, sizes[i]);
        assert_int_equal(body_init(&b, s.bytes, &err), 0);
        for (int copies = 0; copies < 20 && !body_complete(&b); copies++)
            send_copy(&s, &b, &r, i == 4 ? 0.01 : 0.4, &cci);
        assert_true(body_complete(&b));
        assert_memory_equal(b.symbols, s.source, s.bytes);
        body_free(&b);
        end(&s);
    }
}

static void order_does_not_matter(void **state)
{
    struct body_object b;
    struct source s;
    struct err err = {0};
    uint32_t cci = 1, n;

    (void)state;
    make(&s, 300000);
    n = s.symbols + T;
    assert_int_equal(body_init(&b, s.bytes, &err), 0);
    for (uint32_t i = 0; i < n; i++)
        body_symbol(&b, cci++, 0, (uint16_t)s.symbols, (uint16_t)(i * 7919 % n), 8,
                    symbol(&s, 0, i * 7919 % n));
    assert_true(body_complete(&b));
    assert_memory_equal(b.symbols, s.source, s.bytes);
    body_free(&b);
    end(&s);
}

static void what_does_not_fit_is_not_taken(void **state)
{
    uint8_t bytes[1440] = {0};
    struct body_object b;
    struct err err = {0};

    (void)state;
    assert_int_equal(body_init(&b, 5000, &err), 0);
    assert_false(body_symbol(&b, 1, 0, 5, 0, 8, bytes));
    assert_false(body_symbol(&b, 1, 1, 4, 0, 8, bytes));
    assert_false(body_symbol(&b, 1, 0, 4, 4 + 256, 8, bytes));
    assert_false(body_symbol(&b, 1, 0, 4, 0, 9, bytes));
    assert_true(body_symbol(&b, 1, 0, 4, 0, 8, bytes));
    assert_false(body_symbol(&b, 2, 0, 4, 0, 8, bytes));
    body_free(&b);
}

static void after_a_wrong_symbol_it_is_received_anew(void **state)
{
    uint8_t wrong[1440] = {1, 2, 3};
    struct body_object b;
    struct source s;
    struct rng r = {9};
    struct err err = {0};
    uint32_t cci = 1;

    (void)state;
    make(&s, 300000);
    assert_int_equal(body_init(&b, s.bytes, &err), 0);
    body_symbol(&b, cci++, 0, (uint16_t)s.symbols, 3, 8, wrong);
    send_copy(&s, &b, &r, 0.1, &cci);
    assert_true(body_complete(&b));
    assert_memory_not_equal(b.symbols, s.source, s.bytes);
    body_reset(&b);
    assert_false(body_complete(&b));
    send_copy(&s, &b, &r, 0.1, &cci);
    assert_true(body_complete(&b));
    assert_memory_equal(b.symbols, s.source, s.bytes);
    body_free(&b);
    end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_comes_whole_with_loss_over_any_number_of_blocks),
        cmocka_unit_test(order_does_not_matter),
        cmocka_unit_test(what_does_not_fit_is_not_taken),
        cmocka_unit_test(after_a_wrong_symbol_it_is_received_anew),
    };

    fec_init(NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
