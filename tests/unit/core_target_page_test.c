/* The page by which a target knows its box: taken when it is exactly so, refused in every other
 * form. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "board/core/target_page.h"
#include "imaging/disk/disk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#define KEY                                                                                        \
    "04a0b1c2d3e4f5060718293a4b5c6d7e8fa0b1c2d3e4f5060718293a4b5c6d7e8f"                           \
    "A0B1C2D3E4F5060718293A4B5C6D7E8FA0B1C2D3E4F5060718293A4B5C6D7E8F"

static uint8_t bytes[TARGET_PAGE_BYTES + 1];

/* The text, padded as the box pads it. */
static void page(const char *text)
{
    memset(bytes, '\n', sizeof bytes);
    memcpy(bytes, text, strlen(text));
}

static const char good[] =
    "RINGCAST-BOX-IDENTITY-1\naddress 10.77.0.1\nsession-port 7800\nkey " KEY "\n"
    "after-pass poweroff\ndisk serial=S1, size=512GB\n";

static void a_page_of_the_box_is_taken(void **state)
{
    struct target_page p;
    struct err err = {0};

    (void)state;
    page(good);
    assert_int_equal(target_page_parse(&p, bytes, TARGET_PAGE_BYTES, &err), 0);
    assert_int_equal(p.address, 0x0A4D0001);
    assert_int_equal(p.port, 7800);
    assert_int_equal(p.key[0], 4);
    assert_int_equal(p.key[1], 0xA0);
    assert_int_equal(p.key[64], 0x8F);
    assert_int_equal(p.after, TARGET_POWEROFF);
    assert_string_equal(p.pick.serial, "S1");
    assert_int_equal(p.pick.size, UINT64_C(512000000000));
    page("RINGCAST-BOX-IDENTITY-1\ndisk auto\nafter-pass wait\nkey " KEY
         "\nsession-port 1\naddress 192.168.255.254\n");
    assert_int_equal(target_page_parse(&p, bytes, TARGET_PAGE_BYTES, &err), 0);
    assert_int_equal(p.after, TARGET_WAIT);
}

/* The last word needs one letter of its value at least. */
static void every_truncation_is_refused(void **state)
{
    size_t least = (size_t)(strstr(good, "S1") - good);

    (void)state;
    page(good);
    for (size_t n = 0; n <= least; n++) {
        uint8_t *cut = malloc(n + 1);
        struct target_page p;
        struct err err = {0};
        int rc;

        memcpy(cut, bytes, n);
        rc = target_page_parse(&p, cut, n, &err);
        free(cut);
        if (rc != TARGET_EPAGE && rc != DISK_ERULE)
            fail_msg("taken with %zu bytes", n);
        assert_true(err.text[0] != 0);
    }
}

static void refused(const char *from, const char *to, int code)
{
    char text[2 * sizeof good];
    const char *at = strstr(good, from);
    struct target_page p;
    struct err err = {0};

    assert_non_null(at);
    snprintf(text, sizeof text, "%.*s%s%s", (int)(at - good), good, to, at + strlen(from));
    page(text);
    if (target_page_parse(&p, bytes, TARGET_PAGE_BYTES, &err) != code)
        fail_msg("expected %d for \"%s\", got: %d %s", code, to, err.code, err.text);
}

static void whatever_is_out_of_range_is_refused(void **state)
{
    static const char *const addresses[] = {
        "",        "10.77.0",    "10.77.0.1.2", "10.77.0.256",      "224.0.0.1",
        "0.0.0.0", "10.77.0.1 ", "10.77.0.x",   "1.2.3.4567890123", "-1.2.3.4"};
    static const char *const ports[] = {"0", "65536", "7800x", "-1", "", "78 00", "9999999999"};

    (void)state;
    for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++)
        if (strcmp(addresses[i], "10.77.0.1 ")) /* blanks at a line's end are nothing */
            refused("10.77.0.1", addresses[i], TARGET_EPAGE);
    for (size_t i = 0; i < sizeof ports / sizeof *ports; i++)
        refused("7800", ports[i], TARGET_EPAGE);
    refused("key 04", "key 05", TARGET_EPAGE);
    refused("key 04", "key 4", TARGET_EPAGE);
    refused("key 04", "key 0404", TARGET_EPAGE);
    refused("key 04", "key 0g", TARGET_EPAGE);
    refused("poweroff", "halt", TARGET_EPAGE);
    refused("disk serial=S1", "disk first", DISK_ERULE);
    refused("address", "adress", TARGET_EPAGE);
    refused("address 10.77.0.1", "address", TARGET_EPAGE);
    refused("session-port 7800", "address 10.77.0.2", TARGET_EPAGE);
    refused("session-port 7800\n", "", TARGET_EPAGE);
    refused("IDENTITY-1", "IDENTITY-2", TARGET_EPAGE);
    refused("after-pass poweroff", "after-pass poweroff\nprotocol 2", TARGET_EPAGE);
}

static void a_page_that_is_too_long_or_the_empty_one_is_refused(void **state)
{
    struct target_page p;
    struct err err = {0};

    (void)state;
    page(good);
    assert_int_equal(target_page_parse(&p, bytes, TARGET_PAGE_BYTES + 1, &err), TARGET_EPAGE);
    page("RINGCAST-BOX-IDENTITY-1\n"); /* as it lies in a payload that no box served */
    memset(&err, 0, sizeof err);
    assert_int_equal(target_page_parse(&p, bytes, TARGET_PAGE_BYTES, &err), TARGET_EPAGE);
    assert_non_null(strstr(err.text, "expected address, got \"nothing\""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_page_of_the_box_is_taken),
        cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(whatever_is_out_of_range_is_refused),
        cmocka_unit_test(a_page_that_is_too_long_or_the_empty_one_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
