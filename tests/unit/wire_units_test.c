/* Rates and sizes: what people write, what they must not write, what is printed. */
#include "net/wire/units.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static void rate_is(const char *text, uint64_t want)
{
    uint64_t got = 0;

    assert_int_equal(units_rate(text, &got), 0);
    assert_true(got == want);
}

static void reads_rates(void **state)
{
    (void)state;
    rate_is("6000000", 6000000);
    rate_is("800Mbit", 100000000);
    rate_is("800 mbit/s", 100000000);
    rate_is("800Mbps", 100000000);
    rate_is("1.5 Gbit", 187500000);
    rate_is("100MB", 100000000);
    rate_is("100MB/s ", 100000000);
    rate_is("8MiB", 8388608);
    rate_is("12 bit", 1);
    rate_is("0", 0);
    rate_is(".5kB", 500);
}

static void refuses_the_rest(void **state)
{
    static const char *const wrong[] = {"",      "fast",  "100Mb", "100 Mib", "-1",
                                        "1e6",   "1..5",  ".",     "MB",      "10 M",
                                        "10MBs", "10 xB", "0x10",  "1,5",     "10MB/m"};
    uint64_t v = 77;

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(units_rate(wrong[i], &v), UNITS_EFORM);
    assert_int_equal(units_size("100Mbit", &v), UNITS_EFORM);
    assert_int_equal(units_size("5MB/s", &v), UNITS_EFORM);
    assert_int_equal(units_rate("99999999999999999999999", &v), UNITS_EFORM);
    assert_int_equal(units_rate("99999999 TB", &v), UNITS_ERANGE);
    assert_int_equal(v, 77);
}

static void reads_sizes(void **state)
{
    uint64_t v;

    (void)state;
    assert_int_equal(units_size("16 MiB", &v), 0);
    assert_int_equal(v, 16 << 20);
    assert_int_equal(units_size("1.5GB", &v), 0);
    assert_true(v == 1500000000);
}

static void prints_both_ways(void **state)
{
    char t[UNITS_TEXT];

    (void)state;
    assert_string_equal(units_rate_text(t, 37500000), "300 Mbit/s (37.5 MB/s)");
    assert_string_equal(units_rate_text(t, 125000000), "1 Gbit/s (125 MB/s)");
    assert_string_equal(units_rate_text(t, 0), "0 bit/s (0 B/s)");
    assert_string_equal(units_size_text(t, 1), "1 byte");
    assert_string_equal(units_size_text(t, 999), "999 bytes");
    assert_string_equal(units_size_text(t, 37500000), "37.5 MB");
    assert_string_equal(units_size_text(t, 999999999), "1 GB");
    assert_string_equal(units_size_text(t, UINT64_MAX), "18.45 EB");
    assert_string_equal(units_time_text(t, 4249999999), "4.2 s");
    assert_string_equal(units_time_text(t, 187 * INT64_C(1000000000)), "3:07");
    assert_string_equal(units_time_text(t, 3725 * INT64_C(1000000000)), "1:02:05");
    assert_string_equal(units_time_text(t, -1), "0.0 s");
}

static void dates_are_right(void **state)
{
    static const struct {
        uint64_t unix_s;
        const char *text;
    } at[] = {{0, "1970-01-01T00:00:00Z"},
              {951782399, "2000-02-28T23:59:59Z"},
              {951782400, "2000-02-29T00:00:00Z"},
              {1772236800, "2026-02-28T00:00:00Z"},
              {1772323200, "2026-03-01T00:00:00Z"},
              {1835395200, "2028-02-29T00:00:00Z"},
              {1830297599, "2027-12-31T23:59:59Z"},
              {4107542400, "2100-03-01T00:00:00Z"},
              {253402300799, "9999-12-31T23:59:59Z"},
              {253402300800, ""},
              {UINT64_MAX, ""}};
    char buf[UNITS_TEXT];

    (void)state;
    for (size_t i = 0; i < sizeof at / sizeof *at; i++)
        assert_string_equal(units_date_text(buf, at[i].unix_s), at[i].text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_rates),     cmocka_unit_test(refuses_the_rest),
        cmocka_unit_test(reads_sizes),     cmocka_unit_test(prints_both_ways),
        cmocka_unit_test(dates_are_right),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
