/* Partition tables built byte by byte: GPT with both sector sizes and each copy damaged, MBR with
 * logical partitions in order, in a circle and broken off, and the sectors that only look like one.
 */
#include "imaging/volume/parts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "imaging/hash/crc.h"
#include "net/wire/rng.h"

#define DISK (UINT64_C(4) << 20)

static uint8_t disk[DISK];
static struct parts parts;

static int read_disk(void *ctx, uint64_t at, void *buf, size_t n)
{
    uint64_t size = *(const uint64_t *)ctx;

    if (at > size || n > size - at)
        return -1;
    memcpy(buf, disk + at, n);
    return 0;
}

static void look(uint64_t size, uint8_t sector_log2)
{
    struct readat r = {.ctx = &size, .read = read_disk};

    parts_read(&parts, &r, size, sector_log2);
}

static void le(uint64_t at, uint64_t v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        disk[at + i] = (uint8_t)(v >> 8 * i);
}

static void mbr_entry(uint64_t sector_at, int i, uint8_t type, uint32_t first, uint32_t sectors)
{
    uint64_t at = sector_at + 446 + 16 * (uint64_t)i;

    disk[at + 4] = type;
    le(at + 8, first, 4);
    le(at + 12, sectors, 4);
    disk[sector_at + 510] = 0x55;
    disk[sector_at + 511] = 0xAA;
}

static void gpt_copy(unsigned log2, uint64_t lba, uint64_t table_lba, uint32_t entries)
{
    uint64_t at = lba << log2;

    memset(disk + at, 0, 92);
    memcpy(disk + at, "EFI PART", 8);
    le(at + 8, 0x10000, 4);
    le(at + 12, 92, 4);
    le(at + 24, lba, 8);
    le(at + 72, table_lba, 8);
    le(at + 80, entries, 4);
    le(at + 84, 128, 4);
    le(at + 88, crc32_ieee(0, disk + (table_lba << log2), (size_t)entries * 128), 4);
    le(at + 16, crc32_ieee(0, disk + at, 92), 4);
}

static void gpt_part(unsigned log2, uint64_t table_lba, unsigned i, uint64_t first, uint64_t last,
                     const char *name)
{
    uint64_t at = (table_lba << log2) + 128 * (uint64_t)i;

    memset(disk + at, 0x10 + (int)i, 16);
    le(at + 32, first, 8);
    le(at + 40, last, 8);
    for (size_t c = 0; c <= strlen(name); c++)
        le(at + 56 + 2 * c, (uint8_t)name[c], 2);
}

static void make_gpt(unsigned log2)
{
    uint64_t last = (DISK >> log2) - 1;

    memset(disk, 0, sizeof disk);
    mbr_entry(0, 0, 0xEE, 1, 0xFFFFFFFF);
    for (int copy = 0; copy < 2; copy++) {
        uint64_t table = copy ? last - 4 : 2;

        gpt_part(log2, table, 0, 40, 99, "EFI");
        gpt_part(log2, table, 3, 100, 200, "root");
        gpt_copy(log2, copy ? last : 1, table, 16);
    }
}

static void is_the_gpt(unsigned log2, bool noted)
{
    assert_int_equal(parts.table, IMG_TABLE_GPT);
    assert_int_equal(parts.sector_log2, log2);
    assert_int_equal(parts.n, 2);
    assert_true(parts.part[0].first == UINT64_C(40) << log2 && parts.part[0].bytes == UINT64_C(60)
                                                                                          << log2);
    assert_true(parts.part[1].first == UINT64_C(100) << log2 && parts.part[1].bytes == UINT64_C(101)
                                                                                           << log2);
    assert_string_equal(parts.part[1].name, "root");
    assert_int_equal(parts.part[1].type[7], 0x13);
    assert_int_equal(parts.note[0] != 0, noted);
    assert_false(parts.overlap);
}

static void reads_gpt(void **state)
{
    (void)state;
    for (unsigned log2 = 9; log2 <= 12; log2 += 3) {
        make_gpt(log2);
        look(DISK, 0);
        is_the_gpt(log2, false);
        look(DISK, (uint8_t)log2);
        is_the_gpt(log2, false);
        look(DISK, (uint8_t)(21 - log2)); /* looked for with the other sector size: not there */
        assert_int_equal(parts.n, 0);
    }
}

/* The boot code of a former owner may hold its file system's name. */
static void a_gpt_wins_over_a_name_in_the_boot_code(void **state)
{
    (void)state;
    make_gpt(9);
    memcpy(disk + 3, "NTFS    ", 8);
    look(DISK, 0);
    is_the_gpt(9, false);
    memset(disk, 0, sizeof disk); /* where there is no table the name counts */
    mbr_entry(0, 0, 0x83, 40, 60);
    memcpy(disk + 3, "NTFS    ", 8);
    look(DISK, 0);
    assert_int_equal(parts.table, IMG_TABLE_NONE);
}

