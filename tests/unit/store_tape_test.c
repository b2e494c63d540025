/* The journal's bytes: every cut of a file leaves the records before the cut, every flipped byte is
 * a record less or a newer file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "board/box/store/tape.h"

#define RECORDS 40

static uint8_t bytes[TAPE_MAX], file[4096];
static size_t n, ends[RECORDS];

static int write_it(void **state)
{
    static const uint8_t nonce[TAPE_NONCE_BYTES] = {1, 2, 3, 4, 5, 6, 7, 8};
    uint8_t value[40];
    struct tape t;

    (void)state;
    tape_begin(&t, bytes, nonce);
    for (uint8_t i = 0; i < RECORDS; i++) {
        const struct tape_record rec = {
            .kind = 1 + i % 3, .key = &i, .nkey = 1, .value = value, .nvalue = i};

        memset(value, i, sizeof value);
        tape_add(&t, &rec);
        ends[i] = t.n;
    }
    n = t.n;
    assert_true(n < sizeof file);
    memcpy(file, bytes, n);
    return 0;
}

/* How many of the records are there, in their order, each as it was written. */
static unsigned records_of(const struct tape *t)
{
    struct tape_record rec;
    unsigned count = 0;
    int before = -1;

    for (size_t at = TAPE_MAGIC_BYTES; tape_at(t, at, &rec); at += rec.bytes) {
        if (rec.kind >= TAPE_OWN_KINDS)
            continue;
        assert_int_equal(rec.nkey, 1);
        assert_true(rec.key[0] > before && rec.key[0] < RECORDS);
        before = rec.key[0];
        assert_int_equal(rec.nvalue, before);
        for (size_t i = 0; i < rec.nvalue; i++)
            assert_int_equal(rec.value[i], before);
        count++;
    }
    return count;
}

static void every_cut_leaves_what_is_before_it(void **state)
{
    (void)state;
    for (size_t cut = 0; cut <= n; cut++) {
        struct tape_found f;
        unsigned whole = 0;
        struct tape t;

        while (whole < RECORDS && ends[whole] <= cut)
            whole++;
        memcpy(bytes, file, cut);
        f = tape_load(&t, bytes, cut);
        assert_int_not_equal(f.what, TAPE_NEWER);
        assert_int_equal(records_of(&t), whole);
        assert_true(f.end <= cut && t.n <= (cut > TAPE_MAGIC_BYTES ? cut : TAPE_MAGIC_BYTES));
        assert_int_equal(cut == n, f.what == TAPE_WHOLE && whole == RECORDS);
    }
}

static void a_flipped_byte_costs_one_record(void **state)
{
    (void)state;
    for (size_t at = 0; at < n; at++) {
        struct tape_found f;
        struct tape t;

        memcpy(bytes, file, n);
        bytes[at] ^= 0x40;
        f = tape_load(&t, bytes, n);
        assert_true(records_of(&t) >= RECORDS - 1);
        assert_int_not_equal(f.what, TAPE_WHOLE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(every_cut_leaves_what_is_before_it, write_it),
        cmocka_unit_test_setup(a_flipped_byte_costs_one_record, write_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
