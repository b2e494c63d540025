/* Who has been imaged: against a slow model, over restarts, and with more machines than there is room for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "board/pc/machines.h"
#include "net/wire/rng.h"

static struct machines m, again;

/* What a journal would hold: the last value of each MAC. */
#define KEPT 20000
static struct kept {
    uint8_t mac[6], value[MACHINE_VALUE_MAX];
    size_t n;
} kept[KEPT];
static unsigned n_kept;

static void store(void *ctx, const uint8_t mac[6], const uint8_t *value, size_t n)
{
    unsigned i = 0;

    (void)ctx;
    while (i < n_kept && memcmp(kept[i].mac, mac, 6) != 0)
        i++;
    assert_true(i < KEPT);
    n_kept += i == n_kept;
    memcpy(kept[i].mac, mac, 6);
    if (n)
        memcpy(kept[i].value, value, n);
    kept[i].n = n;
}

static void restart(void)
{
    machines_init(&again, false, NULL, NULL);
    for (unsigned i = 0; i < n_kept; i++)
        if (kept[i].n)
            machines_restore(&again, kept[i].mac, 6, kept[i].value, kept[i].n);
}

static const struct machine_got debian = {3, "debian1"}, windows = {4, "windows"};

static void mac_of(uint32_t i, uint8_t mac[6])
{
    uint32_t h = i * 2654435761u;

    mac[0] = 2;
    mac[1] = (uint8_t)(h >> 8 & 3); /* many with the same hash */
    memcpy(mac + 2, &i, 4);
}

static void a_life(void **state)
{
    static const uint8_t mac[6] = {2, 0, 0, 0, 0, 7};

    (void)state;
    n_kept = 0;
    machines_init(&m, false, store, NULL);
    assert_true(machine_wants_imaging(&m, mac));
    assert_true(machine_done(&m, mac, &debian, 1000));
    assert_false(machine_done(&m, mac, &debian, 1001));
    assert_false(machine_wants_imaging(&m, mac));
    assert_int_equal(m.done, 1);
    restart();
    assert_false(machine_wants_imaging(&again, mac));
    machine_choose(&m, mac, "ESXi 8", 1002);
    machine_arm(&m, mac, 1003);
    assert_true(machine_wants_imaging(&m, mac));
    assert_int_equal(m.done, 0);
    restart();
    assert_true(machine_wants_imaging(&again, mac));
    assert_string_equal(machine_entry(&again, mac), "ESXi 8");
    machine_choose(&m, mac, "", 1004);
    machine_done(&m, mac, &debian, 1005);
    machine_arm(&m, mac, 1006);
    assert_true(machine_look(&m, mac)->named);
    restart();
    assert_true(machine_look(&again, mac)->named && machine_wants_imaging(&again, mac));
    assert_true(machine_done(&m, mac, &windows, 1006));
    assert_false(machine_look(&m, mac)->named);
    m.rearm = true;
    machine_done(&m, mac, &debian, 1007);
    assert_true(machine_wants_imaging(&m, mac));
}

/* What it got is remembered with it, and another image or session is news. */
static void what_it_got(void **state)
{
    static const uint8_t mac[6] = {2, 0, 0, 0, 0, 7};
    static const struct machine_got later = {5, "debian1"};
    static const uint8_t before[] = {1, 0, 0, 0, 0, 0, 0, 3, 232, 'E', 'S', 'X', 'i'}; /* of a version that did not keep it */

    (void)state;
    n_kept = 0;
    machines_init(&m, false, store, NULL);
    assert_null(machine_look(&m, mac));
    assert_true(machine_done(&m, mac, &debian, 1000));
    machine_choose(&m, mac, "ESXi 8", 1001);
    restart();
    assert_memory_equal(&machine_look(&again, mac)->got, &debian, sizeof debian);
    assert_string_equal(machine_entry(&again, mac), "ESXi 8");
    assert_true(machine_done(&m, mac, &later, 1002));
    assert_int_equal(m.done, 1);
    assert_true(machine_done(&m, mac, &windows, 1003));
    assert_false(machine_done(&m, mac, &windows, 1004));
    restart();
    assert_memory_equal(&machine_look(&again, mac)->got, &windows, sizeof windows);
    machines_restore(&again, mac, 6, before, sizeof before);
    assert_true(machine_look(&again, mac)->done && !machine_look(&again, mac)->named);
    assert_int_equal(machine_look(&again, mac)->got.session, 0);
    assert_string_equal(machine_entry(&again, mac), "ESXi");
}

