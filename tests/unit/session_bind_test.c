/* The handshake, beacons and acks between two real lwIP stacks, over lines that lose frames. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "net/os/clock.h"
#include "net/session/bind.h"
#include "net/session/control.h"
#include "tests/unit/ip_pair.h"

#define ROWS 16
#define PORT 7800

static const uint8_t me[SESSION_ID_BYTES] = "receiver";

static struct session_image image(uint16_t tsi, const char *name, struct session_receiver *rows)
{
    struct session_image m = {.welcome = {.tsi = tsi,
                                          .group = 0xEF010101u + tsi,
                                          .source = PAIR_CHILD,
                                          .port = PORT,
                                          .ttl = 3,
                                          .key = "sixteen bytes ok",
                                          .rate = 12500000},
                              .loop_suspend = SESSION_SUSPEND_AUTO,
                              .rows = rows,
                              .n_rows = ROWS};

    strcpy(m.name, name);
    return m;
}

static int (*owner)(void *ctx, const struct session_ask *, struct session_own *, char *why);

static void serve(struct ip_stack *stack, unsigned images)
{
    static struct session_receiver rows[2][ROWS];
    static struct session_image m[2];
    static struct session_server server;
    struct session_bind *bind;

    m[0] = image(1, "alpha", rows[0]);
    m[1] = image(2, "beta", rows[1]);
    for (unsigned i = 0; i < images; i++)
        session_server_add(&server, &m[i]);
    server.own = owner;
    if (session_bind_open(&bind, stack, &server, PORT, NULL))
        return;
    for (;;) {
        ip_stack_wait(stack, 50, -1);
        session_bind_tick(bind, ip_stack_now(stack));
    }
}

static void serve_one(struct ip_stack *stack)
{
    serve(stack, 1);
}

static void serve_two(struct ip_stack *stack)
{
    serve(stack, 2);
}

static void serve_nothing(struct ip_stack *stack)
{
    for (;;)
        ip_stack_wait(stack, 50, -1);
}

static const struct session_server_at at = {PAIR_CHILD, PORT};

/* Joins over a line of that loss; returns the milliseconds it took. */
static int64_t join_through(unsigned loss, uint64_t seed)
{
    struct session_welcome w = {0};
    struct err err = {0};
    struct ip_pair pair;
    struct mono start = clock_now();
    int rc;

    ip_pair_up(&pair, loss, seed, serve_one);
    rc = session_join(pair.stack, at, &(struct session_asker){"", me, false}, 20000, &w, &err);
    ip_pair_down(&pair);
    if (rc)
        print_message("loss %u %%, seed %u: %s\n", loss, (unsigned)seed, err.text);
    assert_int_equal(rc, 0);
    assert_int_equal(w.tsi, 1);
    assert_memory_equal(w.key, "sixteen bytes ok", 16);
    return mono_sub(clock_now(), start) / MONO_MS;
}

static void joins_at_once_on_a_good_line(void **state)
{
    (void)state;
    assert_true(join_through(0, 1) < 2000);
}

static void joins_in_seconds_on_a_bad_line(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 3; seed++) {
        assert_true(join_through(5, seed) < 10000);
        assert_true(join_through(20, seed) < 15000);
    }
}

static void several_images_are_listed(void **state)
{
    struct session_welcome w;
    struct err err = {0};
    struct ip_pair pair;

    (void)state;
    ip_pair_up(&pair, 0, 1, serve_two);
    assert_int_equal(session_join(pair.stack, at, &(struct session_asker){"", me, false}, 5000, &w,
                                  &err),
                     SESSION_ECHOOSE);
    assert_string_equal(err.text, "the server has several images, name one: alpha, beta");
    err = (struct err){0};
    assert_int_equal(session_join(pair.stack, at, &(struct session_asker){"gamma", me, false}, 5000,
                                  &w, &err),
                     SESSION_EREFUSED);
    assert_non_null(strstr(err.text, "no image named \"gamma\""));
    assert_int_equal(session_join(pair.stack, at, &(struct session_asker){"beta", me, false}, 5000,
                                  &w, NULL),
                     0);
    assert_int_equal(w.tsi, 2);
    ip_pair_down(&pair);
}

static int own_in_a_while(void *ctx, const struct session_ask *a, struct session_own *own,
                          char *why)
{
    static unsigned asked;

    (void)ctx, (void)why;
    if (++asked < 4)
        return SESSION_EWAIT;
    own->n = 6;
    memcpy(own->bytes, a->mac, 6);
    return 0;
}

static void serve_slowly(struct ip_stack *stack)
{
    owner = own_in_a_while;
    serve(stack, 1);
}

