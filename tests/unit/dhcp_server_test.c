#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "tests/unit/dhcp_support.h"

#define US DHCP_LAB_ADDRESS
#define STALE UINT32_C(0xC0A80105)

static struct dhcp_lab lab;

static unsigned say(struct dhcp_say s)
{
    unsigned type = dhcp_lab_say(&lab, &s);

    dhcp_lab_audit(&lab);
    return type;
}

static void going_to(enum dhcp_way way, uint32_t address, uint16_t port)
{
    assert_int_equal(lab.reply.way, way);
    assert_int_equal(lab.reply.address, address);
    assert_int_equal(lab.reply.port, port);
}

/* ---- the four states of a client ---- */

static void a_new_machine_gets_an_address(void **state)
{
    uint32_t offered;
    uint8_t mac[6];

    (void)state;
    dhcp_lab_up(&lab, 10, NULL, 0);
    assert_int_equal(say((struct dhcp_say){.type = DHCP_DISCOVER, .client = 7, .xid = 1}),
                     DHCP_OFFER);
    offered = lab.answer.yiaddr;
    assert_true(offered - DHCP_LAB_FIRST < 10);
    going_to(DHCP_TO_STATION, offered, 68);
    dhcp_lab_mac(mac, 7);
    assert_memory_equal(lab.reply.mac, mac, 6);
    assert_int_equal(lab.reply.n, DHCP_REPLY_MIN);
    assert_int_equal(dhcp_option_u32(&lab.answer, DHCP_O_LEASE, 0), 3600);
    assert_int_equal(dhcp_option_u32(&lab.answer, DHCP_O_MASK, 0), 0xFFFFFF00);
    assert_int_equal(dhcp_option_u32(&lab.answer, DHCP_O_ROUTER, 0), US);
    assert_int_equal(dhcp_option_u32(&lab.answer, DHCP_O_DNS, 0), US);
    assert_memory_equal(dhcp_option(&lab.answer, DHCP_O_CLIENT)->at + 1, mac, 6); /* RFC 6842 */
    assert_false(dhcp_server_who(&lab.server, offered, mac));
    assert_int_equal(say((struct dhcp_say){.type = DHCP_REQUEST,
                                           .client = 7,
                                           .xid = 1,
                                           .wanted = offered,
                                           .server = US}),
                     DHCP_ACK);
    assert_int_equal(lab.answer.yiaddr, offered);
    assert_true(dhcp_server_who(&lab.server, offered, mac));
    assert_int_equal(lab.told[DHCP_TELL_LEASE], 1);
    assert_int_equal(lab.stored, 1);
}

static void renewing_and_rebinding(void **state)
{
    uint32_t address;

    (void)state;
    dhcp_lab_up(&lab, 10, NULL, 0);
    address = dhcp_lab_join(&lab, 7, 1);
    for (int i = 0; i < 5; i++) {
        dhcp_lab_pass(&lab, 1800);
        assert_int_equal(
            say((struct dhcp_say){.type = DHCP_REQUEST, .client = 7, .xid = 2, .ciaddr = address}),
            DHCP_ACK);
        going_to(DHCP_TO_STATION, address, 68);
        assert_int_equal(lab.answer.ciaddr, address);
        assert_int_equal(lab.answer.yiaddr, address);
    }
    assert_int_equal(lab.stored, 2); /* bound; off probation */
    dhcp_lab_pass(&lab, 3601);
    assert_int_equal(lab.stored, 3); /* over */
    assert_int_equal(say((struct dhcp_say){.type = DHCP_REQUEST,
                                           .client = 7,
                                           .xid = 9,
                                           .ciaddr = address,
                                           /* too late, but still his */
                                           .flags = DHCP_BROADCAST}),
                     DHCP_ACK);
    going_to(DHCP_TO_STATION, address, 68);
}

