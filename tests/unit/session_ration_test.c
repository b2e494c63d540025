/* One address that asks without end takes nothing from another. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "net/session/ration.h"

static const struct mono t0 = {99 * MONO_S};
static struct session_ration r;

static unsigned takes(uint32_t address, unsigned tries, struct mono now)
{
    unsigned n = 0;

    for (unsigned i = 0; i < tries; i++)
        n += session_ration_take(&r, address, now);
    return n;
}

static void each_address_has_its_own(void **state)
{
    (void)state;
    memset(&r, 0, sizeof r);
    assert_int_equal(takes(0x0a4d0032, 1000, t0), SESSION_ASKS);
    assert_int_equal(takes(0x0a4d0033, 1000, t0), SESSION_ASKS);
    assert_int_equal(takes(0x0a4d0032, 10, mono_add(t0, SESSION_ASK_NS - 1)), 0);
    assert_int_equal(takes(0x0a4d0032, 10, mono_add(t0, SESSION_ASK_NS)), 1);
    assert_int_equal(takes(0x0a4d0032, 100, mono_add(t0, 100 * SESSION_ASK_NS)), SESSION_ASKS);
}

/* While one address asks a thousand times a second, two hundred others are served in turn. */
static void a_flood_takes_nothing_from_others(void **state)
{
    (void)state;
    memset(&r, 0, sizeof r);
    for (unsigned ms = 0; ms < 4000; ms++) {
        struct mono now = mono_add(t0, ms * MONO_MS);
        unsigned flood = takes(0x0a4d0001, 1, now);

        assert_true(ms < 100 || flood <= 1);
        if (ms % 20 == 0)
            assert_int_equal(takes(0x0a4d0032 + ms / 20, 1, now), 1);
    }
    assert_in_range(takes(0x0a4d0001, 100, mono_add(t0, 4000 * MONO_MS)), 0, 1);
}

/* More addresses than there are rows: none is refused for another's sake. */
static void invented_addresses_shut_nobody_out(void **state)
{
    (void)state;
    memset(&r, 0, sizeof r);
    for (uint32_t i = 1; i < 5000; i++)
        assert_int_equal(takes(i, 1, t0), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_address_has_its_own),
        cmocka_unit_test(a_flood_takes_nothing_from_others),
        cmocka_unit_test(invented_addresses_shut_nobody_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
