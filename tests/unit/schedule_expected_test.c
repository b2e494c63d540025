/* The list of expected machines, as spreadsheets write it and as hostile hands might. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "board/box/schedule/expected.h"

static struct expected e, again;
static char text[1 << 20];

static int parse(const char *s)
{
    struct err err = {0};
    int rc = expected_parse(&e, s, strlen(s), &err);

    assert_int_equal(rc, err.code);
    assert_true(!rc == !err.text[0]);
    if (rc)
        assert_int_equal(e.n, 0);
    return rc;
}

static void wrong(const char *s, int code, const char *part)
{
    struct err err = {0};

    assert_int_equal(expected_parse(&e, s, strlen(s), &err), code);
    if (!strstr(err.text, part))
        fail_msg("expected \"%s\" in \"%s\"", part, err.text);
    assert_int_equal(e.n, 0);
}

static void a_list(void **state)
{
    static const uint8_t mac[6] = {0x52, 0x54, 0, 0, 0, 2}, other[6] = {2, 2, 2, 2, 2, 2};
    const struct expected_row *r;

    (void)state;
    assert_int_equal(parse("\xef\xbb\xbfMAC,name,asset,position,image,host name\r\n"
                           "# the window side\r\n"
                           "52:54:00:00:00:01,Desk 1,A-17,\"room 3, left\",debian,desk-1\r\n"
                           "\r\n"
                           "52-54-00-00-00-02, \"the \"\"old\"\" one\" \r\n"
                           ",,,,,\r\n"
                           "5254.0000.0003,,,,,,,"),
                     0);
    assert_int_equal(e.n, 3);
    assert_string_equal(e.row[0].position, "room 3, left");
    assert_string_equal(e.row[0].image, "debian");
    assert_string_equal(e.row[0].host, "desk-1");
    r = expected_look(&e, mac);
    assert_ptr_equal(r, &e.row[1]);
    assert_string_equal(r->name, "the \"old\" one");
    assert_string_equal(r->host, "");
    assert_null(expected_look(&e, other));
    assert_int_equal(expected_missing(&e), 3);
    expected_find(&e, mac)->came = true;
    assert_int_equal(expected_missing(&e), 2);
    /* a spreadsheet of another country */
    assert_int_equal(parse("# Wagen, Büro\n525400000001;\"a,b\";c\n"), 0);
    assert_string_equal(e.row[0].name, "a,b");
    assert_string_equal(e.row[0].asset, "c");
    assert_int_equal(parse(""), 0);
    assert_int_equal(e.n, 0);
}

static void refusals(void **state)
{
    (void)state;
    wrong("mac\n52:54:00:00:00:01\nhello,x\n", PLAN_ELINE,
          "line 3: expected a MAC such as 52:54:00:00:00:01, got \"hello\"");
    wrong("52:54:00:00:00\n", PLAN_ELINE, "line 1: expected a MAC");
    wrong("53:54:00:00:00:01\n", PLAN_ELINE, "expected a MAC"); /* a group's */
    wrong("00:00:00:00:00:00\n", PLAN_ELINE, "expected a MAC");
    wrong("5:254:00:00:00:01\n", PLAN_ELINE, "expected a MAC");
    wrong("52:54:00:00:00:01\n\n52-54-00-00-00-01\n", PLAN_ETWICE,
          "line 3: expected each machine once");
    wrong("52:54:00:00:00:01,,,,,desk 1\n", PLAN_ELINE,
          "line 1: expected a host name of letters, digits and hyphens, got \"desk 1\"");
    wrong("52:54:00:00:00:01,,,,,-a\n", PLAN_ELINE, "host name");
    wrong("52:54:00:00:00:01,,,,,../../etc/passwd\n", PLAN_ELINE, "host name");
    wrong("52:54:00:00:00:01,,,,,,seven\n", PLAN_ELINE, "at most six fields");
    wrong("52:54:00:00:00:01,\"open\n", PLAN_ELINE, "in quotes that ends");
    wrong("52:54:00:00:00:01,a\x1b[2Jb\n", PLAN_ELINE, "without control characters");
    wrong("52:54:00:00:00:01,\"a\nb\"\n", PLAN_ELINE, "without control characters");
    wrong("52:54:00:00:00:01,\xff\n", PLAN_ELINE, "UTF-8");
    wrong("52:54:00:00:00:01,"
          "0123456789012345678901234567890123456789012345678901234567890123456789\n",
          PLAN_ELINE, "at most 64 bytes");
    wrong("mac\nmac\n", PLAN_ELINE, "line 2");
}

static void as_many_as_fit(void **state)
{
    size_t n = 0;

    (void)state;
    for (unsigned i = 0; i < EXPECTED_MAX; i++)
        n += (size_t)sprintf(text + n, "5254%08x,pc %u\n", i, i);
    assert_int_equal(expected_parse(&e, text, n, NULL), 0);
    assert_int_equal(e.n, EXPECTED_MAX);
    for (unsigned i = 0; i < EXPECTED_MAX; i++) {
        const uint8_t mac[6] = {0x52, 0x54, 0, 0, (uint8_t)(i >> 8), (uint8_t)i};

        assert_ptr_equal(expected_look(&e, mac), &e.row[i]);
    }
    n += (size_t)sprintf(text + n, "525500000000\n");
    assert_int_equal(expected_parse(&e, text, n, NULL), PLAN_EMANY);
    assert_int_equal(expected_parse(&e, text, EXPECTED_CSV_MAX + 1, NULL), PLAN_EMANY);
}

/* What is written is read as the same, and starts no formula in a spreadsheet. */
static void there_and_back(void **state)
{
    size_t n;

    (void)state;
    assert_int_equal(
        parse("52:54:00:00:00:01,=cmd|' /C "
              "calc'!A0,+1,\"-\"\"x\"\"\",@sum,h\n52:54:00:00:00:02,'quoted',\"a,b;c\"\n"),
        0);
    n = expected_write(&e, text, sizeof text);
    assert_null(strstr(text, "\"="));
    assert_null(strstr(text, ",="));
    assert_non_null(strstr(text, "\"'=cmd"));
    assert_int_equal(expected_parse(&again, text, n, NULL), 0);
    assert_memory_equal(&e, &again, sizeof e);
    assert_int_equal(expected_write(&e, text, 10), n); /* as much as fits, and how much there is */
}

static void the_journals_rows(void **state)
{
    uint8_t value[EXPECTED_VALUE_MAX];
    struct expected_row row;
    size_t n;

    (void)state;
    assert_int_equal(parse("52:54:00:00:00:01,name,asset,position,image,host\n"), 0);
    n = expected_encode(&e.row[0], value);
    assert_true(expected_decode(&row, value, n));
    assert_memory_equal(&row, &e.row[0], sizeof row);
    for (size_t cut = 0; cut < n; cut++)
        assert_false(expected_decode(&row, value, cut));
    value[6] = 65;
    assert_false(expected_decode(&row, value, n));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list),
        cmocka_unit_test(refusals),
        cmocka_unit_test(as_many_as_fit),
        cmocka_unit_test(there_and_back),
        cmocka_unit_test(the_journals_rows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
