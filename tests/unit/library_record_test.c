/* What the library remembers as text and bytes: hostile names stay out, what was cut is no record.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "board/box/library/record.h"

static const struct record full = {.name = "Debian 13 · Büro",
                                   .version = "13.1-2",
                                   .note = "with = signs, \"quotes\" and / slashes",
                                   .url = "http://10.0.0.5:8000/images/debian.ring?x=1",
                                   .bytes = 123456789012,
                                   .created = 1763812800,
                                   .hashed = true,
                                   .sha256 = {0xab, 0, 0xff},
                                   .replaces = true,
                                   .protected = true};

static void names_that_deceive_are_refused(void **state)
{
    static const char *const good[] = {
        "a",
        "Windows 11 (Raum 3)",
        "ä",
        "..a",
        "x.ring",
        "日本",
        "a b",
        "=cmd|'calc'!A0",
        "1234567890123456789012345678901234567890123456789012345678901234"};
    static const char *const bad[] = {
        "",
        ".",
        "..",
        "../etc/passwd",
        "a/b",
        "a\\b",
        "/",
        "a\nb",
        "a\tb",
        "a\x1b[2J",
        "a\x7f",
        "a\xc2\x85",
        " a",
        "a ",
        "\xff\xfe",
        "a\xc3",
        "\xc0\xaf",
        "\xed\xa0\x80",
        "\xf5\x80\x80\x80",
        "abc\xe2\x80\xaegnp.exe",
        "a\xe2\x80\x8b",
        "\xef\xbb\xbf"
        "a",
        "12345678901234567890123456789012345678901234567890123456789012345"};
    struct err err = {0};

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_int_equal(record_name_check(good[i], NULL), 0);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (record_name_check(bad[i], NULL) != LIBRARY_ENAME)
            fail_msg("name %zu is taken", i);
    assert_int_equal(record_name_check("a/b", &err), LIBRARY_ENAME);
    assert_string_equal(err.text, "expected a name without slashes, not \".\" or \"..\"");
    assert_int_equal(record_text_check("a note", "two\nlines", 100, NULL), LIBRARY_ETEXT);
    assert_int_equal(record_text_check("a note", "", 100, NULL), 0);
}

/* A pull that names its server's certificate; older records have no such line. */
static void a_fingerprint_is_a_line_of_its_own(void **state)
{
    char text[RECORD_TEXT_MAX], *line;
    struct record r, pinned = full;
    size_t n;

    (void)state;
    pinned.pinned = true;
    memset(pinned.pin, 0x5A, sizeof pinned.pin);
    n = record_encode(&pinned, text);
    assert_int_equal(record_decode(text, n, &r), 0);
    assert_memory_equal(&r, &pinned, sizeof r);
    text[n] = 0;
    line = strstr(text, "\nfingerprint=5a5a");
    assert_non_null(line);
    for (size_t digits = 0; digits < 64; digits++) { /* with fewer digits it is none */
        char cut[RECORD_TEXT_MAX];
        size_t head = (size_t)(line - text) + 13 + digits;

        memcpy(cut, text, head);
        snprintf(cut + head, sizeof cut - head, "%s", line + 13 + 64);
        assert_int_equal(record_decode(cut, strlen(cut), &r), LIBRARY_ERECORD);
    }
    record_encode(&full, text);
    assert_null(strstr(text, "fingerprint"));
}

/* The hash of what came, when it is known; records of before have no such line. */
static void the_hash_of_what_came_is_a_line_of_its_own(void **state)
{
    char text[RECORD_TEXT_MAX];
    struct record r, whole = full;
    size_t n;

    (void)state;
    whole.whole = true;
    memset(whole.came, 0xC3, sizeof whole.came);
    n = record_encode(&whole, text);
    assert_int_equal(record_decode(text, n, &r), 0);
    assert_memory_equal(&r, &whole, sizeof r);
    for (size_t cut = 0; cut < n; cut++)
        assert_int_equal(record_decode(text, cut, &r), LIBRARY_ERECORD);
    text[n] = 0;
    strstr(text, "\ncame=c3")[7] = 'x';
    assert_int_equal(record_decode(text, n, &r), LIBRARY_ERECORD);
    record_encode(&full, text);
    assert_null(strstr(text, "came"));
}

