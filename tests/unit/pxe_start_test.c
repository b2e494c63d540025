#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "net/pxe/start.h"

static struct boot_starts starts;
static const uint8_t one[6] = {2, 0, 0, 0, 0, 1}, two[6] = {2, 0, 0, 0, 0, 2};

static int setup(void **state)
{
    (void)state;
    memset(&starts, 0, sizeof starts);
    starts.now = (struct mono){BOOT_START_NS};
    return 0;
}

static enum boot_state look(const uint8_t mac[6], unsigned want)
{
    unsigned entry;
    enum boot_state state = boot_start_look(&starts, mac, &entry);

    assert_int_equal(entry, want);
    return state;
}

static void invent(unsigned i, uint8_t mac[6])
{
    memcpy(mac, (uint8_t[]){2, 1, 0, 0, (uint8_t)(i >> 8), (uint8_t)i}, 6);
}

static void a_choice_lasts_from_the_firmware_to_the_loader(void **state)
{
    (void)state;
    assert_int_equal(look(one, 0), BOOT_START_OPEN);
    boot_start_ipxe(&starts, one);
    boot_start_told(&starts, one);
    assert_int_equal(look(one, 0), BOOT_START_OPEN);
    assert_int_equal(boot_start_choose(&starts, one, 3), 0);
    boot_start_ipxe(&starts, one); /* as often as it likes */
    boot_start_ipxe(&starts, one);
    assert_int_equal(look(one, 3), BOOT_START_CHOSEN);
    assert_int_equal(look(two, 0), BOOT_START_OPEN);
    assert_true(boot_starts_any(&starts));
    boot_start_told(&starts, one);
    assert_int_equal(look(one, 3), BOOT_START_CHOSEN);
    boot_start_ipxe(&starts, one);
    assert_int_equal(look(one, 3), BOOT_START_PAST);
    boot_start_firmware(&starts, one);
    assert_int_equal(look(one, 0), BOOT_START_OPEN);
    assert_false(boot_starts_any(&starts));
}

static void a_choice_ages(void **state)
{
    (void)state;
    assert_int_equal(boot_start_choose(&starts, one, 3), 0);
    starts.now = mono_add(starts.now, BOOT_START_NS - 1);
    assert_int_equal(look(one, 3), BOOT_START_CHOSEN);
    starts.now = mono_add(starts.now, 1);
    assert_int_equal(look(one, 0), BOOT_START_OPEN);
}

static void a_box_that_has_just_started_knows_of_no_choice(void **state)
{
    (void)state;
    starts.began = mono_add(starts.now, -MONO_S);
    assert_int_equal(look(one, 0), BOOT_START_UNKNOWN);
    boot_start_firmware(&starts, one);
    assert_int_equal(look(one, 0), BOOT_START_OPEN);
    assert_int_equal(look(two, 0), BOOT_START_UNKNOWN);
    starts.began = mono_add(starts.now, -BOOT_START_NS);
    assert_int_equal(look(two, 0), BOOT_START_OPEN);
}

static void choices_are_pushed_out_by_nobody(void **state)
{
    uint8_t mac[6];

    (void)state;
    boot_start_firmware(&starts, two);
    assert_int_equal(boot_start_choose(&starts, one, 3), 0);
    for (unsigned i = 0; i < 3 * BOOT_STARTS_MAX; i++) {
        invent(i, mac);
        boot_start_firmware(&starts, mac);
    }
    assert_int_equal(look(one, 3), BOOT_START_CHOSEN);
    for (unsigned i = 1; i < BOOT_STARTS_MAX; i++) {
        invent(i, mac);
        assert_int_equal(boot_start_choose(&starts, mac, 1), 0);
    }
    assert_int_equal(boot_start_choose(&starts, two, 1), PXE_EFULL);
    boot_start_firmware(&starts, two);
    assert_int_equal(look(one, 3), BOOT_START_CHOSEN);
    assert_int_equal(boot_start_choose(&starts, one, 4), 0); /* its own row */
    assert_int_equal(look(one, 4), BOOT_START_CHOSEN);
    starts.now = mono_add(starts.now, BOOT_START_NS);
    assert_int_equal(boot_start_choose(&starts, two, 1), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_choice_lasts_from_the_firmware_to_the_loader, setup),
        cmocka_unit_test_setup(a_choice_ages, setup),
        cmocka_unit_test_setup(a_box_that_has_just_started_knows_of_no_choice, setup),
        cmocka_unit_test_setup(choices_are_pushed_out_by_nobody, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
