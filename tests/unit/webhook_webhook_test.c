/* The webhook's queue on simulated time, its request and its signature. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "net/webhook/webhook.h"
#include "net/wire/rng.h"

static struct webhook w;
static struct mono now;

static int fresh(void **state)
{
    (void)state;
    webhook_init(&w);
    now = (struct mono){1000 * MONO_S};
    return 0;
}

static void put(unsigned i)
{
    char text[16];

    snprintf(text, sizeof text, "1-%u", i);
    webhook_put(&w, text, text, strlen(text));
}

/* Seconds until the next call, in steps of 100 ms. */
static int64_t until_call(void)
{
    struct mono from = now;

    while (webhook_step(&w, now) != WEBHOOK_CALL) {
        now = mono_add(now, 100 * MONO_MS);
        assert_true(mono_sub(now, from) < 1000 * MONO_S);
    }
    return mono_sub(now, from) / MONO_S;
}

static void events_go_one_by_one(void **state)
{
    (void)state;
    assert_int_equal(webhook_step(&w, now), WEBHOOK_WAIT);
    put(1);
    put(2);
    assert_int_equal(until_call(), 0);
    assert_string_equal(webhook_first(&w)->delivery, "1-1");
    assert_int_equal(webhook_step(&w, now), WEBHOOK_WAIT);
    assert_true(webhook_answer(&w, 204, now));
    assert_int_equal(until_call(), 0);
    assert_string_equal(webhook_first(&w)->delivery, "1-2");
    assert_true(webhook_answer(&w, 200, now));
    assert_int_equal(webhook_step(&w, now), WEBHOOK_WAIT);
    assert_int_equal(w.counts.delivered, 2);
}

static void a_failure_is_tried_again_ever_later(void **state)
{
    static const int64_t pauses[] = {1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300};
    static const unsigned passing[] = {0, 500, 503, 429, 408, 425};

    (void)state;
    put(1);
    until_call();
    for (size_t i = 0; i < sizeof pauses / sizeof *pauses; i++) {
        assert_false(webhook_answer(&w, passing[i % 6], now));
        assert_int_equal(until_call(), pauses[i]);
        assert_string_equal(webhook_first(&w)->delivery, "1-1");
    }
    assert_true(webhook_answer(&w, 200, now));
    put(2);
    assert_int_equal(until_call(), 0); /* what was is forgiven */
    assert_false(webhook_answer(&w, 0, now));
    assert_int_equal(until_call(), 1);
}

static void silence_is_a_failure(void **state)
{
    (void)state;
    put(1);
    until_call();
    now = mono_add(now, WEBHOOK_ANSWER_NS - 1);
    assert_int_equal(webhook_step(&w, now), WEBHOOK_WAIT);
    now = mono_add(now, 1);
    assert_int_equal(webhook_step(&w, now), WEBHOOK_GIVE_UP);
    assert_int_equal(until_call(), 1);
    assert_int_equal(w.counts.failed, 1);
}

static void a_refusal_is_for_good(void **state)
{
    static const unsigned refusing[] = {301, 400, 401, 404, 410};

    (void)state;
    for (unsigned i = 0; i < 5; i++) {
        put(i);
        assert_int_equal(until_call(), 0);
        assert_true(webhook_answer(&w, refusing[i], now));
    }
    assert_int_equal(w.counts.refused, 5);
    assert_int_equal(w.n, 0);
}

/* A receiver that is away for the night: it hears the newest, in order, and the one that is on its
 * way is not exchanged under it. */
static void the_oldest_go_when_it_is_full(void **state)
{
    (void)state;
    put(0);
    until_call();
    for (unsigned i = 1; i < 1000; i++)
        put(i);
    assert_string_equal(webhook_first(&w)->delivery, "1-0");
    assert_int_equal(w.counts.dropped, 1000 - WEBHOOK_QUEUE_MAX);
    assert_true(webhook_answer(&w, 200, now));
    for (unsigned i = 1000 - WEBHOOK_QUEUE_MAX + 1; i < 1000; i++) {
        char want[16];

        until_call();
        snprintf(want, sizeof want, "1-%u", i);
        assert_string_equal(webhook_first(&w)->delivery, want);
        assert_true(webhook_answer(&w, 200, now));
    }
    assert_int_equal(w.n, 0);
}

