/* The report: what Python's readers make of it, whatever names machines have; its seal against
 * every change. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "board/box/report/report.h"

static struct attempts s;
static struct expected expected;
static struct report report;
static struct sign_key key;
static uint8_t text[4 << 20];
static char path[64];

static const char *const words[REPORT_FORMATS] = {"csv", "json", "html"};

static const char *const hostile[] = {
    "=cmd|' /C calc'!A0",
    "+1+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    " =1",
    "a;=1",
    "a,\"=1",
    "x\"\"',;@1",
    "\"quoted\"",
    "two\nlines",
    "two\r\nlines",
    "\x1b[2J\x1b]0;title\x07",
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "</td></tr></table>",
    "<!-- ",
    "]]>",
    "&amp;&#0;",
    "\xff\xfe\xc3\x28",
    "\xc2\x9b"
    "31m",
    "\xef\xbc\x9d"
    "1+1", /* a wide = */
    "\xe2\x80\xae"
    "gpj.exe",
    "back\\slash",
    "signature,ecdsa-p256-sha256,00,00",
    "'; DROP TABLE attempts; --",
    "{{7*7}}${7*7}",
    "0123456789012345678901234567890123456789012345678901234567890123456789",
};
#define HOSTILE (sizeof hostile / sizeof *hostile)

static const char *sentence_of(int code)
{
    return code == -902 ? "the disk is full" : NULL;
}

static void take_part(unsigned i, const char *name, enum session_state end, uint64_t unix_s)
{
    static const uint8_t root[IMG_HASH_BYTES] = {0xAB, 1};
    const struct attempt_what w = {.name = name,
                                   .asset = name,
                                   .position = name,
                                   .image = name,
                                   .version = name,
                                   .root = root,
                                   .data_bytes = 1 << 30};
    struct session_receiver r = {.mac = {2, 0, 0, 0, (uint8_t)(i >> 8), (uint8_t)i},
                                 .id = {(uint8_t)(i >> 8), (uint8_t)i}};
    struct session_event e = {.what = SESSION_STATE, .receiver = &r};
    struct attempt_clock now = {unix_s, 100 + i};

    r.facts = (struct session_facts){.state = SESSION_VERIFYING,
                                     .done = 10000,
                                     .heard = 989,
                                     .missed = 11,
                                     .drops = 10,
                                     .repaired = 17};
    attempts_event(&s, &e, &w, now);
    attempts_told(&s, r.id, name, name, name);
    r.facts.state = end;
    r.facts.error = end == SESSION_FAIL ? -902 : 0;
    attempts_event(&s, &e, &w, now);
}

static int fresh(void **state)
{
    (void)state;
    attempts_init(&s);
    attempts_begin(&s, (struct attempt_clock){0, 1});
    memset(&expected, 0, sizeof expected);
    snprintf(path, sizeof path, "/tmp/report_report_test.%d", (int)getpid());
    return key.pub[0] ? 0 : sign_key_make(&key, NULL);
}

static int done(void **state)
{
    (void)state;
    unlink(path);
    return 0;
}

/* Read in pieces of `piece` bytes. */
static size_t make(enum report_format f, uint64_t unix_s, size_t piece)
{
    const struct report_about about = {.attempts = &s,
                                       .expected = &expected,
                                       .key = &key,
                                       .box = "prep <room> \"1\"",
                                       .now = {unix_s, 4000},
                                       .sentence = sentence_of};
    size_t n = 0, got;

    report_begin(&report, f, &about);
    while ((got = report_read(&report, text + n,
                              piece < sizeof text - n ? piece : sizeof text - n)) > 0)
        n += got;
    assert_true(n < sizeof text);
    return n;
}

static void save(size_t n)
{
    FILE *f = fopen(path, "wb");

    assert_int_equal(fwrite(text, 1, n, f), n);
    fclose(f);
}

/* What the judge prints of it, in a static buffer. */
static char *judge(enum report_format f, size_t n)
{
    static char out[4 << 20];
    const char *top = getenv("TOP");
    char command[256];
    FILE *p;

    save(n);
    snprintf(command, sizeof command, "python3 %s/tests/unit/report_judge.py %s %s 2>&1",
             top ? top : ".", words[f], path);
    p = popen(command, "r");
    assert_non_null(p);
    out[fread(out, 1, sizeof out - 1, p)] = 0;
    if (pclose(p) != 0)
        fail_msg("%s: %s", words[f], out);
    return out;
}

