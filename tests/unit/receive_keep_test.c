/* What the target holds already: right chunks are kept, wrong and unreadable ones are not, and the
 * look can be ended. */
#include "imaging/receive/keep.h"

#include <stdio.h>

#include "tests/unit/made_image.h"
#include "tests/unit/memory_disk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#define CHUNK ((uint64_t)IMG_CHUNK_BYTES)

static struct made_image image;

struct scene {
    struct memory_disk on;
    struct disk disk;
    struct plan plan;
    struct store *store;
    struct err err;
};

static void start(struct scene *s, bool right)
{
    memset(&s->err, 0, sizeof s->err);
    s->disk = memory_disk(&s->on, image.raw_bytes, 0x77);
    if (right)
        memcpy(s->on.bytes, image.raw, image.raw_bytes);
    assert_int_equal(plan_make(&s->plan, &image.head, &image.body, &s->disk, true, &s->err), 0);
    assert_int_equal(store_open(&s->store, &s->plan, STORE_BUFFERS, &s->err), 0);
}

static void end(struct scene *s)
{
    store_close(s->store);
    plan_free(&s->plan);
    memory_free(&s->on);
}

static uint32_t kept(const struct scene *s)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < image.body.ndata; i++)
        n += plan_finished(&s->plan, i);
    assert_int_equal(n, s->plan.counts.kept);
    return n;
}

static void all_that_is_right_is_kept(void **state)
{
    struct scene s;

    (void)state;
    start(&s, true);
    assert_int_equal(keep_scan(&s.plan, s.store, NULL, NULL, &s.err), 0);
    assert_int_equal(kept(&s), image.body.ndata);
    for (uint32_t sbn = 0; sbn < image.body.nblocks; sbn++)
        assert_int_equal(s.plan.open[sbn], 0);
    end(&s);
}

static void nothing_right_is_found_out_by_samples(void **state)
{
    struct scene s;

    (void)state;
    start(&s, false);
    assert_int_equal(keep_scan(&s.plan, s.store, NULL, NULL, &s.err), 0);
    assert_int_equal(kept(&s), 0);
    assert_true(s.on.calls <= KEEP_SAMPLES);
    end(&s);
}

static void one_wrong_bit_costs_one_chunk(void **state)
{
    uint32_t wrong = image.body.ndata / 2;
    struct scene s;

    (void)state;
    start(&s, true);
    s.on.bytes[image.body.data[wrong].number * CHUNK + 70000] ^= 32;
    assert_int_equal(keep_scan(&s.plan, s.store, NULL, NULL, &s.err), 0);
    assert_int_equal(kept(&s), image.body.ndata - 1);
    assert_false(plan_finished(&s.plan, wrong));
    end(&s);
}

static int bad_sector(void *ctx, enum memory_op op, const uint8_t *bytes, uint64_t at, uint64_t n)
{
    uint64_t where = *(uint64_t *)ctx;

    (void)bytes;
    return op == MEMORY_READ && where >= at && where < at + n ? DISK_EREAD : 0;
}

/* A disk with sectors that cannot be read can still be written, and mostly heals by that. */
static void what_cannot_be_read_is_received_again(void **state)
{
    uint64_t where = image.body.data[image.body.ndata / 2].number * CHUNK + 5;
    struct scene s;

    (void)state;
    start(&s, true);
    s.on.watch = bad_sector;
    s.on.ctx = &where;
    assert_int_equal(keep_scan(&s.plan, s.store, NULL, NULL, &s.err), 0);
    assert_false(plan_finished(&s.plan, image.body.ndata / 2));
    assert_in_range(kept(&s), image.body.ndata - 8, image.body.ndata - 1);
    assert_false(plan_stopped(&s.plan));
    end(&s);
}

struct progress {
    unsigned calls, last, until;
};

static bool note(void *ctx, unsigned permille)
{
    struct progress *p = ctx;

    assert_true(permille <= 1000 && (p->calls == 0 || permille >= p->last));
    p->last = permille;
    return ++p->calls < p->until;
}

static void the_look_tells_how_far_it_is_and_can_be_ended(void **state)
{
    struct progress all = {.until = 1000}, one = {.until = 1};
    struct scene s;

    (void)state;
    start(&s, true);
    assert_int_equal(keep_scan(&s.plan, s.store, note, &all, &s.err), 0);
    assert_true(all.calls > 1);
    end(&s);
    start(&s, true);
    assert_int_equal(keep_scan(&s.plan, s.store, note, &one, &s.err), RECEIVE_EINTR);
    assert_true(kept(&s) < image.body.ndata);
    end(&s);
}

static void a_blank_target_is_not_looked_at(void **state)
{
    struct scene s;

    (void)state;
    start(&s, true);
    s.disk.blank = true;
    assert_int_equal(keep_scan(&s.plan, s.store, NULL, NULL, &s.err), 0);
    assert_int_equal(s.on.calls, 0);
    end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_that_is_right_is_kept),
        cmocka_unit_test(nothing_right_is_found_out_by_samples),
        cmocka_unit_test(one_wrong_bit_costs_one_chunk),
        cmocka_unit_test(what_cannot_be_read_is_received_again),
        cmocka_unit_test(the_look_tells_how_far_it_is_and_can_be_ended),
        cmocka_unit_test(a_blank_target_is_not_looked_at),
    };
    int failed;

    fec_init(NULL);
    made_image(&image, (UINT64_C(14) << 20) + 512, 2, 3, 5);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    made_free(&image);
    return failed;
}
