/* The schedule: every symbol once a pass and in order, and a bound on what the body's copies cost.
 */
#include "imaging/carousel/carousel.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "net/wire/rng.h"

static const struct carousel_window windows[] = {{5, 300, 256}, {128, 7, 20}, {1, 1, 256}};
#define WINDOWS 3

static struct carousel_shape shape_of(uint32_t n, uint32_t body)
{
    return (struct carousel_shape){.window = windows, .windows = n, .body_symbols = body};
}

static void begin(struct carousel *c, uint32_t n, uint32_t body, bool fixed)
{
    struct carousel_shape s = shape_of(n, body);

    assert_int_equal(carousel_init(c, &s, 12, fixed), 0);
    carousel_start(c);
}

/* Picks until the first copy of the body is out. */
static unsigned skip_body(struct carousel *c)
{
    struct carousel_pick p;
    unsigned n = 0;

    while (c->body.left)
        n += carousel_next(c, 50, &p);
    return n;
}

static void shapes_out_of_range_are_refused(void **state)
{
    static const struct carousel_window bad[] = {
        {0, 1, 0}, {129, 1, 0}, {1, 0, 0}, {1, 12289, 0}, {1, 1, 257}};
    struct carousel_shape s = shape_of(WINDOWS, 0);
    struct carousel c;

    (void)state;
    assert_int_equal(carousel_init(&c, &s, 8, false), CAROUSEL_E_BODY);
    s.body_symbols = (1u << 24) + 1;
    assert_int_equal(carousel_init(&c, &s, 8, false), CAROUSEL_E_BODY);
    s = (struct carousel_shape){.windows = 1, .body_symbols = 1};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        s.window = bad + i;
        assert_int_equal(carousel_init(&c, &s, 8, false), CAROUSEL_E_WINDOW);
    }
}

static void nothing_leaves_unless_started(void **state)
{
    struct carousel_shape s = shape_of(WINDOWS, 10);
    struct carousel_pick p;
    struct carousel c;

    (void)state;
    assert_int_equal(carousel_init(&c, &s, 8, false), 0);
    carousel_want_body(&c, true);
    assert_int_equal(carousel_next(&c, 10, &p), 0);
    carousel_start(&c);
    assert_int_equal(carousel_next(&c, 0, &p), 0);
    assert_true(carousel_next(&c, 10, &p) > 0);
    carousel_stop(&c);
    assert_int_equal(carousel_next(&c, 10, &p), 0);
}

static void starts_with_the_body_then_window_0(void **state)
{
    struct carousel_pick p;
    struct carousel c;
    uint32_t esi = 0, r0 = steer_need(98, 50000, 256);

    (void)state;
    begin(&c, WINDOWS, 98, true);
    while (carousel_next(&c, 30, &p) && p.toi == 0) {
        assert_int_equal(p.flags, esi == 0 ? PICK_PASS : 0);
        assert_int_equal(p.esi, esi);
        assert_int_equal(p.k, 98);
        assert_int_equal(p.lg_t, 8);
        esi += p.count;
    }
    assert_int_equal(esi, 98 + r0);
    assert_int_equal(p.window, 0);
    assert_int_equal(p.esi, 0);
    assert_int_equal(p.flags, PICK_VISIT | PICK_STORED);
}

/* The order of one pass, symbol by symbol, whatever the batch. */
static void check_pass(struct carousel *c, struct rng *rng, bool first)
{
    uint32_t sbn0 = 0;

    for (uint32_t w = 0; w < WINDOWS; sbn0 += windows[w++].blocks) {
        uint32_t r = steer_visit(&c->steer, windows[w].k, windows[w].blocks, windows[w].stored).r;

        for (uint32_t row = 0; row < windows[w].k + r; row++)
            for (uint32_t d = 0; d < windows[w].blocks;) {
                struct carousel_pick p;
                unsigned n = carousel_next(c, 1 + (unsigned)rng_below(rng, 200), &p);
                bool visit = row == 0 && d == 0;

                assert_true(n >= 1 && n <= windows[w].blocks - d);
                assert_int_equal(p.toi, 1);
                assert_int_equal(p.window, w);
                assert_int_equal(p.esi, row);
                assert_int_equal(p.block, d);
                assert_int_equal(p.sbn, sbn0 + d);
                assert_int_equal(p.k, windows[w].k);
                assert_int_equal(p.blocks, windows[w].blocks);
                assert_int_equal(!!(p.flags & PICK_VISIT), visit);
                assert_int_equal(!!(p.flags & PICK_PASS), visit && w == 0 && !first);
                assert_int_equal(!!(p.flags & PICK_STORED), row < windows[w].k || p.lg_t == 8);
                assert_int_equal(carousel_stored_at(&p), row * windows[w].blocks + d);
                assert_int_equal(carousel_sbn(&p, n - 1), sbn0 + d + n - 1);
                assert_int_equal(carousel_esi(&p, n - 1), row);
                d += n;
            }
    }
}

