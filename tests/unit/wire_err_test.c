/* One error, told once: the first one stays, and callers only pass the code on. */
#include "net/wire/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static void keeps_the_first_error(void **state)
{
    struct err e = {0};

    (void)state;
    assert_int_equal(err_set(&e, -101, "expected %d bytes, got %d", 8, 3), -101);
    assert_int_equal(err_set(&e, -102, "something later"), -102);
    assert_int_equal(e.code, -101);
    assert_string_equal(e.text, "expected 8 bytes, got 3");
}

static void works_without_a_place_to_tell(void **state)
{
    (void)state;
    assert_int_equal(err_set(NULL, -101, "nobody reads this"), -101);
}

static void cuts_a_sentence_that_is_too_long(void **state)
{
    struct err e = {0};
    char longer[2 * sizeof e.text];

    (void)state;
    memset(longer, 'x', sizeof longer);
    longer[sizeof longer - 1] = '\0';
    err_set(&e, -101, "%s", longer);
    assert_int_equal(strlen(e.text), sizeof e.text - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_the_first_error),
        cmocka_unit_test(works_without_a_place_to_tell),
        cmocka_unit_test(cuts_a_sentence_that_is_too_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
