/* A file appears under its name when it is whole, and is said to be there when its name is on the
 * disk, too. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "imaging/image/errors.h"
#include "imaging/pack/outfile.h"
#include "tests/unit/fault_files.h"

static char folder[] = "/tmp/image_outfile.XXXXXX", path[64];
static struct outfile f;

static int begin(void **state)
{
    (void)state;
    strcpy(folder + strlen(folder) - 6, "XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof path, "%s/out", folder);
    return 0;
}

static int end(void **state)
{
    char command[64];

    (void)state;
    fault_set(FAULT_NONE, "", 0);
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command);
}

static int publish(struct err *err)
{
    int rc;

    assert_int_equal(outfile_open(&f, path, false, err), 0);
    assert_int_equal(write_all(f.fd, 0, "whole", 5, err), 0);
    rc = outfile_publish(&f, err);
    outfile_close(&f);
    return rc;
}

static void it_has_its_name(void **state)
{
    struct err err = {0};

    (void)state;
    assert_int_equal(publish(&err), 0);
    assert_int_equal(access(path, R_OK), 0);
    assert_int_equal(outfile_open(&f, path, false, &err), IMG_EEXISTS);
}

static void bytes_that_are_not_on_the_disk_get_no_name(void **state)
{
    struct err err = {0};

    (void)state;
    fault_set(FAULT_FSYNC, folder, EIO);
    assert_int_equal(publish(&err), IMG_EOUTPUT);
    assert_int_equal(fault.hits, 1);
    assert_int_not_equal(access(path, R_OK), 0);
}

static void a_name_that_is_not_on_the_disk_is_said(void **state)
{
    static const int error[] = {EIO, ENOSPC};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct err err = {0};

        fault_set(FAULT_FSYNC, folder, error[i]);
        fault.after = 1; /* the file itself */
        assert_int_equal(publish(&err), IMG_EOUTPUT);
        assert_int_equal(fault.hits, 1);
        assert_non_null(strstr(err.text, strerror(error[i])));
        assert_int_equal(unlink(path), 0);
    }
    fault_set(FAULT_FSYNC, folder, EINVAL); /* a file system without that call */
    fault.after = 1;
    assert_int_equal(publish(NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(it_has_its_name, begin, end),
        cmocka_unit_test_setup_teardown(bytes_that_are_not_on_the_disk_get_no_name, begin, end),
        cmocka_unit_test_setup_teardown(a_name_that_is_not_on_the_disk_is_said, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
