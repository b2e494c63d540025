/* A disk that is full in the middle of a record: half of it stays nowhere, and what came before and
 * comes after is there again. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#include <cmocka.h>

#include "board/box/store/journal.h"

static char folder[64], path[128];

/* ---- the disk ---- */

static bool cannot_cut, cannot_sync_folder;
static int room = -1; /* bytes that still fit; -1: no end of them */

ssize_t write(int fd, const void *bytes, size_t n)
{
    if (room == 0) {
        errno = ENOSPC;
        return -1;
    }
    n = room > 0 && n > (size_t)room ? (size_t)room : n;
    room -= room > 0 ? (int)n : 0;
    return syscall(SYS_write, fd, bytes, n);
}

int ftruncate(int fd, off_t n)
{
    if (!cannot_cut)
        return (int)syscall(SYS_ftruncate, fd, n);
    errno = EIO;
    return -1;
}

int fsync(int fd)
{
    struct stat st;

    if (!cannot_sync_folder || fstat(fd, &st) || !S_ISDIR(st.st_mode))
        return 0;
    errno = EIO;
    return -1;
}

/* ---- the journal ---- */

static int make_folder(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/rcfull.XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/journal", folder);
    return 0;
}

static int remove_folder(void **state)
{
    char command[160];

    (void)state;
    room = -1;
    cannot_cut = cannot_sync_folder = false;
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command);
}

static char told[16]; /* by key */

static enum told on_each(void *ctx, uint8_t kind, const uint8_t *key, size_t nkey,
                         const uint8_t *value, size_t nvalue)
{
    (void)ctx;
    assert_true(kind == JOURNAL_MACHINE && nkey == 1 && *key < sizeof told && nvalue == 100);
    told[*key] = (char)value[0];
    return TOLD_KNOWN;
}

static struct journal *open_it(enum journal_was was)
{
    struct journal *j;
    struct err err = {0};

    memset(told, 0, sizeof told);
    assert_int_equal(journal_open(&j, path, &err), 0);
    assert_int_equal(journal_found(j).was, was);
    journal_tell(j, on_each, NULL);
    assert_int_equal(journal_begin(j, &err), 0);
    return j;
}

static int put(struct journal *j, uint8_t key, char value)
{
    uint8_t bytes[100] = {(uint8_t)value};

    return journal_put(j, JOURNAL_MACHINE, &key, 1, bytes, sizeof bytes);
}

static void half_a_record_is_cut_off(void **state)
{
    struct journal *j = open_it(JOURNAL_NEW);

    (void)state;
    assert_int_equal(put(j, 1, 'a'), 0);
    room = 40;
    assert_int_equal(put(j, 2, 'b'), PC_EJOURNAL);
    room = -1;
    assert_int_equal(put(j, 3, 'c'), 0);
    journal_close(j);
    j = open_it(JOURNAL_INTACT);
    assert_true(told[1] == 'a' && told[2] == 0 && told[3] == 'c');
    journal_close(j);
}

/* Nothing is put behind half a record that cannot be cut off; the file is written anew. */
static void half_a_record_that_stays_is_not_built_upon(void **state)
{
    struct journal *j = open_it(JOURNAL_NEW);

    (void)state;
    assert_int_equal(put(j, 1, 'a'), 0);
    room = 40;
    cannot_cut = true;
    assert_int_equal(put(j, 2, 'b'), PC_EJOURNAL);
    room = -1;
    cannot_cut = false;
    assert_false(journal_works(j));
    assert_int_equal(put(j, 3, 'c'), PC_EJOURNAL);
    journal_close(j);
    j = open_it(JOURNAL_INTACT);
    assert_true(told[1] == 'a' && told[2] == 0 && told[3] == 0);
    assert_int_equal(put(j, 3, 'c'), 0);
    journal_close(j);
    j = open_it(JOURNAL_INTACT);
    assert_true(told[1] == 'a' && told[3] == 'c');
    journal_close(j);
}

/* Until then the file may not be there after a power cut. */
static void a_file_is_there_when_its_folder_is_synced(void **state)
{
    struct journal *j;
    struct err err = {0};

    (void)state;
    cannot_sync_folder = true;
    assert_int_equal(journal_open(&j, path, &err), 0);
    assert_int_equal(journal_begin(j, &err), PC_EJOURNAL);
    journal_close(j);
    cannot_sync_folder = false;
    journal_close(open_it(JOURNAL_INTACT));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(half_a_record_is_cut_off, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(a_file_is_there_when_its_folder_is_synced, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(half_a_record_that_stays_is_not_built_upon, make_folder,
                                        remove_folder),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
