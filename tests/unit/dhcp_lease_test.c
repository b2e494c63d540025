/* Many clients against one server on simulated time: nobody's address twice, and no flood takes
 * known machines' away. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "net/wire/rng.h"
#include "tests/unit/dhcp_support.h"

#define US DHCP_LAB_ADDRESS
#define POOL 100
#define CLIENTS 3000
#define INVENTED 10000

static struct dhcp_lab lab;
static struct rng rng;
static uint32_t xid;
static unsigned acks, naks, silent;

/* What a client believes. */
static struct belief {
    uint32_t address; /* 0: none */
    struct mono until;
} client[CLIENTS];
static uint32_t holder[256]; /* by the last byte: client + 1 */

static uint64_t seed_of(void)
{
    const char *text = getenv("SEED");
    uint64_t seed = text ? strtoull(text, NULL, 0) : 20260101;

    print_message("SEED=%llu\n", (unsigned long long)seed);
    return seed;
}

static void believe(uint32_t who, uint32_t address)
{
    struct belief *b = &client[who];
    uint32_t *h = &holder[address & 255];

    if (*h && *h != who + 1 && client[*h - 1].address == address)
        /* nobody else still believes to have it */
        assert_true(mono_sub(client[*h - 1].until, lab.now) <= 0);
    *h = who + 1;
    b->address = address;
    b->until = mono_add(lab.now, dhcp_option_u32(&lab.answer, DHCP_O_LEASE, 0) * MONO_S);
    assert_true(mono_sub(b->until, lab.now) > 0);
}

/* A REQUEST; the client does as it is told. */
static void ask_for(uint32_t who, struct dhcp_say s)
{
    s.type = DHCP_REQUEST;
    s.client = who;
    s.xid = s.xid ? s.xid : ++xid;
    switch (dhcp_lab_say(&lab, &s)) {
    case DHCP_ACK:
        assert_int_equal(lab.answer.yiaddr, s.ciaddr ? s.ciaddr : s.wanted);
        believe(who, lab.answer.yiaddr);
        acks++;
        break;
    case DHCP_NAK:
        client[who].address = 0;
        naks++;
        break;
    default:
        silent++;
        break;
    }
}

static void discover(uint32_t who)
{
    struct dhcp_say s = {.type = DHCP_DISCOVER,
                         .client = who,
                         .xid = ++xid,
                         .wanted = client[who].address};
    bool lost = rng_below(&rng, 10) == 0;

    if (dhcp_lab_say(&lab, &s) != DHCP_OFFER || lost)
        return;
    ask_for(who, (struct dhcp_say){.xid = s.xid, .wanted = lab.answer.yiaddr, .server = US});
}

static void give_back(uint32_t who, uint8_t type)
{
    struct dhcp_say s = {.type = type, .client = who, .xid = ++xid, .server = US};

    if (type == DHCP_RELEASE)
        s.ciaddr = client[who].address;
    else
        s.wanted = client[who].address;
    assert_int_equal(dhcp_lab_say(&lab, &s), 0);
    client[who].address = 0;
}

static void one_event(void)
{
    uint32_t who = (uint32_t)rng_below(&rng, rng_below(&rng, 2) ? 80 : CLIENTS);
    struct belief *b = &client[who];

    if (b->address && mono_sub(b->until, lab.now) <= 0)
        b->address = rng_below(&rng, 2) ? b->address : 0; /* over; it may still ask for the same */
    switch (b->address ? rng_below(&rng, 8) : 0) {
    case 1:
    case 2:
        if (mono_sub(b->until, lab.now) > 0)
            ask_for(who, (struct dhcp_say){.ciaddr = b->address});
        break;
    case 3:
        ask_for(who, (struct dhcp_say){.wanted = b->address});
        break;
    case 4:
        give_back(who, DHCP_RELEASE);
        break;
    case 5:
        if (mono_sub(b->until, lab.now) > 0 && rng_below(&rng, 20) == 0)
            give_back(who, DHCP_DECLINE);
        break;
    default:
        discover(who);
    }
}

