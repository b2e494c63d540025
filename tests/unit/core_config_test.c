#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "board/core/config.h"
#include "net/ip/errors.h"

static int parse(struct config *c, const char *text, struct err *err)
{
    /* exactly as many bytes as there are, so that reading past the end is seen */
    size_t n = strlen(text);
    char *copy = malloc(n ? n : 1);
    int rc;

    memcpy(copy, text, n);
    config_defaults(c);
    rc = config_parse(c, "f", copy, n, err);
    free(copy);
    return rc;
}

static void expect_error(const char *text, int code, const char *sentence)
{
    struct config c;
    struct err err = {0};

    assert_int_equal(parse(&c, text, &err), code);
    assert_string_equal(err.text, sentence);
}

static void an_ini_file_is_read(void **state)
{
    struct config c;
    struct err err = {0};

    (void)state;
    if (parse(
            &c,
            "\xEF\xBB\xBF# lab 3\r\n[serve]\r\ninterface = eth0 ; the prep "
            "room\r\naddress=10.1.0.1/16\n"
            "rate: 300 Mbit\nfloor = 10MB\nceiling=900Mbit\ngroup = 239.1.2.3\nport=7801\nttl = 9\n"
            "loop-suspend = 4\noffload=off\nrepair = 2.5%\nmdns = no\nimage = a.ring\nimage = b "
            "c.ring",
            &err))
        fail_msg("%s", err.text);
    assert_string_equal(c.interface, "eth0");
    assert_string_equal(c.address, "10.1.0.1/16");
    assert_false(c.rate_auto);
    assert_int_equal(c.rate, 37500000);
    assert_int_equal(c.floor, 10000000);
    assert_int_equal(c.ceiling, 112500000);
    assert_int_equal(c.group, 0xEF010203);
    assert_int_equal(c.port, 7801);
    assert_int_equal(c.ttl, 9);
    assert_int_equal(c.loop_suspend, 4);
    assert_int_equal(c.offload, CONFIG_OFF);
    assert_int_equal(c.repair_ppm, 25000);
    assert_false(c.mdns);
    assert_int_equal(c.n_images, 2);
    assert_string_equal(c.image[1], "b c.ring");
    assert_int_equal(config_check(&c, &err), 0);
}

static void defaults_hold_where_nothing_is_said(void **state)
{
    struct config c;

    (void)state;
    assert_int_equal(parse(&c, "", NULL), 0);
    assert_true(c.rate_auto && c.mdns);
    assert_int_equal(c.port, 7800);
    assert_int_equal(c.loop_suspend, CONFIG_SUSPEND_AUTO);
    assert_int_equal(c.repair_ppm, CONFIG_REPAIR_AUTO);
}

static void ini_errors_name_file_line_and_cause(void **state)
{
    (void)state;
    expect_error("\n\nrate = fast", CONFIG_EVALUE,
                 "f:3: rate: expected a rate such as 300Mbit or 37.5MB, at least 16kB, or auto, "
                 "got \"fast\"");
    expect_error(
        "rate = 0", CONFIG_EVALUE,
        "f:1: rate: expected a rate such as 300Mbit or 37.5MB, at least 16kB, or auto, got \"0\"");
    expect_error("speed = 3", CONFIG_EKEY,
                 "f:1: expected a key such as rate or image, got \"speed\"");
    expect_error("[boot]\nrate=1MB", CONFIG_EKEY,
                 "f:2: expected the section [serve] or none, got [boot]");
    expect_error("ttl=1\nttl=2", CONFIG_EKEY, "f:2: expected ttl once, got it again");
    expect_error("ttl = 0", CONFIG_EVALUE, "f:1: ttl: expected a TTL, 1 to 255, got \"0\"");
    expect_error("ttl = 256", CONFIG_EVALUE, "f:1: ttl: expected a TTL, 1 to 255, got \"256\"");
    expect_error("port = 99999999999", CONFIG_EVALUE,
                 "f:1: port: expected a port, 1 to 65535, got \"99999999999\"");
    expect_error(
        "group = 10.0.0.1", CONFIG_EVALUE,
        "f:1: group: expected a multicast address, 224.0.1.0 to 239.255.255.255, got \"10.0.0.1\"");
    expect_error("group = 224.0.0.9", CONFIG_EVALUE,
                 "f:1: group: expected a multicast address, 224.0.1.0 to 239.255.255.255, got "
                 "\"224.0.0.9\"");
    expect_error(
        "address = 300.0.0.1", IP_EADDRESS,
        "f:1: address: expected an address such as 10.0.0.1/24, or dhcp, got \"300.0.0.1\"");
    expect_error("mdns = maybe", CONFIG_EVALUE, "f:1: mdns: expected on or off, got \"maybe\"");
    expect_error("repair = 26", CONFIG_EVALUE,
                 "f:1: repair: expected a percentage of 0 to 25, fixed or auto, got \"26\"");
    expect_error("repair = 1e99999x", CONFIG_EVALUE,
                 "f:1: repair: expected a percentage of 0 to 25, fixed or auto, got \"1e99999x\"");
    expect_error("rate = 1MB\nnonsense\n", CONFIG_ESYNTAX,
                 "f:2: expected KEY = VALUE, a [section] or a comment");
    expect_error("[serve\n", CONFIG_ESYNTAX, "f:1: expected KEY = VALUE, a [section] or a comment");
}

