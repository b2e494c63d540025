/* The bounded writer: what it writes the reader reads back, and it never writes past its room. */
#include "net/wire/reader.h"
#include "net/wire/writer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

static void the_reader_reads_back_what_was_written(void **state)
{
    uint8_t room[32];
    struct writer w = writer_on(room, sizeof room);
    struct reader r;

    (void)state;
    wr_u8(&w, 0xfe);
    wr_u16(&w, 0xfedc);
    wr_u24(&w, 0xfedcba);
    wr_u32(&w, 0xfedcba98);
    wr_u64(&w, UINT64_C(0xfedcba9876543210));
    wr_copy(&w, "ring", 4);
    wr_zero(&w, 2);
    assert_false(w.bad);
    assert_int_equal(w.done, 24);
    assert_int_equal(w.left, sizeof room - 24);

    r = reader_on(room, w.done);
    assert_int_equal(rd_u8(&r), 0xfe);
    assert_int_equal(rd_u16(&r), 0xfedc);
    assert_int_equal(rd_u24(&r), 0xfedcba);
    assert_true(rd_u32(&r) == 0xfedcba98);
    assert_true(rd_u64(&r) == UINT64_C(0xfedcba9876543210));
    assert_memory_equal(rd_bytes(&r, 4), "ring", 4);
    assert_int_equal(rd_u16(&r), 0);
    assert_false(r.bad);
}

static void refuses_a_value_too_large_for_its_field(void **state)
{
    uint8_t room[8] = {0};
    struct writer w = writer_on(room, sizeof room);

    (void)state;
    wr_u16(&w, 0x10000);
    assert_true(w.bad);
    wr_u8(&w, 1);
    assert_int_equal(w.done, 0);
    assert_memory_equal(room, "\0\0\0\0\0\0\0\0", 8);
}

/* Room of every size, exactly that large on the heap so that the sanitizer sees a write past the
 * end. */
static void stays_in_rooms_of_every_size(void **state)
{
    (void)state;
    for (size_t n = 0; n <= 10; n++) {
        uint8_t *room = malloc(n ? n : 1);
        struct writer w;

        assert_non_null(room);
        w = writer_on(room, n);
        wr_u32(&w, 1);
        wr_copy(&w, "abc", 3);
        wr_zero(&w, 2);
        wr_u8(&w, 1);
        assert_int_equal(w.bad, n < 10);
        assert_true(w.done <= n);
        free(room);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_reader_reads_back_what_was_written),
        cmocka_unit_test(refuses_a_value_too_large_for_its_field),
        cmocka_unit_test(stays_in_rooms_of_every_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
