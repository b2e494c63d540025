/* A file that a restore makes: flushing it brings its name to the disk, too. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "imaging/disk/disk.h"
#include "tests/unit/fault_files.h"

static void a_name_that_is_not_on_the_disk_is_no_pass(void **state)
{
    struct disk_want want = {1 << 20, 1 << 20, 0, true};
    char folder[] = "/tmp/disk_name_test.XXXXXX", path[64];
    struct err err = {0};
    struct disk d;

    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/disk.img", folder);
    assert_int_equal(disk_target_open(&d, path, &want, &err), 0);
    fault_set(FAULT_FSYNC, folder, EIO);
    fault.after = 1; /* the file itself */
    assert_int_equal(d.ops->flush(d.ctx, &err), DISK_EWRITE);
    assert_non_null(strstr(err.text, "folder"));
    fault_set(FAULT_FSYNC, folder, EIO);
    fault.after = 2; /* once both are on the disk, the file alone is synced */
    assert_int_equal(d.ops->flush(d.ctx, &err), 0);
    fault.after = 1;
    assert_int_equal(d.ops->flush(d.ctx, &err), 0);
    fault_set(FAULT_NONE, "", 0);
    disk_close(&d);
    unlink(path);
    rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_name_that_is_not_on_the_disk_is_no_pass)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
