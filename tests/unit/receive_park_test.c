/* Parked chunks: in memory, on their own place of the target, and nowhere; edges never on the
 * target. */
#include "imaging/receive/park.h"

#include <stdio.h>

#include "tests/unit/made_image.h"
#include "tests/unit/memory_disk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static struct made_image image;

struct scene {
    struct memory_disk on;
    struct disk disk;
    struct plan plan;
    struct park *park;
    uint8_t *stored;
};

static void start(struct scene *s, size_t bytes)
{
    struct err err = {0};

    s->disk = memory_disk(&s->on, image.raw_bytes, 0);
    assert_int_equal(plan_make(&s->plan, &image.head, &image.body, &s->disk, true, &err), 0);
    assert_int_equal(park_open(&s->park, &s->plan, bytes, &err), 0);
    s->stored = aligned_alloc(DISK_ALIGN, IMG_CHUNK_BYTES);
}

static void end(struct scene *s)
{
    park_close(s->park);
    plan_free(&s->plan);
    memory_free(&s->on);
    free(s->stored);
}

static bool put(struct scene *s, uint32_t i, int fill)
{
    struct park_mask m = {{i + 1, (uint64_t)fill}};

    memset(s->stored, fill, image.body.data[i].stored);
    return park_put(s->park, i, s->stored, &m);
}

static void assert_parked(struct scene *s, uint32_t i, int fill)
{
    struct park_mask m = {{0, 0}};

    memset(s->stored, 0, IMG_CHUNK_BYTES);
    assert_true(park_get(s->park, i, s->stored, &m));
    assert_int_equal(m.bits[0], i + 1);
    assert_int_equal(m.bits[1], fill);
    for (uint32_t b = 0; b < image.body.data[i].stored; b++)
        assert_int_equal(s->stored[b], fill);
}

static bool untouched(const struct scene *s, uint32_t i)
{
    const uint8_t *p = s->on.bytes + (uint64_t)image.body.data[i].number * IMG_CHUNK_BYTES;

    for (uint32_t b = 0; b < plan_raw_len(&s->plan, i); b++)
        if (p[b])
            return false;
    return true;
}

static void in_memory_while_there_is_some(void **state)
{
    struct park_mask m;
    struct scene s;

    (void)state;
    start(&s, (size_t)64 << 20);
    for (uint32_t i = 0; i < image.body.ndata; i++)
        assert_false(park_get(s.park, i, s.stored, &m));
    for (int turn = 1; turn < 4; turn++) {
        for (uint32_t i = 0; i < image.body.ndata; i++)
            assert_true(put(&s, i, turn + (int)i % 100));
        for (uint32_t i = 0; i < image.body.ndata; i++)
            assert_parked(&s, i, turn + (int)i % 100);
    }
    park_drop(s.park, 3);
    park_drop(s.park, 3);
    assert_false(park_get(s.park, 3, s.stored, &m));
    assert_int_equal(s.on.calls, 0);
    assert_int_equal(s.plan.counts.parked_ram, image.body.ndata);
    end(&s);
}

static void on_the_target_when_memory_is_full_but_never_the_edges(void **state)
{
    struct scene s;

    (void)state;
    start(&s, 0);
    for (uint32_t i = 0; i < image.body.ndata; i++)
        assert_true(put(&s, i, 1 + (int)i % 100)); /* cells are kept back for the edges */
    for (uint32_t i = 0; i < image.body.ndata; i++) {
        assert_parked(&s, i, 1 + (int)i % 100);
        assert_int_equal(untouched(&s, i), plan_edge(&s.plan, i));
    }
    assert_true(s.plan.counts.parked_disk > 0 && s.plan.counts.parked_ram > 0);
    end(&s);
}

static int refuse(void *ctx, enum memory_op op, const uint8_t *bytes, uint64_t at, uint64_t n)
{
    (void)ctx, (void)bytes, (void)at, (void)n;
    return op == MEMORY_WRITE ? DISK_EWRITE : 0;
}

static void a_target_that_takes_nothing_stops_it(void **state)
{
    uint32_t inner = image.body.ndata / 2;
    struct park_mask m;
    struct scene s;
    struct err err = {0};

    (void)state;
    start(&s, 0);
    assert_false(plan_edge(&s.plan, inner));
    s.on.watch = refuse;
    assert_false(put(&s, inner, 9));
    assert_false(park_get(s.park, inner, s.stored, &m));
    assert_int_equal(plan_why(&s.plan, &err), DISK_EWRITE);
    end(&s);
}

/* Given back memory is used again, whatever the order. */
static void nothing_leaks(void **state)
{
    struct rng r = {3};
    struct scene s;
    uint32_t parked[64] = {0};

    (void)state;
    start(&s, (size_t)1 << 20);
    for (int turn = 0; turn < 3000; turn++) {
        uint32_t i = (uint32_t)rng_below(&r, image.body.ndata < 64 ? image.body.ndata : 64);

        if (rng_below(&r, 2)) {
            parked[i] = 1 + (uint32_t)rng_below(&r, 200);
            assert_true(put(&s, i, (int)parked[i]));
        } else {
            park_drop(s.park, i);
            parked[i] = 0;
        }
    }
    for (uint32_t i = 0; i < 64 && i < image.body.ndata; i++)
        if (parked[i])
            assert_parked(&s, i, (int)parked[i]);
    end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_memory_while_there_is_some),
        cmocka_unit_test(on_the_target_when_memory_is_full_but_never_the_edges),
        cmocka_unit_test(a_target_that_takes_nothing_stops_it),
        cmocka_unit_test(nothing_leaks),
    };
    int failed;

    fec_init(NULL);
    made_image(&image, (UINT64_C(10) << 20) + 512, 1, 3, 4);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    made_free(&image);
    return failed;
}
