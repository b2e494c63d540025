/* The box's partition table grows on first boot. Power is cut at every write and inside every write
 * of several sectors: at each instant the table must be whole, and the next boot must finish. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "imaging/hash/crc.h"
#include "net/wire/rng.h"
#include "rootfs/init/gpt.h"

#define SMALL 4096 /* sectors of the image as flashed */
#define LARGE 9999 /* of the disk it was flashed to */
#define DATA_FIRST 3072

static const uint8_t boot_guid[16] = {0x47, 0x4e, 0x49, 0x52, 1},
                     data_guid[16] = {0x47, 0x4e, 0x49, 0x52, 4};

struct medium {
    uint8_t *bytes;
    unsigned writes_left; /* then the power is gone */
    struct rng rng;       /* which sectors of the torn write got there */
    unsigned writes;
};

static int medium_read(void *ctx, uint64_t sector, void *to, unsigned n)
{
    struct medium *m = ctx;

    memcpy(to, m->bytes + sector * GPT_SECTOR, (size_t)n * GPT_SECTOR);
    return 0;
}

static int medium_write(void *ctx, uint64_t sector, const void *from, unsigned n)
{
    struct medium *m = ctx;

    m->writes++;
    if (m->writes_left > 0) {
        m->writes_left--;
        memcpy(m->bytes + sector * GPT_SECTOR, from, (size_t)n * GPT_SECTOR);
        return 0;
    }
    for (unsigned i = 0; i < n; i++)
        if (rng_below(&m->rng, 2))
            memcpy(m->bytes + (sector + i) * GPT_SECTOR,
                   (const uint8_t *)from + (size_t)i * GPT_SECTOR, GPT_SECTOR);
    return -1;
}

static struct gpt_disk disk_of(struct medium *m, uint64_t sectors)
{
    return (
        struct gpt_disk){.ctx = m, .read = medium_read, .write = medium_write, .sectors = sectors};
}

static void put_le(uint8_t *at, uint64_t v, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        at[i] = (uint8_t)(v >> (8 * i));
}

static void an_entry(uint8_t *table, unsigned i, const uint8_t guid[16], uint64_t first,
                     uint64_t last)
{
    uint8_t *e = table + i * GPT_ENTRY_BYTES;

    memset(e, 0x11 * ((int)i + 1), 16);
    memcpy(e + 16, guid, 16);
    put_le(e + 32, first, 8);
    put_le(e + 40, last, 8);
    e[56] = 'n';
}

static void a_header(uint8_t *disk, uint64_t at, uint64_t twin, uint64_t table)
{
    uint8_t *h = disk + at * GPT_SECTOR;

    memcpy(h, "EFI PART\0\0\1\0\x5c\0\0\0", 16);
    put_le(h + 16, 0, 4);
    put_le(h + 24, at, 8);
    put_le(h + 32, twin, 8);
    put_le(h + 40, 34, 8);
    put_le(h + 48, SMALL - 34, 8);
    memset(h + 56, 0xd1, 16);
    put_le(h + 72, table, 8);
    put_le(h + 80, 128, 4);
    put_le(h + 84, 128, 4);
    put_le(h + 88, crc32_ieee(0, disk + table * GPT_SECTOR, 16384), 4);
    put_le(h + 16, crc32_ieee(0, h, 92), 4);
}

/* The image as flashed: boot, a slot, data. */
static void a_disk(struct medium *m)
{
    m->bytes = calloc(LARGE + 4096, GPT_SECTOR);
    assert_non_null(m->bytes);
    memset(m->bytes, 0xeb, 440);
    m->bytes[450] = 0xee;
    put_le(m->bytes + 454, 1, 4);
    put_le(m->bytes + 458, SMALL - 1, 4);
    m->bytes[510] = 0x55;
    m->bytes[511] = 0xaa;
    an_entry(m->bytes + 2 * GPT_SECTOR, 0, boot_guid, 2048, 2559);
    an_entry(m->bytes + 2 * GPT_SECTOR, 1, (const uint8_t[16]){7}, 2560, 3071);
    an_entry(m->bytes + 2 * GPT_SECTOR, 3, data_guid, DATA_FIRST, SMALL - 40);
    memcpy(m->bytes + (SMALL - 33) * GPT_SECTOR, m->bytes + 2 * GPT_SECTOR, 16384);
    a_header(m->bytes, 1, SMALL - 1, 2);
    a_header(m->bytes, SMALL - 1, 1, SMALL - 33);
    m->writes_left = UINT32_MAX;
    m->writes = 0;
}

/* What must hold at every instant: the table is whole and names the partitions, the data partition
 * old or grown. */
