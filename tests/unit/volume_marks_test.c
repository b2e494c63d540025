/* The marks of owners: each is found where it lies, nothing is read beyond the volume, and what
 * cannot be read is told. */
#include <string.h>

#include "imaging/volume/marks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#define BYTES (4 << 20)

static uint8_t volume[BYTES];
static uint64_t size, bad; /* of the volume; a byte that cannot be read */
static char seen[1000];
static enum mark_kind last;
static unsigned unreadable;

static int read_volume(void *ctx, uint64_t at, void *buf, size_t n)
{
    (void)ctx;
    assert_true(at <= size && n <= size - at);
    if (at <= bad && bad < at + n)
        return -1;
    memcpy(buf, volume + at, n);
    return 0;
}

static void found(void *ctx, enum mark_kind kind, const char *what)
{
    (void)ctx;
    last = kind;
    assert_true(strlen(seen) + strlen(what) + 2 < sizeof seen);
    strcat(seen, what);
    strcat(seen, ";");
}

static void cannot_be_read(void *ctx, uint64_t at)
{
    (void)ctx;
    assert_true(at <= bad);
    unreadable++;
}

static const struct mark_watcher watcher = {NULL, found, cannot_be_read};

static void look(uint64_t bytes)
{
    struct readat r = {.read = read_volume};

    size = bytes;
    seen[0] = 0;
    unreadable = 0;
    marks_look(&r, bytes, &watcher);
}

static const struct {
    int64_t at; /* negative: from the end */
    const char *bytes;
    size_t n;
    enum mark_kind kind;
    const char *what;
} cases[] = {
    {0, "XFSB", 4, MARK_VOLUME, "XFS;"},
    {3, "NTFS    ", 8, MARK_VOLUME, "NTFS;"},
    {3, "ReFS\0\0\0\0", 8, MARK_VOLUME, "ReFS;"},
    {1536, "LABELONE", 8, MARK_LVM, "an LVM physical volume;"},
    {4086, "SWAPSPACE2", 10, MARK_VOLUME, "swap;"},
    {65526, "SWAPSPACE2", 10, MARK_VOLUME, "swap;"},
    {8192 + 1372, "\0\x01\x19\x54", 4, MARK_VOLUME, "UFS;"},
    {65536 + 1372, "\x19\x01\x54\x19", 4, MARK_VOLUME, "UFS;"},
    {131072, "\x0C\xB1\xBA\0\0\0\0\0", 8, MARK_ZFS, "a ZFS pool;"},
    {262144 + 131072 + 31 * 4096, "\x0C\xB1\xBA\0\0\0\0\0", 8, MARK_ZFS, "a ZFS pool;"},
    {-524288 + 131072, "\0\0\0\0\0\xBA\xB1\x0C", 8, MARK_ZFS, "a ZFS pool;"},
    {-262144 + 131072, "\x0C\xB1\xBA\0\0\0\0\0", 8, MARK_ZFS, "a ZFS pool;"},
    {0x200000, "\x5E\xF1\xAB\x2F", 4, MARK_CLUSTER, "VMware VMFS;"},
    {-8192, "\xFC\x4E\x2B\xA9", 4, MARK_RAID, "Linux RAID;"},
    {-65536, "\xA9\x2B\x4E\xFC", 4, MARK_RAID, "Linux RAID;"},
    {-63 * 512, "Promise Technology, Inc.", 24, MARK_RAID, "a Promise RAID;"},
    {-512, "GEOM::ELI", 9, MARK_VOLUME, "GELI;"},
    {65600, "_BHRfS_M", 8, MARK_VOLUME, "btrfs;"},
};

static void each_is_found_where_it_lies(void **state)
{
    (void)state;
    bad = UINT64_MAX;
    look(BYTES);
    assert_string_equal(seen, "");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint64_t at = cases[i].at < 0 ? BYTES - (uint64_t)-cases[i].at : (uint64_t)cases[i].at;

        memset(volume, 0, sizeof volume);
        memcpy(volume + at, cases[i].bytes, cases[i].n);
        look(BYTES);
        assert_string_equal(seen, cases[i].what);
        assert_int_equal(last, cases[i].kind);
        volume[at + 1] ^= 0x10;
        look(BYTES);
        assert_string_equal(seen, "");
    }
}

static void btrfs_over_several_disks_is_a_pool(void **state)
{
    (void)state;
    bad = UINT64_MAX;
    memset(volume, 0, sizeof volume);
    memcpy(volume + 65600, "_BHRfS_M", 8);
    volume[65536 + 0x88] = 2;
    look(BYTES);
    assert_int_equal(last, MARK_POOL);
}

static void volumes_of_every_size_are_not_left(void **state)
{
    (void)state;
    bad = UINT64_MAX;
    memset(volume, 0, sizeof volume);
    for (uint64_t bytes = 0; bytes < 2200000; bytes += bytes < 5000 ? 1 : 4093)
        look(bytes);
}

static void what_cannot_be_read_is_told(void **state)
{
    (void)state;
    memset(volume, 0, sizeof volume);
    bad = 65601;
    look(BYTES);
    assert_true(unreadable >= 1);
    bad = 3 << 20; /* where no mark can be */
    look(BYTES);
    assert_int_equal(unreadable, 0);
}

static void a_partition_says_it_by_its_type(void **state)
{
    static const uint8_t zfs[16] = {0xBA, 0x7C, 0x6E, 0x51, 0xCF, 0x6E, 0xD6, 0x11,
                                    0x8F, 0xF8, 0x00, 0x02, 0x2D, 0x09, 0x71, 0x2B};
    static const uint8_t linux_data[16] = {0xAF, 0x3D, 0xC6, 0x0F, 0x83, 0x84, 0x72, 0x47,
                                           0x8E, 0x79, 0x3D, 0x69, 0xD8, 0x47, 0x7D, 0xE4};
    static const uint8_t raid[16] = {0xFD}, linux_mbr[16] = {0x83};

    (void)state;
    seen[0] = 0;
    marks_type(IMG_TABLE_GPT, linux_data, &watcher);
    marks_type(IMG_TABLE_MBR, linux_mbr, &watcher);
    marks_type(IMG_TABLE_GPT, raid, &watcher);
    assert_string_equal(seen, "");
    marks_type(IMG_TABLE_GPT, zfs, &watcher);
    assert_int_equal(last, MARK_ZFS);
    marks_type(IMG_TABLE_MBR, raid, &watcher);
    assert_int_equal(last, MARK_RAID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_is_found_where_it_lies),
        cmocka_unit_test(btrfs_over_several_disks_is_a_pool),
        cmocka_unit_test(volumes_of_every_size_are_not_left),
        cmocka_unit_test(what_cannot_be_read_is_told),
        cmocka_unit_test(a_partition_says_it_by_its_type),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
