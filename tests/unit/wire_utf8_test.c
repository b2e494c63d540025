/* UTF-8: every character there is comes back, and everything else is refused. */
#include "net/wire/utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static void every_character_comes_back(void **state)
{
    (void)state;
    for (uint32_t cp = 0; cp <= 0x10FFFF; cp++) {
        uint8_t s[4];
        uint32_t back = 0;
        size_t n;

        if (cp >= 0xD800 && cp <= 0xDFFF)
            continue;
        n = utf8_write(s, cp);
        assert_int_equal(utf8_read(s, n, &back), n);
        assert_int_equal(back, cp);
        assert_int_equal(n > 1 ? utf8_read(s, n - 1, &back) : 0, 0);
    }
}

static void refuses_what_is_not_well_formed(void **state)
{
    static const char *const wrong[] = {"\x80",
                                        "\xC0\x80",
                                        "\xC1\xBF",
                                        "\xC3(",
                                        "\xE0\x80\x80",
                                        "\xED\xA0\x80",
                                        "\xED\xBF\xBF",
                                        "\xE2\x82",
                                        "\xF0\x80\x80\x80",
                                        "\xF4\x90\x80\x80",
                                        "\xF5\x80\x80\x80",
                                        "\xFF"};

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_false(utf8_is_plain(wrong[i], strlen(wrong[i])));
}

static void plain_text_has_no_controls(void **state)
{
    (void)state;
    assert_true(utf8_is_plain("Gr\xC3\xBC\xC3\x9F"
                              "e \xF0\x9F\x92\xBE",
                              12));
    assert_true(utf8_is_plain(NULL, 0));
    assert_false(utf8_is_plain("a\tb", 3));
    assert_false(utf8_is_plain("a\0b", 3));
    assert_false(utf8_is_plain("\x7f", 1));
    assert_false(utf8_is_plain("\xC2\x85", 2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_character_comes_back),
        cmocka_unit_test(refuses_what_is_not_well_formed),
        cmocka_unit_test(plain_text_has_no_controls),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