static void no_address_is_given_twice(void **state)
{
    (void)state;
    rng = (struct rng){seed_of()};
    dhcp_lab_up(&lab, POOL, NULL, 0);
    for (unsigned i = 0; i < 60000; i++) {
        one_event();
        if (rng_below(&rng, 8) == 0)
            dhcp_lab_pass(&lab, (int64_t)rng_below(&rng, 30));
        if (rng_below(&rng, 2000) == 0)
            dhcp_lab_pass(&lab, 7200);
        if (rng_below(&rng, 2000) == 0)
            dhcp_lab_again(&lab, POOL, NULL, 0);
        if (i % 64 == 0)
            dhcp_lab_audit(&lab);
    }
    print_message("%u acks, %u naks, %u without an answer\n", acks, naks, silent);
    assert_true(acks > 5000 && naks > 100);
}

/* ---- starvation ---- */

enum flood {
    FLOOD_DISCOVER, /* invented machines ask */
    FLOOD_TAKE,     /* and take what they are offered */
    FLOOD_GRAB,     /* or every address in turn without asking */
    FLOOD_CHURN,    /* take and give back */
    FLOOD_DECLINE,  /* take and decline */
    FLOODS,
};

#define VETERANS 100  /* had one lease, long ago */
#define RESERVED 20   /* have a reservation */
#define REMEMBERED 11 /* known to the box, never had a lease */
#define FIRST_RESERVED 1000
#define FIRST_INVENTED 100000

static void invented(enum flood how, uint32_t i)
{
    uint32_t who = FIRST_INVENTED + i, address;
    struct dhcp_say back = {.client = who, .server = US};

    switch (how) {
    case FLOOD_DISCOVER:
        dhcp_lab_say(&lab, &(struct dhcp_say){.type = DHCP_DISCOVER, .client = who, .xid = who});
        return;
    case FLOOD_GRAB:
        dhcp_lab_say(&lab, &(struct dhcp_say){.type = DHCP_REQUEST,
                                              .client = who,
                                              .xid = who,
                                              .wanted = DHCP_LAB_FIRST + i % 200});
        return;
    default:
        break;
    }
    address = dhcp_lab_join(&lab, who, who);
    if (!address || how == FLOOD_TAKE)
        return;
    back.type = how == FLOOD_CHURN ? DHCP_RELEASE : DHCP_DECLINE;
    back.ciaddr = how == FLOOD_CHURN ? address : 0;
    back.wanted = how == FLOOD_CHURN ? 0 : address;
    dhcp_lab_say(&lab, &back);
}

static void room(void)
{
    struct dhcp_reservation r[RESERVED];

    for (uint32_t i = 0; i < RESERVED; i++) {
        dhcp_lab_mac(r[i].mac, FIRST_RESERVED + i);
        r[i].address = DHCP_LAB_FIRST + 10 * i;
    }
    dhcp_lab_up(&lab, 200, r, RESERVED);
    for (uint32_t i = 0; i < VETERANS; i++) { /* a week of work, a few machines an hour */
        assert_true(dhcp_lab_join(&lab, 500 + i, ++xid));
        dhcp_lab_pass(&lab, 600);
    }
    dhcp_lab_pass(&lab, 86400);
    lab.known = REMEMBERED;
}

/* Each of the known machines comes up somewhere in the flood; its first DISCOVER and its first
 * REQUEST must succeed. */
static void known_machines_are_served_in(enum flood how)
{
    uint32_t come = 0, who, served = 0;

    room();
    for (uint32_t i = 0; i < INVENTED; i++) {
        invented(how, i);
        if (i % 200 == 0)
            dhcp_lab_pass(&lab, 1);
        if (i < 1000 || i % 64)
            continue;
        who = come < VETERANS                           ? 500 + come
              : come < VETERANS + RESERVED              ? FIRST_RESERVED + come - VETERANS
              : come < VETERANS + RESERVED + REMEMBERED ? come - VETERANS - RESERVED
                                                        : UINT32_MAX;
        if (who == UINT32_MAX)
            break;
        come++;
        served += dhcp_lab_join(&lab, who, ++xid) != 0;
    }
    dhcp_lab_audit(&lab);
    print_message("flood %d: %u of %u known machines served at once\n", how, served, come);
    assert_int_equal(come, VETERANS + RESERVED + REMEMBERED);
    assert_int_equal(served, come);
}

