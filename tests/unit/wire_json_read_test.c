/* JSON of strangers: what is read, what is refused, and that nothing is read past the end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "net/wire/json_read.h"

static struct json_doc doc;
static char *copy; /* the sanitizer guards its end */

static int read_n(const char *text, size_t n)
{
    free(copy);
    copy = malloc(n ? n : 1);
    memcpy(copy, text, n);
    return json_read(&doc, copy, n);
}

static int read_text(const char *text)
{
    return read_n(text, strlen(text));
}

static const char good[] = " {\"image\":\"debian\\u00e9\\ud83d\\ude00\\n\", \"rate\" : "
                           "800000000,\"start\":{\"rule\":\"ready\",\"n\":0},"
                           "\"macs\":[\"a\",[],{\"macs\":1},\"b\"],\"on\":true,\"off\":false,"
                           "\"none\":null,\"f\":-1.5e+3}\r\n";

static void values_come_out(void **state)
{
    char text[64];
    uint64_t v = 7;
    bool on = false;
    int start, macs, at;

    (void)state;
    assert_int_equal(read_text(good), 0);
    assert_int_equal(json_get_str(&doc, JSON_ROOT, "image", text, sizeof text), 13);
    assert_string_equal(text, "debian\xc3\xa9\xf0\x9f\x98\x80\n");
    assert_true(json_get_u64(&doc, JSON_ROOT, "rate", UINT64_MAX, &v));
    assert_int_equal(v, 800000000);
    assert_false(json_get_u64(&doc, JSON_ROOT, "rate", 799999999, &v));
    start = json_get(&doc, JSON_ROOT, "start");
    assert_int_equal(json_kind(&doc, start), JSON_OBJECT);
    assert_int_equal(json_get_str(&doc, start, "rule", text, sizeof text), 5);
    assert_true(json_get_u64(&doc, start, "n", 9, &v));
    assert_int_equal(v, 0);
    assert_true(json_get_bool(&doc, JSON_ROOT, "on", &on) && on);
    assert_true(json_get_bool(&doc, JSON_ROOT, "off", &on) && !on);
    assert_int_equal(json_kind(&doc, json_get(&doc, JSON_ROOT, "none")), JSON_NULL);
    assert_false(json_get_u64(&doc, JSON_ROOT, "f", UINT64_MAX, &v));
    macs = json_get(&doc, JSON_ROOT, "macs");
    at = json_next(&doc, macs, JSON_NONE);
    assert_int_equal(json_text_of(&doc, at, text, sizeof text), 1);
    at = json_next(&doc, macs, at);
    assert_int_equal(json_kind(&doc, at), JSON_ARRAY);
    at = json_next(&doc, macs, at);
    assert_int_equal(json_kind(&doc, at), JSON_OBJECT);
    at = json_next(&doc, macs, at);
    assert_int_equal(json_text_of(&doc, at, text, sizeof text), 1);
    assert_string_equal(text, "b");
    assert_int_equal(json_next(&doc, macs, at), JSON_NONE);
}

static void what_is_not_there_is_not_there(void **state)
{
    char text[4] = "xxx";
    bool on;
    uint64_t v;

    (void)state;
    assert_int_equal(read_text(good), 0);
    assert_int_equal(json_get(&doc, JSON_ROOT, "rule"), JSON_NONE); /* a member of a member */
    assert_int_equal(json_get(&doc, JSON_NONE, "rule"), JSON_NONE);
    assert_int_equal(json_get(&doc, json_get(&doc, JSON_ROOT, "rate"), "x"), JSON_NONE);
    assert_int_equal(json_next(&doc, JSON_ROOT, JSON_NONE), JSON_NONE);
    assert_int_equal(json_get_str(&doc, JSON_ROOT, "image", text, sizeof text), -1); /* too long */
    assert_string_equal(text, "");
    assert_int_equal(json_get_str(&doc, JSON_ROOT, "rate", text, sizeof text), -1);
    assert_false(json_get_bool(&doc, JSON_ROOT, "rate", &on));
    assert_false(json_get_u64(&doc, JSON_ROOT, "image", 9, &v));
}

static void every_truncation_is_refused(void **state)
{
    size_t end = sizeof good - 3; /* without the line's end, which may be missing */

    (void)state;
    assert_int_equal(read_n(good, end), 0);
    for (size_t n = 0; n < end; n++) {
        assert_int_equal(read_n(good, n), JSON_ESYNTAX);
        assert_int_equal(json_get(&doc, JSON_ROOT, "image"), JSON_NONE);
    }
}

