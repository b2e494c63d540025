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

#include "net/content/tree.h"

static char top[256];

static void path_of(char out[700], const char *name)
{
    snprintf(out, 700, "%s/%s", top, name);
}

static void put(const char *name, const char *text)
{
    char path[700];
    FILE *f;

    path_of(path, name);
    f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static void folder(const char *name)
{
    char path[700];

    path_of(path, name);
    assert_int_equal(mkdir(path, 0700), 0);
}

static void link_to(const char *name, const char *target)
{
    char path[700];

    path_of(path, name);
    assert_int_equal(symlink(target, path), 0);
}

static int setup(void **state)
{
    (void)state;
    snprintf(top, sizeof top, "%s/tree.XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    assert_non_null(mkdtemp(top));
    folder("tree");
    return 0;
}

static int teardown(void **state)
{
    char command[300];

    (void)state;
    snprintf(command, sizeof command, "rm -rf '%s'", top);
    return system(command);
}

static struct content_tree *open_tree(void)
{
    struct content_tree *t;
    struct err err = {0};
    char path[700];

    path_of(path, "tree");
    if (content_tree_open(&t, path, &err))
        fail_msg("%s", err.text);
    return t;
}

/* What the tree answers to a name: the text of the file, or NULL. */
static const char *got(struct content_tree *t, const char *name, const uint8_t *mac)
{
    static char text[100];
    struct content_source s = content_tree_source(t);
    struct content c;

    if (s.open(s.ctx, name, mac, &c))
        return NULL;
    assert_int_equal(content_read(&c, 0, (uint8_t *)text, c.size), 0);
    text[c.size] = 0;
    content_close(&c);
    return text;
}

static void files_are_found_under_their_names(void **state)
{
    struct content_tree *t;

    (void)state;
    put("tree/boot.cfg", "cfg");
    folder("tree/efi");
    put("tree/efi/BOOTX64.EFI", "efi");
    put("tree/README", "upper");
    put("tree/readme", "lower");
    t = open_tree();
    assert_int_equal(content_tree_files(t), 4);
    assert_string_equal(got(t, "boot.cfg", NULL), "cfg");
    assert_string_equal(got(t, "efi/bootx64.efi", NULL), "efi");
    assert_string_equal(got(t, "README", NULL), "upper");
    assert_string_equal(got(t, "readme", NULL), "lower");
    assert_non_null(got(t, "ReadMe", NULL));
    assert_null(got(t, "efi", NULL));
    assert_null(got(t, "boot.cf", NULL));
    assert_null(got(t, "zzz", NULL));
    content_tree_close(t);
}

static void a_machines_own_folder_goes_first(void **state)
{
    static const uint8_t a[6] = {0x52, 0x54, 0, 0xab, 0, 1}, b[6] = {0x52, 0x54, 0, 0xab, 0, 2},
                         c[6] = {1};
    struct content_tree *t;

    (void)state;
    put("tree/boot.cfg", "all");
    put("tree/kernel", "kernel");
    folder("tree/01-52-54-00-ab-00-01");
    put("tree/01-52-54-00-ab-00-01/boot.cfg", "A");
    folder("tree/52-54-00-AB-00-02");
    put("tree/52-54-00-AB-00-02/boot.cfg", "B");
    t = open_tree();
    assert_string_equal(got(t, "boot.cfg", a), "A");
    assert_string_equal(got(t, "boot.cfg", b), "B");
    assert_string_equal(got(t, "boot.cfg", c), "all");
    assert_string_equal(got(t, "boot.cfg", NULL), "all");
    assert_string_equal(got(t, "kernel", a), "kernel");
    content_tree_close(t);
}

static void nothing_leads_out_of_the_tree(void **state)
{
    struct content_tree *t;

    (void)state;
    put("secret", "secret");
    folder("outside");
    put("outside/file", "secret");
    link_to("tree/up", "../secret");
    link_to("tree/absolute", "/etc/passwd");
    link_to("tree/folder", "../outside");
    link_to("tree/loop", ".");
    link_to("tree/self", "self");
    folder("tree/in");
    put("tree/in/file", "in");
    link_to("tree/alias", "in");
    link_to("tree/direct", "in/file");
    t = open_tree();
    assert_string_equal(got(t, "in/file", NULL), "in");
    assert_string_equal(got(t, "alias/file", NULL), "in");
    assert_string_equal(got(t, "direct", NULL), "in");
    assert_int_equal(content_tree_files(t), 3);
    assert_int_equal(content_tree_left_out(t), 5);
    content_tree_close(t);
}

static void a_link_put_there_later_leads_nowhere(void **state)
{
    struct content_tree *t;
    char path[700];

    (void)state;
    put("secret", "secret");
    put("tree/file", "file");
    t = open_tree();
    path_of(path, "tree/file");
    unlink(path);
    assert_null(got(t, "file", NULL));
    link_to("tree/file", "../secret");
    assert_null(got(t, "file", NULL));
    content_tree_close(t);
}

static void what_is_no_file_is_left_out(void **state)
{
    struct content_tree *t;
    char path[700] = "tree";

    (void)state;
    path_of(path, "tree/pipe");
    assert_int_equal(mkfifo(path, 0600), 0);
    put("tree/back\\slash", "x");
    strcpy(path, "tree");
    for (int i = 0; i < CONTENT_TREE_DEPTH_MAX + 2; i++) {
        strcat(path, "/d");
        folder(path);
    }
    strcat(path, "/deep");
    put(path, "deep");
    t = open_tree();
    assert_int_equal(content_tree_files(t), 0);
    assert_int_equal(content_tree_left_out(t), 3);
    content_tree_close(t);
}

static void a_missing_folder_is_said(void **state)
{
    struct content_tree *t;
    struct err err = {0};
    char path[700];

    (void)state;
    path_of(path, "nowhere");
    assert_int_equal(content_tree_open(&t, path, &err), CONTENT_EOPEN);
    assert_non_null(strstr(err.text, "expected a folder"));
    put("file", "");
    path_of(path, "file");
    assert_int_equal(content_tree_open(&t, path, NULL), CONTENT_EOPEN);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(files_are_found_under_their_names), TEST(a_machines_own_folder_goes_first),
        TEST(nothing_leads_out_of_the_tree),     TEST(a_link_put_there_later_leads_nowhere),
        TEST(what_is_no_file_is_left_out),       TEST(a_missing_folder_is_said),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