/* Random receivers: no event twice as done, none out of order, each delivered, refused or dropped.
 */
static void nothing_is_lost_without_being_counted(void **state)
{
    uint64_t seed = getenv("SEED") ? strtoull(getenv("SEED"), NULL, 10) : 7, in = 0;
    struct rng rng = {seed};
    int last = -1;

    (void)state;
    print_message("again with SEED=%llu\n", (unsigned long long)seed);
    for (unsigned step = 0; step < 20000; step++) {
        now = mono_add(now, (int64_t)rng_below(&rng, 400) * MONO_MS);
        if (rng_below(&rng, 9) == 0)
            put((unsigned)in++);
        webhook_step(&w, now);
        if (w.calling && rng_below(&rng, 3) == 0) {
            int number = atoi(webhook_first(&w)->delivery + 2);

            assert_true(number > last);
            if (webhook_answer(&w, (unsigned[]){0, 200, 404, 500}[rng_below(&rng, 4)], now))
                last = number;
        }
    }
    assert_int_equal(in, w.n + w.counts.delivered + w.counts.refused + w.counts.dropped);
    assert_true(w.counts.delivered && w.counts.refused && w.counts.failed);
}

static void a_request_says_what_it_must(void **state)
{
    struct http_url u;
    uint32_t address;
    char out[WEBHOOK_REQUEST_MAX];
    size_t n;

    (void)state;
    assert_int_equal(webhook_url_parse("http://10.77.0.5:8080/hook?a=b", &u, &address, NULL), 0);
    assert_int_equal(address, 0x0A4D0005);
    n = webhook_request(&u, "0123456789abcdef", "12-7", "{}", 2, out);
    out[n] = 0;
    assert_string_equal(
        out, "POST /hook?a=b HTTP/1.1\r\nHost: 10.77.0.5:8080\r\nUser-Agent: "
             "ringcast\r\nContent-Type: application/json\r\n"
             "Content-Length: 2\r\nX-Ringcast-Delivery: 12-7\r\nX-Ringcast-Signature: sha256="
             "f91e3e9f05cc2df64ac1c26f8adccdffda8d1e4a7a8c50a1a08eeadac6ddfec5\r\nConnection: "
             "close\r\n\r\n{}");
}

static void other_urls_are_refused(void **state)
{
    static const char *const bad[] = {"",
                                      "10.77.0.5",
                                      "https://10.77.0.5/",
                                      "http://receiver/",
                                      "http://10.77.0/",
                                      "http://10.77.0.256/",
                                      "http://10.77.0.5.6/",
                                      "http://239.1.1.1/",
                                      "http://0.0.0.0/",
                                      "http://10.77.0.5/a b",
                                      "http://10.77.0.5/\r\nX: y",
                                      "http://10.77.0.5:0/"};
    struct http_url u;
    uint32_t address;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct err err = {0};

        assert_int_equal(webhook_url_parse(bad[i], &u, &address, &err), WEBHOOK_EURL);
        assert_true(err.text[0]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(events_go_one_by_one, fresh),
        cmocka_unit_test_setup(a_failure_is_tried_again_ever_later, fresh),
        cmocka_unit_test_setup(silence_is_a_failure, fresh),
        cmocka_unit_test_setup(a_refusal_is_for_good, fresh),
        cmocka_unit_test_setup(the_oldest_go_when_it_is_full, fresh),
        cmocka_unit_test_setup(nothing_is_lost_without_being_counted, fresh),
        cmocka_unit_test(a_request_says_what_it_must),
        cmocka_unit_test(other_urls_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