static void rebooting_with_an_old_address(void **state)
{
    uint32_t address;

    (void)state;
    dhcp_lab_up(&lab, 10, NULL, 0);
    address = dhcp_lab_join(&lab, 7, 1);
    assert_int_equal(
        say((struct dhcp_say){.type = DHCP_REQUEST, .client = 7, .xid = 2, .wanted = address}),
        DHCP_ACK);
    assert_int_equal(
        say((struct dhcp_say){.type = DHCP_REQUEST, .client = 7, .xid = 3, .wanted = address ^ 1}),
        DHCP_NAK);
    going_to(DHCP_TO_EVERYONE, UINT32_MAX, 68);
    assert_int_equal(lab.answer.yiaddr, 0);
    assert_null(dhcp_option(&lab.answer, DHCP_O_LEASE));
    assert_int_equal(
        say((struct dhcp_say){.type = DHCP_REQUEST, .client = 8, .xid = 2, .wanted = STALE}),
        DHCP_NAK);
    assert_int_equal(
        say((struct dhcp_say){.type = DHCP_REQUEST, .client = 8, .xid = 2, .ciaddr = STALE}),
        DHCP_NAK);
    assert_int_equal(
        say((struct dhcp_say){.type = DHCP_REQUEST, .client = 8, .xid = 3, .wanted = address}),
        DHCP_NAK);
    /* One that an earlier box gave him, and that is free: his again. */
    address = DHCP_LAB_FIRST + (address == DHCP_LAB_FIRST);
    assert_int_equal(
        say((struct dhcp_say){.type = DHCP_REQUEST, .client = 8, .xid = 4, .wanted = address}),
        DHCP_ACK);
    assert_int_equal(say((struct dhcp_say){.type = DHCP_REQUEST, .client = 8, .xid = 5}), 0);
    assert_int_equal(lab.server.counters.malformed, 1);
}

static void nobody_takes_what_a_known_machine_was_offered(void **state)
{
    uint32_t offered;

    (void)state;
    dhcp_lab_up(&lab, 10, NULL, 0);
    lab.known = 5;
    assert_int_equal(say((struct dhcp_say){.type = DHCP_DISCOVER, .client = 4, .xid = 1}),
                     DHCP_OFFER);
    offered = lab.answer.yiaddr;
    assert_int_equal(say((struct dhcp_say){.type = DHCP_REQUEST,
                                           .client = 9,
                                           .xid = 1,
                                           .wanted = offered,
                                           .server = US}),
                     DHCP_NAK);
    assert_int_equal(
        say((struct dhcp_say){.type = DHCP_DISCOVER, .client = 9, .xid = 2, .wanted = offered}),
        DHCP_OFFER);
    assert_int_not_equal(lab.answer.yiaddr, offered);
    assert_int_equal(say((struct dhcp_say){.type = DHCP_REQUEST,
                                           .client = 4,
                                           .xid = 1,
                                           .wanted = offered,
                                           .server = US}),
                     DHCP_ACK);
}

static void another_servers_offer_is_left_alone(void **state)
{
    uint32_t offered;

    (void)state;
    dhcp_lab_up(&lab, 1, NULL, 0);
    say((struct dhcp_say){.type = DHCP_DISCOVER, .client = 7, .xid = 1});
    offered = lab.answer.yiaddr;
    assert_int_equal(say((struct dhcp_say){.type = DHCP_REQUEST,
                                           .client = 7,
                                           .xid = 1,
                                           .wanted = offered,
                                           .server = US + 1}),
                     0);
    assert_int_equal(lab.server.counters.not_ours, 1);
    assert_int_equal(dhcp_lab_join(&lab, 8, 1), offered);
}

static void resent_requests_get_the_same_reply(void **state)
{
    uint8_t first[DHCP_MESSAGE_MAX];
    struct dhcp_say s = {.type = DHCP_DISCOVER,
                         .client = 7,
                         .xid = 1,
                         .class = "PXEClient:Arch:00007"};
    size_t n;

    (void)state;
    dhcp_lab_up(&lab, 8, NULL, 0);
    for (unsigned step = 0; step < 2; step++) {
        say(s);
        n = lab.reply.n;
        memcpy(first, lab.reply.bytes, n);
        for (unsigned other = 0; other < 4; other++) {
            /* what goes on meanwhile does not show */
            dhcp_lab_join(&lab, 100 + 10 * step + other, 1);
            dhcp_lab_pass(&lab, 2);
            say(s);
            assert_int_equal(lab.reply.n, n);
            assert_memory_equal(lab.reply.bytes, first, n);
        }
        s.type = DHCP_REQUEST;
        s.wanted = lab.answer.yiaddr;
        s.server = US;
    }
}

/* ---- where replies go, and what is in them ---- */

