/* A file system from its list of blocks: all of it, or none, whatever interrupts that. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rootfs/init/anew.h"

#define BLOCKS 16
#define HEAD 24
#define LIST (HEAD + 3 * (8 + ANEW_BLOCK))

static uint8_t list[LIST], want[BLOCKS * ANEW_BLOCK];

struct medium {
    uint8_t bytes[(BLOCKS + 2) * ANEW_BLOCK];
    unsigned left; /* writes before the power goes */
    unsigned writes, syncs;
    unsigned loose; /* writes since the last sync: a power cut may leave out any of them */
    bool head_loose;
};

static int medium_write(void *ctx, uint64_t at, const uint8_t block[ANEW_BLOCK])
{
    struct medium *m = ctx;

    if (!m->left)
        return -1;
    m->left--;
    m->writes++;
    assert_false(at ? m->head_loose : block[0] && m->loose);
    m->head_loose |= at == 0;
    m->loose++;
    assert_true(at + ANEW_BLOCK <= BLOCKS * ANEW_BLOCK);
    memcpy(m->bytes + at, block, ANEW_BLOCK);
    return 0;
}

static int medium_sync(void *ctx)
{
    struct medium *m = ctx;

    m->syncs++;
    m->loose = 0;
    m->head_loose = false;
    return m->left ? 0 : -1;
}

static struct anew_disk disk_of(struct medium *m)
{
    memset(m, 0, sizeof *m);
    memset(m->bytes, 0xee, sizeof m->bytes); /* what an older file system left */
    m->left = UINT32_MAX;
    return (struct anew_disk){.ctx = m,
                              .write = medium_write,
                              .sync = medium_sync,
                              .bytes = sizeof m->bytes};
}

static void put_le(uint8_t *at, uint64_t v)
{
    for (unsigned i = 0; i < 8; i++)
        at[i] = (uint8_t)(v >> (8 * i));
}

static int make(void **state)
{
    static const unsigned where[3] = {0, 5, 15};

    (void)state;
    memset(want, 0, sizeof want);
    memcpy(list, "RCDATA1\n", 8);
    put_le(list + 8, BLOCKS * ANEW_BLOCK);
    put_le(list + 16, 3);
    for (unsigned i = 0; i < 3; i++) {
        uint8_t *at = list + HEAD + i * (8 + ANEW_BLOCK);

        put_le(at, where[i] * ANEW_BLOCK);
        memset(at + 8, (int)i + 1, ANEW_BLOCK);
        memset(want + where[i] * ANEW_BLOCK, (int)i + 1, ANEW_BLOCK);
    }
    return 0;
}

static void all_of_it(void **state)
{
    static struct medium m;
    struct anew_disk d = disk_of(&m);

    (void)state;
    assert_int_equal(anew_write(&d, list, sizeof list), ANEW_DONE);
    assert_memory_equal(m.bytes, want, sizeof want);
    assert_int_equal(m.bytes[sizeof want], 0xee);
    assert_int_equal(m.loose, 0);
    d = disk_of(&m);
    d.bytes = sizeof want;
    assert_int_equal(anew_write(&d, list, sizeof list), ANEW_DONE);
}

/* Until the last write has been made block 0 is what it was, or zeros: nothing that mounts. */
static void a_cut_leaves_none(void **state)
{
    static struct medium m;
    static const uint8_t zeros[ANEW_BLOCK];

    (void)state;
    for (unsigned cut = 0; cut <= BLOCKS; cut++) {
        struct anew_disk d = disk_of(&m);

        m.left = cut;
        assert_int_equal(anew_write(&d, list, sizeof list), ANEW_EWRITE);
        if (cut)
            assert_memory_equal(m.bytes, zeros, ANEW_BLOCK);
    }
}

static void a_damaged_list_changes_nothing(void **state)
{
    static struct medium m;
    struct anew_disk d = disk_of(&m);

    (void)state;
    for (size_t n = 0; n < sizeof list; n++) /* every beginning */
        assert_int_equal(anew_write(&d, list, n), ANEW_ELIST);
    put_le(list + HEAD, ANEW_BLOCK); /* no superblock */
    assert_int_equal(anew_write(&d, list, sizeof list), ANEW_ELIST);
    make(NULL);
    put_le(list + HEAD + 2 * (8 + ANEW_BLOCK), BLOCKS * ANEW_BLOCK); /* behind the end */
    assert_int_equal(anew_write(&d, list, sizeof list), ANEW_ELIST);
    put_le(list + HEAD + 2 * (8 + ANEW_BLOCK), 5 * ANEW_BLOCK); /* twice */
    assert_int_equal(anew_write(&d, list, sizeof list), ANEW_ELIST);
    put_le(list + HEAD + 2 * (8 + ANEW_BLOCK), 6 * ANEW_BLOCK + 1); /* beside a block */
    assert_int_equal(anew_write(&d, list, sizeof list), ANEW_ELIST);
    make(NULL);
    d.bytes = sizeof want - 1;
    assert_int_equal(anew_write(&d, list, sizeof list), ANEW_EROOM);
    assert_int_equal(m.writes, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(all_of_it, make),
        cmocka_unit_test_setup(a_cut_leaves_none, make),
        cmocka_unit_test_setup(a_damaged_list_changes_nothing, make),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
