/* Finding a file in FAT volumes built byte by byte, of all three kinds; what makes no sense ends.
 * mkfs.vfat's are in tests/e2e/image_disks.sh. */
#include <string.h>

#include "imaging/volume/fat.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#define S 512u

static uint8_t disk[36 << 20];
static uint64_t size; /* what can be read */
static unsigned bits, calls;
static uint64_t fat_at, root_at, data_at, total;

static const char path[3][FAT_NAME + 1] = {"EFI        ", "BOOT       ", "BOOTX64 EFI"};

static int read_disk(void *ctx, uint64_t at, void *buf, size_t n)
{
    (void)ctx;
    calls++;
    if (at > size || n > size - at)
        return -1;
    memcpy(buf, disk + at, n);
    return 0;
}

static void le(uint64_t at, uint64_t v, int n)
{
    for (int i = 0; i < n; i++)
        disk[at + (unsigned)i] = (uint8_t)(v >> 8 * i);
}

static void link_to(uint32_t cluster, uint32_t next)
{
    uint64_t at = fat_at + (bits == 12 ? cluster + cluster / 2 : (uint64_t)cluster * bits / 8);

    if (bits == 12 && cluster & 1)
        le(at, (disk[at] & 0xF) | next << 4, 2);
    else if (bits == 12)
        le(at, (uint32_t)(disk[at + 1] & 0xF0) << 8 | (next & 0xFFF), 2);
    else
        le(at, next, (int)bits / 8);
}

static void entry(uint64_t at, const char *name, uint8_t attributes, uint32_t cluster,
                  uint32_t bytes)
{
    memcpy(disk + at, name, FAT_NAME);
    disk[at + 11] = attributes;
    le(at + 20, cluster >> 16, 2);
    le(at + 26, cluster & 0xFFFF, 2);
    le(at + 28, bytes, 4);
}

static uint64_t cluster_at(uint32_t cluster)
{
    return data_at + (cluster - 2) * S;
}

/* \EFI in the root; EFI has two clusters (3 and 5), \EFI\BOOT lies in the second behind a deleted
 * entry; the file is in cluster 4's folder. */
static void make(unsigned b)
{
    uint32_t clusters = b == 12 ? 2000 : b == 16 ? 5000 : 66000;
    uint64_t per_fat = ((clusters + 2) * b / 8 + S) / S;

    bits = b;
    memset(disk, 0, sizeof disk);
    fat_at = 4 * S;
    root_at = fat_at + per_fat * S;
    data_at = root_at + (b == 32 ? 0 : S);
    total = data_at / S + clusters;
    size = total * S;
    le(11, S, 2);
    disk[13] = 1;
    le(14, 4, 2);
    disk[16] = 1;
    le(17, b == 32 ? 0 : 16, 2);
    le(b == 12 ? 19 : 32, total, b == 12 ? 2 : 4);
    le(b == 32 ? 36 : 22, per_fat, b == 32 ? 4 : 2);
    if (b == 32)
        le(44, 2, 4);
    disk[510] = 0x55;
    disk[511] = 0xAA;
    link_to(2, 0x0FFFFFFF);
    entry(root_at, "EFI        ", 0x10, 3, 0);
    link_to(3, 5);
    for (unsigned i = 0; i < 16; i++)
        entry(cluster_at(3) + 32 * i, "OTHER      ", 0x10, 7, 0);
    link_to(5, 0x0FFFFFFF);
    entry(cluster_at(5),
          "\xE5"
          "OOT       ",
          0x10, 9, 0);
    entry(cluster_at(5) + 32, "BOOT       ", 0x10, 4, 0);
    link_to(4, 0x0FFFFFFF);
    entry(cluster_at(4), "BOOTX64 EFI", 0x20, 6, 1234);
}

static int has(void)
{
    struct readat r = {.read = read_disk};

    calls = 0;
    return fat_has(&r, size, path, 3);
}

static void it_is_found_in_all_kinds(void **state)
{
    (void)state;
    for (unsigned b = 12; b <= 32; b += b == 12 ? 4 : 16) {
        make(b);
        assert_int_equal(has(), 1);
        disk[cluster_at(4)] = 'C';
        assert_int_equal(has(), 0);
        make(b);
        le(cluster_at(4) + 28, 0, 4); /* an empty file */
        assert_int_equal(has(), 0);
        make(b);
        disk[cluster_at(5) + 32 + 11] = 0x20; /* BOOT is a file */
        assert_int_equal(has(), 0);
        make(b);
        disk[cluster_at(4) + 11] = 0x0F; /* a piece of a long name */
        assert_int_equal(has(), 0);
        make(b);
        disk[cluster_at(5)] = 0; /* the folder ends */
        assert_int_equal(has(), 0);
    }
}

static void circles_end(void **state)
{
    (void)state;
    make(16);
    disk[cluster_at(5) + 32] = 'C';
    for (unsigned i = 2; i < 16; i++)
        entry(cluster_at(5) + 32 * i, "OTHER      ", 0x10, 7, 0);
    link_to(5, 3);
    assert_int_equal(has(), 0);
    assert_true(calls < 10000);
    make(32);
    le(root_at + 26, 0xFFFF, 2); /* a folder beyond the volume */
    le(root_at + 20, 0xFFFF, 2);
    assert_int_equal(has(), -1);
}

static void what_is_no_fat_is_told(void **state)
{
    (void)state;
    memset(disk, 0, sizeof disk);
    size = sizeof disk;
    assert_int_equal(has(), -1);
    for (unsigned b = 12; b <= 32; b += b == 12 ? 4 : 16) {
        make(b);
        for (unsigned bit = 0; bit < 8 * 64; bit++) {
            disk[bit / 8] ^= (uint8_t)(1 << bit % 8);
            (void)has(); /* the sanitizers watch */
            disk[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
    }
}

/* What ends too soon is not read as "not there". */
static void every_truncation(void **state)
{
    uint64_t whole;

    (void)state;
    make(12);
    whole = cluster_at(5) + S;
    for (size = 0; size < whole; size++)
        assert_int_equal(has(), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_found_in_all_kinds),
        cmocka_unit_test(circles_end),
        cmocka_unit_test(what_is_no_fat_is_told),
        cmocka_unit_test(every_truncation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
