/* The box's key is made once, whatever interrupts that; its page is what a target reads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "board/box/store/identity.h"
#include "board/core/target_page.h"
#include "tests/unit/fault_files.h"

static void made_once(void **state)
{
    char folder[] = "/tmp/rcidentity.XXXXXX", path[64];
    struct sign_key first, second;
    struct err err = {0};
    FILE *f;

    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/identity.key.new", folder); /* a cut while the first was made */
    f = fopen(path, "w");
    fputs("-----BEGIN", f);
    fclose(f);
    assert_int_equal(identity_open(&first, folder, &err), 0);
    assert_int_equal(identity_open(&second, folder, &err), 0);
    assert_memory_equal(first.pub, second.pub, sizeof first.pub);
    assert_int_not_equal(access(path, F_OK), 0);
    snprintf(path, sizeof path, "%s/identity.pub", folder); /* a cut between the two names */
    unlink(path);
    assert_int_equal(identity_open(&second, folder, &err), 0);
    assert_memory_equal(first.pub, second.pub, sizeof first.pub);
    snprintf(path, sizeof path, "%s/identity.key", folder);
    f = fopen(path, "w"); /* damaged: not replaced, or targets would be told of a stranger */
    fputs("nonsense", f);
    fclose(f);
    assert_true(identity_open(&second, folder, &err) < 0);
    assert_true(err.text[0]);
    unlink(path);
    rmdir(folder);
}

/* No other key is made because the one that is there cannot be read just now. */
static void an_unreadable_key_is_not_replaced(void **state)
{
    static const struct {
        enum fault_call call;
        int error;
    } way[] = {{FAULT_OPEN, EIO}, {FAULT_OPEN, EMFILE}, {FAULT_OPEN, EACCES}, {FAULT_READ, EIO}};
    char folder[] = "/tmp/rcidentity.XXXXXX", command[64];
    struct sign_key first, second;

    (void)state;
    assert_non_null(mkdtemp(folder));
    assert_int_equal(identity_open(&first, folder, NULL), 0);
    for (size_t i = 0; i < sizeof way / sizeof *way; i++) {
        struct err err = {0};

        fault_set(way[i].call, "identity.key", way[i].error);
        fault.most = 1; /* another could be made */
        assert_true(identity_open(&second, folder, &err) < 0);
        assert_true(fault.hits);
        assert_non_null(strstr(err.text, strerror(way[i].error)));
        fault_set(FAULT_NONE, "", 0);
        assert_int_equal(identity_open(&second, folder, &err), 0);
        assert_memory_equal(first.pub, second.pub, sizeof first.pub);
    }
    snprintf(command, sizeof command, "rm -r %s", folder);
    assert_int_equal(system(command), 0);
    assert_non_null(mkdtemp(strcpy(folder, "/tmp/rcidentity.XXXXXX")));
    /* files are synced, the folder is not: the key is not said to be kept */
    fault_set(FAULT_FSYNC, folder, EIO);
    fault.after = 2;
    assert_true(identity_open(&first, folder, NULL) < 0);
    assert_int_equal(fault.hits, 1);
    fault_set(FAULT_NONE, "", 0);
    snprintf(command, sizeof command, "rm -r %s", folder);
    assert_int_equal(system(command), 0);
}

static void nowhere(void **state)
{
    struct sign_key key;
    struct err err = {0};

    (void)state;
    assert_true(identity_open(&key, "/nowhere", &err) < 0);
}

static void a_target_reads_the_page(void **state)
{
    char disk[IDENTITY_DISK_MAX + 1] = "auto";
    struct identity_page page = {.address = 0x0a4d0001,
                                 .port = 7800,
                                 .after_pass = "poweroff",
                                 .disk = disk};
    uint8_t bytes[IDENTITY_BYTES];
    struct target_page got;
    struct err err = {0};

    (void)state;
    page.key[0] = 4;
    for (unsigned i = 1; i < sizeof page.key; i++)
        page.key[i] = (uint8_t)(i * 7);
    identity_page(&page, bytes);
    assert_int_equal(target_page_parse(&got, bytes, sizeof bytes, &err), 0);
    assert_int_equal(got.address, page.address);
    assert_int_equal(got.port, 7800);
    assert_int_equal(got.after, TARGET_POWEROFF);
    assert_memory_equal(got.key, page.key, sizeof got.key);
    memset(disk, 'x', IDENTITY_DISK_MAX); /* the longest fits */
    identity_page(&page, bytes);
    assert_int_equal(bytes[IDENTITY_BYTES - 1], '\n');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(made_once),
        cmocka_unit_test(an_unreadable_key_is_not_replaced),
        cmocka_unit_test(nowhere),
        cmocka_unit_test(a_target_reads_the_page),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
