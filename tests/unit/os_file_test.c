/* Files: whole reads and writes when a call does half of its work, and a file that is replaced:
 * after each trouble it is the old one or the new one, and success means that it is on the disk. */
#include "net/os/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include "tests/unit/fault_files.h"

static char folder[] = "/tmp/os_file_test.XXXXXX", path[64], fresh[64];

static int make_folder(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/os_file_test.XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof path, "%s/name", folder);
    snprintf(fresh, sizeof fresh, "%s/name.new", folder);
    return file_replace(path, fresh, "old", 3, 0600);
}

static int remove_folder(void **state)
{
    (void)state;
    fault_set(FAULT_NONE, "", 0);
    unlink(path);
    unlink(fresh);
    return rmdir(folder);
}

static bool holds(const char *text)
{
    char bytes[64];
    ssize_t n = file_load(path, bytes, sizeof bytes);

    return n == (ssize_t)strlen(text) && memcmp(bytes, text, (size_t)n) == 0;
}

static void a_file_is_replaced(void **state)
{
    struct stat st;

    (void)state;
    assert_true(holds("old"));
    assert_int_equal(file_replace(path, fresh, "the new one", 11, 0600), 0);
    assert_true(holds("the new one"));
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_not_equal(access(fresh, F_OK), 0);
}

static void a_failed_step_leaves_the_old_one(void **state)
{
    static const enum fault_call call[] = {FAULT_OPEN, FAULT_WRITE, FAULT_FSYNC, FAULT_RENAME};

    (void)state;
    for (unsigned i = 0; i < sizeof call / sizeof *call; i++) {
        fault_set(call[i], "name.new", EIO);
        assert_int_equal(file_replace(path, fresh, "new", 3, 0600), -1);
        assert_int_equal(errno, EIO);
        fault_set(FAULT_NONE, "", 0);
        assert_true(holds("old"));
        assert_int_not_equal(access(fresh, F_OK), 0);
    }
}

/* The name may or may not outlive a power cut: that is no success. */
static void a_name_that_is_not_on_the_disk_is_an_error(void **state)
{
    (void)state;
    fault_set(FAULT_FSYNC, folder, EIO);
    fault.after = 1; /* the file itself */
    assert_int_equal(file_replace(path, fresh, "new", 3, 0600), -1);
    assert_int_equal(errno, EIO);
    fault_set(FAULT_FSYNC, folder, EIO);
    assert_int_equal(file_sync_folder(folder), -1);
    assert_int_equal(file_sync_name(path), -1);
    fault_set(FAULT_FSYNC, folder,
              EINVAL); /* a file system without that call: the caller decides */
    assert_int_equal(file_sync_folder(folder), -1);
    assert_int_equal(errno, EINVAL);
}

static int half_of_each(enum fault_call call, const char *name)
{
    (void)name;
    return call == FAULT_READ || call == FAULT_WRITE ? FAULT_SHORT : 0;
}

/* Calls that do half of their work, down to a single byte. */
static void half_a_call_is_gone_on_with(void **state)
{
    char bytes[1000], back[1000];
    int fd = open(path, O_RDWR | O_TRUNC | O_CLOEXEC);

    (void)state;
    assert_true(fd >= 0);
    for (unsigned i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)i;
    fault.strike = half_of_each;
    assert_int_equal(file_write(fd, bytes, sizeof bytes), 0);
    assert_int_equal(file_write_at(fd, bytes, 10, 500), 0);
    assert_int_equal(file_read_at(fd, back, sizeof back, 0), sizeof back);
    fault.strike = NULL;
    assert_memory_equal(back, bytes, 500);
    assert_memory_equal(back + 500, bytes, 10);
    assert_memory_equal(back + 510, bytes + 510, 490);
    assert_int_equal(lseek(fd, 900, SEEK_SET), 900);
    assert_int_equal(file_read(fd, back, sizeof back), 100); /* the file's end is no error */
    close(fd);
}

static void what_cannot_be_read_is_not_what_is_not_there(void **state)
{
    char bytes[8];

    (void)state;
    assert_int_equal(file_load(fresh, bytes, sizeof bytes), -1);
    assert_int_equal(errno, ENOENT);
    fault_set(FAULT_OPEN, "name", EMFILE);
    assert_int_equal(file_load(path, bytes, sizeof bytes), -1);
    assert_int_equal(errno, EMFILE);
    fault_set(FAULT_READ, "name", EIO);
    assert_int_equal(file_load(path, bytes, sizeof bytes), -1);
    assert_int_equal(errno, EIO);
    fault_set(FAULT_NONE, "", 0);
    assert_int_equal(file_load(path, bytes, 2), 2); /* no more than there is room for */
}

#define FILE_CASE(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FILE_CASE(a_file_is_replaced),
        FILE_CASE(a_failed_step_leaves_the_old_one),
        FILE_CASE(a_name_that_is_not_on_the_disk_is_an_error),
        FILE_CASE(half_a_call_is_gone_on_with),
        FILE_CASE(what_cannot_be_read_is_not_what_is_not_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
