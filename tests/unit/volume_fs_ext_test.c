/* The ext bitmaps on file systems built byte by byte: what is free is called free, what is doubtful
 * is called used. The file systems that mke2fs makes are in tests/e2e/image_ext.sh. */
#include "imaging/volume/fs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "imaging/hash/crc.h"
#include "imaging/image/image.h"
#include "tests/unit/tiny_ext.h"

static uint8_t disk[(size_t)BLOCK * BLOCKS];
static uint64_t disk_bytes, bad_at = UINT64_MAX; /* bad_at: a byte that cannot be read */
static char note[FS_NOTE];

static int read_disk(void *ctx, uint64_t at, void *buf, size_t n)
{
    (void)ctx;
    if (at > disk_bytes || n > disk_bytes - at || (bad_at >= at && bad_at - at < n))
        return -1;
    memcpy(buf, disk + at, n);
    return 0;
}

static void le(size_t at, uint64_t v, size_t n)
{
    tiny_le(disk + at, v, n);
}

static void make_fs(void)
{
    disk_bytes = sizeof disk;
    tiny_ext(disk);
}

static const struct fs_kind *find(struct fs **fs)
{
    static const struct readat volume = {.read = read_disk};
    struct img_part part = {.bytes = disk_bytes};

    return fs_find(&volume, &part, IMG_TABLE_NONE, fs, note);
}

/* Walks the whole volume; the blocks called free. */
static unsigned count_free(struct fs *fs)
{
    unsigned sum = 0;
    uint64_t end;

    for (uint64_t at = 0; at < disk_bytes; at = end)
        if (fs_ext.run(fs, at, &end))
            sum += (unsigned)((end - at) / BLOCK);
    return sum;
}

static void free_is(unsigned want)
{
    struct fs *fs;

    assert_ptr_equal(find(&fs), &fs_ext);
    assert_non_null(fs);
    assert_int_equal(count_free(fs), want);
    fs_ext.close(fs);
}

static void knows_what_is_free(void **state)
{
    struct fs *fs;
    uint64_t end;

    (void)state;
    make_fs();
    free_is(8191 - 21);
    assert_string_equal(note, "");
    assert_ptr_equal(find(&fs), &fs_ext);
    assert_false(fs_ext.run(fs, 0, &end)); /* boot block */
    assert_int_equal(end, BLOCK);
    assert_false(fs_ext.run(fs, 5 * BLOCK + 7, &end));
    assert_int_equal(end, 21 * BLOCK);
    assert_true(fs_ext.run(fs, 21 * BLOCK, &end));
    assert_int_equal(end, 100 * BLOCK);
    assert_false(fs_ext.run(fs, 100 * BLOCK, &end));
    assert_true(fs_ext.run(fs, 101 * BLOCK, &end));
    assert_int_equal(end, sizeof disk);
    fs_ext.close(fs);
}

/* The file system is known, its free blocks are not believed. */
static void is_distrusted(void)
{
    struct fs *fs;

    note[0] = 0;
    assert_ptr_equal(find(&fs), &fs_ext);
    assert_null(fs);
    assert_true(note[0]);
}

static void a_doubtful_group_makes_all_of_it_used(void **state)
{
    (void)state;
    make_fs();
    le(DESC_AT + 12, 8000, 2); /* a count that the bitmap does not have */
    is_distrusted();
    make_fs();
    le(DESC_AT, 1u << 30, 4); /* a bitmap nowhere */
    is_distrusted();
    make_fs();
    le(ROOT_AT, 0x81A4, 2); /* the root is a file */
    is_distrusted();
    make_fs();
    disk_bytes = BITMAP_AT; /* the disk ends before it */
    is_distrusted();
}

static void make_two(void)
{
    disk_bytes = sizeof disk;
    tiny_ext_two(disk);
}

static void a_second_group_decides_too(void **state)
{
    (void)state;
    make_two();
    free_is(8191 - 41);
    disk[(GROUP1 + 2) * BLOCK + 100] = 1;
    is_distrusted();
    make_two();
    disk[GROUP1 * BLOCK + 56] ^= 1; /* the copy of the superblock */
    is_distrusted();
}

/* Records that change under the reader: nothing more is called free, and it is said. */
static void a_volume_that_changes_is_found_out(void **state)
{
    struct fs *fs;

    (void)state;
    make_two();
    assert_ptr_equal(find(&fs), &fs_ext);
    assert_non_null(fs);
    assert_int_equal(count_free(fs), 8191 - 41);
    assert_true(fs_ext.close(fs));
    assert_ptr_equal(find(&fs), &fs_ext);
    disk[BITMAP_AT + 500] ^= 1;
    assert_int_equal(count_free(fs), 4095 - 20);
    assert_false(fs_ext.close(fs));
}

