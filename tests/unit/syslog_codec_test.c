/* Syslog messages: their form, hostile texts, lengths. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "net/syslog/codec.h"
#include "net/wire/utf8.h"

#define BOM "\xEF\xBB\xBF"
#define BAD "\xEF\xBF\xBD" /* U+FFFD */

static char text[SYSLOG_MAX + 1];

static const char *encode(const struct syslog_message *m)
{
    size_t n = syslog_encode(m, (uint8_t *)text);

    assert_true(n <= SYSLOG_MAX);
    text[n] = 0;
    assert_int_equal(strlen(text), n);
    assert_true(utf8_is_plain(text, n)); /* one line of UTF-8, whatever went in */
    return text;
}

static void the_form_is_rfc_5424(void **state)
{
    struct syslog_message m = {.severity = SYSLOG_NOTICE,
                               .unix_s = 1795348200,
                               .host = "ringcast",
                               .id = "ATTEMPT-ENDED",
                               .data = "attempt@32473",
                               .n = 3,
                               .param = {{"mac", "52:49:4e:47:00:01"},
                                         {"error", ""},
                                         {"result", "pass"}},
                               .text = "passed"};

    (void)state;
    assert_string_equal(encode(&m),
                        "<133>1 2026-11-22T11:50:00Z ringcast ringcast - ATTEMPT-ENDED "
                        "[attempt@32473 mac=\"52:49:4e:47:00:01\" result=\"pass\"] " BOM "passed");
    m.unix_s = 0;
    m.data = NULL;
    m.text = "";
    m.host = "";
    assert_string_equal(encode(&m), "<133>1 - - ringcast - ATTEMPT-ENDED -");
}

static void hostile_texts_stay_in_their_place(void **state)
{
    struct syslog_message m = {.severity = SYSLOG_INFO,
                               .host = "two words\n\xc3\xa4",
                               .id = "X",
                               .data = "d@32473",
                               .n = 2,
                               .param = {{"a", "q\"] [b\\"}, {"b", "\x1b[2J\n<134>1 \xff"}},
                               .text = "line\r\n<134>1 - - - - - - forged\x9b"
                                       "31m"};

    (void)state;
    assert_string_equal(encode(&m),
                        "<134>1 - two-words--- ringcast - X [d@32473 a=\"q\\\"\\] [b\\\\\" b=\"" BAD
                        "[2J" BAD "<134>1 " BAD "\"] " BOM "line" BAD BAD
                        "<134>1 - - - - - - forged" BAD "31m");
}

static void what_is_too_long_is_cut_between_characters(void **state)
{
    static char longest[4000];
    struct syslog_message m = {.severity = SYSLOG_INFO,
                               .host = longest,
                               .id = "X",
                               .data = "d@32473",
                               .n = SYSLOG_PARAMS_MAX};

    (void)state;
    for (size_t fill = 0; fill < 3; fill++) {
        static const char *const of[] = {"a", "\xf0\x9f\x98\x80", "\""};

        longest[0] = 0;
        while (strlen(longest) + 4 < sizeof longest)
            strcat(longest, of[fill]);
        for (unsigned i = 0; i < SYSLOG_PARAMS_MAX; i++)
            m.param[i] = (struct syslog_param){"p", longest};
        m.text = longest;
        encode(&m);
        assert_non_null(strstr(text, "\"] " BOM));
        m.n = 0;
        assert_true(strlen(encode(&m)) > SYSLOG_MAX - 8);
        m.n = SYSLOG_PARAMS_MAX;
    }
}

static void addresses(void **state)
{
    static const char *const bad[] = {"",           "1.2.3",    "1.2.3.4.5", "1.2.3.256",
                                      "a.b.c.d",    "1.2.3.4:", "1.2.3.4:0", "1.2.3.4:65536",
                                      "1.2.3.4:5x", "0.0.0.0",  "239.1.2.3", "logs.local",
                                      "1.2.3.4 ",   "1..2.3"};
    uint32_t address;
    uint16_t port;

    (void)state;
    assert_int_equal(syslog_address_parse("10.77.0.5", &address, &port, NULL), 0);
    assert_int_equal(address, 0x0A4D0005);
    assert_int_equal(port, 514);
    assert_int_equal(syslog_address_parse("10.77.0.5:65535", &address, &port, NULL), 0);
    assert_int_equal(port, 65535);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct err err = {0};

        assert_int_equal(syslog_address_parse(bad[i], &address, &port, &err), SYSLOG_EADDRESS);
        assert_true(err.text[0]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_form_is_rfc_5424),
        cmocka_unit_test(hostile_texts_stay_in_their_place),
        cmocka_unit_test(what_is_too_long_is_cut_between_characters),
        cmocka_unit_test(addresses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
