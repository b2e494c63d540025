#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "net/ip/claim.h"

#define ADDRESS UINT32_C(0x0A4D0001)

/* Stations on one wire. What one sends the others hear at once. */
#define STATIONS 3
static struct ip_claim claim[STATIONS];
/* a station that is not polite uses the address whatever it hears */
static bool on[STATIONS], polite[STATIONS];
static struct mono now;
static unsigned frames[STATIONS], changes[STATIONS];

static const uint8_t *mac(unsigned i)
{
    static uint8_t m[STATIONS][6];

    memcpy(m[i], (uint8_t[]){2, 0, 0, 0, 0, (uint8_t)(i + 1)}, 6);
    return m[i];
}

static void start(unsigned i)
{
    ip_claim_init(&claim[i], mac(i), ADDRESS, i + 1, now);
    on[i] = polite[i] = true;
    frames[i] = changes[i] = 0;
}

static int setup(void **state)
{
    (void)state;
    now = (struct mono){MONO_S};
    memset(on, 0, sizeof on);
    return 0;
}

static void heard_by_others(unsigned from, const uint8_t *frame, size_t n)
{
    for (unsigned i = 0; i < STATIONS; i++)
        if (on[i] && i != from && polite[i])
            changes[i] += ip_claim_hear(&claim[i], now, frame, n);
}

static void says(unsigned from, uint16_t operation, uint32_t sender, uint32_t target)
{
    uint8_t f[IP_ARP_FRAME_BYTES] = {
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0,
        0,    8,    6,    0,    1,    8,    0, 6, 4, 0, (uint8_t)operation};

    memcpy(f + 6, mac(from), 6);
    memcpy(f + 22, mac(from), 6);
    for (unsigned i = 0; i < 4; i++) {
        f[28 + i] = (uint8_t)(sender >> (24 - 8 * i));
        f[38 + i] = (uint8_t)(target >> (24 - 8 * i));
    }
    heard_by_others(from, f, sizeof f);
}

/* Time passes; a station that holds the address answers who asks for it, as lwIP does. */
static void pass(int64_t ms)
{
    uint8_t out[IP_ARP_FRAME_BYTES];
    bool changed;

    for (; ms > 0; ms -= 50, now = mono_add(now, 50 * MONO_MS))
        for (unsigned i = 0; i < STATIONS; i++) {
            size_t n = on[i] && polite[i] ? ip_claim_tick(&claim[i], now, out, &changed) : 0;

            if (!n)
                continue;
            changes[i] += changed;
            frames[i]++;
            assert_int_equal(n, IP_ARP_FRAME_BYTES);
            heard_by_others(i, out, n);
            for (unsigned k = 0; k < STATIONS; k++)
                if (on[k] && k != i && (!polite[k] || ip_claim_holds(&claim[k])))
                    says(k, 2, ADDRESS, out[28] ? ADDRESS : 0);
        }
}

static void a_free_address_is_taken_within_two_seconds(void **state)
{
    char text[IP_CLAIM_TEXT];

    (void)state;
    start(0);
    pass(600);
    assert_int_equal(claim[0].state, IP_CLAIM_PROBING);
    assert_false(ip_claim_holds(&claim[0]));
    pass(1400);
    assert_int_equal(claim[0].state, IP_CLAIM_HELD);
    assert_in_range(frames[0], 4, 5); /* three probes, and announcements */
    pass(3600 * 1000);
    assert_int_equal(claim[0].state, IP_CLAIM_HELD);
    assert_in_range(frames[0], 60, 75);
    assert_string_equal(ip_claim_text(text, &claim[0]), "");
}

static void who_comes_second_never_uses_it(void **state)
{
    char text[IP_CLAIM_TEXT];

    (void)state;
    start(0);
    pass(10000);
    start(1);
    pass(600 * 1000);
    assert_int_equal(claim[0].state, IP_CLAIM_HELD); /* a probe disturbs nobody */
    assert_int_equal(claim[1].state, IP_CLAIM_LOST);
    assert_int_equal(changes[1], 1);
    assert_string_equal(ip_claim_text(text, &claim[1]),
                        "another station, 02:00:00:00:00:01, has this box's address 10.77.0.1: "
                        "this box does not use "
                        "it; give one of them another (ringcast.conf, [box] address)");
    on[0] = false;
    pass(40 * 1000);
    assert_int_equal(claim[1].state, IP_CLAIM_HELD);
}