/* The connection stays while the answer is made: no second one is needed. */
static void an_answer_that_is_made_comes_on_the_same_connection(void **state)
{
    static struct session_own told;
    struct mono start;
    struct ip_pair pair;

    (void)state;
    ip_pair_up(&pair, 0, 1, serve_slowly);
    start = clock_now();
    assert_int_equal(session_ask(pair.stack, at, me, 4000, &told, NULL), 0);
    /* a second attempt would begin after five */
    assert_true(mono_sub(clock_now(), start) < 4 * MONO_S);
    assert_int_equal(told.n, 6);
    assert_memory_equal(told.bytes, ip_stack_mac(pair.stack), 6);
    ip_pair_down(&pair);
}

static void nobody_listening_is_said(void **state)
{
    struct session_welcome w;
    struct err err = {0};
    struct ip_pair pair;

    (void)state;
    ip_pair_up(&pair, 0, 1, serve_nothing);
    assert_int_equal(session_join(pair.stack, at, &(struct session_asker){"", me, false}, 3000, &w,
                                  &err),
                     SESSION_ECONNECT);
    assert_string_equal(err.text,
                        "cannot join a session at 10.0.0.2 port 7800: nothing listens there");
    ip_pair_down(&pair);
}

static void beacons_are_acked_from_the_control_thread(void **state)
{
    struct session_facts facts = {.state = SESSION_RECEIVING, .done = 100};
    struct session_control *control;
    struct session_news news = {0};
    struct session_welcome w;
    struct ip_pair pair;
    uint32_t said = 0;

    (void)state;
    ip_pair_up(&pair, 10, 7, serve_one);
    assert_int_equal(session_join(pair.stack, at, &(struct session_asker){"", me, false}, 20000, &w,
                                  NULL),
                     0);
    assert_int_equal(session_control_start(&control, pair.stack, at, &w,
                                           &(struct session_asker){"", me, false}, &said, NULL),
                     0);
    session_control_set(control, &facts);
    for (struct mono end = mono_add(clock_now(), 20 * MONO_S);
         !news.ack.tsi && mono_sub(end, clock_now()) > 0;)
        session_control_get(control, &news);
    assert_int_equal(news.ack.tsi, 1);
    assert_int_equal(news.ack.receivers, 1);
    assert_int_equal(news.ack.rate, 12500000);
    facts.state = SESSION_PASS;
    session_control_stop(control, &facts, 5000);
    assert_true(said > 1);
    ip_pair_down(&pair);
}

/* After a silence the receiver says hello again, and the server may have been there all the time:
 * what it hears from then on is news to it, above all a PASS. */
static void who_joins_again_is_heard(void **state)
{
    struct session_facts facts = {.state = SESSION_RECEIVING};
    struct session_control *control;
    struct session_welcome w;
    struct ip_pair pair;
    uint32_t said = 0;

    (void)state;
    ip_pair_up(&pair, 0, 1, serve_one);
    assert_int_equal(session_join(pair.stack, at, &(struct session_asker){"", me, false}, 20000, &w,
                                  NULL),
                     0);
    assert_int_equal(session_control_start(&control, pair.stack, at, &w,
                                           &(struct session_asker){"", me, false}, &said, NULL),
                     0);
    for (struct mono end = mono_add(clock_now(), 2 * MONO_S); mono_sub(end, clock_now()) > 0;) {
        /* each change is a beacon */
        facts.state = facts.state == SESSION_RECEIVING ? SESSION_MANIFEST : SESSION_RECEIVING;
        session_control_set(control, &facts);
        usleep(50000);
    }
    assert_false(session_control_stop(control, NULL, 0));
    assert_true(said > 5);
    assert_int_equal(session_join(pair.stack, at, &(struct session_asker){"", me, false}, 20000, &w,
                                  NULL),
                     0);
    assert_int_equal(session_control_start(&control, pair.stack, at, &w,
                                           &(struct session_asker){"", me, false}, &said, NULL),
                     0);
    facts.state = SESSION_PASS;
    assert_true(session_control_stop(control, &facts, 500));
    ip_pair_down(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(joins_at_once_on_a_good_line),
        cmocka_unit_test(joins_in_seconds_on_a_bad_line),
        cmocka_unit_test(an_answer_that_is_made_comes_on_the_same_connection),
        cmocka_unit_test(several_images_are_listed),
        cmocka_unit_test(nobody_listening_is_said),
        cmocka_unit_test(beacons_are_acked_from_the_control_thread),
        cmocka_unit_test(who_joins_again_is_heard),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