static void every_symbol_once_a_pass_in_the_same_order(void **state)
{
    struct rng rng = {7};
    struct carousel c;

    (void)state;
    begin(&c, WINDOWS, 10, true);
    skip_body(&c);
    for (int pass = 0; pass < 4; pass++) {
        assert_int_equal(carousel_view(&c).pass, pass + 1);
        check_pass(&c, &rng, pass == 0);
    }
}

static void repair_changes_with_the_reports_and_t_only_between_visits(void **state)
{
    struct steer_report lossy = {100000, 0, 1};
    struct carousel_pick p;
    struct carousel c;
    unsigned rows = 0;

    (void)state;
    begin(&c, 1, 10, false);
    skip_body(&c);
    carousel_next(&c, 5, &p);
    carousel_report(&c, &lossy);
    for (rows = 1; carousel_next(&c, 5, &p) && !(p.flags & PICK_VISIT); rows++)
        assert_int_equal(p.lg_t, 8);
    assert_int_equal(rows, 300 + steer_need(300, 100000, 256)); /* raised within the visit */
    assert_true(p.flags & PICK_PASS);
    carousel_report(&c, &(struct steer_report){450000, 0, 1});
    carousel_stop(&c);
    carousel_start(&c);
    skip_body(&c);
    carousel_next(&c, 5, &p);
    assert_int_equal(p.lg_t, 9);
    assert_true(p.flags & PICK_STORED);
    while (p.esi < 300)
        carousel_next(&c, 5, &p);
    assert_false(p.flags & PICK_STORED);
}

static void the_body_goes_on_alone_until_somebody_reports(void **state)
{
    static const struct carousel_window big = {128, 1000, 256};
    struct carousel_shape s = {&big, 1, 98};
    struct carousel_pick p;
    struct carousel c;

    (void)state;
    assert_int_equal(carousel_init(&c, &s, 12, false), 0);
    carousel_start(&c);
    assert_int_equal(skip_body(&c), 2 * c.body.copy); /* 1/400 of the pass: 320, a copy: 126 */
    carousel_stop(&c);
    carousel_start(&c);
    carousel_next(&c, 10, &p);
    carousel_report(&c, &(struct steer_report){200000, 0, 1});
    assert_int_equal(skip_body(&c), c.body.copy - 10);
    carousel_next(&c, 10, &p);
    assert_int_equal(p.toi, 1);
    assert_int_equal(p.lg_t, 9); /* the first visit knows it */
}

static void a_lone_joiner_gets_a_copy_at_once_at_a_quarter_of_the_packets(void **state)
{
    struct carousel_pick p;
    struct carousel c;
    unsigned body = 0, stream = 0, copy;

    (void)state;
    begin(&c, WINDOWS, 98, true);
    copy = skip_body(&c);
    for (int i = 0; i < 1000; i++)
        carousel_next(&c, 64, &p);
    carousel_want_body(&c, true);
    while (body < copy) {
        unsigned n = carousel_next(&c, 64, &p);

        *(p.toi ? &stream : &body) += n;
        if (p.toi == 0 && p.esi < p.k)
            assert_true(p.esi + p.count <= p.k);
    }
    assert_int_equal(body, copy);
    assert_in_range(stream, 3 * copy, 3 * copy + 64);
    for (int i = 0; i < 1000; i++) {
        carousel_next(&c, 64, &p);
        assert_int_equal(p.toi, 1);
    }
}

static void who_joins_amid_a_copy_is_owed_what_it_missed(void **state)
{
    struct carousel_pick p;
    struct carousel c;
    uint64_t before;
    unsigned copy, got = 0;

    (void)state;
    begin(&c, WINDOWS, 98, true);
    copy = skip_body(&c);
    carousel_want_body(&c, true);
    while (got < 40)
        got += carousel_next(&c, 1, &p) * !p.toi;
    before = c.sent[0];
    carousel_want_body(&c, true);
    carousel_want_body(&c, false); /* served by what is under way */
    for (int i = 0; i < 100000; i++)
        carousel_next(&c, 64, &p);
    assert_int_equal(c.sent[0] - before, copy);
}