static void long_lines_and_zero_bytes_are_refused(void **state)
{
    char text[2000];
    struct config c;
    struct err err = {0};

    (void)state;
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = 0;
    expect_error(text, CONFIG_ESYNTAX, "f:1: expected a line of at most 509 bytes");
    config_defaults(&c);
    assert_int_equal(config_parse(&c, "f", "rate\0=1", 7, &err), CONFIG_ESYNTAX);
    assert_string_equal(err.text, "f: expected text, got a zero byte");
}

#define HEAD                                                                                       \
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST "    \
    "1.0//EN\" "                                                                                   \
    "\"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n<plist version=\"1.0\">\n<dict>\n"
#define TAIL "</dict>\n</plist>\n"
#define NEEDED                                                                                     \
    "<key>Data Rate</key>\n<integer>6000000</integer>\n<key>Multicast "                            \
    "Address</key><string>239.1.1.1</string>\n"

static void asrs_plist_is_read(void **state)
{
    struct config c;
    struct err err = {0};

    (void)state;
    if (parse(&c,
              HEAD NEEDED
              "<!-- all seven -->\n<key>Client Data Rate</key><integer>35000000</integer>\n"
              "<key>DNS Service Discovery</key>\n<false/>\n<key>Loop "
              "Suspend</key><integer>2</integer>"
              "<key>Multicast "
              "TTL</key><integer>5</integer><key>Port</key><integer>7801</integer>" TAIL,
              &err))
        fail_msg("%s", err.text);
    assert_false(c.rate_auto);
    assert_int_equal(c.rate, 6000000);
    assert_int_equal(c.group, 0xEF010101);
    assert_int_equal(c.client_rate, 35000000);
    assert_false(c.mdns);
    assert_int_equal(c.loop_suspend, 2);
    assert_int_equal(c.ttl, 5);
    assert_int_equal(c.port, 7801);
    assert_int_equal(parse(&c, HEAD NEEDED TAIL, NULL), 0);
    assert_int_equal(c.loop_suspend, 0); /* never, asr's default */
    assert_true(c.mdns);
    assert_int_equal(c.ttl, 3);
}

