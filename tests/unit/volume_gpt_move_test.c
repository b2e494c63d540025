/* The copy of a GPT goes to the end of a disk of another size; what is damaged or in the way is
 * left alone. The judge of the result is a second reading of the table by parts.h, and in
 * tests/e2e/gpt_move.sh sgdisk and sfdisk. */
#include <stdlib.h>
#include <string.h>

#include "imaging/image/errors.h"
#include "imaging/volume/gpt_move.h"
#include "imaging/volume/parts.h"
#include "tests/unit/tiny_gpt.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#define HEAD TINY_GPT_HEAD
#define MIB (UINT64_C(1) << 20)

static uint8_t head[HEAD], tail[GPT_MOVE_TAIL_MAX];

static void le(uint8_t *to, uint64_t v, size_t n)
{
    tiny_le(to, v, n);
}

static void make(unsigned log2, uint64_t sectors, uint64_t first, uint64_t last)
{
    tiny_gpt(head, log2, sectors, first, last);
}

/* The disk as it would be after the move, for parts_read. */
struct moved {
    const struct gpt_move *m;
};

static int read_moved(void *ctx, uint64_t at, void *buf, size_t n)
{
    const struct moved *d = ctx;

    memset(buf, 0, n);
    for (size_t i = 0; i < n; i++) {
        uint64_t b = at + i;

        if (b < HEAD)
            ((uint8_t *)buf)[i] = head[b];
        else if (b >= d->m->tail_at && b - d->m->tail_at < d->m->tail_bytes)
            ((uint8_t *)buf)[i] = tail[b - d->m->tail_at];
    }
    return 0;
}

static void judge(const struct gpt_move *m, unsigned log2, uint64_t bytes, uint64_t first)
{
    static struct parts parts;
    struct moved d = {m};
    struct readat at = {.ctx = &d, .read = read_moved};

    for (int damaged = 0; damaged < 2; damaged++) {
        if (damaged)
            head[(1 << log2) + 40] ^= 1; /* then only the copy can be read */
        parts_read(&parts, &at, bytes >> log2 << log2, 0);
        assert_int_equal(parts.table, IMG_TABLE_GPT);
        assert_int_equal(parts.sector_log2, log2);
        assert_int_equal(parts.n, 1);
        assert_int_equal(parts.part[0].first, first << log2);
        assert_true(!damaged == (parts.note[0] == 0));
    }
}

static void the_copy_goes_to_the_end_of_a_larger_disk(void **state)
{
    static const uint64_t grown[] = {1, 2, 31, 32, 33, 34, 2048, 2047, 1000000, UINT64_C(8) << 30};

    (void)state;
    for (unsigned log2 = 9; log2 <= 12; log2 += 3)
        for (size_t i = 0; i < sizeof grown / sizeof *grown; i++) {
            uint64_t sectors = (64 * MIB >> log2) + grown[i];
            struct gpt_move m;
            struct err err = {0};

            make(log2, 64 * MIB >> log2, 256, (60 * MIB >> log2) - 1);
            assert_int_equal(gpt_move_plan(&m, head, HEAD, log2,
                                           (sectors << log2) + 511 % (1u << log2), &err),
                             1);
            assert_int_equal(m.tail_at + m.tail_bytes, sectors << log2);
            gpt_move_tail(&m, head, tail);
            gpt_move_head(&m, head);
            assert_int_equal(head[446 + 12] | (uint32_t)head[446 + 13] << 8 |
                                 (uint32_t)head[446 + 14] << 16 | (uint32_t)head[446 + 15] << 24,
                             sectors - 1 < UINT32_MAX ? sectors - 1 : UINT32_MAX);
            judge(&m, log2, sectors << log2, 256);
        }
}

static void nothing_is_moved_that_is_in_its_place(void **state)
{
    struct gpt_move m;
    struct err err = {0};

    (void)state;
    make(9, 131072, 2048, 100000);
    assert_int_equal(gpt_move_plan(&m, head, HEAD, 9, 64 * MIB, &err), 0);
    assert_int_equal(gpt_move_plan(&m, head, HEAD, 9, 64 * MIB + 511, &err), 0);
}

