/* Which box is meant, how it is known, and the file that says so. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "board/cli/api.h"
#include "tests/unit/fault_files.h"

#define PIN                                                                                        \
    "AB:CD:EF:01:23:45:67:89:AB:CD:EF:01:23:45:67:89:AB:CD:EF:01:23:45:67:89:AB:CD:EF:01:23:45:"   \
    "67:89"

static char folder[64], path[128];

static int make_folder(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/cli_login_test.XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/a/b/login", folder);
    return 0;
}

static int remove_folder(void **state)
{
    char command[128];

    (void)state;
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command);
}

static void boxes_have_addresses(void **state)
{
    static const char *const wrong[] = {"",       ":443",        "a b",   "box:0", "box:65536",
                                        "box:4x", "https://box", "[::1]", "box:"};
    struct login l = {0};

    (void)state;
    assert_int_equal(login_box_parse(&l, "10.77.0.1", NULL), 0);
    assert_string_equal(l.host, "10.77.0.1");
    assert_int_equal(l.port, 443);
    assert_int_equal(login_box_parse(&l, "ring-1.local:8443", NULL), 0);
    assert_int_equal(l.port, 8443);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(login_box_parse(&l, wrong[i], NULL), CLI_EUSAGE);
    assert_string_equal(l.host, "ring-1.local");
}

static void fingerprints_are_whole(void **state)
{
    char plain[LOGIN_PIN_TEXT] = "", text[LOGIN_PIN_TEXT];
    struct login l = {0};

    (void)state;
    assert_int_equal(login_pin_parse(&l, PIN, NULL), 0);
    assert_true(l.pinned);
    assert_int_equal(l.pin[2], 0xEF);
    assert_string_equal(login_pin_text(text, l.pin), PIN);
    for (size_t i = 0, n = 0; PIN[i]; i++)
        if (PIN[i] != ':')
            plain[n++] = (char)(PIN[i] | 32);
    assert_int_equal(login_pin_parse(&l, plain, NULL), 0);
    for (size_t cut = 0; cut < sizeof PIN - 1; cut++) {
        char part[sizeof PIN] = "";
        struct login none = {0};

        memcpy(part, PIN, cut);
        assert_int_equal(login_pin_parse(&none, part, NULL), CLI_EUSAGE);
        assert_false(none.pinned);
    }
    assert_int_equal(login_pin_parse(&l, PIN "0", NULL), CLI_EUSAGE);
    assert_int_equal(login_pin_parse(&l, PIN ":", NULL), CLI_EUSAGE);
}

static void what_was_saved_is_loaded(void **state)
{
    struct login l = {0}, got = {0}, other = {0}, same = {0};
    struct stat st;

    (void)state;
    assert_int_equal(login_box_parse(&l, "box:4430", NULL) | login_pin_parse(&l, PIN, NULL), 0);
    strcpy(l.token, "t0ken");
    assert_int_equal(login_save(&l, path, NULL), 0);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(login_load(&got, path, NULL), 0);
    assert_memory_equal(&got, &l, sizeof l);
    /* Another box is told neither fingerprint nor token of this one. */
    assert_int_equal(login_box_parse(&other, "other:4430", NULL) | login_load(&other, path, NULL),
                     0);
    assert_string_equal(other.host, "other");
    assert_false(other.pinned);
    assert_string_equal(other.token, "");
    assert_int_equal(login_box_parse(&same, "box:4430", NULL) | login_load(&same, path, NULL), 0);
    assert_true(same.pinned);
    assert_string_equal(same.token, "t0ken");
}

static void a_file_of_others_is_not_believed(void **state)
{
    struct login l = {0}, got = {0};
    char secret[16];
    FILE *f;

    (void)state;
    assert_int_equal(login_box_parse(&l, "box", NULL) | login_pin_parse(&l, PIN, NULL) |
                         login_save(&l, path, NULL),
                     0);
    chmod(path, 0640);
    assert_int_equal(login_load(&got, path, NULL), CLI_EFILE);
    chmod(path, 0600);
    f = fopen(path, "w");
    fputs("box = a\nboxx = b\n", f);
    fclose(f);
    assert_int_equal(login_load(&got, path, NULL), CLI_EFILE);
    assert_int_equal(login_secret_read(secret, sizeof secret, path, NULL), 0);
    assert_string_equal(secret, "box = a");
    assert_int_equal(login_secret_read(secret, 7, path, NULL), CLI_EFILE);
    unlink(path);
    assert_int_equal(login_load(&got, path, NULL), 0); /* none is no error */
    assert_int_equal(login_secret_read(secret, sizeof secret, path, NULL), CLI_EFILE);
}

/* Half of the bytes are gone on with; what may not be on the disk is not said to be. */
static void all_of_it_is_read_and_written(void **state)
{
    struct login l = {.token = "secret"}, got = {0};

    (void)state;
    assert_int_equal(login_box_parse(&l, "box", NULL) | login_pin_parse(&l, PIN, NULL), 0);
    fault_set(FAULT_WRITE, "login", FAULT_SHORT);
    assert_int_equal(login_save(&l, path, NULL), 0);
    assert_true(fault.hits);
    fault_set(FAULT_READ, "login", FAULT_SHORT);
    assert_int_equal(login_load(&got, path, NULL), 0);
    assert_true(fault.hits);
    assert_string_equal(got.token, "secret");
    fault_set(FAULT_FSYNC, folder, EIO);
    fault.after = 1; /* the file itself */
    assert_int_equal(login_save(&l, path, NULL), CLI_EFILE);
    assert_int_equal(fault.hits, 1);
    fault_set(FAULT_NONE, "", 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(boxes_have_addresses),
        cmocka_unit_test(fingerprints_are_whole),
        cmocka_unit_test_setup_teardown(what_was_saved_is_loaded, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(a_file_of_others_is_not_believed, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(all_of_it_is_read_and_written, make_folder, remove_folder),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