/* As where the box's disk was full when the machine passed. */
static void what_was_not_kept_is_told_again(void **state)
{
    static const uint8_t mac[6] = {2, 0, 0, 0, 0, 7}, other[6] = {2, 0, 0, 0, 0, 8};

    (void)state;
    n_kept = 0;
    machines_init(&m, false, NULL, NULL);
    assert_true(machine_done(&m, mac, &debian, 1000));
    m.store = store;
    machine_again(&m, other);
    assert_int_equal(n_kept, 0);
    machine_again(&m, mac);
    restart();
    assert_false(machine_wants_imaging(&again, mac));
    assert_int_equal(again.n, 1);
}

static void against_a_model(void **state)
{
    static bool done[3000], seen[3000];
    struct rng rng = {11};
    unsigned n = 0, rows = 0;

    (void)state;
    n_kept = 0;
    memset(done, 0, sizeof done);
    machines_init(&m, false, store, NULL);
    for (unsigned i = 0; i < 20000; i++) {
        uint32_t who = (uint32_t)rng_below(&rng, 3000);
        uint8_t mac[6];

        mac_of(who, mac);
        assert_int_equal(machine_wants_imaging(&m, mac), !done[who]);
        rows += !seen[who];
        seen[who] = true;
        done[who] = rng_below(&rng, 2);
        if (done[who])
            machine_done(&m, mac, &debian, i);
        else
            machine_arm(&m, mac, i);
    }
    for (uint32_t i = 0; i < 3000; i++)
        n += done[i];
    assert_int_equal(m.done, n);
    assert_int_equal(m.n, rows);
    restart();
    for (uint32_t i = 0; i < 3000; i++) {
        uint8_t mac[6];

        mac_of(i, mac);
        assert_int_equal(machine_wants_imaging(&again, mac), !done[i]);
    }
}

static void the_oldest_makes_room(void **state)
{
    uint8_t mac[6];

    (void)state;
    machines_init(&m, false, NULL, NULL);
    for (uint32_t i = 0; i < MACHINES_MAX + 100; i++) {
        mac_of(i, mac);
        assert_true(machine_done(&m, mac, &debian, i + 1));
    }
    assert_int_equal(m.n, MACHINES_MAX - 1);
    for (uint32_t i = 0; i < MACHINES_MAX + 100; i++) {
        mac_of(i, mac);
        assert_int_equal(machine_wants_imaging(&m, mac), i < 101);
    }
}

static void records_of_others_are_ignored(void **state)
{
    static const uint8_t key[6] = {2, 1, 1, 1, 1, 1};
    uint8_t value[MACHINE_VALUE_MAX + 1] = {1, 0, 0, 0, 0, 0, 0, 0, 9, 'r', 'i', 'n', 'g'};

    (void)state;
    machines_init(&m, false, NULL, NULL);
    for (size_t n = 0; n < 9; n++)
        machines_restore(&m, key, 6, value, n);
    assert_int_equal(machines_restore(&m, key, 5, value, 13), TOLD_BROKEN);
    assert_int_equal(machines_restore(&m, key, 6, value, sizeof value), TOLD_BROKEN);
    value[10] = '\n';
    assert_int_equal(machines_restore(&m, key, 6, value, 13), TOLD_BROKEN);
    value[10] = 'i';
    value[0] = 0x81; /* a flag that this version does not know */
    assert_int_equal(machines_restore(&m, key, 6, value, 13), TOLD_NEWER);
    assert_int_equal(m.n, 0);
    value[0] = 1;
    assert_int_equal(machines_restore(&m, key, 6, value, 13), TOLD_KNOWN);
    assert_int_equal(m.done, 1);
    assert_string_equal(machine_entry(&m, key), "ring");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_life),
        cmocka_unit_test(what_it_got),
        cmocka_unit_test(what_was_not_kept_is_told_again),
        cmocka_unit_test(against_a_model),
        cmocka_unit_test(the_oldest_makes_room),
        cmocka_unit_test(records_of_others_are_ignored),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