static void a_smaller_disk_takes_it_if_no_partition_is_in_the_way(void **state)
{
    struct gpt_move m;
    struct err err = {0};

    (void)state;
    make(9, 131072, 2048, 100000);
    assert_int_equal(gpt_move_plan(&m, head, HEAD, 9, (100001 + 33) * 512, &err), 1);
    gpt_move_tail(&m, head, tail);
    gpt_move_head(&m, head);
    judge(&m, 9, (100001 + 33) * 512, 2048);
    make(9, 131072, 2048, 100000);
    assert_int_equal(gpt_move_plan(&m, head, HEAD, 9, (100001 + 32) * 512, &err), IMG_EGPT);
    assert_int_equal(gpt_move_plan(&m, head, HEAD, 9, 0, &err), IMG_EGPT);
    assert_int_equal(gpt_move_plan(&m, head, HEAD, 9, 40 * 512, &err), IMG_EGPT);
}

static void a_hybrid_mbr_is_not_changed(void **state)
{
    uint8_t before[512];
    struct gpt_move m;
    struct err err = {0};

    (void)state;
    make(9, 131072, 2048, 100000);
    head[446 + 16 + 4] = 0xAF;
    memcpy(before, head, sizeof before);
    assert_int_equal(gpt_move_plan(&m, head, HEAD, 9, 128 * MIB, &err), 1);
    gpt_move_head(&m, head);
    assert_memory_equal(before, head, sizeof before);
}

/* Each byte of header and table is covered by a sum: whichever is altered, nothing is moved. */
static void a_damaged_table_is_left_alone(void **state)
{
    struct gpt_move m;

    (void)state;
    for (size_t at = 512; at < 1024 + 16384; at += at < 604 ? 1 : 37) {
        struct err err = {0};

        if (at >= 604 && at < 1024)
            continue; /* behind the header */
        make(9, 131072, 2048, 100000);
        head[at] ^= 0x40;
        assert_int_equal(gpt_move_plan(&m, head, HEAD, 9, 128 * MIB, &err), IMG_EGPT);
        assert_true(err.text[0] != 0);
    }
}

/* Right sums do not make wrong places right. */
static void places_that_make_no_sense_are_refused(void **state)
{
    static const struct {
        unsigned at, n;
        uint64_t value;
    } wrong[] = {{12, 4, 91},  {12, 4, 513},        {12, 4, UINT32_MAX}, {24, 8, 2},
                 {72, 8, 1},   {72, 8, 300},        {72, 8, 250},        {72, 8, UINT64_MAX},
                 {80, 4, 0},   {80, 4, UINT32_MAX}, {84, 4, 0},          {84, 4, 127},
                 {84, 4, 132}, {84, 4, UINT32_MAX}, {40, 8, UINT64_MAX}, {80, 4, 60000}};
    struct gpt_move m;

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct err err = {0};
        uint8_t *h = head + 512;

        make(9, 131072, 2048, 100000);
        le(h + wrong[i].at, wrong[i].value, (int)wrong[i].n);
        memset(h + 16, 0, 4);
        le(h + 16, crc32_ieee(0, h, 92), 4);
        assert_int_equal(gpt_move_plan(&m, head, HEAD, 9, 128 * MIB, &err), IMG_EGPT);
    }
    make(9, 131072, 2048, UINT64_MAX);
    assert_int_equal(gpt_move_plan(&m, head, HEAD, 9, 128 * MIB, &(struct err){0}), IMG_EGPT);
}

static void every_truncation_is_refused(void **state)
{
    struct gpt_move m;

    (void)state;
    make(9, 131072, 2048, 100000);
    for (size_t n = 0; n < 1024 + 16384; n += n < 1100 ? 1 : 61) {
        uint8_t *cut = malloc(n + 1);
        struct err err = {0};

        memcpy(cut, head, n);
        assert_int_equal(gpt_move_plan(&m, cut, n, 9, 128 * MIB, &err), IMG_EGPT);
        free(cut);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_copy_goes_to_the_end_of_a_larger_disk),
        cmocka_unit_test(nothing_is_moved_that_is_in_its_place),
        cmocka_unit_test(a_smaller_disk_takes_it_if_no_partition_is_in_the_way),
        cmocka_unit_test(a_hybrid_mbr_is_not_changed),
        cmocka_unit_test(a_damaged_table_is_left_alone),
        cmocka_unit_test(places_that_make_no_sense_are_refused),
        cmocka_unit_test(every_truncation_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