static void a_doubtful_file_system_is_used(void **state)
{
    static const struct {
        uint16_t at, bytes;
        uint32_t value;
    } faults[] = {
        {58, 2, 0},          /* not cleanly unmounted */
        {58, 2, 3},          /* errors */
        {24, 4, 7},          /* blocks of 128 KiB */
        {24, 4, 0xFFFFFFFF}, /* and of nonsense */
        {20, 4, 0},          /* first data block */
        {32, 4, 0},          /* blocks a group */
        {32, 4, 8200},       /* more than a bitmap holds */
        {32, 4, 8191},       /* no whole bytes */
        {40, 4, 0},          /* inodes a group */
        {4, 4, 0},           /* no blocks */
        {4, 4, 8193},        /* larger than its partition */
        {4, 4, 0xFFFFFFFF},
    };

    (void)state;
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        make_fs();
        le(BLOCK + faults[i].at, faults[i].value, faults[i].bytes);
        is_distrusted();
    }
}

/* What took the volume over may have left the old superblock where it was. */
static void marks_of_others_win(void **state)
{
    static const struct {
        size_t at;
        const char *mark;
    } others[] = {{0, "LUKS\xBA\xBE"},
                  {512, "LABELONE"},
                  {4096, "\xFC\x4E\x2B\xA9"},
                  {65600, "_BHRfS_M"},
                  {65536 + 1372, "\x19\x01\x54\x19"},        /* UFS2 */
                  {131072 + 5 * 4096, "\x0C\xB1\xBA"},       /* ZFS, the first label */
                  {8126464 + 131072 + 1024, "\x0C\xB1\xBA"}, /* and the last */
                  {8388608 - 65536, "\xFC\x4E\x2B\xA9"},     /* md 0.90 */
                  {8388608 - 512, "GEOM::ELI"},
                  {0, "XFSB"}};
    struct fs *fs;

    (void)state;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        make_fs();
        memcpy(disk + others[i].at, others[i].mark, strlen(others[i].mark));
        note[0] = 0;
        assert_null(find(&fs));
        assert_null(fs);
        assert_true(note[0]);
    }
}

static void features_decide(void **state)
{
    static const struct {
        uint16_t at;
        uint32_t value;
    } faults[] = {
        {96, 0x4},        /* journal needs recovery */
        {96, 0x1},        /* compression */
        {96, 0x80000000}, /* not invented yet */
        {100, 0x200},     /* bigalloc */
        {100, 0x80},      /* snapshots */
        {100, 0x400},     /* metadata checksums: the superblock has none */
        {96, 0x80},       /* 64bit with a descriptor size of 0 */
    };

    (void)state;
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        make_fs();
        le(BLOCK + 76, 1, 4);
        le(BLOCK + 88, 128, 2);
        le(BLOCK + faults[i].at, faults[i].value, 4);
        is_distrusted();
    }
    make_fs();
    le(BLOCK + 76, 1, 4);
    le(BLOCK + 88, 128, 2);
    le(BLOCK + 96, 0x42, 4);
    free_is(8191 - 21);
}

/* Where a mark of somebody else might stand and cannot be read, there may be one. */
static void a_mark_that_cannot_be_read_is_a_doubt(void **state)
{
    struct fs *fs;

    (void)state;
    make_fs();
    bad_at = sizeof disk - 1024; /* free, and the place of a RAID's mark */
    assert_null(find(&fs));
    assert_non_null(strstr(note, "cannot be read; all of it is packed"));
    bad_at = UINT64_MAX;
    free_is(8191 - 21);
}

static void every_bit_of_the_records(void **state)
{
    struct fs *fs;

    (void)state;
    for (size_t bit = 0; bit < 8 * 1100; bit++) {
        make_fs();
        disk[BLOCK + bit / 8] ^= (uint8_t)(1 << bit % 8);
        if (!find(&fs) || !fs)
            continue;
        count_free(fs); /* the sanitizers watch */
        fs_ext.close(fs);
    }
}

static void checksums_are_the_known_ones(void **state)
{
    (void)state;
    assert_int_equal(crc32_ieee(0, "123456789", 9), 0xCBF43926);
    assert_int_equal(~crc32c(~0u, "123456789", 9), 0xE3069283);
    assert_int_equal(crc16(0xFFFF, "123456789", 9), 0x4B37);
    assert_int_equal(crc32_ieee(crc32_ieee(0, "1234", 4), "56789", 5), 0xCBF43926);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(checksums_are_the_known_ones),
        cmocka_unit_test(knows_what_is_free),
        cmocka_unit_test(a_doubtful_group_makes_all_of_it_used),
        cmocka_unit_test(a_second_group_decides_too),
        cmocka_unit_test(a_volume_that_changes_is_found_out),
        cmocka_unit_test(a_doubtful_file_system_is_used),
        cmocka_unit_test(features_decide),
        cmocka_unit_test(marks_of_others_win),
        cmocka_unit_test(a_mark_that_cannot_be_read_is_a_doubt),
        cmocka_unit_test(every_bit_of_the_records),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