static void one_of_each(void **state)
{
    static const char want_csv[] = "1\t02:00:00:00:00:01\tbench 1\tbench 1\tbench 1\tbench "
                                   "1\tbench 1\tbench 1\tbench 1\tbench 1\t"
                                   "ab0100000000000000000000000000000000000000000000000000000000000"
                                   "0\t2026-11-22T11:50:00Z\t2026-11-22T11:50:00Z\t1073741824\t"
                                   "1010\t17\tyes\tpass\t\t1\t101\t1\t101\t10000\n";

    (void)state;
    take_part(1, "bench 1", SESSION_PASS, 1795348200);
    assert_string_equal(judge(REPORT_CSV, make(REPORT_CSV, 1795348200, 4096)), want_csv);
    assert_string_equal(judge(REPORT_JSON, make(REPORT_JSON, 1795348200, 4096)), want_csv);
    assert_non_null(strstr(judge(REPORT_HTML, make(REPORT_HTML, 1795348200, 4096)),
                           "\t2026-11-22T11:50:00Z\t1073741824\t1010\t10000\t17\tyes\tpass\t"));
    take_part(2, "bench 2", SESSION_FAIL, 1795348200);
    assert_non_null(strstr(judge(REPORT_JSON, make(REPORT_JSON, 1795348200, 4096)),
                           "\tno\tfail\tthe disk is full (error -902)\t"));
    take_part(3, "bench 3", SESSION_LEAVING, 1795348200);
    assert_non_null(strstr(judge(REPORT_CSV, make(REPORT_CSV, 1795348200, 4096)),
                           "\tno\tleft\tstopped on request\t"));
    assert_int_equal(expected_parse(&expected, "mac,name\n52:49:4e:47:00:09,absent\n", 33, NULL),
                     0);
    assert_non_null(strstr(judge(REPORT_CSV, make(REPORT_CSV, 1795348200, 4096)),
                           "\n\t52:49:4e:47:00:09\tabsent\t"));
    assert_non_null(strstr(judge(REPORT_HTML, make(REPORT_HTML, 1795348200, 4096)),
                           "\tnever came\tit is on the list"));
}

static void an_empty_report_is_one(void **state)
{
    (void)state;
    for (unsigned f = 0; f < REPORT_FORMATS; f++)
        assert_string_equal(judge((enum report_format)f, make((enum report_format)f, 0, 7)), "");
}

static void without_a_clock_times_are_ordered(void **state)
{
    (void)state;
    take_part(1, "bench 1", SESSION_PASS, 0);
    assert_non_null(strstr(judge(REPORT_CSV, make(REPORT_CSV, 0, 4096)),
                           "\t\t\t1073741824\t1010\t17\tyes\tpass\t\t1\t101\t1\t101\t10000\n"));
    assert_non_null(strstr(judge(REPORT_HTML, make(REPORT_HTML, 0, 4096)),
                           "\tstart 1 + 101 s\tstart 1 + 101 s\t"));
    assert_non_null(strstr((char *)text, "no right date"));
    judge(REPORT_JSON, make(REPORT_JSON, 0, 4096));
    assert_non_null(strstr((char *)text, "\"made\":null,\"made_run\":1,\"made_up_s\":4000"));
}

/* Whatever is in a name stays in its field: the judge finds as many rows, of as many fields. */
static void hostile_texts_stay_texts(void **state)
{
    (void)state;
    for (unsigned i = 0; i < HOSTILE; i++) {
        take_part(i + 1, hostile[i], SESSION_PASS, 1795348200);
        /* once more without what attempt_text does for it */
        snprintf(s.row[i].name, sizeof s.row[i].name, "%s", hostile[i]);
        snprintf(s.row[i].disk_serial, sizeof s.row[i].disk_serial, "%s", hostile[i]);
    }
    for (unsigned f = 0; f < REPORT_FORMATS; f++) {
        char *found = judge((enum report_format)f, make((enum report_format)f, 1795348200, 1000));
        unsigned rows = 0;

        for (; (found = strchr(found, '\n')); found++)
            rows++;
        assert_int_equal(rows, HOSTILE);
    }
}

static void the_size_of_pieces_does_not_matter(void **state)
{
    static uint8_t first[sizeof text];

    (void)state;
    for (unsigned i = 0; i < 40; i++)
        take_part(i + 1, "x", i % 3 ? SESSION_PASS : SESSION_FAIL, 0);
    for (unsigned f = 0; f < REPORT_FORMATS; f++) {
        size_t n = make((enum report_format)f, 0, sizeof text);

        memcpy(first, text, n);
        for (size_t piece = 1; piece < 40000; piece = piece * 7 + 1) {
            assert_int_equal(make((enum report_format)f, 0, piece), n);
            assert_memory_equal(first, text, n);
        }
    }
}

/* What the table holds while it is read may change: a row that went to another attempt is left out,
 * the seal is right. */
static void rows_may_go_while_it_is_read(void **state)
{
    const struct report_about about = {.attempts = &s, .key = &key, .box = "b"};
    enum report_format format;
    size_t n;

    (void)state;
    for (unsigned i = 0; i < ATTEMPTS_MAX; i++)
        take_part(i + 1, "x", SESSION_PASS, 0);
    report_begin(&report, REPORT_CSV, &about);
    n = report_read(&report, text, 1000);
    for (unsigned i = 0; i < 5000; i++)
        take_part(20000 + i, "later", SESSION_PASS, 0);
    n += report_read(&report, text + n, sizeof text - n);
    assert_true(n < sizeof text);
    text[n] = 0;
    assert_null(strstr((char *)text, "later"));
    assert_non_null(strstr((char *)text, "\r\n8192,"));
    assert_int_equal(seal_check(text, n, key.pub, &format, NULL), 0);
}