static void replies_go_where_rfc_2131_says(void **state)
{
    uint32_t relay = DHCP_LAB_FIRST + 100;

    (void)state;
    dhcp_lab_up(&lab, 10, NULL, 0);
    say((struct dhcp_say){.type = DHCP_DISCOVER, .client = 7, .xid = 1, .flags = DHCP_BROADCAST});
    going_to(DHCP_TO_EVERYONE, UINT32_MAX, 68);
    assert_int_equal(lab.answer.flags, DHCP_BROADCAST);
    say((struct dhcp_say){.type = DHCP_DISCOVER, .client = 8, .xid = 1, .giaddr = relay});
    going_to(DHCP_TO_ADDRESS, relay, 67);
    assert_memory_equal(dhcp_option(&lab.answer, DHCP_O_RELAY)->at, "\1\4port", 6);
    assert_int_equal(say((struct dhcp_say){.type = DHCP_REQUEST,
                                           .client = 8,
                                           .xid = 1,
                                           .giaddr = relay,
                                           .wanted = STALE}),
                     DHCP_NAK);
    going_to(DHCP_TO_ADDRESS, relay, 67);
    assert_int_equal(lab.answer.flags, DHCP_BROADCAST);
}

static void relays_have_pools_of_their_own(void **state)
{
    uint32_t relay = 0x0A4E0001, got;

    (void)state;
    dhcp_lab_up(&lab, 10, NULL, 0);
    assert_int_equal(
        say((struct dhcp_say){.type = DHCP_DISCOVER, .client = 7, .xid = 1, .giaddr = relay}),
        DHCP_OFFER);
    got = lab.answer.yiaddr;
    assert_int_equal(got & 0xFFFFFF00, 0x0A4E0000);
    assert_null(dhcp_option(&lab.answer, DHCP_O_ROUTER));
    assert_int_equal(say((struct dhcp_say){.type = DHCP_REQUEST,
                                           .client = 7,
                                           .xid = 1,
                                           .giaddr = relay,
                                           .wanted = got,
                                           .server = US}),
                     DHCP_ACK);
    /* Renewed through the router, not the relay. */
    assert_int_equal(say((struct dhcp_say){.type = DHCP_REQUEST,
                                           .client = 7,
                                           .xid = 2,
                                           .ciaddr = got,
                                           .frame_mac = 99}),
                     DHCP_ACK);
    going_to(DHCP_TO_ADDRESS, got, 68);
    assert_int_equal(
        say((struct dhcp_say){.type = DHCP_DISCOVER, .client = 7, .xid = 3, .giaddr = 0x0A4F0001}),
        0);
    assert_int_equal(lab.server.counters.no_pool, 1);
    /* Carried over to the box's own wire: another address, and the old one is free. */
    assert_true(dhcp_lab_join(&lab, 7, 4) - DHCP_LAB_FIRST < 10);
    assert_int_equal(lab.server.leases.count[1].bound, 0);
}

static void inform_is_answered_to_its_address(void **state)
{
    (void)state;
    dhcp_lab_up(&lab, 10, NULL, 0);
    assert_int_equal(
        say((struct dhcp_say){.type = DHCP_INFORM, .client = 7, .xid = 1, .ciaddr = 0x0A4D0009}),
        DHCP_ACK);
    going_to(DHCP_TO_STATION, 0x0A4D0009, 68);
    assert_int_equal(lab.answer.yiaddr, 0);
    assert_int_equal(lab.answer.ciaddr, 0x0A4D0009);
    assert_null(dhcp_option(&lab.answer, DHCP_O_LEASE));
    assert_int_equal(dhcp_option_u32(&lab.answer, DHCP_O_MASK, 0), 0xFFFFFF00);
    assert_int_equal(
        say((struct dhcp_say){.type = DHCP_INFORM, .client = 7, .xid = 1, .from = 0x0A4D0009}),
        DHCP_ACK);
    assert_int_equal(say((struct dhcp_say){.type = DHCP_INFORM, .client = 7, .xid = 1}), 0);
    assert_int_equal(
        say((struct dhcp_say){.type = DHCP_INFORM, .client = 7, .xid = 1, .ciaddr = UINT32_MAX}),
        0);
    assert_int_equal(
        say((struct dhcp_say){.type = DHCP_INFORM, .client = 7, .xid = 1, .ciaddr = US}), 0);
    assert_int_equal(
        say((struct dhcp_say){.type = DHCP_INFORM, .client = 7, .xid = 1, .ciaddr = STALE}), 0);
    assert_int_equal(say((struct dhcp_say){.type = DHCP_INFORM,
                                           .client = 7,
                                           .xid = 1,
                                           .ciaddr = 0x0A4D0009,
                                           .giaddr = 0x0A4E0001}),
                     DHCP_ACK);
    going_to(DHCP_TO_STATION, 0x0A4D0009, 68);
    assert_int_equal(lab.stored, 0);
}

