/* What the box makes of its memory: on hold whenever the memory is lost, damaged, newer or refused,
 * until a person decides. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "board/box/store/memory.h"
#include "tests/unit/fault_files.h"

static char folder[64], path[128];
static struct memory memory;

static int make_folder(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/rcmemory.XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/journal", folder);
    return 0;
}

static int remove_folder(void **state)
{
    char command[160];

    (void)state;
    memory_close(&memory);
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command);
}

/* The owner of the records takes those whose value says so. */
static enum told on_each(void *ctx, uint8_t kind, const uint8_t *key, size_t nkey,
                         const uint8_t *value, size_t nvalue)
{
    (void)ctx;
    (void)key;
    assert_true(kind == JOURNAL_MACHINE && nkey == 1 && nvalue >= 1);
    return value[0] == 'k' ? TOLD_KNOWN : value[0] == 'n' ? TOLD_NEWER : TOLD_BROKEN;
}

static void start(bool had_key, bool grown_before)
{
    memory_open(&memory, folder, had_key, grown_before);
    memory_tell(&memory, on_each, NULL);
}

static void start_again(void)
{
    memory_close(&memory);
    start(true, true);
}

static void put(uint8_t key, const char *value)
{
    assert_true(memory_put(&memory, JOURNAL_MACHINE, &key, 1, value, strlen(value)));
}

static void assert_held(enum hold_reason reason)
{
    for (unsigned i = 0; i < HOLD_REASON_COUNT; i++)
        assert_int_equal(memory.hold.why[i].holds, i == reason);
    assert_true(hold_is(&memory.hold));
}

/* A whole journal with some records. */
static void make_journal(void)
{
    start(false, false);
    for (uint8_t i = 0; i < 100; i++)
        put(i, "known");
    memory_close(&memory);
}

static void overwrite(long at, const char *bytes, size_t n)
{
    int fd = open(path, O_WRONLY);

    assert_int_equal(pwrite(fd, bytes, n, at), n);
    assert_int_equal(close(fd), 0);
}

/* ---- what is there at the start ---- */

static void a_first_boot_is_no_loss(void **state)
{
    (void)state;
    start(false, false);
    assert_false(hold_is(&memory.hold));
    start_again();
    assert_false(hold_is(&memory.hold));
}

static void a_journal_that_is_gone_is_a_loss(void **state)
{
    (void)state;
    start(true, false);
    assert_held(HOLD_LOST);
    memory_close(&memory);
    assert_int_equal(unlink(path), 0);
    start(false, true);
    assert_held(HOLD_LOST);
}

static void an_empty_journal_is_a_loss(void **state)
{
    (void)state;
    make_journal();
    assert_int_equal(truncate(path, 0), 0);
    start(true, true);
    assert_held(HOLD_LOST);
}

static void a_damaged_journal_is_a_loss(void **state)
{
    static const char zeros[512];

    (void)state;
    make_journal();
    overwrite(0, zeros, sizeof zeros);
    start(true, true);
    assert_held(HOLD_DAMAGED);
}

static void a_newer_journal_is_not_touched(void **state)
{
    struct stat before, after;

    (void)state;
    assert_int_equal(close(open(path, O_WRONLY | O_CREAT, 0600)), 0);
    overwrite(0, "RCJOURN9", 8);
    assert_int_equal(stat(path, &before), 0);
    start(true, true);
    assert_held(HOLD_UNREAD);
    assert_null(memory.journal);
    assert_int_equal(stat(path, &after), 0);
    assert_true(before.st_ino == after.st_ino && before.st_size == after.st_size);
}

static void a_journal_that_cannot_be_opened_is_not_a_new_one(void **state)
{
    (void)state;
    assert_int_equal(mkdir(path, 0700), 0);
    start(false, false);
    assert_held(HOLD_UNKEPT);
    assert_null(memory.journal);
    assert_false(memory_put(&memory, JOURNAL_MACHINE, "a", 1, "k", 1));
    assert_true(memory_kept(&memory, JOURNAL_MACHINE, "a", 1));
    assert_int_equal(rmdir(path), 0);
}

