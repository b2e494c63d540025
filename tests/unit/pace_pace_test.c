/* The pacer's promises (pace.h), as tables of times and as random runs in which every window is
 * looked at. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "imaging/pace/pace.h"
#include "net/wire/rng.h"

#define START (5 * MONO_S)

static struct pace pacer;

static struct mono at_us(int64_t us)
{
    return (struct mono){START + us * MONO_US};
}

/* 1 Gbit/s: 12.304 µs a packet, 8127 in 100 ms, a burst of at most 325. */
static void table_of_times(void **state)
{
    static const struct {
        int64_t us;
        uint32_t allow, spend;
    } t[] = {
        {0, 0, 0},      {12, 0, 0},        {13, 1, 0},      {24, 1, 1},         {25, 1, 1},
        {1000, 79, 79}, {4000, 244, 0},    {5100, 325, 0},  {50000, 325, 325},  {50000, 0, 0},
        {50013, 1, 0},  {54001, 325, 300}, {54002, 25, 25}, {1000000, 325, 10}, {1000001, 315, 0},
    };

    (void)state;
    pace_init(&pacer, 125000000, at_us(0));
    for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
        assert_int_equal(pace_allow(&pacer, at_us(t[i].us)), t[i].allow);
        pace_spent(&pacer, at_us(t[i].us), t[i].spend);
    }
}

static void next_names_the_time_of_a_train(void **state)
{
    struct mono next;

    (void)state;
    pace_init(&pacer, 12500000, at_us(0)); /* 2 ms: 16 packets are due after 1968.64 µs */
    next = pace_next(&pacer, at_us(0));
    assert_int_equal(next.ns, START + 1968640);
    assert_int_equal(pace_allow(&pacer, mono_add(next, -1)), 15);
    assert_int_equal(pace_allow(&pacer, next), 16);

    pace_init(&pacer, 125000000, at_us(0)); /* a train of 44 is due after 541.376 µs */
    next = pace_next(&pacer, at_us(0));
    assert_int_equal(next.ns, START + 541376);
    assert_int_equal(pace_allow(&pacer, mono_add(next, -1)), 43);
    assert_int_equal(pace_allow(&pacer, next), 44);
    assert_int_equal(pace_next(&pacer, at_us(900)).ns, at_us(900).ns);

    pace_init(&pacer, 153800, at_us(0)); /* 100 packets a second: every 10 ms one */
    assert_int_equal(pace_next(&pacer, at_us(0)).ns, at_us(10000).ns);
}

/* The window is full: what frees it is the oldest departure, 100 ms and the guard later. */
static void next_waits_for_the_window(void **state)
{
    (void)state;
    pace_init(&pacer, 153800, at_us(0));
    for (int i = 1; i <= 10; i++) {
        assert_int_equal(pace_allow(&pacer, at_us(i * 10000)), 1);
        pace_spent(&pacer, at_us(i * 10000), 1);
    }
    assert_int_equal(pace_allow(&pacer, at_us(110000)), 0);
    assert_int_equal(pace_next(&pacer, at_us(110000)).ns, at_us(110100).ns);
    assert_int_equal(pace_allow(&pacer, at_us(110100)), 1);
}

static void rates_at_the_ends(void **state)
{
    (void)state;
    pace_init(&pacer, PACE_UNLIMITED, at_us(0));
    assert_int_equal(pace_allow(&pacer, at_us(0)), UINT32_MAX);
    pace_spent(&pacer, at_us(0), 1000000);
    assert_int_equal(pace_next(&pacer, at_us(7)).ns, at_us(7).ns);

    pace_init(&pacer, 1, at_us(0));
    assert_int_equal(pacer.rate, PACE_RATE_MIN);
    assert_int_equal(pace_allow(&pacer, at_us(99999)), 0);
    assert_int_equal(pace_allow(&pacer, at_us(100000)), 1);

    pace_init(&pacer, UINT64_MAX, at_us(0));
    assert_int_equal(pacer.rate, PACE_RATE_MAX);
    assert_in_range(pace_allow(&pacer, at_us(10000000)), 32509, 32510);
}

static void a_lower_rate_holds_at_once(void **state)
{
    struct mono now = at_us(0);
    uint32_t sent = 0;

    (void)state;
    pace_init(&pacer, 125000000, now);
    for (int i = 0; i < 1000; i++) {
        uint32_t n;

        now = pace_next(&pacer, now);
        n = pace_allow(&pacer, now);
        pace_spent(&pacer, now, n);
    }
    pace_set_rate(&pacer, 62500000, now);
    for (int64_t us = 0; us < 49000;
         us += 100) /* the last 100 ms still hold more than the new rate */
        sent += pace_allow(&pacer, mono_add(now, us * MONO_US));
    assert_int_equal(sent, 0);
    assert_int_not_equal(pace_allow(&pacer, mono_add(now, 52 * MONO_MS)), 0);
}

/* ---- random runs ---- */

#define DEPARTURES 400000

static struct departures {
    struct mono t[DEPARTURES]; /* true departure time */
    uint32_t n[DEPARTURES];
    size_t count;
} sent;

/* Every window that ends with a departure, and hence every window, holds at most `cap` packets. */
static void check_windows(uint64_t cap)
{
    uint64_t in = 0;
    size_t tail = 0;

    for (size_t i = 0; i < sent.count; i++) {
        in += sent.n[i];
        while (mono_sub(sent.t[i], sent.t[tail]) > PACE_WINDOW)
            in -= sent.n[tail++];
        assert_true(in <= cap);
    }
}