static void boot_fields_are_put_in(void **state)
{
    (void)state;
    dhcp_lab_up(&lab, 10, NULL, 0);
    say((struct dhcp_say){
        .type = DHCP_DISCOVER, .client = 7, .xid = 1, .class = "PXEClient:Arch:00007"});
    assert_string_equal(lab.answer.file, "ringcast.efi");
    assert_int_equal(lab.answer.siaddr, US);
    assert_null(dhcp_option(&lab.answer, DHCP_O_CLASS));
    say((struct dhcp_say){
        .type = DHCP_DISCOVER, .client = 7, .xid = 2, .class = "AAPLBSDPC/i386/iMac14,3"});
    assert_string_equal(lab.answer.file, "");
    assert_int_equal(lab.answer.siaddr, 0);
    assert_true(lab.answer.yiaddr);
}

static void port_4011_answers_boot_questions(void **state)
{
    struct dhcp_say s = {.type = DHCP_REQUEST,
                         .client = 7,
                         .ciaddr = 0x0A4D0032,
                         .to_port = 4011,
                         .class = "PXEClient"};

    (void)state;
    dhcp_lab_up(&lab, 10, NULL, 0);
    assert_int_equal(say(s), DHCP_ACK); /* xid 0 and all */
    going_to(DHCP_TO_ADDRESS, 0x0A4D0032, 4011);
    assert_int_equal(lab.reply.from_port, 4011);
    assert_int_equal(lab.answer.yiaddr, 0);
    assert_string_equal(lab.answer.file, "ringcast.efi");
    s.ciaddr = 0;
    assert_int_equal(say(s), 0);
    s.from = 0x0A4D0033;
    assert_int_equal(say(s), DHCP_ACK);
    s.class = "HTTPClient";
    assert_int_equal(say(s), 0);
    s.class = "PXEClient";
    s.type = DHCP_DISCOVER;
    assert_int_equal(say(s), 0);
}

static void the_clients_size_is_kept(void **state)
{
    struct dhcp_say s = {.type = DHCP_DISCOVER, .client = 7, .xid = 1};
    static const uint16_t sizes[] = {1, 300, 576, 1472, 65535};

    (void)state;
    dhcp_lab_up(&lab, 10, NULL, 0);
    for (unsigned i = 0; i < 5; i++) {
        s.size = sizes[i];
        assert_int_equal(say(s), DHCP_OFFER); /* dhcp_lab_say checks the length */
    }
    assert_int_equal(lab.server.counters.cut, 0);
    s.size = 0;
    s.class = "PXEClient:large";
    assert_int_equal(say(s), DHCP_OFFER);
    assert_true(lab.reply.n > 450);
    assert_int_equal(lab.server.counters.cut, 1); /* whole, or not at all */
    s.size = 1500;
    assert_int_equal(say(s), DHCP_OFFER);
    assert_true(lab.reply.n > 548);
    assert_int_equal(lab.server.counters.cut, 1);
}

/* ---- modes ---- */

