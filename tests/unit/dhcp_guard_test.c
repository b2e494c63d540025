#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "net/dhcp/guard.h"

#define OURS UINT32_C(0x0A4D0001)
#define THEIRS UINT32_C(0x0A4D00FE)

static const uint8_t our_mac[6] = {2, 0, 0, 0, 0, 1}, their_mac[6] = {2, 0, 0, 0, 0, 0xfe};
static struct dhcp_guard guard;
static struct mono now;
static unsigned probes;
static uint32_t last_xid;
static struct mono answer; /* when the server will answer; 0: it was not asked */

static void start(void)
{
    now = (struct mono){5 * MONO_S};
    probes = 0;
    answer.ns = 0;
    dhcp_guard_init(&guard, our_mac, OURS, 1, now);
}

static uint32_t relay; /* by which it comes; 0: none */

/* A message as another station would send it; `server` 0: without option 54. */
static bool hear(uint8_t op, uint8_t type, uint32_t yiaddr, uint32_t server, const uint8_t mac[6],
                 uint32_t from)
{
    struct dhcp_message m = {.op = op, .type = type, .yiaddr = yiaddr, .giaddr = relay};
    uint8_t id[4] = {(uint8_t)(server >> 24), (uint8_t)(server >> 16), (uint8_t)(server >> 8),
                     (uint8_t)server};

    if (server)
        m.option[m.n++] = (struct dhcp_option){DHCP_O_SERVER, 4, id};
    return dhcp_guard_hear(&guard, now, &m, mac, from);
}

/* Time passes in ticks of 100 ms; a server answers probes after `delay`, if it is there. */
static unsigned pass(int64_t ms, bool server, int64_t delay)
{
    unsigned changes = 0;
    uint8_t out[DHCP_REPLY_MIN];
    struct dhcp_message m;
    bool changed;

    for (; ms > 0; ms -= 100) {
        size_t n = dhcp_guard_tick(&guard, now, out, &changed);

        changes += changed;
        if (n) {
            probes++;
            assert_int_equal(dhcp_decode(out, n, &m), 0);
            assert_int_equal(m.type, DHCP_DISCOVER);
            assert_memory_equal(m.chaddr, our_mac, 6);
            assert_int_equal(m.flags, DHCP_BROADCAST);
            assert_int_not_equal(m.xid, last_xid);
            last_xid = m.xid;
            if (!answer.ns)
                answer = mono_add(now, delay * MONO_MS);
        }
        if (!server)
            answer.ns = 0;
        if (answer.ns && mono_sub(now, answer) >= 0) {
            changes += hear(DHCP_REPLY_OP, DHCP_OFFER, THEIRS - 100, THEIRS, their_mac, THEIRS);
            answer.ns = 0;
        }
        now = mono_add(now, 100 * MONO_MS);
    }
    return changes;
}

static void an_empty_wire_is_clear_after_listening(void **state)
{
    (void)state;
    start();
    assert_int_equal(pass(3900, false, 0), 0);
    assert_int_equal(guard.state, DHCP_GUARD_LISTENING);
    assert_int_equal(probes, 2);
    assert_int_equal(pass(300, false, 0), 1);
    assert_int_equal(guard.state, DHCP_GUARD_CLEAR);
    assert_int_equal(pass(3600 * 1000, false, 0), 0);
    assert_in_range(probes, 5 + 3600 / 75 - 2, 5 + 60 + 1); /* about once a minute */
    assert_null(dhcp_guard_foreign(&guard));
}

static void a_slow_server_is_seen_before_we_serve(void **state)
{
    const struct dhcp_foreign *f;
    char text[DHCP_GUARD_TEXT];

    (void)state;
    start();
    pass(5000, true, 3500); /* it pings the address first */
    assert_int_equal(guard.state, DHCP_GUARD_FOREIGN);
    f = dhcp_guard_foreign(&guard);
    assert_int_equal(f->address, THEIRS);
    assert_memory_equal(f->mac, their_mac, 6);
    assert_int_equal(f->offered, THEIRS - 100);
    assert_string_equal(dhcp_guard_text(text, &guard),
                        "another DHCP server answers here: 10.77.0.254 at 02:00:00:00:00:fe, "
                        "it offered 10.77.0.154");
}

static void a_server_that_comes_later_is_seen_and_one_that_goes_is_forgotten(void **state)
{
    (void)state;
    start();
    pass(120 * 1000, false, 0);
    assert_int_equal(guard.state, DHCP_GUARD_CLEAR);
    assert_int_equal(pass(80 * 1000, true, 100), 1);
    assert_int_equal(guard.state, DHCP_GUARD_FOREIGN);
    assert_int_equal(pass(600 * 1000, true, 100), 0); /* as long as it is there */
    assert_int_equal(guard.state, DHCP_GUARD_FOREIGN);
    assert_int_equal(pass(22 * 1000, false, 0), 0);
    assert_int_equal(pass(28 * 1000, false, 0), 1);
    assert_int_equal(guard.state, DHCP_GUARD_CLEAR);
    assert_null(dhcp_guard_foreign(&guard));
    assert_int_equal(pass(80 * 1000, true, 100), 1); /* and back */
}

