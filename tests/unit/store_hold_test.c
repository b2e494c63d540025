/* On hold: reasons come, are read, are agreed to, and come back when they are others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "board/box/store/hold.h"

static void reasons_hold_until_a_person_decides(void **state)
{
    struct hold h = {0};
    char text[HOLD_SENTENCE];

    (void)state;
    assert_false(hold_is(&h));
    assert_string_equal(hold_sentence(&h, text), "");
    assert_false(hold_lift(&h));
    assert_true(hold_add(&h, HOLD_DAMAGED, "512 bytes of the memory cannot be read"));
    assert_false(hold_add(&h, HOLD_DAMAGED, "another sentence"));
    assert_true(hold_add(&h, HOLD_UNKEPT, "the disk is full"));
    assert_true(hold_is(&h));
    assert_string_equal(
        hold_sentence(&h, text),
        "On hold, nothing is erased: 512 bytes of the memory cannot be read. the disk is full.");
    assert_true(hold_lift(&h));
    assert_false(hold_is(&h));
}

static void what_was_agreed_to_is_no_reason_again_but_a_new_loss_is(void **state)
{
    struct hold h = {0};

    (void)state;
    hold_add(&h, HOLD_LOST, "gone");
    hold_add(&h, HOLD_UNREAD, "3 records");
    hold_lift(&h);
    assert_false(hold_add(&h, HOLD_UNREAD, "3 records"));
    assert_true(hold_add(&h, HOLD_UNREAD, "4 records"));
    assert_true(hold_add(&h, HOLD_LOST, "gone"));
}

static void it_outlives_a_restart(void **state)
{
    struct hold h = {0}, again = {0};
    uint8_t value[HOLD_VALUE_MAX];
    size_t n;

    (void)state;
    assert_int_equal(hold_encode(&h, HOLD_LOST, value), 0);
    hold_add(&h, HOLD_LOST, "gone");
    n = hold_encode(&h, HOLD_LOST, value);
    for (size_t i = 0; i < 3; i++)
        assert_false(hold_restore(&again, HOLD_LOST, value, i));
    assert_false(hold_restore(&again, HOLD_REASON_COUNT, value, n));
    assert_true(hold_restore(&again, HOLD_LOST, value, n));
    assert_true(hold_is(&again));
    hold_lift(&again);
    assert_int_equal(hold_encode(&again, HOLD_LOST, value), 0);
    hold_add(&again, HOLD_UNREAD, "3 records");
    hold_lift(&again);
    n = hold_encode(&again, HOLD_UNREAD, value);
    assert_true(hold_restore(&h, HOLD_UNREAD, value, n));
    assert_false(hold_add(&h, HOLD_UNREAD, "3 records"));
    value[0]++;
    assert_false(hold_restore(&h, HOLD_UNREAD, value, n));
    value[0]--;
    value[1] = 3;
    assert_false(hold_restore(&h, HOLD_UNREAD, value, n));
    value[1] = 1;
    value[2] = '\n';
    assert_false(hold_restore(&h, HOLD_UNREAD, value, n));
}

static void long_sentences_are_cut_and_every_reason_fits(void **state)
{
    struct hold h = {0};
    char text[HOLD_SENTENCE], longer[600];

    (void)state;
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = 0;
    for (unsigned i = 0; i < HOLD_REASON_COUNT; i++) {
        uint8_t value[HOLD_VALUE_MAX];
        size_t n;

        assert_true(hold_add(&h, i, longer));
        n = hold_encode(&h, i, value);
        assert_true(n <= HOLD_VALUE_MAX && hold_restore(&h, i, value, n));
        assert_true(hold_word(i)[0]);
    }
    assert_int_equal(strlen(hold_sentence(&h, text)), HOLD_SENTENCE - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reasons_hold_until_a_person_decides),
        cmocka_unit_test(what_was_agreed_to_is_no_reason_again_but_a_new_loss_is),
        cmocka_unit_test(it_outlives_a_restart),
        cmocka_unit_test(long_sentences_are_cut_and_every_reason_fits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