static void a_proxy_gives_no_addresses(void **state)
{
    struct dhcp_config c = {.mode = DHCP_MODE_PROXY, .address = US};
    struct dhcp_needs needs;
    struct dhcp_say s = {.type = DHCP_DISCOVER,
                         .client = 7,
                         .xid = 1,
                         .class = "PXEClient:Arch:00007"};

    (void)state;
    dhcp_lab_up(&lab, 10, NULL, 0);
    needs = lab.server.needs;
    assert_int_equal(dhcp_server_init(&lab.server, &c, &needs, NULL), 0);
    assert_int_equal(say(s), DHCP_OFFER);
    going_to(DHCP_TO_EVERYONE, UINT32_MAX, 68);
    assert_int_equal(lab.answer.yiaddr, 0);
    assert_null(dhcp_option(&lab.answer, DHCP_O_LEASE));
    assert_null(dhcp_option(&lab.answer, DHCP_O_MASK));
    assert_true(dhcp_option_begins(&lab.answer, DHCP_O_CLASS, "PXEClient"));
    s.class = "MSFT 5.0";
    assert_int_equal(say(s), 0);
    s.class = "PXEClient";
    s.giaddr = 0xE0000001;
    assert_int_equal(say(s), 0);
    s.giaddr = STALE;
    assert_int_equal(say(s), DHCP_OFFER);
    going_to(DHCP_TO_ADDRESS, STALE, 67);
    s = (struct dhcp_say){.type = DHCP_REQUEST, .client = 7, .ciaddr = STALE, .class = "PXEClient"};
    assert_int_equal(say(s), 0);
    s.type = DHCP_INFORM;
    assert_int_equal(say(s), 0);
    s.type = DHCP_REQUEST;
    s.to_port = 4011;
    assert_int_equal(say(s), DHCP_ACK);
    lab.server.config.mode = DHCP_MODE_OFF;
    assert_int_equal(say(s), 0);
}

static void beside_another_server_only_our_own_are_renewed(void **state)
{
    uint32_t address;

    (void)state;
    dhcp_lab_up(&lab, 10, NULL, 0);
    address = dhcp_lab_join(&lab, 7, 1);
    lab.server.quiet = true;
    assert_int_equal(
        say((struct dhcp_say){.type = DHCP_REQUEST, .client = 7, .xid = 2, .ciaddr = address}),
        DHCP_ACK);
    assert_int_equal(
        say((struct dhcp_say){.type = DHCP_REQUEST, .client = 7, .xid = 2, .ciaddr = address ^ 1}),
        0);
    assert_int_equal(
        say((struct dhcp_say){.type = DHCP_REQUEST, .client = 8, .xid = 2, .wanted = STALE}), 0);
    assert_int_equal(say((struct dhcp_say){.type = DHCP_DISCOVER, .client = 7, .xid = 3}), 0);
    assert_int_equal(
        say((struct dhcp_say){.type = DHCP_INFORM, .client = 7, .xid = 3, .ciaddr = address}), 0);
    assert_int_equal(say((struct dhcp_say){.type = DHCP_REQUEST,
                                           .client = 7,
                                           .ciaddr = address,
                                           .to_port = 4011,
                                           .class = "PXEClient"}),
                     0);
    assert_int_equal(lab.server.counters.quiet, 5);
}

/* ---- giving back ---- */

static void released_addresses_stay_a_moment(void **state)
{
    uint32_t address;

    (void)state;
    dhcp_lab_up(&lab, 1, NULL, 0);
    address = dhcp_lab_join(&lab, 7, 1);
    say((struct dhcp_say){
        .type = DHCP_RELEASE, .client = 7, .ciaddr = address, .server = US, .frame_mac = 66});
    say((struct dhcp_say){.type = DHCP_RELEASE, .client = 8, .ciaddr = address, .server = US});
    say((struct dhcp_say){.type = DHCP_RELEASE, .client = 7, .ciaddr = address, .server = US + 1});
    assert_int_equal(lab.server.counters.released, 0);
    say((struct dhcp_say){.type = DHCP_RELEASE, .client = 7, .ciaddr = address, .server = US});
    assert_int_equal(lab.server.counters.released, 1);
    assert_int_equal(dhcp_lab_join(&lab, 8, 1), 0);
    dhcp_lab_pass(&lab, 11);
    assert_int_equal(dhcp_lab_join(&lab, 8, 2), address);
}

/* A lease that ran out was a machine's; one that was given back at once may have been nobody's. */
static void releasing_earns_nothing(void **state)
{
    uint32_t given_back, run_out;

    (void)state;
    dhcp_lab_up(&lab, 40, NULL, 0);
    given_back = dhcp_lab_join(&lab, 7, 1);
    run_out = dhcp_lab_join(&lab, 8, 1);
    say((struct dhcp_say){.type = DHCP_RELEASE, .client = 7, .ciaddr = given_back, .server = US});
    dhcp_lab_pass(&lab, 3601);
    assert_int_equal(dhcp_lease_at(&lab.server.leases, given_back)->state, DHCP_SLOT_PAST);
    assert_true(dhcp_lease_at(&lab.server.leases, given_back)->probation);
    assert_int_equal(dhcp_lease_at(&lab.server.leases, run_out)->state, DHCP_SLOT_PAST);
    assert_false(dhcp_lease_at(&lab.server.leases, run_out)->probation);
}

