/* The digest of a disk's marks: the same for the same volumes, another for any other, none where a
 * mark has no identity. */
#include <stdlib.h>
#include <string.h>

#include "imaging/volume/marks_id.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#define DISK_BYTES (8u << 20)
#define PART_FIRST 2048u
#define PART_AT (PART_FIRST * 512)

static uint8_t *disk;
static uint64_t bad = UINT64_MAX; /* a byte that cannot be read */

static int read_disk(void *ctx, uint64_t at, void *to, size_t n)
{
    (void)ctx;
    if (at > DISK_BYTES || n > DISK_BYTES - at || (bad >= at && bad < at + n))
        return -1;
    memcpy(to, disk + at, n);
    return 0;
}

/* A disk with one MBR partition of that type from the first MiB on. */
static int make_disk(void **state)
{
    (void)state;
    disk = calloc(1, DISK_BYTES);
    bad = UINT64_MAX;
    memcpy(disk + 446, "\0\0\0\0\x83\0\0\0\0\x08\0\0\0\x20\0\0", 16);
    memcpy(disk + 510, "\x55\xAA", 2);
    return disk ? 0 : -1;
}

static int free_disk(void **state)
{
    (void)state;
    free(disk);
    return 0;
}

static void put(uint64_t at, const char *bytes, size_t n)
{
    memcpy(disk + PART_AT + at, bytes, n);
}

static bool digest(uint8_t to[IMG_MARKS_BYTES])
{
    static const uint8_t zeros[IMG_MARKS_BYTES];
    static struct parts parts;
    struct readat at = {.read = read_disk};
    bool known = marks_digest(to, &at, DISK_BYTES, &parts);

    assert_int_equal(parts.n, 1);
    assert_int_equal(memcmp(to, zeros, sizeof zeros) != 0, known);
    return known;
}

/* The digest with the byte at `at` of the partition as it is, and with another. */
static void identity_at(uint64_t at)
{
    uint8_t one[IMG_MARKS_BYTES], other[IMG_MARKS_BYTES];

    assert_true(digest(one));
    assert_true(digest(other));
    assert_memory_equal(one, other, sizeof one);
    disk[PART_AT + at] ^= 1;
    assert_true(digest(other));
    assert_memory_not_equal(one, other, sizeof one);
    disk[PART_AT + at] ^= 1;
}

static void a_disk_without_marks_has_none(void **state)
{
    uint8_t d[IMG_MARKS_BYTES];

    (void)state;
    assert_false(digest(d));
    put(0, "XFSB", 4); /* a volume that stands alone */
    assert_false(digest(d));
}

static void lvm_is_known_by_its_uuid_and_type(void **state)
{
    uint8_t without[IMG_MARKS_BYTES], with[IMG_MARKS_BYTES];

    (void)state;
    put(512, "LABELONE\1\0\0\0\0\0\0\0\0\0\0\0\x20\0\0\0LVM2 001abcdefghijklmnopqrstuvwxyz012345",
        64);
    identity_at(512 + 32);
    identity_at(512 + 63);
    assert_true(digest(without));
    disk[PART_AT + 512 + 64]++; /* the size of the volume, which grows with its partition */
    assert_true(digest(with));
    assert_memory_equal(without, with, sizeof with);
    disk[446 + 4] = (uint8_t)'\x8E';
    assert_true(digest(with));
    assert_memory_not_equal(without, with, sizeof with);
}

static void a_raid_is_known_by_its_uuid(void **state)
{
    uint8_t d[IMG_MARKS_BYTES];

    (void)state;
    put(4096, "\xFC\x4E\x2B\xA9\1\0\0\0\0\0\0\0\0\0\0\0ABCDEFGHIJKLMNOP", 32);
    identity_at(4096 + 16);
    put(4096, "\xFC\x4E\x2B\xA9\0\0\0\0", 8); /* format 0.90 keeps it elsewhere */
    assert_false(digest(d));
}

static void a_pool_is_known_by_its_guid(void **state)
{
    uint8_t d[IMG_MARKS_BYTES];

    (void)state;
    put(131072, "\x0C\xB1\xBA\0\0\0\0\0", 8);
    assert_false(digest(d));
    put(16384 + 100, "\0\0\0\x09pool_guid\0\0\0\0\0\0\x08\0\0\0\1ABCDEFGH", 32);
    identity_at(16384 + 100 + 31);
}

static void a_btrfs_is_known_by_its_id(void **state)
{
    (void)state;
    put(65536 + 64, "_BHRfS_M", 8);
    disk[PART_AT + 65536 + 0x88] = 2;
    identity_at(65536 + 32);
}

static void one_mark_without_an_identity_is_enough_for_none(void **state)
{
    uint8_t d[IMG_MARKS_BYTES];

    (void)state;
    put(512, "LABELONE\1\0\0\0\0\0\0\0\0\0\0\0\x20\0\0\0LVM2 001abcdefghijklmnopqrstuvwxyz012345",
        64);
    assert_true(digest(d));
    put(3072, "PRIVHEAD", 8);
    assert_false(digest(d));
    memset(disk + PART_AT + 3072, 0, 8);
    assert_true(digest(d));
    bad = PART_AT + 65536;
    assert_false(digest(d));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_disk_without_marks_has_none, make_disk, free_disk),
        cmocka_unit_test_setup_teardown(lvm_is_known_by_its_uuid_and_type, make_disk, free_disk),
        cmocka_unit_test_setup_teardown(a_raid_is_known_by_its_uuid, make_disk, free_disk),
        cmocka_unit_test_setup_teardown(a_pool_is_known_by_its_guid, make_disk, free_disk),
        cmocka_unit_test_setup_teardown(a_btrfs_is_known_by_its_id, make_disk, free_disk),
        cmocka_unit_test_setup_teardown(one_mark_without_an_identity_is_enough_for_none, make_disk,
                                        free_disk),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
