#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "net/content/content.h"

static void names_are_brought_to_one_form(void **state)
{
    static const struct {
        const char *in, *out;
    } c[] = {{"a", "a"},         {"/a/b.efi", "a/b.efi"},
             {"///a//b", "a/b"}, {"\\Boot\\x64\\f.n12", "Boot/x64/f.n12"},
             {"./a/./b", "a/b"}, {"a/...", "a/..."},
             {"..a", "..a"},     {"a b", "a b"}};

    (void)state;
    for (size_t i = 0; i < sizeof c / sizeof *c; i++) {
        char out[CONTENT_NAME_MAX + 1];

        assert_int_equal(content_name(c[i].in, strlen(c[i].in), out), 0);
        assert_string_equal(out, c[i].out);
    }
}

static void names_that_lead_elsewhere_are_none(void **state)
{
    static const char *const bad[] = {
        "",      "/",        "//",          ".",   "..", "../a", "a/../../etc/passwd",
        "a/..",  "a\\..\\b", "a/\x01",      "a\n", "a/", "\x7f", "./",
        "/../x", "..\\x",    "a/b/../../.."};
    char out[CONTENT_NAME_MAX + 1];

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(content_name(bad[i], strlen(bad[i]), out), CONTENT_ENAME);
    assert_int_equal(content_name("a\0b", 3, out), CONTENT_ENAME);
}

static void long_names_are_none(void **state)
{
    char in[1000], out[CONTENT_NAME_MAX + 1];

    (void)state;
    for (size_t n = 1; n < sizeof in; n++) {
        memset(in, 'x', n);
        assert_int_equal(content_name(in, n, out), n <= CONTENT_NAME_MAX ? 0 : CONTENT_ENAME);
        if (n > 10) {
            in[5] = '/';
            assert_int_equal(content_name(in, n, out), n <= CONTENT_NAME_MAX ? 0 : CONTENT_ENAME);
        }
    }
}

static void nothing_is_read_beyond_the_end(void **state)
{
    struct content c;
    uint8_t to[8];

    (void)state;
    content_memory(&c, "abcdef", 6, "text/plain");
    assert_int_equal(content_read(&c, 2, to, 4), 0);
    assert_memory_equal(to, "cdef", 4);
    assert_int_equal(content_read(&c, 6, to, 0), 0);
    assert_int_equal(content_read(&c, 2, to, 5), CONTENT_EREAD);
    assert_int_equal(content_read(&c, 7, to, 0), CONTENT_EREAD);
    assert_int_equal(content_read(&c, UINT64_MAX, to, 2), CONTENT_EREAD);
    content_close(&c);
    content_close(&c);
}