static void a_record_comes_back_and_every_cut_of_it_does_not(void **state)
{
    char text[RECORD_TEXT_MAX], again[RECORD_TEXT_MAX];
    struct record r, none = {.name = "a"};
    size_t n = record_encode(&full, text);

    (void)state;
    assert_int_equal(record_decode(text, n, &r), 0);
    assert_memory_equal(&r, &full, sizeof r);
    for (size_t i = 0; i < n; i++) {
        char *cut = malloc(i + 1);

        memcpy(cut, text, i);
        assert_int_equal(record_decode(cut, i, &r), LIBRARY_ERECORD);
        free(cut);
    }
    for (size_t i = 0; i < n; i++) { /* another byte anywhere is another record, or none */
        text[i] ^= 0x11;
        if (record_decode(text, n, &r) == 0) {
            assert_int_equal(record_encode(&r, again), n);
            assert_memory_equal(text, again, n);
        }
        text[i] ^= 0x11;
    }
    n = record_encode(&none, text);
    assert_int_equal(record_decode(text, n, &r), 0);
    assert_memory_equal(&r, &none, sizeof r);
    memcpy(text + n, "x", 1);
    assert_int_equal(record_decode(text, n + 1, &r), LIBRARY_ERECORD);
}

static void a_record_with_a_hostile_name_is_none(void **state)
{
    static const char hostile[] =
        "ringcast image "
        "1\nname=../"
        "x\nversion=\nnote=\nurl=\nbytes=1\ncreated=1\nsha256=\nreplaces=0\nprotected=0\nend\n";
    static const char flag[] = "ringcast image "
                               "1\nname=x\nversion=\nnote=\nurl=\nbytes=1\ncreated=1\nsha256="
                               "\nreplaces=9\nprotected=0\nend\n";
    static const char large[] = "ringcast image "
                                "1\nname=x\nversion=\nnote=\nurl=\nbytes=999999999999999\ncreated="
                                "1\nsha256=\nreplaces=0\nprotected=0\nend\n";
    struct record r;

    (void)state;
    assert_int_equal(record_decode(hostile, sizeof hostile - 1, &r), LIBRARY_ERECORD);
    assert_int_equal(record_decode(flag, sizeof flag - 1, &r), LIBRARY_ERECORD);
    assert_int_equal(record_decode(large, sizeof large - 1, &r), LIBRARY_ERECORD);
}

static void a_mark_comes_back_and_no_flipped_bit_does(void **state)
{
    struct mark m = {.at = 1000003, .state = {1, 2, 3, 0xFFFFFFFF, 5, 6, 7, 8}, .rest = {9, 8}},
                got;
    uint8_t bytes[MARK_BYTES];

    (void)state;
    mark_encode(&m, bytes);
    assert_int_equal(mark_decode(bytes, sizeof bytes, &got), 0);
    assert_memory_equal(&m, &got, sizeof m);
    for (size_t n = 0; n < sizeof bytes; n++)
        assert_int_equal(mark_decode(bytes, n, &got), LIBRARY_ERECORD);
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] ^= 1;
        assert_int_equal(mark_decode(bytes, sizeof bytes, &got), LIBRARY_ERECORD);
        bytes[i] ^= 1;
    }
}

static void files_are_known_by_how_they_begin(void **state)
{
    static const uint8_t gzip[16] = {0x1f, 0x8b}, raw[16] = {0xeb, 0x63};
    struct err err = {0};

    (void)state;
    assert_int_equal(record_look((const uint8_t *)"RINGCAST\1\1\1\1\1\1\1\1", 16, NULL, 0, 777,
                                 NULL),
                     RECORD_RING);
    assert_int_equal(record_look(raw, 16, NULL, 0, 512, NULL), RECORD_RAW);
    assert_int_equal(record_look(raw, 16, NULL, 0, 513, NULL), LIBRARY_EKIND);
    assert_int_equal(record_look(raw, 0, NULL, 0, 0, NULL), LIBRARY_EKIND);
    assert_int_equal(record_look(gzip, 16, NULL, 0, 512, &err), LIBRARY_EKIND);
    assert_string_equal(err.text, "expected a .ring image or a raw disk, got a gzip file: unpack "
                                  "it first (gzip -dc THIS > disk.img)");
    assert_int_equal(record_look((const uint8_t *)"QFI\xfb............", 16, NULL, 0, 512, NULL),
                     LIBRARY_EKIND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_that_deceive_are_refused),
        cmocka_unit_test(a_fingerprint_is_a_line_of_its_own),
        cmocka_unit_test(the_hash_of_what_came_is_a_line_of_its_own),
        cmocka_unit_test(a_record_comes_back_and_every_cut_of_it_does_not),
        cmocka_unit_test(a_record_with_a_hostile_name_is_none),
        cmocka_unit_test(a_mark_comes_back_and_no_flipped_bit_does),
        cmocka_unit_test(files_are_known_by_how_they_begin),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