static void is_whole(struct medium *m, uint64_t sectors)
{
    static struct gpt g;
    struct gpt_disk d = disk_of(m, sectors);
    uint64_t first, last;

    assert_int_equal(gpt_read(&g, &d), GPT_DONE);
    assert_int_equal(gpt_find(&g, boot_guid, &first, &last), 1);
    assert_int_equal(first, 2048);
    assert_int_equal(last, 2559);
    assert_int_equal(gpt_find(&g, data_guid, &first, &last), 4);
    assert_int_equal(first, DATA_FIRST);
    assert_true(last == SMALL - 40 || last == sectors - 34);
    assert_int_equal(m->bytes[0], 0xeb);
    assert_int_equal(m->bytes[510], 0x55);
}

static uint64_t get_le(const uint8_t *at, unsigned n)
{
    uint64_t v = 0;

    while (n-- > 0)
        v = v << 8 | at[n];
    return v;
}

static void is_grown(struct medium *m, uint64_t sectors)
{
    static struct gpt g;
    struct gpt_disk d = disk_of(m, sectors);
    const uint8_t *backup = m->bytes + (sectors - 1) * GPT_SECTOR;
    uint8_t copy[92];
    uint64_t first, last;

    is_whole(m, sectors);
    assert_int_equal(gpt_read(&g, &d), GPT_DONE);
    assert_int_equal(gpt_find(&g, data_guid, &first, &last), 4);
    assert_int_equal(last, sectors - 34);
    assert_int_equal(g.last_usable, sectors - 34);
    assert_int_equal(g.alternate, sectors - 1);
    assert_int_equal(g.table_at, 2);
    assert_int_equal(get_le(m->bytes + 458, 4), sectors - 1);
    assert_memory_equal(backup, "EFI PART", 8);
    memcpy(copy, backup, sizeof copy);
    memset(copy + 16, 0, 4);
    assert_int_equal(crc32_ieee(0, copy, 92), get_le(backup + 16, 4));
    assert_int_equal(get_le(backup + 24, 8), sectors - 1);
    assert_int_equal(get_le(backup + 32, 8), 1);
    assert_int_equal(get_le(backup + 72, 8), sectors - 33);
    assert_memory_equal(m->bytes + (sectors - 33) * GPT_SECTOR, m->bytes + 2 * GPT_SECTOR, 16384);
    m->writes = 0;
    assert_int_equal(gpt_grow(&d, data_guid), GPT_DONE);
    assert_int_equal(m->writes, 0);
}

static void grows_once(void **state)
{
    struct medium m = {0};
    struct gpt_disk d = disk_of(&m, LARGE);

    (void)state;
    a_disk(&m);
    assert_int_equal(gpt_grow(&d, data_guid), GPT_CHANGED);
    is_grown(&m, LARGE);
    free(m.bytes);
}

/* Cut at write `cut`, then boots with cuts after each of its writes in turn, the last one uncut. */
static void cut_and_finish(unsigned cut, uint64_t seed, uint64_t then_sectors)
{
    struct medium m = {.rng = {seed}};
    struct gpt_disk d = disk_of(&m, LARGE);

    a_disk(&m);
    m.writes_left = cut;
    assert_int_equal(gpt_grow(&d, data_guid), GPT_EWRITE);
    is_whole(&m, LARGE);
    d.sectors = then_sectors;
    for (unsigned second = 0; second < 3; second++) {
        m.writes_left = second;
        if (gpt_grow(&d, data_guid) >= 0)
            break;
        if (then_sectors == LARGE)
            is_whole(&m, LARGE);
    }
    m.writes_left = UINT32_MAX;
    assert_true(gpt_grow(&d, data_guid) >= 0);
    is_grown(&m, then_sectors);
    free(m.bytes);
}

static void every_cut_is_finished(void **state)
{
    struct medium m = {0};
    struct gpt_disk d = disk_of(&m, LARGE);
    unsigned writes;

    (void)state;
    a_disk(&m);
    gpt_grow(&d, data_guid);
    writes = m.writes;
    free(m.bytes);
    assert_int_equal(writes, 7);
    for (unsigned cut = 0; cut < writes; cut++)
        for (uint64_t seed = 0; seed < 40; seed++)
            cut_and_finish(cut, seed, LARGE);
}

/* After the cut the image lies on a still larger disk: a virtual machine's. */
static void a_disk_that_grows_meanwhile(void **state)
{
    (void)state;
    for (unsigned cut = 0; cut < 7; cut++)
        cut_and_finish(cut, cut, LARGE + 1000);
}

static bool has_mark(struct medium *m, uint64_t sectors)
{
    static struct gpt g;
    struct gpt_disk d = disk_of(m, sectors);

    assert_int_equal(gpt_read(&g, &d), GPT_DONE);
    assert_false(gpt_marked(&g, boot_guid));
    return gpt_marked(&g, data_guid);
}

/* The mark comes and goes, on the disk as flashed and on one that has grown, and nothing else
 * changes. */