static const char *temporary(const void *bytes, size_t n)
{
    static char path[256];
    int fd;

    snprintf(path, sizeof path, "%s/content.XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, n), n);
    close(fd);
    return path;
}

static void a_file_that_shrinks_is_an_error(void **state)
{
    const char *path = temporary("0123456789", 10);
    struct content c;
    struct err err = {0};
    uint8_t to[10];

    (void)state;
    assert_int_equal(content_file(&c, path, "x/y", &err), 0);
    assert_int_equal(c.size, 10);
    assert_int_equal(content_read(&c, 3, to, 7), 0);
    assert_memory_equal(to, "3456789", 7);
    assert_int_equal(truncate(path, 5), 0);
    assert_int_equal(content_read(&c, 3, to, 7), CONTENT_EREAD);
    content_close(&c);
    unlink(path);
    assert_int_equal(content_file(&c, path, "x/y", &err), CONTENT_EOPEN);
    assert_int_equal(content_file(&c, "/dev/zero", "x/y", NULL), CONTENT_EOPEN);
}

static void a_loaded_file_is_bounded(void **state)
{
    const char *path = temporary("0123456789", 10);
    struct content c;
    struct err err = {0};

    (void)state;
    assert_int_equal(content_load(&c, path, 9, "x/y", &err), CONTENT_ELARGE);
    assert_non_null(strstr(err.text, "expected at most 9 bytes"));
    assert_int_equal(content_load(&c, path, 10, "x/y", NULL), 0);
    assert_memory_equal(c.bytes, "0123456789", 10);
    free((void *)(uintptr_t)c.bytes);
    unlink(path);
}

static void an_overlay_replaces_its_bytes_and_no_others(void **state)
{
    uint8_t under[64], want[64], to[64];
    struct content_overlay o = {.at = 20, .bytes = (const uint8_t *)"XXXXXXXXXX", .n = 10};
    struct content c;

    (void)state;
    for (size_t i = 0; i < sizeof under; i++)
        under[i] = (uint8_t)i;
    memcpy(want, under, sizeof want);
    memcpy(want + o.at, o.bytes, o.n);
    content_memory(&o.under, under, sizeof under, "x/y");
    content_overlaid(&c, &o);
    for (size_t from = 0; from <= sizeof under; from++)
        for (size_t n = 0; n <= sizeof under - from; n++) {
            assert_int_equal(content_read(&c, from, to, n), 0);
            assert_memory_equal(to, want + from, n);
        }
    for (size_t from = 0; from < sizeof under; from++) {
        size_t n = 0;
        const uint8_t *lent = content_lend(&c, from, &n);

        assert_true(n >= 1 && n <= sizeof under - from);
        assert_memory_equal(lent, want + from, n);
    }
}

static void the_place_to_fill_in_is_found_once(void **state)
{
    size_t n = 200000;
    uint8_t *bytes = calloc(n, 1);
    struct content c;
    struct err err = {0};
    uint64_t at;

    (void)state;
    content_memory(&c, bytes, n, "x/y");
    assert_int_equal(content_find(&c, "MAGIC", 5, &at, NULL), CONTENT_EMAGIC);
    for (size_t where = 65520; where < 65560; where++) {
        memcpy(bytes + where, "MAGIC", 5);
        assert_int_equal(content_find(&c, "MAGIC", 5, &at, NULL), 0);
        assert_int_equal(at, where);
        memset(bytes + where, 0, 5);
    }
    memcpy(bytes + n - 5, "MAGIC", 5);
    assert_int_equal(content_find(&c, "MAGIC", 5, &at, NULL), 0);
    memcpy(bytes, "MAGIC", 5);
    assert_int_equal(content_find(&c, "MAGIC", 5, &at, &err), CONTENT_EMAGIC);
    assert_non_null(strstr(err.text, "2 times"));
    free(bytes);
}

static int greet(void *ctx, const uint8_t *mac, uint8_t *out, size_t cap)
{
    if (!mac)
        return (int)cap + 1;
    memset(out, *(const char *)ctx, mac[5]);
    return mac[5];
}

static void a_table_knows_its_names_alone(void **state)
{
    static struct content_texts texts;
    struct content_entry entries[] = {{.name = "kernel"},
                                      {.name = "boot.ipxe", .make = greet, .ctx = "g"}};
    struct content_table table = {entries, 2, &texts};
    struct content_source s = content_table_source(&table);
    const uint8_t mac[6] = {0, 0, 0, 0, 0, 7};
    struct content c, held[CONTENT_TEXTS_MAX];

    (void)state;
    content_memory(&entries[0].content, "K", 1, "x/kernel");
    entries[1].content.type = "text/plain";
    assert_int_equal(s.open(s.ctx, "kernel", NULL, &c), 0);
    assert_string_equal(c.type, "x/kernel");
    content_close(&c);
    assert_int_equal(s.open(s.ctx, "kerne", NULL, &c), CONTENT_ENAME);
    assert_int_equal(s.open(s.ctx, "kernel2", NULL, &c), CONTENT_ENAME);
    assert_int_equal(s.open(s.ctx, "boot.ipxe", NULL, &c), CONTENT_EMAKE);
    for (size_t i = 0; i < CONTENT_TEXTS_MAX; i++)
        assert_int_equal(s.open(s.ctx, "boot.ipxe", mac, &held[i]), 0);
    assert_memory_equal(held[3].bytes, "ggggggg", 7);
    assert_int_equal(held[3].size, 7);
    assert_int_equal(s.open(s.ctx, "boot.ipxe", mac, &c), CONTENT_EBUSY);
    content_close(&held[9]);
    assert_int_equal(s.open(s.ctx, "boot.ipxe", mac, &c), 0);
}

static void mounts_are_asked_in_order(void **state)
{
    struct content_entry first[] = {{.name = "a"}}, second[] = {{.name = "a"}, {.name = "x/b"}};
    struct content_table t1 = {first, 1, NULL}, t2 = {second, 2, NULL};
    struct content_mount mounts[] = {{"x/", content_table_source(&t1)},
                                     {"", content_table_source(&t2)}};
    struct content_mounts m = {mounts, 2};
    struct content_source s = content_mounts_source(&m);
    struct content c;

    (void)state;
    content_memory(&first[0].content, "1", 1, "1");
    content_memory(&second[0].content, "2", 1, "2");
    content_memory(&second[1].content, "3", 1, "3");
    assert_int_equal(s.open(s.ctx, "x/a", NULL, &c), 0);
    assert_string_equal(c.type, "1");
    assert_int_equal(s.open(s.ctx, "a", NULL, &c), 0);
    assert_string_equal(c.type, "2");
    assert_int_equal(s.open(s.ctx, "x/b", NULL, &c), 0);
    assert_string_equal(c.type, "3");
    assert_int_equal(s.open(s.ctx, "x/", NULL, &c), CONTENT_ENAME);
    assert_int_equal(s.open(s.ctx, "y/a", NULL, &c), CONTENT_ENAME);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_brought_to_one_form),
        cmocka_unit_test(names_that_lead_elsewhere_are_none),
        cmocka_unit_test(long_names_are_none),
        cmocka_unit_test(nothing_is_read_beyond_the_end),
        cmocka_unit_test(a_file_that_shrinks_is_an_error),
        cmocka_unit_test(a_loaded_file_is_bounded),
        cmocka_unit_test(an_overlay_replaces_its_bytes_and_no_others),
        cmocka_unit_test(the_place_to_fill_in_is_found_once),
        cmocka_unit_test(a_table_knows_its_names_alone),
        cmocka_unit_test(mounts_are_asked_in_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