static void the_seal_holds_for_its_bytes_alone(void **state)
{
    struct sign_key other;
    enum report_format format;
    struct err err = {0};

    (void)state;
    take_part(1, "bench 1", SESSION_PASS, 0);
    assert_int_equal(sign_key_make(&other, NULL), 0);
    for (unsigned f = 0; f < REPORT_FORMATS; f++) {
        size_t n = make((enum report_format)f, 0, 4096);

        assert_int_equal(seal_check(text, n, key.pub, &format, NULL), 0);
        assert_int_equal(format, f);
        assert_int_equal(seal_check(text, n, other.pub, &format, &err), REPORT_EUNTRUSTED);
        for (size_t cut = 0; cut < n; cut++)
            assert_int_equal(seal_check(text, cut, key.pub, &format, NULL), REPORT_EUNSEALED);
        text[n] = '\n';
        assert_int_equal(seal_check(text, n + 1, key.pub, &format, NULL), REPORT_EUNSEALED);
    }
}

/* Every byte of an empty CSV and JSON report changed, one at a time; of the page, which is longer,
 * every seventh: a check takes milliseconds. */
static void no_byte_may_change(void **state)
{
    enum report_format format;

    (void)state;
    for (unsigned f = 0; f < REPORT_FORMATS; f++) {
        size_t n = make((enum report_format)f, 0, 4096), at = 0;

        while (at < n) {
            uint8_t was = text[at];

            text[at] ^= (uint8_t)(1 << at % 8);
            assert_int_not_equal(seal_check(text, n, key.pub, &format, NULL), 0);
            text[at] = was;
            at += f == REPORT_HTML ? 7 : 1;
        }
        assert_int_equal(seal_check(text, n, key.pub, &format, NULL), 0);
    }
}

/* Somebody else's signature under the box's key, and the box's signature of another format. */
static void a_forged_seal_is_no_seal(void **state)
{
    struct sign_key forger;
    enum report_format format;
    size_t n, end;
    struct seal seal;

    (void)state;
    assert_int_equal(sign_key_make(&forger, NULL), 0);
    n = make(REPORT_CSV, 0, 4096);
    assert_non_null(memmem(text, n, "signature,", 10));
    end = (size_t)((uint8_t *)memmem(text, n, "signature,", 10) - text);
    memcpy(forger.pub, key.pub, sizeof forger.pub);
    seal_begin(&seal, REPORT_CSV);
    seal_add(&seal, text, end);
    n = end + seal_end(&seal, &forger, text + end);
    assert_int_equal(seal_check(text, n, key.pub, &format, NULL), REPORT_EALTERED);
    seal_begin(&seal, REPORT_JSON); /* the rest of a CSV under JSON's seal */
    seal_add(&seal, text, end);
    memcpy(forger.secret, key.secret, sizeof forger.secret);
    seal.format = REPORT_CSV;
    n = end + seal_end(&seal, &forger, text + end);
    assert_int_equal(seal_check(text, n, key.pub, &format, NULL), REPORT_EALTERED);
    text[end + 10 + 18] = '5'; /* no point of the curve */
    assert_int_equal(seal_check(text, n, key.pub, &format, NULL), REPORT_EUNTRUSTED);
}

/* A CSV report of a version with 23 columns: its last line has one comma less. */
static void reports_of_before_are_verified(void **state)
{
    enum report_format format = REPORT_FORMATS;
    size_t n;

    (void)state;
    take_part(1, "bench 1", SESSION_PASS, 0);
    n = make(REPORT_CSV, 0, 4096);
    memcpy(text + n - 3, "\r\n", 2);
    assert_int_equal(seal_check(text, n - 1, key.pub, &format, NULL), 0);
    assert_int_equal(format, REPORT_CSV);
    text[0] ^= 1;
    assert_int_equal(seal_check(text, n - 1, key.pub, &format, NULL), REPORT_EALTERED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(one_of_each, fresh, done),
        cmocka_unit_test_setup_teardown(an_empty_report_is_one, fresh, done),
        cmocka_unit_test_setup_teardown(without_a_clock_times_are_ordered, fresh, done),
        cmocka_unit_test_setup_teardown(hostile_texts_stay_texts, fresh, done),
        cmocka_unit_test_setup_teardown(the_size_of_pieces_does_not_matter, fresh, done),
        cmocka_unit_test_setup_teardown(rows_may_go_while_it_is_read, fresh, done),
        cmocka_unit_test_setup_teardown(the_seal_holds_for_its_bytes_alone, fresh, done),
        cmocka_unit_test_setup_teardown(no_byte_may_change, fresh, done),
        cmocka_unit_test_setup_teardown(a_forged_seal_is_no_seal, fresh, done),
        cmocka_unit_test_setup_teardown(reports_of_before_are_verified, fresh, done),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