static void declined_addresses_rest(void **state)
{
    uint32_t one, two;

    (void)state;
    dhcp_lab_up(&lab, 2, NULL, 0);
    one = dhcp_lab_join(&lab, 7, 1);
    say((struct dhcp_say){.type = DHCP_DECLINE, .client = 8, .wanted = one, .server = US});
    say((struct dhcp_say){
        .type = DHCP_DECLINE, .client = 7, .wanted = one, .server = US, .frame_mac = 66});
    assert_int_equal(lab.server.counters.declined, 0);
    assert_int_equal(
        say((struct dhcp_say){.type = DHCP_DECLINE, .client = 7, .wanted = one, .server = US}), 0);
    assert_int_equal(lab.server.counters.declined, 1);
    assert_int_equal(lab.told[DHCP_TELL_DECLINED], 1);
    two = dhcp_lab_join(&lab, 7, 2);
    assert_true(two && two != one);
    assert_int_equal(dhcp_lab_join(&lab, 9, 1), 0);
    assert_int_equal(lab.told[DHCP_TELL_EXHAUSTED], 1);
    dhcp_lab_pass(&lab, 601);
    assert_int_equal(dhcp_lab_join(&lab, 9, 2), one);
}

/* One machine that declines all it is given takes an eighth away, and no more. */
static void declining_does_not_empty_the_pool(void **state)
{
    (void)state;
    dhcp_lab_up(&lab, 64, NULL, 0);
    for (uint32_t xid = 1; xid < 1000; xid++) {
        uint32_t address = dhcp_lab_join(&lab, 666, xid);

        assert_true(address);
        say((
            struct dhcp_say){.type = DHCP_DECLINE, .client = 666, .wanted = address, .server = US});
        assert_true(lab.server.leases.count[0].declined <= 64 / 8 + 1);
    }
}

/* ---- reservations ---- */

static void reservations_are_kept(void **state)
{
    struct dhcp_reservation r[] = {{{2, 0, 0, 0, 0, 7}, DHCP_LAB_FIRST + 1},
                                   {{2, 0, 0, 0, 0, 8}, 0x0A4D0009}};
    uint32_t dynamic;

    (void)state;
    dhcp_lab_up(&lab, 2, NULL, 0);
    dynamic = dhcp_lab_join(&lab, 7, 1);
    assert_true(dynamic);
    dhcp_lab_up(&lab, 2, r, 2);
    assert_int_equal(dhcp_lab_join(&lab, 1, 1), DHCP_LAB_FIRST);
    assert_int_equal(dhcp_lab_join(&lab, 2, 1), 0); /* the other address of the pool is reserved */
    assert_int_equal(dhcp_lab_join(&lab, 7, 1), DHCP_LAB_FIRST + 1);
    assert_int_equal(dhcp_lab_join(&lab, 8, 1), 0x0A4D0009);
    assert_int_equal(
        say((struct dhcp_say){.type = DHCP_REQUEST, .client = 1, .xid = 3, .wanted = 0x0A4D0009}),
        DHCP_NAK);
    /* A stranger sits on a reserved address: its machine gets another one if there is one. */
    say((struct dhcp_say){
        .type = DHCP_RELEASE, .client = 1, .ciaddr = DHCP_LAB_FIRST, .server = US});
    dhcp_lab_pass(&lab, 11);
    say((struct dhcp_say){
        .type = DHCP_DECLINE, .client = 7, .wanted = DHCP_LAB_FIRST + 1, .server = US});
    assert_int_equal(dhcp_lab_join(&lab, 7, 4), DHCP_LAB_FIRST);
    dhcp_lab_pass(&lab, 601);
    assert_int_equal(say((struct dhcp_say){
                         .type = DHCP_REQUEST, .client = 7, .xid = 5, .ciaddr = DHCP_LAB_FIRST}),
                     DHCP_NAK); /* back to its own */
    assert_int_equal(dhcp_lab_join(&lab, 7, 6), DHCP_LAB_FIRST + 1);
}

