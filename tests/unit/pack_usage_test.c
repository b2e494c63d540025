/* What of a disk is packed, of disks made byte by byte: free blocks are left out, and nothing else.
 * Disks that real programs make are in tests/e2e/image_disks.sh. */
#include "imaging/pack/usage.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "imaging/image/errors.h"
#include "imaging/volume/gpt_move.h"
#include "tests/unit/tiny_gpt.h"

#define DISK (16u << 20)
#define FIRST 2048u /* sector of the partition, at 1 MiB */
#define SECTORS (BLOCK * BLOCKS / 512u)
#define CHUNK(mib) ((uint32_t)((mib) * (1u << 20) / IMG_CHUNK_BYTES))

static uint8_t disk[DISK];
static char path[64], notes[1024];
static struct input input;
static struct usage usage;

static void note(void *ctx, const char *text)
{
    (void)ctx;
    snprintf(notes + strlen(notes), sizeof notes - strlen(notes), "%s\n", text);
}

static void mbr_part(unsigned i, uint32_t first, uint32_t sectors)
{
    uint8_t *e = disk + 446 + 16 * i;

    e[4] = 0x83;
    tiny_le(e + 8, first, 4);
    tiny_le(e + 12, sectors, 4);
    disk[510] = 0x55;
    disk[511] = 0xAA;
}

static void make_mbr(void)
{
    memset(disk, 0, sizeof disk);
    mbr_part(0, FIRST, SECTORS);
    tiny_ext(disk + FIRST * 512);
}

/* The copy at the end is the one that a restorer would make. */
static void make_gpt(void)
{
    struct gpt_move m;

    memset(disk, 0, sizeof disk);
    tiny_gpt(disk, 9, DISK / 512, FIRST, FIRST + SECTORS - 1);
    tiny_ext(disk + FIRST * 512);
    assert_int_equal(gpt_move_make(&m, disk, IMG_CHUNK_BYTES, 9, DISK, NULL), 1);
    gpt_move_head(&m, disk);
    gpt_move_tail(&m, disk, disk + m.tail_at);
}

static void look(void)
{
    int fd;

    strcpy(path, "/tmp/image_usage.XXXXXX");
    fd = mkstemp(path);
    assert_int_equal(pwrite(fd, disk, sizeof disk, 0), sizeof disk);
    assert_int_equal(close(fd), 0);
    notes[0] = 0;
    assert_int_equal(input_open(&input, path, NULL, NULL), 0);
    usage_open(&usage, &input, note, NULL);
}

/* What usage_close says. */
static int end(void)
{
    int rc = usage_close(&usage, NULL);

    input_close(&input, NULL);
    unlink(path);
    return rc;
}

static void assert_all_packed(void)
{
    for (uint32_t i = 0; i < DISK / IMG_CHUNK_BYTES; i++)
        assert_int_equal(usage_state(&usage, i), IMG_DATA);
}

/* In the first and the last MiB of a partition a mark of a former owner would come alive: they are
 * written as zeros. */
static void free_blocks_are_left_out_but_at_the_ends(void **state)
{
    (void)state;
    make_mbr();
    look();
    assert_int_equal(usage_state(&usage, CHUNK(1)), IMG_DATA); /* the superblock */
    for (uint32_t i = CHUNK(1) + 1; i < CHUNK(9); i++)
        assert_int_equal(usage_state(&usage, i),
                         i < CHUNK(2) || i >= CHUNK(8) ? IMG_ZERO : IMG_FREE);
    assert_int_equal(usage_state(&usage, CHUNK(9)), IMG_DATA); /* of no partition */
    assert_int_equal(usage_min_target(&usage, DISK, CHUNK(1) * IMG_CHUNK_BYTES), 9u << 20);
    assert_int_equal(end(), 0);
}

static void free_bytes_of_a_chunk_are_zeros(void **state)
{
    static uint8_t raw[IMG_CHUNK_BYTES];

    (void)state;
    make_mbr();
    look();
    memset(raw, 0x5A, sizeof raw);
    usage_mask(&usage, 1u << 20, raw, sizeof raw);
    for (unsigned i = 0; i < IMG_CHUNK_BYTES / BLOCK; i++)
        assert_int_equal(raw[i * BLOCK], i <= 20 || i == 100 ? 0x5A : 0);
    assert_int_equal(end(), 0);
}

static void a_disk_that_another_owns_is_packed_whole(void **state)
{
    (void)state;
    make_mbr();
    memcpy(disk + DISK - 1024, "Intel Raid ISM Cfg Sig. ", 24);
    look();
    assert_non_null(strstr(
        notes,
        "the disk bears marks of both a partition table and Intel RAID; all of it is packed"));
    assert_all_packed();
    assert_int_equal(end(), 0);
}

static void partitions_that_overlap_are_packed_whole(void **state)
{
    (void)state;
    make_mbr();
    mbr_part(1, FIRST + 8192, 64);
    look();
    assert_all_packed();
    assert_int_equal(end(), 0);
}

static void a_partition_that_another_type_claims_is_packed_whole(void **state)
{
    (void)state;
    make_mbr();
    disk[446 + 4] = 0xFD; /* Linux RAID */
    look();
    assert_non_null(strstr(notes, "a volume bears marks of both"));
    assert_all_packed();
    assert_int_equal(end(), 0);
}

static void a_source_that_changes_is_found_out(void **state)
{
    int fd;

    (void)state;
    make_mbr();
    tiny_ext_two(disk + FIRST * 512);
    look();
    fd = open(path, O_WRONLY);
    /* blocks are taken meanwhile */
    assert_int_equal(pwrite(fd, "\xFF", 1, FIRST * 512 + BITMAP_AT + 400), 1);
    assert_int_equal(close(fd), 0);
    assert_int_equal(usage_state(&usage, CHUNK(4)), IMG_DATA);
    assert_int_equal(end(), IMG_EEXT);
}

/* The table's copy is no data where it is the one that a restorer makes: a smaller disk takes the
 * image. */
static void a_copy_of_the_table_is_no_data(void **state)
{
    static uint8_t raw[IMG_CHUNK_BYTES], zeros[33 * 512];

    (void)state;
    make_gpt();
    look();
    assert_int_equal(usage.copy_bytes, sizeof zeros);
    assert_int_equal(usage_min_target(&usage, DISK, 0), (9u << 20) + sizeof zeros);
    memset(raw, 0x5A, sizeof raw);
    usage_mask(&usage, DISK - sizeof raw, raw, sizeof raw);
    assert_memory_equal(raw + sizeof raw - sizeof zeros, zeros, sizeof zeros);
    assert_int_equal(raw[sizeof raw - sizeof zeros - 1], 0x5A);
    assert_int_equal(end(), 0);
    make_gpt();
    disk[DISK - 1] ^= 1; /* another one is data like any */
    look();
    assert_int_equal(usage.copy_bytes, 0);
    usage_mask(&usage, DISK - sizeof raw, memset(raw, 0x5A, sizeof raw), sizeof raw);
    assert_int_equal(raw[sizeof raw - 1], 0x5A);
    assert_int_equal(end(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(free_blocks_are_left_out_but_at_the_ends),
        cmocka_unit_test(free_bytes_of_a_chunk_are_zeros),
        cmocka_unit_test(a_disk_that_another_owns_is_packed_whole),
        cmocka_unit_test(partitions_that_overlap_are_packed_whole),
        cmocka_unit_test(a_partition_that_another_type_claims_is_packed_whole),
        cmocka_unit_test(a_source_that_changes_is_found_out),
        cmocka_unit_test(a_copy_of_the_table_is_no_data),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
