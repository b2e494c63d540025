/* JSON: exact text, escapes that hold against hostile names, and a full buffer at every length. */
#include "net/wire/json.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static const char *sample(char *buf, size_t cap)
{
    static struct json j;

    j = json_on(buf, cap);
    json_open(&j, NULL, '{');
    json_str(&j, "name", "a\"b\\c\n\x1b[2J\x7f\xC2\x9B");
    json_strn(&j, "bytes", "\xFFz\xC3\xA4\0", 5);
    json_str(&j, "none", NULL);
    json_open(&j, "list", '[');
    json_u64(&j, NULL, UINT64_MAX);
    json_i64(&j, NULL, -5);
    json_open(&j, NULL, '{');
    json_close(&j);
    json_open(&j, NULL, '[');
    json_close(&j);
    json_close(&j);
    json_bool(&j, "yes", true);
    json_fixed(&j, "ratio", 1.25, 3);
    json_fixed(&j, "nan", NAN, 3);
    json_hex(&j, "hash", (const uint8_t *)"\0\xAB", 2);
    json_close(&j);
    return json_text(&j);
}

static const char want[] = "{\"name\":\"a\\\"b\\\\c\\u000a\\u001b[2J\\u007f\\u009b\",\"bytes\":"
                           "\"\xEF\xBF\xBDz\xC3\xA4\\u0000\",\"none\":null,"
                           "\"list\":[18446744073709551615,-5,{},[]],\"yes\":true,\"ratio\":1.250,"
                           "\"nan\":null,\"hash\":\"00ab\"}";

static void writes_what_it_is_told(void **state)
{
    char buf[1024];

    (void)state;
    assert_string_equal(sample(buf, sizeof buf), want);
}

static void a_full_buffer_gives_nothing(void **state)
{
    char buf[sizeof want];

    (void)state;
    for (size_t cap = 1; cap < sizeof want; cap++) {
        memset(buf, 'x', sizeof buf);
        assert_null(sample(buf, cap));
        assert_int_equal(buf[cap], 'x');
    }
    assert_non_null(sample(buf, sizeof want));
}

static void an_open_level_gives_nothing(void **state)
{
    char buf[64];
    struct json j = json_on(buf, sizeof buf);

    (void)state;
    json_open(&j, NULL, '[');
    assert_null(json_text(&j));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_what_it_is_told),
        cmocka_unit_test(a_full_buffer_gives_nothing),
        cmocka_unit_test(an_open_level_gives_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