static int init_with(struct dhcp_pool *pool, unsigned pools, struct dhcp_reservation *r, unsigned n)
{
    struct dhcp_config c = {.mode = DHCP_MODE_SERVER,
                            .address = US,
                            .pool = pool,
                            .pools = pools,
                            .reservation = r,
                            .reservations = n,
                            .lease_s = 3600};
    struct err err = {0};
    int rc = dhcp_server_init(&lab.server, &c, NULL, &err);

    assert_int_equal(rc != 0, err.text[0] != 0);
    return rc;
}

static void settings_that_cannot_be_are_refused(void **state)
{
    struct dhcp_pool good = {.first = US + 1, .last = US + 9, .network = US, .prefix = 24},
                     p[DHCP_POOLS_MAX + 1];
    struct dhcp_reservation r[2] = {{{2}, US + 5}, {{4}, US + 6}};

    (void)state;
    p[0] = good;
    assert_int_equal(init_with(p, 1, r, 2), 0);
    p[0].first = US;
    p[0].router = US + 3;
    assert_int_equal(init_with(p, 1, NULL, 0), 0);
    assert_null(dhcp_lease_at(&lab.server.leases, US));
    assert_null(dhcp_lease_at(&lab.server.leases, US + 3));
    assert_int_equal(lab.server.leases.count[0].size, 8);
    p[0] = good;
    r[1].address = US + 5;
    assert_int_equal(init_with(p, 1, r, 2), DHCP_ERESERVE);
    r[1] = (struct dhcp_reservation){{2}, US + 6};
    assert_int_equal(init_with(p, 1, r, 2), DHCP_ERESERVE);
    r[1] = (struct dhcp_reservation){{4}, US};
    assert_int_equal(init_with(p, 1, r, 2), DHCP_ERESERVE);
    r[1].address = US - 1;
    assert_int_equal(init_with(p, 1, r, 2), DHCP_ERESERVE);
    r[1].address = US + 254;
    assert_int_equal(init_with(p, 1, r, 2), DHCP_ERESERVE);
    assert_int_equal(init_with(p, 0, NULL, 0), DHCP_EPOOL);
    assert_int_equal(init_with(p, DHCP_POOLS_MAX + 1, NULL, 0), DHCP_EPOOL);
    p[1] = good;
    assert_int_equal(init_with(p, 2, NULL, 0), DHCP_EPOOL);
    for (unsigned i = 0; i < 6; i++) {
        p[0] = good;
        p[0].first = i == 0 ? US - 1 : i == 1 ? US + 10 : good.first;
        p[0].last = i == 2 ? US + 254 : i == 3 ? US + 1000 : good.last;
        p[0].prefix = i == 4 ? 31 : i == 5 ? 7 : 24;
        assert_int_equal(init_with(p, 1, NULL, 0), DHCP_EPOOL);
    }
    p[0] = (struct dhcp_pool){.first = 0x0A000001, .last = 0x0A001001, .network = US, .prefix = 8};
    assert_int_equal(init_with(p, 1, NULL, 0), DHCP_EPOOL);
}

/* ---- restarts ---- */

static void leases_survive_a_restart(void **state)
{
    uint32_t address[20];

    (void)state;
    dhcp_lab_up(&lab, 20, NULL, 0);
    for (uint32_t i = 0; i < 40; i++) { /* each twice, as firmware and then the receiver do */
        address[i % 20] = dhcp_lab_join(&lab, i % 20, 1 + i);
        dhcp_lab_pass(&lab, 2);
    }
    /* the last of twenty strangers waits until half of them are known */
    address[19] = dhcp_lab_join(&lab, 19, 50);
    dhcp_lab_again(&lab, 20, NULL, 0);
    dhcp_lab_audit(&lab);
    assert_int_equal(lab.server.leases.count[0].bound, 20);
    assert_int_equal(dhcp_lab_join(&lab, 99, 1), 0);
    for (uint32_t i = 0; i < 20; i++) {
        dhcp_lab_pass(&lab, 1);
        assert_int_equal(say((struct dhcp_say){
                             .type = DHCP_REQUEST, .client = i, .xid = 9, .ciaddr = address[i]}),
                         DHCP_ACK);
    }
}