static void two_that_start_together_have_it_neither(void **state)
{
    (void)state;
    for (int64_t apart = 0; apart < 1000; apart += 100) {
        setup(NULL);
        start(0);
        pass(apart);
        start(1);
        pass(600 * 1000);
        if (apart < 600)
            assert_int_equal(claim[0].state, IP_CLAIM_LOST);
        assert_int_equal(claim[1].state, IP_CLAIM_LOST);
        on[1] = false;
        pass(40 * 1000);
        assert_true(ip_claim_holds(&claim[0]));
    }
}

/* Each held it on a wire of its own; now the wires are one. */
static void of_two_that_hold_it_one_drops_it(void **state)
{
    char text[IP_CLAIM_TEXT];
    unsigned loser;

    (void)state;
    start(0);
    pass(100 * 1000);
    on[0] = false;
    start(1);
    pass(100 * 1000);
    on[0] = true;
    assert_true(ip_claim_holds(&claim[0]) && ip_claim_holds(&claim[1]));
    for (unsigned s = 0; s < 61 && ip_claim_holds(&claim[0]) && ip_claim_holds(&claim[1]); s++)
        pass(1000);
    assert_int_not_equal(ip_claim_holds(&claim[0]), ip_claim_holds(&claim[1]));
    loser = ip_claim_holds(&claim[0]);
    assert_int_equal(claim[!loser].state, IP_CLAIM_DISPUTED);
    assert_non_null(
        strstr(ip_claim_text(text, &claim[!loser]), "has this box's address 10.77.0.1 too"));
    pass(61 * 1000);
    assert_int_equal(claim[!loser].state, IP_CLAIM_HELD);
    assert_int_equal(claim[loser].state, IP_CLAIM_LOST);
}

static void it_is_defended_once_and_then_dropped(void **state)
{
    unsigned sent;

    (void)state;
    start(0);
    pass(200 * 1000);
    start(2);
    polite[2] = false;
    sent = frames[0];
    says(2, 1, ADDRESS, ADDRESS + 5); /* it asks for a neighbour */
    assert_int_equal(claim[0].state, IP_CLAIM_DISPUTED);
    on[2] = false;
    pass(100);
    assert_true(frames[0] > sent); /* defended */
    pass(11 * 1000);
    says(2, 2, ADDRESS, ADDRESS + 5);
    assert_int_equal(claim[0].state, IP_CLAIM_DISPUTED); /* that long apart */
    pass(5000);
    says(2, 2, ADDRESS, ADDRESS + 5);
    assert_int_equal(claim[0].state, IP_CLAIM_LOST);
}

static void what_is_no_sign(void **state)
{
    static const uint8_t other[6] = {2, 0, 0, 0, 0, 9};
    uint8_t f[IP_ARP_FRAME_BYTES];
    bool changed;

    (void)state;
    start(0);
    says(0, 1, ADDRESS, ADDRESS);
    /* our own, back through a loop */
    ip_claim_hear(&claim[0], now, f, ip_claim_tick(&claim[0], now, f, &changed));
    says(1, 1, 0, ADDRESS + 1);
    says(1, 2, ADDRESS + 1, ADDRESS);
    says(1, 1, ADDRESS + 1, ADDRESS);
    says(1, 3, ADDRESS, ADDRESS); /* RARP's */
    assert_int_equal(claim[0].state, IP_CLAIM_PROBING);
    for (size_t n = 0; n < sizeof f; n++) { /* every truncation */
        uint8_t *copy = malloc(n ? n : 1);

        memcpy(copy, f, n);
        if (n >= 28)
            memcpy(copy + 22, other, 6);
        assert_false(ip_claim_hear(&claim[0], now, copy, n));
        free(copy);
    }
    memcpy(f + 22, other, 6);             /* whole, it is another's probe */
    for (size_t at = 12; at < 20; at++) { /* but of no other protocol */
        f[at] ^= 1;
        assert_false(ip_claim_hear(&claim[0], now, f, sizeof f));
        f[at] ^= 1;
    }
    assert_true(ip_claim_hear(&claim[0], now, f, sizeof f));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_free_address_is_taken_within_two_seconds, setup),
        cmocka_unit_test_setup(who_comes_second_never_uses_it, setup),
        cmocka_unit_test_setup(two_that_start_together_have_it_neither, setup),
        cmocka_unit_test_setup(of_two_that_hold_it_one_drops_it, setup),
        cmocka_unit_test_setup(it_is_defended_once_and_then_dropped, setup),
        cmocka_unit_test_setup(what_is_no_sign, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