static void a_journal_that_fails_once_is_not_made_anew(void **state)
{
    (void)state;
    make_journal();
    fault_set(FAULT_OPEN, "/journal", EIO);
    start(true, true);
    fault_set(FAULT_NONE, "", 0);
    assert_held(HOLD_UNKEPT);
    assert_null(memory.journal);
    start_again();
    assert_false(hold_is(&memory.hold));
}

static void a_journal_has_one_box(void **state)
{
    struct memory first;

    (void)state;
    memory_open(&first, folder, false, false);
    start(true, true);
    assert_held(HOLD_UNKEPT);
    assert_null(memory.journal);
    memory_close(&first);
}

static void a_key_that_cannot_be_looked_at_is_there(void **state)
{
    char data[160], key[160];

    (void)state;
    assert_false(memory_had_key(folder));
    snprintf(key, sizeof key, "%s/identity.key", folder);
    assert_int_equal(close(open(key, O_WRONLY | O_CREAT, 0600)), 0);
    assert_true(memory_had_key(folder));
    snprintf(data, sizeof data, "%s/identity.key", folder); /* no folder: ENOTDIR */
    assert_true(memory_had_key(data));
}

/* ---- what its owners make of it ---- */

static void records_that_are_not_understood_hold(void **state)
{
    (void)state;
    start(false, false);
    put(1, "known");
    put(2, "newer");
    start_again();
    assert_held(HOLD_UNREAD);
    memory_lift(&memory, "page");
    assert_false(hold_is(&memory.hold));
    start_again(); /* a person has agreed to these */
    assert_false(hold_is(&memory.hold));
    put(3, "broken");
    start_again(); /* and not to those */
    assert_held(HOLD_UNREAD);
    memory_lift(&memory, "page");
    put(3, "bad");
    start_again(); /* as many, and other ones */
    assert_held(HOLD_UNREAD);
}

static void a_record_that_makes_no_sense_holds(void **state)
{
    (void)state;
    start(false, false);
    put(1, "known");
    put(2, "broken");
    start_again();
    assert_held(HOLD_UNREAD);
}

static void a_hold_that_is_not_understood_holds(void **state)
{
    uint8_t reason = HOLD_LOST;

    (void)state;
    start(false, false);
    assert_true(memory_put(&memory, JOURNAL_HOLD, &reason, 1, "\x09?", 2));
    start_again();
    assert_held(HOLD_UNREAD);
}

/* ---- a person decides ---- */

static void a_loss_holds_over_restarts_until_it_is_lifted(void **state)
{
    (void)state;
    start(true, false);
    assert_held(HOLD_LOST);
    start_again();
    assert_held(HOLD_LOST);
    memory_lift(&memory, "screen");
    assert_false(hold_is(&memory.hold));
    start_again();
    assert_false(hold_is(&memory.hold));
    memory_close(&memory);
    assert_int_equal(unlink(path), 0); /* the next loss is a reason again */
    start(true, true);
    assert_held(HOLD_LOST);
}

/* ---- what the disk does not take ---- */

static void what_is_not_kept_holds(void **state)
{
    uint8_t value[JOURNAL_VALUE_MAX] = {'k'}, key[4] = {0};
    bool kept = true;

    (void)state;
    start(false, false);
    for (unsigned i = 0; kept && i <= JOURNAL_RECORDS_MAX; i++) {
        memcpy(key, &i, sizeof key);
        kept = memory_put(&memory, JOURNAL_MACHINE, key, sizeof key, value, sizeof value);
        assert_int_equal(hold_is(&memory.hold), !kept);
    }
    assert_false(kept);
    assert_true(memory.hold.why[HOLD_UNKEPT].holds);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_first_boot_is_no_loss, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(a_journal_that_is_gone_is_a_loss, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(an_empty_journal_is_a_loss, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(a_damaged_journal_is_a_loss, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(a_newer_journal_is_not_touched, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(a_journal_that_cannot_be_opened_is_not_a_new_one,
                                        make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(a_journal_that_fails_once_is_not_made_anew, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(a_journal_has_one_box, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(a_key_that_cannot_be_looked_at_is_there, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(records_that_are_not_understood_hold, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(a_record_that_makes_no_sense_holds, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(a_hold_that_is_not_understood_holds, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(a_loss_holds_over_restarts_until_it_is_lifted, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(what_is_not_kept_holds, make_folder, remove_folder),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