static void copies_bring_other_repair_symbols(void **state)
{
    struct carousel_pick p;
    struct carousel c;
    bool seen[256] = {false};
    unsigned distinct = 0;

    (void)state;
    begin(&c, 0, 98, true);
    for (int i = 0; i < 20; i++) {
        while (carousel_next(&c, 7, &p))
            for (unsigned j = 0; j < p.count; j++)
                if (carousel_esi(&p, j) >= 98) {
                    assert_true(carousel_esi(&p, j) < 98 + 256);
                    distinct += !seen[carousel_esi(&p, j) - 98];
                    seen[carousel_esi(&p, j) - 98] = true;
                }
        carousel_want_body(&c, true);
    }
    assert_true(distinct >= 250);
}

static void a_large_body_goes_block_by_block(void **state)
{
    struct carousel_pick p;
    struct carousel c;
    uint32_t source = 0, sbn = 0;

    (void)state;
    begin(&c, 0, 2 * 12288 + 5, true);
    while (carousel_next(&c, 1000, &p)) {
        assert_true(p.sbn == sbn || p.sbn == sbn + 1);
        sbn = p.sbn;
        assert_int_equal(p.k, sbn < 2 ? 12288 : 5);
        source += p.esi < p.k ? p.count : 0;
    }
    assert_int_equal(source, 2 * 12288 + 5);
    assert_int_equal(sbn, 2);
}

/* Whatever is asked for and whenever, over any stretch: body <= n/400 + the bucket. The worst
 * stretch is found as the largest rise of (400 body - all) above its smallest value so far. */
static void the_body_never_costs_more_than_the_bucket(void **state)
{
    static const struct carousel_window big = {128, 2000, 256};
    struct carousel_shape s = {&big, 1, 98};

    (void)state;
    for (uint64_t seed = 1; seed <= 8; seed++) {
        struct rng rng = {seed};
        struct carousel c;
        struct carousel_pick p;
        int64_t lowest = 0, worst = 0;
        uint64_t rarely = seed % 4 == 0 ? 1 : 1 + rng_below(&rng, 4000);

        assert_int_equal(carousel_init(&c, &s, 8, true), 0);
        carousel_start(&c);
        uint64_t alone = skip_body(&c);
        for (int i = 0; i < 200000; i++) {
            if (rng_below(&rng, rarely) == 0)
                carousel_want_body(&c, rng_below(&rng, 2));
            carousel_next(&c, 1 + (unsigned)rng_below(&rng, 128), &p);
            int64_t level =
                400 * (int64_t)(c.sent[0] - alone) - (int64_t)(c.sent[0] + c.sent[1] - alone);

            lowest = level < lowest ? level : lowest;
            worst = level - lowest > worst ? level - lowest : worst;
        }
        if (worst > c.body.full)
            fail_msg("seed %lu: %ld > %ld", (unsigned long)seed, (long)worst, (long)c.body.full);
        assert_true(c.sent[0] > 3 * alone); /* and it is served at all */
    }
}

static void an_image_without_data_is_a_body_on_demand(void **state)
{
    struct carousel_pick p;
    struct carousel c;
    unsigned n = 0, again = 0;

    (void)state;
    begin(&c, 0, 20, true);
    while (carousel_next(&c, 8, &p))
        n += p.count;
    assert_int_equal(n, 20 + steer_need(20, 50000, 256));
    carousel_want_body(&c, false);
    while (carousel_next(&c, 8, &p))
        again += p.count;
    assert_int_equal(again, n);
    assert_int_equal(carousel_view(&c).pass, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shapes_out_of_range_are_refused),
        cmocka_unit_test(nothing_leaves_unless_started),
        cmocka_unit_test(starts_with_the_body_then_window_0),
        cmocka_unit_test(every_symbol_once_a_pass_in_the_same_order),
        cmocka_unit_test(repair_changes_with_the_reports_and_t_only_between_visits),
        cmocka_unit_test(the_body_goes_on_alone_until_somebody_reports),
        cmocka_unit_test(a_lone_joiner_gets_a_copy_at_once_at_a_quarter_of_the_packets),
        cmocka_unit_test(who_joins_amid_a_copy_is_owed_what_it_missed),
        cmocka_unit_test(copies_bring_other_repair_symbols),
        cmocka_unit_test(a_large_body_goes_block_by_block),
        cmocka_unit_test(the_body_never_costs_more_than_the_bucket),
        cmocka_unit_test(an_image_without_data_is_a_body_on_demand),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