static void what_is_overheard_counts(void **state)
{
    (void)state;
    start();
    pass(10000, false, 0);
    assert_true(hear(DHCP_REPLY_OP, DHCP_ACK, THEIRS - 1, THEIRS, their_mac, THEIRS));
    start();
    assert_true(hear(DHCP_REPLY_OP, DHCP_NAK, 0, THEIRS, their_mac, THEIRS));
    start();
    /* no identifier: where it came from */
    assert_true(hear(DHCP_REPLY_OP, DHCP_OFFER, THEIRS - 1, 0, their_mac, THEIRS));
    assert_int_equal(dhcp_guard_foreign(&guard)->address, THEIRS);
    start();
    /* a client takes somebody's offer */
    assert_true(hear(DHCP_REQUEST_OP, DHCP_REQUEST, 0, THEIRS, our_mac, 0));
    assert_int_equal(dhcp_guard_foreign(&guard)->address, THEIRS);
}

static void our_own_and_proxies_are_no_servers(void **state)
{
    (void)state;
    start();
    assert_false(hear(DHCP_REPLY_OP, DHCP_OFFER, OURS + 50, OURS, our_mac, OURS));
    relay = THEIRS;
    /* ours, relayed */
    assert_false(hear(DHCP_REPLY_OP, DHCP_OFFER, OURS + 50, OURS, their_mac, THEIRS));
    relay = 0;
    assert_false(hear(DHCP_REPLY_OP, DHCP_OFFER, OURS + 50, THEIRS, our_mac, OURS));
    assert_false(hear(DHCP_REPLY_OP, DHCP_OFFER, 0, THEIRS, their_mac, THEIRS)); /* PXE, BSDP */
    assert_false(hear(DHCP_REPLY_OP, DHCP_ACK, 0, THEIRS, their_mac, THEIRS));
    assert_false(hear(DHCP_REPLY_OP, DHCP_OFFER, OURS + 50, 0, their_mac, 0));
    assert_false(hear(DHCP_REQUEST_OP, DHCP_DISCOVER, 0, 0, their_mac, 0));
    assert_false(hear(DHCP_REQUEST_OP, DHCP_REQUEST, 0, OURS, their_mac, 0));
    assert_false(hear(DHCP_REQUEST_OP, DHCP_REQUEST, 0, 0, their_mac, OURS + 50));
    assert_false(hear(DHCP_REQUEST_OP, DHCP_RELEASE, 0, THEIRS, their_mac, OURS + 50));
    assert_int_equal(guard.state, DHCP_GUARD_LISTENING);
}

/* Two boxes as they come, both at the default address. */
static void a_station_with_our_address_is_another_server(void **state)
{
    static const uint8_t types[] = {DHCP_OFFER, DHCP_ACK, DHCP_NAK};
    char text[DHCP_GUARD_TEXT];

    (void)state;
    for (size_t i = 0; i < sizeof types; i++) {
        start();
        assert_true(hear(DHCP_REPLY_OP, types[i], OURS + 50, OURS, their_mac, OURS));
        assert_int_equal(guard.state, DHCP_GUARD_FOREIGN);
    }
    assert_string_equal(
        dhcp_guard_text(text, &guard),
        "another DHCP server answers here: 10.77.0.1 at 02:00:00:00:00:fe, this box's own "
        "address, it offered 10.77.0.51");
    start();
    assert_true(hear(DHCP_REPLY_OP, DHCP_OFFER, OURS + 50, 0, their_mac, OURS));
}

static bool hear_boots(uint32_t yiaddr, const char *class_id, const char *file,
                       const uint8_t mac[6], uint32_t from)
{
    struct dhcp_message m = {.op = DHCP_REPLY_OP,
                             .type = DHCP_OFFER,
                             .yiaddr = yiaddr,
                             .giaddr = relay};

    if (class_id)
        m.option[m.n++] = (struct dhcp_option){DHCP_O_CLASS, (uint8_t)strlen(class_id),
                                               (const uint8_t *)class_id};
    strcpy(m.file, file);
    return dhcp_guard_hear_boots(&guard, now, &m, mac, from);
}

