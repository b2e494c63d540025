#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "net/tftp/codec.h"

#define BYTES(text) (const uint8_t *)("" text), sizeof(text) - 1

/* What OVMF sends, its name shortened. */
static const char ovmf[] = "\0\1boot.efi\0octet\0tsize\0000\0blksize\0001468\0windowsize\0004";

static void a_request_is_taken_apart(void **state)
{
    struct tftp_packet p;

    (void)state;
    assert_int_equal(tftp_decode((const uint8_t *)ovmf, sizeof ovmf, &p), 0);
    assert_int_equal(p.opcode, TFTP_RRQ);
    assert_int_equal(p.u.request.name_bytes, 8);
    assert_memory_equal(p.u.request.name, "boot.efi", 8);
    assert_true(p.u.request.octet);
    assert_int_equal(p.u.request.options.n, 3);
    assert_int_equal(p.u.request.options.order[0], TFTP_TSIZE);
    assert_int_equal(p.u.request.options.order[2], TFTP_WINDOWSIZE);
    assert_int_equal(p.u.request.options.value[TFTP_BLKSIZE], 1468);
    assert_int_equal(p.u.request.options.value[TFTP_WINDOWSIZE], 4);
}

/* Cut anywhere it is refused, unless what is left is a whole request; nothing beyond the cut is
 * looked at. */
static void every_truncation_is_legal_or_refused(void **state)
{
    (void)state;
    for (size_t n = 0; n < sizeof ovmf; n++) {
        uint8_t cut[sizeof ovmf]; /* the sanitizer guards its end */
        uint8_t *at = cut + sizeof cut - n;
        struct tftp_packet p;
        int rc;

        memcpy(at, ovmf, n);
        rc = tftp_decode(at, n, &p);
        if (n == 17 || n == 25 || n == 38) /* after the mode, after a value */
            assert_int_equal(rc, 0);
        else
            assert_int_equal(rc, n < 2 ? TFTP_ESHORT : TFTP_ESTRING);
    }
}

static void options_stand_one_by_one(void **state)
{
    static const struct {
        const uint8_t *bytes;
        size_t n;
        unsigned options;
    } c[] = {
#define REQUEST                                                                                    \
    "\0\1"                                                                                         \
    "a\0"                                                                                          \
    "OcTeT\0"
#define ROW(text, options) {BYTES(text), options}
        ROW(REQUEST "BLKSIZE\0"
                    "512\0",
            1),
        ROW(REQUEST "blksize\0"
                    "7\0",
            0),
        ROW(REQUEST "blksize\0"
                    "65465\0",
            0),
        ROW(REQUEST "blksize\0"
                    "-1\0",
            0),
        ROW(REQUEST "blksize\0"
                    " 8\0",
            0),
        ROW(REQUEST "blksize\0"
                    "\0",
            0),
        ROW(REQUEST "blksize\0"
                    "512x\0",
            0),
        ROW(REQUEST "tsize\0"
                    "18446744073709551616\0",
            0),
        ROW(REQUEST "timeout\0"
                    "0\0",
            0),
        ROW(REQUEST "timeout\0"
                    "256\0",
            0),
        ROW(REQUEST "windowsize\0"
                    "0\0",
            0),
        ROW(REQUEST "windowsize\0"
                    "65536\0",
            0),
        ROW(REQUEST "multicast\0"
                    "\0"
                    "tsize\0"
                    "0\0",
            1),
        ROW(REQUEST "\0\0\0\0\0", 0), /* padding */
        ROW(REQUEST "tsize\0"
                    "0\0"
                    "\0\0"
                    "blksize",
            1),
    };

    (void)state;
    for (size_t i = 0; i < sizeof c / sizeof *c; i++) {
        struct tftp_packet p;

        assert_int_equal(tftp_decode(c[i].bytes, c[i].n, &p), 0);
        assert_true(p.u.request.octet);
        assert_int_equal(p.u.request.options.n, c[i].options);
    }
}

static void an_option_given_twice_counts_once(void **state)
{
    struct tftp_packet p;

    (void)state;
    assert_int_equal(tftp_decode(BYTES(REQUEST "blksize\0"
                                               "1024\0"
                                               "blksize\0"
                                               "99\0"),
                                 &p),
                     0);
    assert_int_equal(p.u.request.options.n, 1);
    assert_int_equal(p.u.request.options.value[TFTP_BLKSIZE], 1024);
}

static void other_packets(void **state)
{
    struct tftp_packet p;
    uint8_t big[TFTP_REQUEST_MAX + 1] = {0, TFTP_RRQ};

    (void)state;
    assert_int_equal(tftp_decode(BYTES("\0\4\x12\x34"), &p), 0);
    assert_int_equal(p.u.block, 0x1234);
    assert_int_equal(tftp_decode(BYTES("\0\4\x12"), &p), TFTP_ESHORT);
    assert_int_equal(tftp_decode(BYTES("\0\5\0"), &p), TFTP_ESHORT);
    assert_int_equal(tftp_decode(BYTES("\0\5\0\x08no\x1b[31m\0rest"), &p), 0);
    assert_int_equal(p.u.error.code, 8);
    assert_string_equal(p.u.error.text, "no?[31m");
    assert_int_equal(tftp_decode(BYTES("\0\5\0\0"), &p), 0);
    assert_string_equal(p.u.error.text, "");
    assert_int_equal(tftp_decode(BYTES("\0\3\0\1abc"), &p), TFTP_EOPCODE);
    assert_int_equal(tftp_decode(BYTES("\0\6tsize\0001\0"), &p), TFTP_EOPCODE);
    assert_int_equal(tftp_decode(BYTES("\1\1a\0octet\0"), &p), TFTP_EOPCODE);
    assert_int_equal(tftp_decode(BYTES("\0\1a\0netascii\0"), &p), 0);
    assert_false(p.u.request.octet);
    memset(big + 2, 'a', sizeof big - 2);
    assert_int_equal(tftp_decode(big, sizeof big, &p), TFTP_ESTRING);
}

static void a_long_error_text_is_cut(void **state)
{
    uint8_t in[400] = {0, TFTP_ERROR, 0, 0};
    struct tftp_packet p;

    (void)state;
    memset(in + 4, 'e', sizeof in - 4);
    assert_int_equal(tftp_decode(in, sizeof in, &p), 0);
    assert_int_equal(strlen(p.u.error.text), TFTP_TEXT_MAX);
}

static void answers_are_written_as_the_rfcs_say(void **state)
{
    uint8_t out[TFTP_PACKET_MAX];
    struct tftp_options o = {0};

    (void)state;
    tftp_options_add(&o, TFTP_TSIZE, 10000000);
    tftp_options_add(&o, TFTP_BLKSIZE, 1428);
    assert_int_equal(tftp_encode_oack(out, &o), 30);
    assert_memory_equal(out, "\0\6tsize\00010000000\0blksize\0001428\0", 30);
    assert_int_equal(tftp_encode_error(out, TFTP_CODE_NOT_FOUND, "no such file"), 17);
    assert_memory_equal(out, "\0\5\0\1no such file\0", 17);
    tftp_encode_data(out, 0xfffe);
    assert_memory_equal(out, "\0\3\xff\xfe", 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_taken_apart),
        cmocka_unit_test(every_truncation_is_legal_or_refused),
        cmocka_unit_test(options_stand_one_by_one),
        cmocka_unit_test(an_option_given_twice_counts_once),
        cmocka_unit_test(other_packets),
        cmocka_unit_test(a_long_error_text_is_cut),
        cmocka_unit_test(answers_are_written_as_the_rfcs_say),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
