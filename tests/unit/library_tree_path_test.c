/* Names and paths of trees: every refusal, and what is taken can be asked for by TFTP and HTTP. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "board/box/library/tree_path.h"
#include "net/content/content.h"

static void expect(int (*check)(const char *, struct err *), const char *text, const char *said)
{
    struct err err = {0};
    int rc = check(text, &err);

    if (!said) {
        if (rc)
            fail_msg("expected \"%s\" to be taken, got: %s", text, err.text);
        return;
    }
    if (rc != LIBRARY_ETREE || !strstr(err.text, said))
        fail_msg("\"%s\": expected \"%s\", got %d: %s", text, said, rc, err.text);
}

static void names(void **state)
{
    static const char *const right[] = {"a", "esxi-8.0_u3", "0", "Debian",
                                        "abcdefghijklmnopqrstuvwxyz012345"};
    static const char *const wrong[] = {"",
                                        ".",
                                        "..",
                                        ".esxi",
                                        "~esxi",
                                        "-a",
                                        "_a",
                                        "a/b",
                                        "a b",
                                        "a\\b",
                                        "\xc3\xa4",
                                        "a\n",
                                        "abcdefghijklmnopqrstuvwxyz0123456"};

    (void)state;
    for (size_t i = 0; i < sizeof right / sizeof *right; i++)
        expect(tree_name_check, right[i], NULL);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        expect(tree_name_check, wrong[i], "expected a tree's name");
}

static void paths(void **state)
{
    char name[CONTENT_NAME_MAX + 1], long_path[TREE_PATH_MAX + 2], whole[300];

    (void)state;
    expect(tree_path_check, "a", NULL);
    expect(tree_path_check, ".disk/info", NULL);
    expect(tree_path_check, "efi/boot/bootx64.efi", NULL);
    expect(tree_path_check, "\xc3\xa4 b/...", NULL);
    expect(tree_path_check, "1/2/3/4/5/6/7/8/9/a/b/c", NULL);
    expect(tree_path_check, "", "1 to 200 bytes, got 0");
    expect(tree_path_check, "/etc/passwd", "without empty parts");
    expect(tree_path_check, "a//b", "without empty parts");
    expect(tree_path_check, "a/", "without empty parts");
    expect(tree_path_check, "..", "without \".\" and \"..\"");
    expect(tree_path_check, "a/../b", "without \".\" and \"..\"");
    expect(tree_path_check, "a/.", "without \".\" and \"..\"");
    expect(tree_path_check, "a\\..\\b", "control characters and backslashes");
    expect(tree_path_check, "a\nb", "control characters and backslashes");
    expect(tree_path_check, "a\x7f", "control characters and backslashes");
    expect(tree_path_check, "\xc3", "UTF-8");
    expect(tree_path_check, "a/.ringcast-0", "begins with \".ringcast-\"");
    expect(tree_path_check, ".ringcast-x/a", "begins with \".ringcast-\"");
    expect(tree_path_check, "1/2/3/4/5/6/7/8/9/a/b/c/d", "at most 12 parts in a path, got 13");
    memset(long_path, 'x', sizeof long_path - 1);
    long_path[sizeof long_path - 1] = 0;
    expect(tree_path_check, long_path, "1 to 200 bytes, got 201");
    long_path[TREE_PATH_MAX] = 0;
    expect(tree_path_check, long_path, NULL);
    snprintf(whole, sizeof whole, "data/trees/abcdefghijklmnopqrstuvwxyz012345/%s", long_path);
    assert_int_equal(content_name(whole, strlen(whole), name), 0);
    assert_string_equal(name, whole);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(names), cmocka_unit_test(paths)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
