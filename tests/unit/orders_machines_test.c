/* Who has been imaged: against a slow model, over restarts, and with more machines than there is
 * room for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "board/box/orders/machines.h"
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
    /* of a version that did not keep it */
    static const uint8_t before[] = {1, 0, 0, 0, 0, 0, 0, 3, 232, 'E', 'S', 'X', 'i'};

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

static void site_mac(uint32_t i, uint8_t mac[6])
{
    memcpy(mac, (uint8_t[6]){0x52, 0x54, 0, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i}, 6);
}

/* A site of 20,000 machines that loaded the receiver and passed, and a member who invents a hundred
 * thousand that only say so. */
static void nobody_with_proof_is_forgotten_for_an_invented_machine(void **state)
{
    uint8_t mac[6];
    unsigned invented = 0;

    (void)state;
    machines_init(&m, false, NULL, NULL);
    for (uint32_t i = 0; i < 20000; i++) {
        site_mac(i, mac);
        machine_prove(&m, mac, 1);
        assert_true(machine_done(&m, mac, &debian, 1));
    }
    for (uint32_t i = 0; i < 100000; i++) {
        mac_of(i, mac);
        invented += machine_done(&m, mac, &debian, 2 + i / 100);
    }
    assert_int_equal(invented, MACHINES_CLAIMED);
    assert_int_equal(m.refused, 100000 - MACHINES_CLAIMED);
    for (uint32_t i = 0; i < 20000; i++) {
        site_mac(i, mac);
        assert_false(machine_wants_imaging(&m, mac));
    }
    site_mac(20000, mac); /* a new one with proof finds room at once */
    machine_prove(&m, mac, 2000);
    assert_true(machine_done(&m, mac, &debian, 2000));
    mac_of(100000, mac); /* one without, when the invented ones are a week old */
    assert_false(machine_done(&m, mac, &debian, MACHINES_WEEK_S));
    assert_true(machine_done(&m, mac, &debian, MACHINES_WEEK_S + 1100));
    mac_of(0, mac);
    assert_true(machine_wants_imaging(&m, mac));
}

/* By the order in which they changed, whatever a clock says; and when nobody is given away the
 * newcomer is not imaged. */
static void a_full_table_refuses_who_is_new(void **state)
{
    uint8_t mac[6];

    (void)state;
    machines_init(&m, false, NULL, NULL);
    for (uint32_t i = 0; i < 100; i++) {
        mac_of(i, mac);
        assert_true(machine_done(&m, mac, &debian, 1));
    }
    for (uint32_t i = 0; m.n < MACHINES_MAX - 1; i++) {
        site_mac(i, mac);
        machine_prove(&m, mac, 1);
        assert_true(machine_done(&m, mac, &debian, 1));
    }
    assert_false(machines_are_full(&m));
    for (uint32_t i = 0; i < 100; i++) {
        site_mac(100000 + i, mac);
        assert_true(machine_wants_imaging(&m, mac));
        machine_prove(&m, mac, 2);
        assert_true(machine_done(&m, mac, &debian, 2));
        mac_of(i, mac);
        assert_false(machine_known(&m, mac));
    }
    assert_true(machines_are_full(&m));
    site_mac(200000, mac);
    machine_prove(&m, mac, 3);
    assert_false(machine_done(&m, mac, &debian, 3));
    assert_false(machine_wants_imaging(&m, mac));
    assert_false(machine_arm(&m, mac, 3));
    site_mac(0, mac);
    assert_false(machine_wants_imaging(&m, mac));
    assert_true(machine_arm(&m, mac, 3));
    assert_true(machine_wants_imaging(&m, mac));
}

static bool claims(uint32_t i, uint32_t up_s)
{
    uint8_t mac[6];

    mac_of(i, mac);
    return machine_done(&m, mac, &debian, up_s);
}

static bool is_known(uint32_t i)
{
    uint8_t mac[6];

    mac_of(i, mac);
    return machine_known(&m, mac);
}

/* Claims without proof have so many rows; one of them gives way after a week, the one that changed
 * longest ago. */