static void floods_do_not_hurt_known_machines(void **state)
{
    (void)state;
    for (enum flood how = 0; how < FLOODS; how++)
        known_machines_are_served_in(how);
}

/* Those who only ask take nothing, not even from strangers. */
static void asking_alone_takes_nothing(void **state)
{
    unsigned served = 0;

    (void)state;
    dhcp_lab_up(&lab, 200, NULL, 0);
    for (uint32_t i = 0; i < INVENTED; i++) {
        invented(FLOOD_DISCOVER, i);
        if (i % 100 == 99)
            served += dhcp_lab_join(&lab, 500 + i / 100, ++xid) != 0;
    }
    assert_int_equal(served, INVENTED / 100);
}

/* An offer overtaken by the flood is good for a REQUEST all the same. */
static void an_overtaken_offer_is_granted(void **state)
{
    struct dhcp_say s = {.type = DHCP_DISCOVER, .client = 5, .xid = 5};

    (void)state;
    dhcp_lab_up(&lab, 20, NULL, 0);
    assert_int_equal(dhcp_lab_say(&lab, &s), DHCP_OFFER);
    s = (struct dhcp_say){
        .type = DHCP_REQUEST, .client = 5, .xid = 5, .wanted = lab.answer.yiaddr, .server = US};
    for (uint32_t i = 0; i < 1000; i++)
        invented(FLOOD_DISCOVER, i);
    assert_int_equal(dhcp_lab_say(&lab, &s), DHCP_ACK);
}

/* A room of new machines at once, each of which boots: nobody waits for more than a few tries. */
static void a_full_room_of_new_machines_comes_up(void **state)
{
    unsigned served = 0, tries = 0;
    uint32_t has[200] = {0};
    uint8_t mac[6];

    (void)state;
    dhcp_lab_up(&lab, 201, NULL, 0);
    for (; served < 200 && tries < 4; tries++, dhcp_lab_pass(&lab, 4))
        for (uint32_t i = 0; i < 200; i++) {
            dhcp_lab_mac(mac, i);
            if (has[i] && rng_below(&rng, 2))
                dhcp_server_vouch(&lab.server, mac); /* it has begun to load */
            if (has[i])
                continue;
            has[i] = dhcp_lab_join(&lab, i, ++xid);
            served += has[i] != 0;
        }
    print_message("200 new machines served after %u tries\n", tries);
    assert_int_equal(served, 200);
}

/* The same room every afternoon: yesterday's machines make room for today's. */
static void old_machines_make_room(void **state)
{
    unsigned served = 0;
    uint8_t mac[6];

    (void)state;
    dhcp_lab_up(&lab, 40, NULL, 0);
    for (uint32_t i = 0; i < 400; i++) {
        bool got = dhcp_lab_join(&lab, i, ++xid) != 0;

        served += got;
        dhcp_lab_mac(mac, i);
        dhcp_server_vouch(&lab.server, mac);
        if (i % 40 == 39)
            dhcp_lab_pass(&lab, 4000);
    }
    dhcp_lab_audit(&lab);
    assert_int_equal(served, 400);
}

/* The disk is not worn by strangers: what they make the box write is bounded by its addresses and
 * the time. */
static void floods_write_little(void **state)
{
    unsigned before;

    (void)state;
    room();
    before = lab.stored;
    for (uint32_t i = 0; i < INVENTED; i++) {
        invented(FLOOD_CHURN, i);
        if (i % 200 == 0)
            dhcp_lab_pass(&lab, 1);
    }
    print_message("%u records in %u s\n", lab.stored - before, INVENTED / 200);
    assert_true(lab.stored - before <= 2 * 200 * (INVENTED / 200 / 10 + 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_address_is_given_twice),
        cmocka_unit_test(floods_do_not_hurt_known_machines),
        cmocka_unit_test(asking_alone_takes_nothing),
        cmocka_unit_test(an_overtaken_offer_is_granted),
        cmocka_unit_test(a_full_room_of_new_machines_comes_up),
        cmocka_unit_test(old_machines_make_room),
        cmocka_unit_test(floods_write_little),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