static void what_is_no_json_is_refused(void **state)
{
    static const char *const wrong[] = {"",
                                        " ",
                                        "{",
                                        "}",
                                        "[",
                                        "{}{}",
                                        "{} x",
                                        "[1,]",
                                        "[,]",
                                        "{,}",
                                        "[1 2]",
                                        "{\"a\":1,}",
                                        "{\"a\" 1}",
                                        "{\"a\":}",
                                        "{a:1}",
                                        "{1:1}",
                                        "'a'",
                                        "[01]",
                                        "[-]",
                                        "[+1]",
                                        "[1.]",
                                        "[.5]",
                                        "[1e]",
                                        "[0x1]",
                                        "[tru]",
                                        "[truex]",
                                        "[TRUE]",
                                        "nul",
                                        "[\"a]",
                                        "\"\\x\"",
                                        "\"\\u12g4\"",
                                        "\"a\nb\"",
                                        "[}",
                                        "{]",
                                        "{\"a\":[}",
                                        "[1]]",
                                        "\xef\xbb\xbf{}",
                                        "//x\n{}"};

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        if (read_text(wrong[i]) != JSON_ESYNTAX)
            fail_msg("expected to refuse %s", wrong[i]);
    assert_int_equal(read_n("{}\0", 3), JSON_ESYNTAX);
    assert_int_equal(read_text("{\"a\":1,\"b\":{\"a\":1},\"a\":2}"), JSON_ETWICE);
}

static void plain_values_are_documents(void **state)
{
    char text[8];
    uint64_t v = 0;

    (void)state;
    assert_int_equal(read_text("\"x\""), 0);
    assert_int_equal(json_text_of(&doc, JSON_ROOT, text, sizeof text), 1);
    assert_int_equal(read_text("18446744073709551615"), 0);
    assert_true(json_u64_of(&doc, JSON_ROOT, UINT64_MAX, &v) && v == UINT64_MAX);
    assert_int_equal(read_text("18446744073709551616"), 0);
    assert_false(json_u64_of(&doc, JSON_ROOT, UINT64_MAX, &v));
    assert_int_equal(read_text("0"), 0);
    assert_int_equal(read_text("-0.0E-0"), 0);
    assert_int_equal(read_text("[]"), 0);
    assert_int_equal(read_text("{}"), 0);
}

/* Half a pair, a NUL, broken UTF-8: the document is JSON, the text is none of ours. */
static void illegal_texts_do_not_come_out(void **state)
{
    static const char *const wrong[] = {"\"\\ud83d\"",  "\"\\ude00\"",     "\"\\ud83d\\u0041\"",
                                        "\"\\ud83dx\"", "\"\\u0000\"",     "\"\xff\"",
                                        "\"\xc3\"",     "\"\xed\xa0\x80\""};
    char text[16];

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_int_equal(read_text(wrong[i]), 0);
        assert_int_equal(json_text_of(&doc, JSON_ROOT, text, sizeof text), -1);
    }
}

static void it_is_bounded(void **state)
{
    static char text[JSON_READ_BYTES + 2];
    size_t n = 0;

    (void)state;
    memset(text, '[', sizeof text);
    assert_int_equal(read_n(text, JSON_READ_DEPTH + 1), JSON_EDEPTH);
    assert_int_equal(read_n(text, JSON_READ_BYTES), JSON_EDEPTH);
    memset(text + JSON_READ_DEPTH, ']', JSON_READ_DEPTH);
    assert_int_equal(read_n(text, 2 * JSON_READ_DEPTH), 0);
    for (n = 0; n < 2 * JSON_READ_VALUES; n += 2)
        memcpy(text + n, n ? ",1" : "[1", 2);
    text[n] = ']';
    assert_int_equal(read_n(text, n + 1), JSON_ETOOLARGE); /* the array counts too */
    text[n - 2] = ']';
    assert_int_equal(read_n(text, n - 1), 0);
    memset(text, ' ', sizeof text);
    text[0] = '1';
    assert_int_equal(read_n(text, JSON_READ_BYTES), 0);
    assert_int_equal(read_n(text, JSON_READ_BYTES + 1), JSON_ETOOLARGE);
}

static void a_caller_may_bring_more_room(void **state)
{
    static struct json_value room[4 * JSON_READ_VALUES];
    static struct json_doc d;
    char text[8 * JSON_READ_VALUES];
    uint64_t v = 0;
    size_t n;

    (void)state;
    text[0] = '[';
    for (n = 1; n < 6 * JSON_READ_VALUES; n += 2)
        memcpy(text + n, "7,", 2);
    text[n - 1] = ']';
    assert_int_equal(json_read(&d, text, n), JSON_ETOOLARGE);
    assert_int_equal(json_read_in(&d, room, (int)(n / 2), text, n), JSON_ETOOLARGE);
    assert_int_equal(json_read_in(&d, room, (int)(n / 2) + 1, text, n), 0);
    assert_true(json_u64_of(&d, (int)(n / 2), 7, &v));
    assert_int_equal(v, 7);
}

static int free_copy(void **state)
{
    (void)state;
    free(copy);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_come_out),
        cmocka_unit_test(what_is_not_there_is_not_there),
        cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(what_is_no_json_is_refused),
        cmocka_unit_test(plain_values_are_documents),
        cmocka_unit_test(illegal_texts_do_not_come_out),
        cmocka_unit_test(it_is_bounded),
        cmocka_unit_test(a_caller_may_bring_more_room),
    };

    return cmocka_run_group_tests(tests, NULL, free_copy);
}