struct lateness {
    int64_t most;    /* each wake-up is late by a uniform 0 … most */
    int64_t rare;    /* and one in 500 by 0 … rare more */
    int64_t handing; /* handing packets over takes 0 … this; they leave at any time in it */
};

/* Who need not sleep is not late. */
static struct mono wake(struct mono next, struct mono now, struct lateness late, struct rng *rng)
{
    if (mono_sub(next, now) <= 0)
        return now;
    next = mono_add(next, (int64_t)rng_below(rng, (uint64_t)late.most + 1));
    if (rng_below(rng, 500) == 0)
        next = mono_add(next, (int64_t)rng_below(rng, (uint64_t)late.rare + 1));
    return next;
}

static struct mono run(uint64_t rate, struct lateness late, int64_t for_ns, struct rng *rng)
{
    struct mono now = {START};
    struct mono last = now;

    sent.count = 0;
    pace_init(&pacer, rate, now);
    while (now.ns - START < for_ns && sent.count < DEPARTURES) {
        uint32_t n;
        int64_t took;

        now = wake(pace_next(&pacer, now), now, late, rng);
        n = pace_allow(&pacer, now);
        n = n < PACE_TRAIN ? n : PACE_TRAIN;
        took = (int64_t)rng_below(rng, (uint64_t)late.handing + 1);
        last = mono_add(now, (int64_t)rng_below(rng, (uint64_t)took + 1));
        now = mono_add(now, took);
        if (n > 0) {
            sent.t[sent.count] = last;
            sent.n[sent.count++] = n;
        }
        pace_spent(&pacer, now, n);
    }
    return now;
}

static double share_of_rate(uint64_t rate, struct mono end)
{
    double bytes = 0;

    for (size_t i = 0; i < sent.count; i++)
        bytes += (double)sent.n[i] * PACE_WIRE_BYTES;
    return bytes * 1e9 / (double)(end.ns - START) / (double)rate;
}

static void late_wakeups_never_exceed_and_hardly_lose(void **state)
{
    static const uint64_t rates[] = {6000000, 12500000, 50000000, 112500000, 125000000, 1250000000};
    static const struct {
        struct lateness late;
        double least;
    } t[] = {
        {{0, 0, 0}, 0.997},
        {{60 * MONO_US, 0, 20 * MONO_US}, 0.997},
        {{500 * MONO_US, 4 * MONO_MS, 30 * MONO_US}, 0.994},
        {{2 * MONO_MS, 2 * MONO_MS, 30 * MONO_US}, 0.987},
        {{6 * MONO_MS, 150 * MONO_MS, 30 * MONO_US}, 0.65},
    };

    (void)state;
    for (size_t r = 0; r < sizeof rates / sizeof *rates; r++) {
        for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
            struct rng rng = {r * 100 + i};
            struct mono end = run(rates[r], t[i].late, 8 * MONO_S, &rng);
            double share = share_of_rate(rates[r], end);

            check_windows(rates[r] / 10 / PACE_WIRE_BYTES);
            if (share < t[i].least)
                fail_msg("rate %llu, lateness %zu: %.4f", (unsigned long long)rates[r], i, share);
        }
    }
}

/* Promise 2, over intervals of all lengths between departures. */
static void bursts_stay_small(void **state)
{
    const uint64_t rate = 125000000, burst = 325;
    struct rng rng = {77};

    (void)state;
    run(rate, (struct lateness){3 * MONO_MS, 90 * MONO_MS, 0}, MONO_S, &rng);
    for (size_t i = 0; i < sent.count; i++) {
        uint64_t n = 0;

        for (size_t j = i; j < sent.count; j++) {
            uint64_t fill = rate * (uint64_t)mono_sub(sent.t[j], sent.t[i]) / MONO_S;

            n += sent.n[j];
            assert_true(n <= fill / PACE_WIRE_BYTES + 1 + burst);
        }
    }
}

/* Rates change at random; each window obeys the highest rate that was set during it. */
static void changing_rates_never_exceed(void **state)
{
    struct rng rng = {99};
    struct mono now = {START};
    uint64_t highest = 0, rate;

    (void)state;
    sent.count = 0;
    pace_init(&pacer, 10000000, now);
    for (int phase = 0; phase < 60; phase++) {
        struct mono end = mono_add(now, (int64_t)rng_below(&rng, 300 * MONO_MS));

        rate = 1000000 + rng_below(&rng, 120000000);
        highest = rate > highest ? rate : highest;
        pace_set_rate(&pacer, rate, now);
        while (now.ns < end.ns && sent.count < DEPARTURES) {
            uint32_t n = pace_allow(&pacer, now);

            if (n > 0) {
                sent.t[sent.count] = now;
                sent.n[sent.count++] = n;
            }
            pace_spent(&pacer, now, n);
            now = mono_add(pace_next(&pacer, now), (int64_t)rng_below(&rng, MONO_MS));
        }
    }
    check_windows(highest / 10 / PACE_WIRE_BYTES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table_of_times),
        cmocka_unit_test(next_names_the_time_of_a_train),
        cmocka_unit_test(next_waits_for_the_window),
        cmocka_unit_test(rates_at_the_ends),
        cmocka_unit_test(a_lower_rate_holds_at_once),
        cmocka_unit_test(late_wakeups_never_exceed_and_hardly_lose),
        cmocka_unit_test(bursts_stay_small),
        cmocka_unit_test(changing_rates_never_exceed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