static void plist_errors_name_file_line_and_cause(void **state)
{
    (void)state;
    expect_error(HEAD TAIL, CONFIG_EMISSING, "f: expected the key \"Data Rate\"");
    expect_error(HEAD "<key>Data Rate</key>\n<integer>60000</integer>" TAIL, CONFIG_EMISSING,
                 "f: expected the key \"Multicast Address\"");
    expect_error(HEAD "<key>Data Rate</key>\n<string>6000000</string>" TAIL, CONFIG_EVALUE,
                 "f:6: Data Rate: expected an <integer> above 0 (bytes per second)");
    expect_error(HEAD "<key>Data Rate</key>\n<integer>0</integer>" TAIL, CONFIG_EVALUE,
                 "f:6: Data Rate: expected an <integer> above 0 (bytes per second)");
    expect_error(HEAD "<key>Data Rate</key>\n<integer>6e6</integer>" TAIL, CONFIG_ESYNTAX,
                 "f:6: expected a whole number before this, got \"</dict>\"");
    expect_error(HEAD NEEDED "<key>Rate</key>\n<true/>" TAIL, CONFIG_EKEY,
                 "f:9: expected one of asr's keys, got \"Rate\"");
    expect_error(HEAD NEEDED "<key>Data Rate</key><integer>1</integer>" TAIL, CONFIG_EKEY,
                 "f:8: expected \"Data Rate\" once, got it again");
    expect_error(
        HEAD NEEDED "<key>Port</key><array></array>" TAIL, CONFIG_ESYNTAX,
        "f:8: expected <integer>, <string>, <true/> or <false/>, got \"<array></array></dict>\"");
    expect_error(HEAD NEEDED "<key>Multicast TTL</key><integer>300</integer>" TAIL, CONFIG_EVALUE,
                 "f:8: Multicast TTL: ttl: expected a TTL, 1 to 255, got \"300\"");
    expect_error(HEAD "<key>a&b</key>" TAIL, CONFIG_ESYNTAX,
                 "f:5: expected one of &amp; &lt; &gt; &quot; &apos;, got \"&b</key></dict>\"");
    expect_error(
        "<!DOCTYPE plist [<!ENTITY a \"b\">]><plist><dict></dict></plist>", CONFIG_ESYNTAX,
        "f:1: expected <!DOCTYPE plist PUBLIC \"...\" \"...\">, no definitions, got \"[<!ENTITY\"");
    expect_error(HEAD NEEDED TAIL "x", CONFIG_ESYNTAX,
                 "f:10: expected nothing after </plist>, got \"x\"");
    expect_error("<html>", CONFIG_ESYNTAX, "f:1: expected <plist version=\"1.0\">, got \"<html>\"");
    expect_error(
        "bplist00\xD1", CONFIG_EBINARY,
        "f: expected an XML property list, got a binary one; 'plutil -convert xml1 f' converts it");
}

static void every_cut_plist_is_refused(void **state)
{
    static const char whole[] = HEAD NEEDED "</dict>\n</plist>";
    char text[sizeof whole];
    struct config c;

    (void)state;
    assert_int_equal(parse(&c, whole, NULL), 0);
    for (size_t n = 1; n + 1 < sizeof whole; n++) {
        memcpy(text, whole, n);
        text[n] = 0;
        assert_true(parse(&c, text, NULL) < 0);
    }
}

static void what_does_not_fit_together_is_refused(void **state)
{
    struct config c;
    struct err err = {0};

    (void)state;
    config_defaults(&c);
    assert_int_equal(config_check(&c, &err), CONFIG_EMISSING);
    assert_int_equal(parse(&c, "interface=e\nimage=a\nfloor=2MB\nceiling=1MB", NULL), 0);
    assert_int_equal(config_check(&c, NULL), CONFIG_EVALUE);
    assert_int_equal(parse(&c, "interface=e\nimage=a\nrate=2MB\nceiling=1MB", NULL), 0);
    assert_int_equal(config_check(&c, NULL), CONFIG_EVALUE);
    assert_int_equal(parse(&c, "interface=e\nimage=a\nimage=b\ngroup=239.255.255.255", NULL), 0);
    assert_int_equal(config_check(&c, NULL), CONFIG_EVALUE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_ini_file_is_read),
        cmocka_unit_test(defaults_hold_where_nothing_is_said),
        cmocka_unit_test(ini_errors_name_file_line_and_cause),
        cmocka_unit_test(long_lines_and_zero_bytes_are_refused),
        cmocka_unit_test(asrs_plist_is_read),
        cmocka_unit_test(plist_errors_name_file_line_and_cause),
        cmocka_unit_test(every_cut_plist_is_refused),
        cmocka_unit_test(what_does_not_fit_together_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
