/* Addresses as people write them: only one spelling each, only addresses that a machine can have.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "net/ip/stack.h"

static void quads_are_read_and_printed(void **state)
{
    static const char *const good[] = {"0.0.0.0", "10.0.0.1", "255.255.255.255", "239.82.67.0"};
    static const char *const bad[] = {"",           "10",        "10.0.0",    "10.0.0.1.",
                                      "10.0.0.256", "10.0.0.01", "10.0.0.1 ", " 10.0.0.1",
                                      "10.0.0.-1",  "a.b.c.d",   "10..0.1",   "10.0.0.1111"};
    char text[IP_TEXT];
    uint32_t address = 0;

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_int_equal(ip_address_parse(good[i], &address), 0);
        assert_string_equal(ip_address_text(text, address), good[i]);
    }
    assert_int_equal(ip_address_parse("10.1.2.3", &address), 0);
    assert_int_equal(address, 0x0A010203);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(ip_address_parse(bad[i], &address), IP_EADDRESS);
}

static void interfaces_take_cidr_or_dhcp(void **state)
{
    static const char *const bad[] = {"",
                                      "10.0.0.1/0",
                                      "10.0.0.1/33",
                                      "10.0.0.1/",
                                      "10.0.0.1/2x",
                                      "10.0.0.1/024",
                                      "127.0.0.1/8",
                                      "0.1.2.3/24",
                                      "224.0.0.1",
                                      "255.1.1.1/24",
                                      "DHCP",
                                      "10.0.0.1/24 "};
    struct ip_config c = {.address = 7};
    struct err err = {0};

    (void)state;
    assert_int_equal(ip_config_parse(&c, "dhcp", NULL), 0);
    assert_int_equal(c.address, 0);
    assert_int_equal(ip_config_parse(&c, "192.168.7.9", NULL), 0);
    assert_int_equal(c.address, 0xC0A80709);
    assert_int_equal(c.prefix, 24);
    assert_int_equal(ip_config_parse(&c, "10.0.0.1/8", NULL), 0);
    assert_int_equal(c.prefix, 8);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(ip_config_parse(&c, bad[i], NULL), IP_EADDRESS);
    ip_config_parse(&c, "10.0.0.1/99", &err);
    assert_string_equal(err.text,
                        "expected an address such as 10.0.0.1/24, or dhcp, got \"10.0.0.1/99\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quads_are_read_and_printed),
        cmocka_unit_test(interfaces_take_cidr_or_dhcp),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
