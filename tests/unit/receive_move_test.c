/* The end of a disk of another size: what is written there is read back, in the right order, and
 * faults of the disk are found. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "imaging/hash/crc.h"
#include "imaging/receive/move.h"
#include "tests/unit/memory_disk.h"

#define OLD (UINT64_C(8) << 20)
#define NEW (OLD + 5 * 512)

static uint8_t first[IMG_CHUNK_BYTES], a[IMG_CHUNK_BYTES], b[IMG_CHUNK_BYTES];
static struct memory_disk memory;
static struct disk disk;
static struct img_head head;
static struct plan plan;

static void le(uint8_t *to, uint64_t v, int n)
{
    for (int i = 0; i < n; i++)
        to[i] = (uint8_t)(v >> 8 * i);
}

/* The first chunk of an image of OLD bytes: a GPT of one partition. */
static void make_first(void)
{
    uint8_t *h = first + 512, *e = first + 1024;

    memset(first, 0xCC, sizeof first);
    memset(first, 0, 1024 + 16384);
    first[450] = 0xEE;
    first[454] = 1;
    first[510] = 0x55;
    first[511] = 0xAA;
    memcpy(h, "EFI PART", 8);
    le(h + 12, 92, 4);
    le(h + 24, 1, 8);
    le(h + 32, OLD / 512 - 1, 8);
    le(h + 40, 34, 8);
    le(h + 48, OLD / 512 - 34, 8);
    le(h + 72, 2, 8);
    le(h + 80, 128, 4);
    le(h + 84, 128, 4);
    e[0] = 1;
    le(e + 32, 2048, 8);
    le(e + 40, 4095, 8);
    le(h + 88, crc32_ieee(0, e, 16384), 4);
    le(h + 16, crc32_ieee(0, h, 92), 4);
}

static int begin(void **state)
{
    struct err err = {0};
    static struct img_body body;

    (void)state;
    make_first();
    disk = memory_disk(&memory, NEW, 0x99);
    head = (struct img_head){.table = IMG_TABLE_GPT, .sector_log2 = 9, .raw_bytes = OLD};
    body.raw_bytes = OLD;
    return plan_make(&plan, &head, &body, &disk, true, &err);
}

static int end(void **state)
{
    (void)state;
    plan_free(&plan);
    memory_free(&memory);
    return 0;
}

static void the_copy_is_written_and_what_lies_before_it_stays(void **state)
{
    struct err err = {0};
    struct move m;

    (void)state;
    move_plan(&m, &plan, first, sizeof first);
    assert_true(m.wanted);
    assert_int_equal(plan.counts.table, TABLE_MOVED);
    assert_int_equal(move_tail(&m, first, a, b, &err), 0);
    for (uint64_t i = 0; i < NEW - 33 * 512; i++)
        assert_int_equal(memory.bytes[i], 0x99);
    assert_memory_equal(memory.bytes + NEW - 33 * 512, first + 1024, 16384);
    assert_memory_equal(memory.bytes + NEW - 512, "EFI PART", 8);
}

static int lose_writes(void *ctx, enum memory_op op, const uint8_t *bytes, uint64_t at, uint64_t n)
{
    (void)ctx;
    (void)bytes;
    (void)at;
    (void)n;
    return op == MEMORY_WRITE;
}

static int fail_op(void *ctx, enum memory_op op, const uint8_t *bytes, uint64_t at, uint64_t n)
{
    (void)bytes;
    (void)at;
    (void)n;
    return op == *(enum memory_op *)ctx ? DISK_EFAULT : 0;
}

static void a_lost_or_failing_write_is_found(void **state)
{
    enum memory_op ops[] = {MEMORY_READ, MEMORY_WRITE, MEMORY_FLUSH};
    struct err err = {0};
    struct move m;

    (void)state;
    move_plan(&m, &plan, first, sizeof first);
    memory.watch = lose_writes;
    assert_int_equal(move_tail(&m, first, a, b, &err), RECEIVE_EREADBACK);
    memory.watch = fail_op;
    for (size_t i = 0; i < 3; i++) {
        memory.ctx = &ops[i];
        memset(&err, 0, sizeof err);
        assert_int_equal(move_tail(&m, first, a, b, &err), DISK_EFAULT);
    }
}

static void the_first_chunk_can_be_undone_only_if_it_is_as_made(void **state)
{
    static uint8_t image[IMG_CHUNK_BYTES], back[IMG_CHUNK_BYTES];
    struct move m;

    (void)state;
    memcpy(image, first, sizeof image);
    move_plan(&m, &plan, first, sizeof first);
    move_head(&m, first);
    assert_memory_not_equal(image, first, 1024);
    assert_memory_equal(image + 1024, first + 1024, sizeof first - 1024);
    memcpy(back, first, sizeof back);
    assert_true(move_undo(&m, back, first));
    assert_memory_equal(back, image, sizeof back);
    for (size_t at = 0; at < 1024; at += 7) {
        memcpy(back, first, sizeof back);
        back[at] ^= 1;
        assert_false(move_undo(&m, back, first));
    }
}

static void a_disk_of_the_same_size_or_without_a_gpt_is_left_alone(void **state)
{
    struct move m;

    (void)state;
    disk.bytes = OLD;
    move_plan(&m, &plan, first, sizeof first);
    assert_false(m.wanted);
    assert_int_equal(plan.counts.table, TABLE_AS_IS);
    disk.bytes = NEW;
    head.table = IMG_TABLE_MBR;
    move_plan(&m, &plan, first, sizeof first);
    assert_false(m.wanted);
    assert_false(move_may_be(&plan));
    head.table = IMG_TABLE_GPT;
    first[560] ^= 1;
    move_plan(&m, &plan, first, sizeof first);
    assert_false(m.wanted);
    assert_int_equal(plan.counts.table, TABLE_LEFT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_copy_is_written_and_what_lies_before_it_stays, begin,
                                        end),
        cmocka_unit_test_setup_teardown(a_lost_or_failing_write_is_found, begin, end),
        cmocka_unit_test_setup_teardown(the_first_chunk_can_be_undone_only_if_it_is_as_made, begin,
                                        end),
        cmocka_unit_test_setup_teardown(a_disk_of_the_same_size_or_without_a_gpt_is_left_alone,
                                        begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