static void uses_the_backup(void **state)
{
    (void)state;
    for (unsigned log2 = 9; log2 <= 12; log2 += 3) {
        make_gpt(log2);
        disk[(UINT64_C(1) << log2) + 20] ^= 1; /* header */
        look(DISK, 0);
        is_the_gpt(log2, true);
        make_gpt(log2);
        disk[(UINT64_C(2) << log2) + 57] ^= 1; /* table */
        look(DISK, 0);
        is_the_gpt(log2, true);
        disk[DISK - (UINT64_C(1) << log2)] ^= 1;
        look(DISK, 0);
        assert_int_equal(parts.table, IMG_TABLE_GPT);
        assert_int_equal(parts.n, 0);
        assert_true(parts.note[0]);
    }
}

static void leaves_out_what_lies_outside(void **state)
{
    (void)state;
    make_gpt(9);
    gpt_part(9, 2, 1, 300, DISK >> 9, "beyond");
    gpt_part(9, 2, 2, 400, 399, "backwards");
    gpt_copy(9, 1, 2, 16);
    look(DISK, 0);
    assert_int_equal(parts.n, 2);
    assert_true(parts.note[0]);
}

static void sees_overlap(void **state)
{
    (void)state;
    make_gpt(9);
    gpt_part(9, 2, 1, 99, 99, "overlap");
    gpt_copy(9, 1, 2, 16);
    look(DISK, 0);
    assert_int_equal(parts.n, 3);
    assert_true(parts.overlap);
}

static void reads_mbr_with_logicals(void **state)
{
    (void)state;
    memset(disk, 0, sizeof disk);
    mbr_entry(0, 0, 0x83, 64, 100);
    mbr_entry(0, 1, 0x0F, 1000, 4000);
    mbr_entry(512000, 0, 0x83, 10, 50);   /* first link, its partition at 1010 */
    mbr_entry(512000, 1, 0x05, 500, 100); /* next link at 1500 */
    mbr_entry(UINT64_C(1500) * 512, 0, 0x82, 4, 96);
    look(DISK, 0);
    assert_int_equal(parts.table, IMG_TABLE_MBR);
    assert_int_equal(parts.n, 3);
    assert_true(parts.part[1].first == 1010 * 512 && parts.part[1].bytes == 50 * 512);
    assert_true(parts.part[2].first == 1504 * 512);
    assert_int_equal(parts.part[2].type[0], 0x82);
    assert_false(parts.note[0]);
}

static void ends_circles_and_broken_chains(void **state)
{
    (void)state;
    memset(disk, 0, sizeof disk);
    mbr_entry(0, 0, 0x05, 1000, 4000);
    mbr_entry(512000, 0, 0x83, 10, 50);
    mbr_entry(512000, 1, 0x05, 0, 100); /* the next link is this one */
    look(DISK, 0);
    assert_int_equal(parts.n, IMG_MAX_PARTS);
    assert_true(parts.note[0]);
    mbr_entry(512000, 1, 0x05, 0xFFFFFF, 100);
    look(DISK, 0);
    assert_int_equal(parts.n, 1);
    assert_true(parts.note[0]);
}

static void is_not_fooled(void **state)
{
    (void)state;
    memset(disk, 0, sizeof disk);
    look(DISK, 0);
    assert_int_equal(parts.table, IMG_TABLE_NONE);
    disk[510] = 0x55, disk[511] = 0xAA; /* a table without entries */
    look(DISK, 0);
    assert_int_equal(parts.table, IMG_TABLE_NONE);
    mbr_entry(0, 0, 0x83, 64, 100);
    disk[446] = 0x12; /* a status that no entry has */
    look(DISK, 0);
    assert_int_equal(parts.table, IMG_TABLE_NONE);
    disk[446] = 0x80;
    memcpy(disk + 3, "NTFS    ", 8);
    look(DISK, 0);
    assert_int_equal(parts.table, IMG_TABLE_NONE);
}

static void every_size_of_disk(void **state)
{
    (void)state;
    make_gpt(9);
    for (uint64_t size = 0; size < 8192; size++)
        look(size, 0);
    assert_int_equal(parts.n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_gpt),
        cmocka_unit_test(a_gpt_wins_over_a_name_in_the_boot_code),
        cmocka_unit_test(uses_the_backup),
        cmocka_unit_test(leaves_out_what_lies_outside),
        cmocka_unit_test(sees_overlap),
        cmocka_unit_test(reads_mbr_with_logicals),
        cmocka_unit_test(ends_circles_and_broken_chains),
        cmocka_unit_test(is_not_fooled),
        cmocka_unit_test(every_size_of_disk),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
