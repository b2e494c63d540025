/* The receipt on a target's screen: what is in it, and that it fits a code whatever the machine is
 * called. */
#include "board/target/receipt.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "board/screen/qr.h"

static void a_pass_says_what_is_where(void **state)
{
    struct img_head head = {.name = "debian", .label = "2026.11", .root = {0x6f, 0x1e}};
    uint8_t key[IMG_PUBKEY_BYTES] = {4};
    struct receipt r = {.passed = true,
                        .mac = "52:49:4e:47:00:01",
                        .serial = "PF2ABCDE",
                        .disk_serial = "S4GENX",
                        .head = &head,
                        .time = 1795348800,
                        .key = key};
    char text[RECEIPT_BYTES];

    (void)state;
    assert_string_equal(
        receipt_text(text, &r),
        "RINGCAST RECEIPT 1\nresult PASS\nmac 52:49:4e:47:00:01\nserial PF2ABCDE\ndisk S4GENX\n"
        "image debian\nversion 2026.11\n"
        "root 6f1e000000000000000000000000000000000000000000000000000000000000\n"
        "time 2026-11-22T12:00:00Z\nbox 59ef1a5a00f35b1a");
}

static void a_failure_before_there_is_an_image(void **state)
{
    struct receipt r = {.error = -912, .mac = "52:49:4e:47:00:01", .time = 0};
    char text[RECEIPT_BYTES];

    (void)state;
    assert_string_equal(
        receipt_text(text, &r),
        "RINGCAST RECEIPT 1\nresult FAIL -912\nmac 52:49:4e:47:00:01\ntime 1970-01-01T00:00:00Z");
}

static void the_longest_fits_a_code(void **state)
{
    struct img_head head = {0};
    uint8_t key[IMG_PUBKEY_BYTES] = {4};
    char longest[400], text[RECEIPT_BYTES];
    struct receipt r = {.error = -2147483647 - 1,
                        .mac = longest,
                        .serial = longest,
                        .disk_serial = longest,
                        .head = &head,
                        .time = UINT64_MAX,
                        .key = key};
    struct qr q;

    (void)state;
    memset(longest, 'w', sizeof longest - 1);
    longest[sizeof longest - 1] = 0;
    memset(head.name, 'n', IMG_NAME_MAX);
    memset(head.label, 'l', IMG_LABEL_MAX);
    receipt_text(text, &r);
    assert_in_range(strlen(text), 350, RECEIPT_BYTES - 1);
    qr_make(&q, text);
    assert_true(q.size > 0);
}

/* No serial adds a line of its own. */
static void foreign_texts_stay_in_their_line(void **state)
{
    struct receipt r = {.mac = "a\nresult PASS",
                        .serial = "\x1b[2J\r\n",
                        .disk_serial = "\xff\xfe",
                        .error = -1};
    char text[RECEIPT_BYTES];

    (void)state;
    assert_string_equal(
        receipt_text(text, &r),
        "RINGCAST RECEIPT 1\nresult FAIL -1\nmac a?result PASS\nserial ?[2J??\ndisk ??\n"
        "time 1970-01-01T00:00:00Z");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pass_says_what_is_where),
        cmocka_unit_test(a_failure_before_there_is_an_image),
        cmocka_unit_test(the_longest_fits_a_code),
        cmocka_unit_test(foreign_texts_stay_in_their_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
