/* The bounded reader: right values, in place, and nothing past the end whatever is asked. */
#include "net/wire/reader.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

static const uint8_t bytes[] = {0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08};

static void reads_both_byte_orders(void **state)
{
    struct reader r = reader_on(bytes, sizeof bytes);

    (void)state;
    assert_int_equal(rd_u8(&r), 0x01);
    assert_int_equal(rd_u16(&r), 0x0203);
    assert_int_equal(rd_le(&r, 2), 0x0504);
    assert_int_equal(rd_u24(&r), 0x060708);
    assert_false(r.bad);
    assert_int_equal(r.left, 0);

    r = reader_on(bytes, sizeof bytes);
    assert_int_equal(rd_u32(&r), 0x01020304);
    r = reader_on(bytes, sizeof bytes);
    assert_true(rd_u64(&r) == UINT64_C(0x0102030405060708));
    r = reader_on(bytes, sizeof bytes);
    assert_true(rd_le(&r, 8) == UINT64_C(0x0807060504030201));
}

static void stays_bad_once_something_did_not_fit(void **state)
{
    struct reader r = reader_on(bytes, 3);

    (void)state;
    assert_int_equal(rd_u32(&r), 0);
    assert_true(r.bad);
    assert_int_equal(rd_u8(&r), 0); /* would fit, but the packet is broken */
    assert_int_equal(r.left, 3);
    assert_true(r.at == bytes);
}

static void refuses_lengths_that_would_wrap(void **state)
{
    struct reader r = reader_on(bytes, sizeof bytes);

    (void)state;
    rd_u8(&r);
    assert_null(rd_bytes(&r, SIZE_MAX));
    assert_true(r.bad);
}

static void zeroes_the_copy_it_cannot_make(void **state)
{
    struct reader r = reader_on(bytes, 2);
    uint8_t to[4] = {9, 9, 9, 9};

    (void)state;
    rd_copy(&r, to, sizeof to);
    assert_true(r.bad);
    assert_memory_equal(to, "\0\0\0\0", 4);
}

static void a_sub_reader_cannot_leave_its_value(void **state)
{
    struct reader r = reader_on(bytes, sizeof bytes);
    struct reader value = rd_sub(&r, 3);

    (void)state;
    assert_int_equal(rd_u16(&value), 0x0102);
    assert_int_equal(rd_u16(&value), 0);
    assert_true(value.bad);
    assert_false(r.bad);
    assert_int_equal(rd_u8(&r), 0x04);

    value = rd_sub(&r, 100);
    assert_true(value.bad && r.bad);
    assert_int_equal(rd_u8(&value), 0);
}

/* Every truncation of the bytes, each in a heap block of exactly its size so that the sanitizer
 * sees a read past the end: the reads that fit succeed, the first that does not turns the reader
 * bad. */
static void survives_every_truncation(void **state)
{
    (void)state;
    for (size_t n = 0; n <= sizeof bytes; n++) {
        uint8_t *cut = malloc(n ? n : 1);
        struct reader r;

        assert_non_null(cut);
        memcpy(cut, bytes, n);
        r = reader_on(cut, n);
        rd_u8(&r);
        rd_u16(&r);
        rd_u32(&r);
        rd_u8(&r);
        assert_int_equal(r.bad, n < sizeof bytes);
        free(cut);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_both_byte_orders),
        cmocka_unit_test(stays_bad_once_something_did_not_fit),
        cmocka_unit_test(refuses_lengths_that_would_wrap),
        cmocka_unit_test(zeroes_the_copy_it_cannot_make),
        cmocka_unit_test(a_sub_reader_cannot_leave_its_value),
        cmocka_unit_test(survives_every_truncation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
