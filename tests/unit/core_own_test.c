/* What is a machine's own: gathered from folders, carried, believed, and nothing of it leads out of
 * the partition. */
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

#include "board/core/own.h"
#include "board/errors/box.h"
#include "tests/unit/fault_files.h"

static const uint8_t mac[6] = {0x52, 0x49, 0x4e, 0x47, 0, 1};
static char folder[] = "/tmp/core_own_test.XXXXXX";

/* A file below the folder, its folders made as needed. */
static void put(const char *path, const char *text)
{
    char full[600];
    FILE *f;

    snprintf(full, sizeof full, "%s/%s", folder, path);
    for (char *at = full + strlen(folder) + 1; (at = strchr(at, '/')); *at++ = '/') {
        *at = 0;
        mkdir(full, 0700);
    }
    f = fopen(full, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static int begin(void **state)
{
    (void)state;
    strcpy(folder + strlen(folder) - 6, "XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int end(void **state)
{
    char command[100];

    (void)state;
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command);
}

static struct own o, back;
static uint8_t bytes[SESSION_OWN_MAX];

static void nothing_is_nothing(void **state)
{
    (void)state;
    memset(&o, 0, sizeof o);
    assert_int_equal(own_gather(&o, NULL, mac, NULL), 0);
    assert_int_equal(own_gather(&o, "/nowhere/at/all", mac, NULL), 0);
    assert_int_equal(own_gather(&o, folder, mac, NULL), 0);
    assert_int_equal(own_encode(&o, bytes, sizeof bytes), 0);
    assert_true(own_decode(&back, bytes, 0));
    assert_int_equal(back.n, 0);
    assert_string_equal(back.host, "");
}

static void a_machines_own_goes_before_everybodys(void **state)
{
    char link[100];
    int n;

    (void)state;
    put("ext4/etc/motd", "for all");
    put("ext4/etc/issue", "");
    put("fat/config.txt", "x=1");
    put("52-49-4e-47-00-01/ext4/etc/motd", "for one");
    put("52-49-4e-47-00-02/ext4/etc/motd", "for another");
    put("52-49-4e-47-00-01/other/etc/motd", "no such place");
    snprintf(link, sizeof link, "%s/ext4/link", folder);
    assert_int_equal(symlink("/etc/shadow", link), 0);
    memset(&o, 0, sizeof o);
    strcpy(o.host, "desk-1");
    assert_int_equal(own_gather(&o, folder, mac, NULL), 0);
    n = own_encode(&o, bytes, sizeof bytes);
    assert_true(n > 0);
    assert_true(own_decode(&back, bytes, (size_t)n));
    assert_string_equal(back.host, "desk-1");
    assert_int_equal(back.n, 3);
    assert_string_equal(back.file[0].path, "etc/issue");
    assert_int_equal(back.file[0].n, 0);
    assert_string_equal(back.file[1].path, "etc/motd");
    assert_int_equal(back.file[1].where, OWN_EXT4);
    assert_memory_equal(back.file[1].bytes, "for one", 7);
    assert_string_equal(back.file[2].path, "config.txt");
    assert_int_equal(back.file[2].where, OWN_FAT);
    for (int cut = 1; cut < n; cut++)
        assert_false(own_decode(&back, bytes, (size_t)cut));
    assert_int_equal(own_encode(&o, bytes, (size_t)n - 1), PC_EOWN);
}

static void what_is_known_of_disks_survives_the_wire(void **state)
{
    static const uint8_t empty[] = {1, 0, 0, 0, 0},
                         whose[] = {1, 0, 0, 1, 1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 0};
    int n;

    (void)state;
    memset(&o, 0, sizeof o);
    o.n_known = 1;
    o.known[0] = (struct disk_known){512110190592, "S1"};
    o.n_written = 2;
    o.written[0] = (struct disk_written){"S1", "marks-1"};
    o.written[1] = (struct disk_written){"", "marks-2"};
    n = own_encode(&o, bytes, sizeof bytes);
    assert_true(n > 0);
    assert_true(own_decode(&back, bytes, (size_t)n));
    assert_int_equal(back.n_known, 1);
    assert_int_equal(back.known[0].bytes, 512110190592);
    assert_string_equal(back.known[0].text, "S1");
    assert_int_equal(back.n_written, 2);
    assert_string_equal(back.written[0].serial, "S1");
    assert_memory_equal(back.written[1].marks, "marks-2", 8);
    for (int cut = 1; cut < n; cut++)
        if (cut != 3) /* without the lists */
            assert_false(own_decode(&back, bytes, (size_t)cut));
    assert_false(own_decode(&back, empty, sizeof empty));
    assert_false(own_decode(&back, whose, sizeof whose));
}

static void too_much_is_said(void **state)
{
    static char big[SESSION_OWN_MAX + 2];
    struct err err = {0};
    char name[20];

    (void)state;
    memset(big, 'x', sizeof big - 1);
    put("ext4/big", big);
    memset(&o, 0, sizeof o);
    assert_int_equal(own_gather(&o, folder, mac, &err), PC_EOWN);
    assert_non_null(strstr(err.text, "big is too much"));
    put("ext4/big", "small");
    for (unsigned i = 0; i < OWN_FILES_MAX; i++) {
        snprintf(name, sizeof name, "fat/%u", i);
        put(name, "");
    }
    memset(&o, 0, sizeof o);
    assert_int_equal(own_gather(&o, folder, mac, NULL), PC_EOWN);
}

/* A machine never passes without some of its files because a folder broke off. */
static void what_cannot_be_read_is_said(void **state)
{
    static const struct {
        enum fault_call call;
        const char *path;
        unsigned after;
    } way[] = {{FAULT_READDIR, "ext4", 0}, {FAULT_READDIR, "ext4", 3}, {FAULT_OPEN, "/ext4", 0},
               {FAULT_OPEN, "/fat", 0},    {FAULT_OPEN, "etc", 0},     {FAULT_OPEN, "hostname", 0},
               {FAULT_READ, "hostname", 0}};

    (void)state;
    put("ext4/etc/hostname", "pc");
    put("ext4/etc/motd", "hello");
    for (size_t i = 0; i < sizeof way / sizeof *way; i++) {
        struct err err = {0};

        memset(&o, 0, sizeof o);
        fault_set(way[i].call, way[i].path, EIO);
        fault.after = way[i].after;
        assert_int_equal(own_gather(&o, folder, mac, &err), PC_EFOLDER);
        assert_int_equal(fault.hits, 1);
        assert_true(err.text[0]);
    }
    fault_set(FAULT_READ, "motd", FAULT_SHORT); /* half of a file is not the file */
    memset(&o, 0, sizeof o);
    assert_int_equal(own_gather(&o, folder, mac, NULL), 0);
    assert_true(fault.hits);
    fault_set(FAULT_NONE, "", 0);
    assert_int_equal(o.n, 2);
    assert_true(o.file[0].n + o.file[1].n == strlen("pc") + strlen("hello"));
}

static void no_path_leads_out(void **state)
{
    static const char *const wrong[] = {"",    "/etc/x", "..", "../x", "a/../b",  "a/..",
                                        "./a", "a//b",   "a/", "a\nb", "a\x1b[2J"};

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        size_t n = strlen(wrong[i]);

        memcpy(bytes, "\1\0\1\1", 4);
        bytes[4] = (uint8_t)n;
        memcpy(bytes + 5, wrong[i], n);
        memcpy(bytes + 5 + n, "\0\0", 2);
        assert_false(own_decode(&back, bytes, 7 + n));
    }
    memcpy(bytes, "\1\0\1\1\3a/b\0\0", 10);
    assert_true(own_decode(&back, bytes, 10));
    assert_false(own_decode(&back, (const uint8_t *)"\1\5a b-c\0", 8));        /* no host name */
    assert_false(own_decode(&back, (const uint8_t *)"\1\0\1\3\3a/b\0\0", 10)); /* no such place */
    assert_false(own_decode(&back, (const uint8_t *)"\2\0\0", 3));
}

static void the_answer_is_for_one_machine_and_one_run(void **state)
{
    struct session_ask a = {{1, 2, 3, 4, 5, 6}, {1}}, other = a;
    uint8_t h[IMG_HASH_BYTES], g[IMG_HASH_BYTES];

    (void)state;
    own_hash(&a, (const uint8_t *)"x", 1, h);
    own_hash(&a, (const uint8_t *)"x", 1, g);
    assert_memory_equal(h, g, sizeof h);
    own_hash(&a, (const uint8_t *)"y", 1, g);
    assert_memory_not_equal(h, g, sizeof h);
    other.mac[5]++;
    own_hash(&other, (const uint8_t *)"x", 1, g);
    assert_memory_not_equal(h, g, sizeof h);
    other = a;
    other.id[7]++;
    own_hash(&other, (const uint8_t *)"x", 1, g);
    assert_memory_not_equal(h, g, sizeof h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nothing_is_nothing, begin, end),
        cmocka_unit_test_setup_teardown(a_machines_own_goes_before_everybodys, begin, end),
        cmocka_unit_test_setup_teardown(what_is_known_of_disks_survives_the_wire, begin, end),
        cmocka_unit_test_setup_teardown(too_much_is_said, begin, end),
        cmocka_unit_test_setup_teardown(what_cannot_be_read_is_said, begin, end),
        cmocka_unit_test(no_path_leads_out),
        cmocka_unit_test(the_answer_is_for_one_machine_and_one_run),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