static void boot_servers_are_named_and_forgotten(void **state)
{
    char text[DHCP_GUARD_TEXT];

    (void)state;
    start();
    assert_string_equal(dhcp_guard_boots_text(text, &guard, now), "");
    assert_false(hear_boots(0, "PXEClient", "", our_mac, OURS)); /* our own */
    assert_false(hear_boots(0, "AAPLBSDPC", "", their_mac, THEIRS));
    /* an address and nothing else */
    assert_false(hear_boots(THEIRS - 1, NULL, "", their_mac, THEIRS));
    assert_true(hear_boots(0, "PXEClient", "", their_mac, THEIRS));
    assert_false(hear_boots(0, "PXEClient", "", their_mac, THEIRS)); /* known */
    assert_string_equal(dhcp_guard_boots_text(text, &guard, now),
                        "another boot server answers here: 10.77.0.254 at 02:00:00:00:00:fe: "
                        "machines may start from it instead of from this box");
    assert_int_equal(guard.state, DHCP_GUARD_LISTENING);
    assert_true(hear_boots(0, "HTTPClient", "", their_mac, THEIRS - 1));
    assert_true(hear_boots(THEIRS - 9, NULL, "wdsnbp.com", their_mac, THEIRS - 2));
    relay = THEIRS;
    assert_false(hear_boots(0, "PXEClient", "", their_mac, THEIRS - 5));
    relay = 0;
    now = mono_add(now, DHCP_GUARD_BOOTS_NS);
    assert_string_equal(dhcp_guard_boots_text(text, &guard, now), "");
    assert_true(hear_boots(0, "PXEClient", "", their_mac, THEIRS - 2));
}

static void several_servers_are_told_apart(void **state)
{
    (void)state;
    start();
    for (uint32_t i = 0; i < 10; i++) {
        now = mono_add(now, MONO_S);
        hear(DHCP_REPLY_OP, DHCP_OFFER, OURS + 50, THEIRS + i, their_mac, THEIRS + i);
    }
    assert_int_equal(guard.n, DHCP_FOREIGN_MAX);
    assert_int_equal(dhcp_guard_foreign(&guard)->address, THEIRS + 9);
    hear(DHCP_REPLY_OP, DHCP_OFFER, OURS + 50, THEIRS + 7, their_mac, THEIRS + 7);
    assert_int_equal(dhcp_guard_foreign(&guard)->address, THEIRS + 7);
    assert_int_equal(dhcp_guard_foreign(&guard)->heard, 2);
    assert_int_equal(guard.n, DHCP_FOREIGN_MAX);
    for (uint32_t i = 0; i < DHCP_FOREIGN_MAX; i++)
        for (uint32_t k = 0; k < i; k++)
            assert_int_not_equal(guard.foreign[i].address, guard.foreign[k].address);
}

/* Two boxes on one wire, each answering the other's probes while it serves: in the end one serves.
 */
static void two_guards_do_not_flap_for_ever(void **state)
{
    struct dhcp_guard g[2];
    uint32_t address[2] = {OURS, THEIRS};
    unsigned both = 0, one = 0;
    uint8_t out[DHCP_REPLY_MIN];
    bool changed;

    (void)state;
    now = (struct mono){0};
    dhcp_guard_init(&g[0], our_mac, OURS, 1, now);
    dhcp_guard_init(&g[1], their_mac, THEIRS, 2, now);
    for (unsigned tick = 0; tick < 10 * 600; tick++, now = mono_add(now, 100 * MONO_MS)) {
        for (unsigned i = 0; i < 2; i++)
            if (dhcp_guard_tick(&g[i], now, out, &changed) && g[!i].state == DHCP_GUARD_CLEAR) {
                guard = g[i];
                hear(DHCP_REPLY_OP, DHCP_OFFER, OURS + 50, address[!i], i ? our_mac : their_mac,
                     address[!i]);
                g[i] = guard;
            }
        both += g[0].state == DHCP_GUARD_CLEAR && g[1].state == DHCP_GUARD_CLEAR;
        one += (g[0].state == DHCP_GUARD_CLEAR) != (g[1].state == DHCP_GUARD_CLEAR);
    }
    assert_true(both < 10 * 30); /* from the end of listening until the next probe */
    assert_true(one > 10 * 400);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_wire_is_clear_after_listening),
        cmocka_unit_test(a_slow_server_is_seen_before_we_serve),
        cmocka_unit_test(a_server_that_comes_later_is_seen_and_one_that_goes_is_forgotten),
        cmocka_unit_test(what_is_overheard_counts),
        cmocka_unit_test(our_own_and_proxies_are_no_servers),
        cmocka_unit_test(a_station_with_our_address_is_another_server),
        cmocka_unit_test(boot_servers_are_named_and_forgotten),
        cmocka_unit_test(several_servers_are_told_apart),
        cmocka_unit_test(two_guards_do_not_flap_for_ever),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