static void claims_have_a_limit(void **state)
{
    (void)state;
    machines_init(&m, false, NULL, NULL);
    for (uint32_t i = 0; i < MACHINES_CLAIMED; i++)
        assert_true(claims(i, 1));
    assert_false(claims(MACHINES_CLAIMED, 2));
    assert_false(claims(MACHINES_CLAIMED, MACHINES_WEEK_S));
    assert_int_equal(m.refused, 2);
    assert_true(claims(MACHINES_CLAIMED, MACHINES_WEEK_S + 1));
    assert_true(!is_known(0) && is_known(1) && is_known(MACHINES_CLAIMED));
}

/* The rest of the table are orders: none of them gives way, and a claim does so to a claim after a
 * week alone. */
static void an_order_gives_way_to_nobody(void **state)
{
    uint8_t mac[6], first[6];

    (void)state;
    machines_init(&m, false, NULL, NULL);
    site_mac(0, first);
    for (uint32_t i = 0; i < MACHINES_MAX - 3; i++) {
        site_mac(i, mac);
        assert_true(machine_arm(&m, mac, 1));
    }
    assert_true(claims(0, 1) && claims(1, 1));
    assert_false(claims(2, 2));
    assert_true(claims(2, MACHINES_WEEK_S + 1));
    assert_true(!is_known(0) && is_known(1) && machine_known(&m, first));
    site_mac(MACHINES_MAX, mac);
    assert_true(machine_arm(&m, mac, 2)); /* an order takes a claim's row at once */
    assert_true(!is_known(1) && machine_known(&m, first));
    site_mac(MACHINES_MAX + 1, mac);
    assert_true(machine_arm(&m, mac, 2));
    assert_true(!is_known(2) && machines_are_full(&m));
    site_mac(MACHINES_MAX + 2, mac);
    assert_false(machine_arm(&m, mac, 2));
    assert_true(machine_known(&m, first));
}

static void claims_are_rationed_for_each_station(void **state)
{
    uint8_t mac[6];
    unsigned one = 0, all = 0;

    (void)state;
    machines_init(&m, false, NULL, NULL);
    for (uint32_t i = 0; i < 10000; i++) {
        mac_of(i, mac);
        /* a hundred a second for 100 s */
        if (machine_may_claim(&m, mac, 0x0a4d0042, 100 + i / 100)) {
            machine_done(&m, mac, &debian, 100);
            one++;
        }
    }
    assert_in_range(one, 4, 11);
    mac_of(0, mac);
    assert_true(machine_may_claim(&m, mac, 0x0a4d0042, 200)); /* known: nothing new is made */
    for (uint32_t i = 10000; i < 30000; i++) {
        mac_of(i, mac);
        all += machine_may_claim(&m, mac, i, 1000 + i / 200);
    }
    assert_in_range(all, MACHINES_BURST, MACHINES_BURST + 110);
}

/* Rows of an earlier version, which knew no proof, are not given away. */
static void rows_of_an_earlier_version_count_as_proven(void **state)
{
    static const uint8_t old[9] = {1, 0, 0, 0, 0, 0x69, 0x55, 0xb9, 0};
    uint8_t mac[6];

    (void)state;
    machines_init(&m, false, NULL, NULL);
    for (uint32_t i = 0; i < 8191; i++) {
        site_mac(i, mac);
        assert_int_equal(machines_restore(&m, mac, 6, old, sizeof old), TOLD_KNOWN);
    }
    assert_int_equal(m.done, 8191);
    for (uint32_t i = 0; i < 5000; i++) {
        mac_of(i, mac);
        machine_done(&m, mac, &debian, MACHINES_WEEK_S);
    }
    for (uint32_t i = 0; i < 8191; i++) {
        site_mac(i, mac);
        assert_false(machine_wants_imaging(&m, mac));
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

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_life),
        cmocka_unit_test(what_it_got),
        cmocka_unit_test(what_was_not_kept_is_told_again),
        cmocka_unit_test(against_a_model),
        cmocka_unit_test(nobody_with_proof_is_forgotten_for_an_invented_machine),
        cmocka_unit_test(a_full_table_refuses_who_is_new),
        cmocka_unit_test(claims_have_a_limit),
        cmocka_unit_test(an_order_gives_way_to_nobody),
        cmocka_unit_test(claims_are_rationed_for_each_station),
        cmocka_unit_test(rows_of_an_earlier_version_count_as_proven),
        cmocka_unit_test(records_of_others_are_ignored),
    };

    cmocka_set_test_filter(argc > 1 ? argv[1] : NULL); /* "a_name*" */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