static void a_mark_is_kept(void **state)
{
    (void)state;
    for (unsigned grows = 0; grows < 2; grows++) {
        struct medium m = {0};
        struct gpt_disk d = disk_of(&m, grows ? LARGE : SMALL);
        uint8_t *before = malloc(LARGE * GPT_SECTOR);

        a_disk(&m);
        if (grows)
            assert_int_equal(gpt_grow(&d, data_guid), GPT_CHANGED);
        assert_false(has_mark(&m, d.sectors));
        memcpy(before, m.bytes, LARGE * GPT_SECTOR);
        assert_int_equal(gpt_mark(&d, data_guid, true), GPT_CHANGED);
        assert_true(has_mark(&m, d.sectors));
        assert_int_equal(gpt_mark(&d, data_guid, true), GPT_DONE);
        if (grows) {
            is_grown(&m, d.sectors); /* and growing again leaves it */
            assert_true(has_mark(&m, d.sectors));
        }
        assert_int_equal(gpt_mark(&d, data_guid, false), GPT_CHANGED);
        assert_false(has_mark(&m, d.sectors));
        /* the spare table's place */
        memcpy(before + 34 * GPT_SECTOR, m.bytes + 34 * GPT_SECTOR, 32 * GPT_SECTOR);
        assert_memory_equal(before, m.bytes, LARGE * GPT_SECTOR);
        free(before);
        free(m.bytes);
    }
}

/* At each instant the table is whole, with the mark or without, and the next start finishes or
 * begins anew. */
static void a_mark_that_is_cut(void **state)
{
    (void)state;
    for (unsigned cut = 0; cut < 6; cut++)
        for (uint64_t seed = 0; seed < 20; seed++) {
            struct medium m = {.rng = {seed}};
            struct gpt_disk d = disk_of(&m, LARGE);

            a_disk(&m);
            assert_int_equal(gpt_grow(&d, data_guid), GPT_CHANGED);
            m.writes_left = cut;
            assert_int_equal(gpt_mark(&d, data_guid, true), GPT_EWRITE);
            is_whole(&m, LARGE);
            m.writes_left = UINT32_MAX;
            assert_true(gpt_grow(&d, data_guid) >= 0);
            assert_true(gpt_mark(&d, data_guid, true) >= 0);
            assert_true(has_mark(&m, LARGE));
            is_grown(&m, LARGE);
            free(m.bytes);
        }
}

static void a_table_without_room_is_not_marked(void **state)
{
    struct medium m = {0};
    struct gpt_disk d = disk_of(&m, SMALL);

    (void)state;
    a_disk(&m);
    assert_int_equal(gpt_mark(&d, (const uint8_t[16]){9}, true), GPT_ELAYOUT);
    /* where the spare table goes */
    an_entry(m.bytes + 2 * GPT_SECTOR, 5, (const uint8_t[16]){8}, 40, 60);
    a_header(m.bytes, 1, SMALL - 1, 2);
    assert_int_equal(gpt_mark(&d, data_guid, true), GPT_ELAYOUT);
    /* where the backup is */
    an_entry(m.bytes + 2 * GPT_SECTOR, 5, (const uint8_t[16]){8}, SMALL - 39, SMALL - 30);
    a_header(m.bytes, 1, SMALL - 1, 2);
    assert_int_equal(gpt_mark(&d, data_guid, true), GPT_ELAYOUT);
    assert_int_equal(m.writes, 0);
    free(m.bytes);
}

static void what_is_not_ours_is_left_alone(void **state)
{
    struct medium m = {0};
    struct gpt_disk d = disk_of(&m, LARGE);

    (void)state;
    a_disk(&m);
    for (unsigned at = 512; at < 512 + 92; at++) {
        m.bytes[at] ^= 1;
        assert_int_equal(gpt_grow(&d, data_guid), GPT_ETABLE);
        m.bytes[at] ^= 1;
    }
    m.bytes[1024 + 200] ^= 1;
    assert_int_equal(gpt_grow(&d, data_guid), GPT_ETABLE);
    m.bytes[1024 + 200] ^= 1;
    assert_int_equal(gpt_grow(&d, (const uint8_t[16]){9}), GPT_ELAYOUT);
    assert_int_equal(gpt_grow(&d, boot_guid), GPT_ELAYOUT); /* others lie behind it */
    d.sectors = SMALL - 100;                                /* a disk shorter than its table says */
    assert_int_equal(gpt_grow(&d, data_guid), GPT_ELAYOUT);
    d.sectors = 20;
    assert_int_equal(gpt_grow(&d, data_guid), GPT_EREAD);
    assert_int_equal(m.writes, 0);
    free(m.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grows_once),
        cmocka_unit_test(every_cut_is_finished),
        cmocka_unit_test(a_disk_that_grows_meanwhile),
        cmocka_unit_test(a_mark_is_kept),
        cmocka_unit_test(a_mark_that_is_cut),
        cmocka_unit_test(a_table_without_room_is_not_marked),
        cmocka_unit_test(what_is_not_ours_is_left_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