static void broken_records_are_refused(void **state)
{
    uint8_t key[4] = {10, 77, 0, 50}, value[11] = {2, 0, 0, 0, 0, 7, 1, 0, 0, 14, 16};
    static const struct {
        uint8_t at, value;
    } broken[] = {{0, 1}, {6, 4}, {7, 1}, {10, 0}};
    uint8_t copy[11];

    (void)state;
    dhcp_lab_up(&lab, 1, NULL, 0);
    for (size_t n = 0; n < 4; n++)
        assert_int_equal(dhcp_server_restore(&lab.server, key, n, value, 11, lab.now),
                         DHCP_ERECORD);
    for (size_t n = 0; n < 11; n++)
        assert_int_equal(dhcp_server_restore(&lab.server, key, 4, value, n, lab.now), DHCP_ERECORD);
    for (size_t i = 0; i < 4; i++) {
        memcpy(copy, value, 11);
        copy[broken[i].at] = broken[i].value;
        if (broken[i].at == 10)
            copy[9] = 0;
        assert_int_equal(dhcp_server_restore(&lab.server, key, 4, copy, 11, lab.now), DHCP_ERECORD);
    }
    key[3] = 51;
    assert_int_equal(dhcp_server_restore(&lab.server, key, 4, value, 11, lab.now), DHCP_ERECORD);
    key[3] = 50;
    assert_int_equal(dhcp_server_restore(&lab.server, key, 4, value, 11, lab.now), 0);
    assert_int_equal(dhcp_server_restore(&lab.server, key, 4, value, 11, lab.now), 0);
    dhcp_lab_audit(&lab);
    assert_int_equal(lab.stored, 0);
}

/* ---- what is not for us ---- */

static void strays_are_dropped_and_counted(void **state)
{
    struct dhcp_message m = {.op = DHCP_REPLY_OP, .type = DHCP_OFFER};
    struct dhcp_from from = {.to_port = 67};

    (void)state;
    dhcp_lab_up(&lab, 1, NULL, 0);
    assert_false(dhcp_server_step(&lab.server, lab.now, &m, &from, &lab.reply));
    m = (struct dhcp_message){.op = DHCP_REQUEST_OP, .type = DHCP_BOOTP};
    assert_false(dhcp_server_step(&lab.server, lab.now, &m, &from, &lab.reply));
    m.type = DHCP_DISCOVER;
    memcpy(m.chaddr, lab.server.config.mac, 6); /* our own guard's */
    assert_false(dhcp_server_step(&lab.server, lab.now, &m, &from, &lab.reply));
    assert_int_equal(say((struct dhcp_say){.type = DHCP_TYPE_MAX, .client = 3}), 0);
    assert_int_equal(say((struct dhcp_say){.type = DHCP_OFFER, .client = 3}), 0);
    assert_int_equal(lab.server.counters.not_ours, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_machine_gets_an_address),
        cmocka_unit_test(renewing_and_rebinding),
        cmocka_unit_test(rebooting_with_an_old_address),
        cmocka_unit_test(nobody_takes_what_a_known_machine_was_offered),
        cmocka_unit_test(another_servers_offer_is_left_alone),
        cmocka_unit_test(resent_requests_get_the_same_reply),
        cmocka_unit_test(replies_go_where_rfc_2131_says),
        cmocka_unit_test(relays_have_pools_of_their_own),
        cmocka_unit_test(inform_is_answered_to_its_address),
        cmocka_unit_test(boot_fields_are_put_in),
        cmocka_unit_test(port_4011_answers_boot_questions),
        cmocka_unit_test(the_clients_size_is_kept),
        cmocka_unit_test(a_proxy_gives_no_addresses),
        cmocka_unit_test(beside_another_server_only_our_own_are_renewed),
        cmocka_unit_test(released_addresses_stay_a_moment),
        cmocka_unit_test(releasing_earns_nothing),
        cmocka_unit_test(declined_addresses_rest),
        cmocka_unit_test(declining_does_not_empty_the_pool),
        cmocka_unit_test(reservations_are_kept),
        cmocka_unit_test(settings_that_cannot_be_are_refused),
        cmocka_unit_test(leases_survive_a_restart),
        cmocka_unit_test(broken_records_are_refused),
        cmocka_unit_test(strays_are_dropped_and_counted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
