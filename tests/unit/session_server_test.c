/* The server's session logic as stories: what happens, and the log it must give. */
#include "tests/unit/session_room.h"

static void the_stream_runs_as_long_as_somebody_needs_it(void **state)
{
    (void)state;
    begin(SESSION_SUSPEND_AUTO);
    pass_time(10);
    the_story_is("");
    hello(1);
    the_story_is("1 came; START; ");
    beacon(1, SESSION_MANIFEST);
    beacon(1, SESSION_RECEIVING);
    hello(2);
    beacon(2, SESSION_RECEIVING);
    the_story_is("1 is waiting for the manifest; 1 body; 1 is receiving; 2 came; 2 is receiving; ");
    beacon(1, SESSION_VERIFYING);
    beacon(1, SESSION_PASS);
    the_story_is("1 is verifying; 1 is pass; ");
    beacon(2, SESSION_VERIFYING);
    the_story_is("2 is verifying; SUSPEND; ");
    beacon(2, SESSION_RECEIVING); /* a chunk did not hold: once more */
    the_story_is("2 is receiving; RESUME; ");
    beacon(2, SESSION_PASS);
    the_story_is("2 is pass; SUSPEND; ");
}

static void the_silent_are_gone_and_hold_nobody_up(void **state)
{
    (void)state;
    begin(SESSION_SUSPEND_AUTO);
    hello(1);
    beacon(1, SESSION_RECEIVING);
    story[0] = 0;
    pass_time(15);
    the_story_is("");
    pass_time(1);
    the_story_is("1 gone; SUSPEND; ");
    beacon(1, SESSION_RECEIVING);
    the_story_is("1 back; RESUME; ");
    assert_int_equal(session_image_tally(&server, 0).unfinished, 1);
}

static void who_has_finished_may_fall_silent(void **state)
{
    (void)state;
    begin(SESSION_SUSPEND_AUTO);
    hello(1);
    beacon(1, SESSION_PASS);
    story[0] = 0;
    pass_time(60);
    the_story_is("");
    assert_int_equal(session_image_tally(&server, 0).passed, 1);
    assert_int_equal(session_image_tally(&server, 0).lost, 0);
}

static void loop_suspend_counts_whole_idle_loops(void **state)
{
    (void)state;
    begin(2);
    session_image_loop(&server, 0);
    hello(1);
    beacon(1, SESSION_RECEIVING);
    beacon(1, SESSION_PASS);
    story[0] = 0;
    session_image_loop(&server, 0); /* somebody needed this one */
    session_image_loop(&server, 0);
    the_story_is("");
    assert_true(session_image_running(&server, 0));
    session_image_loop(&server, 0);
    the_story_is("SUSPEND; ");
    hello(2);
    the_story_is("2 came; RESUME; ");
}

static void loop_suspend_0_never_suspends(void **state)
{
    (void)state;
    begin(SESSION_SUSPEND_NEVER);
    assert_false(session_image_running(&server, 0)); /* not before the first receiver, though */
    hello(1);
    beacon(1, SESSION_PASS);
    for (int i = 0; i < 100; i++)
        session_image_loop(&server, 0);
    assert_true(session_image_running(&server, 0));
}

static void a_repeated_hello_is_the_same_receiver(void **state)
{
    (void)state;
    begin(SESSION_SUSPEND_AUTO);
    hello(1);
    hello(1);
    assert_int_equal(image.used, 1);
}

static bool is_kept;

static bool kept(void *ctx, unsigned at, const struct session_receiver *r)
{
    (void)ctx;
    assert_int_equal(at, 0);
    assert_int_equal(r->mac[5], 1);
    return is_kept;
}

/* Everything else is acked at once. */
static void a_pass_is_acked_once_it_is_kept(void **state)
{
    struct session_facts f = {.state = SESSION_RECEIVING};
    uint8_t bytes[SESSION_BEACON_BYTES];

    (void)state;
    begin(SESSION_SUSPEND_AUTO);
    server.kept = kept;
    is_kept = false;
    hello(1);
    assert_int_equal(beacon_facts(1, &f, bytes), 1);
    f.state = SESSION_PASS;
    assert_int_equal(beacon_facts(1, &f, bytes), 0);
    assert_int_equal(beacon_facts(1, &f, bytes), 0);
    assert_int_equal(server.refused, 0);
    is_kept = true;
    assert_int_equal(beacon_facts(1, &f, bytes), 1);
    the_story_is("1 came; START; 1 is receiving; 1 is pass; SUSPEND; ");
}

static void a_full_table_gives_up_the_gone_first(void **state)
{
    (void)state;
    begin(SESSION_SUSPEND_AUTO);
    for (unsigned i = 0; i < ROWS; i++) {
        assert_int_equal(hello(i), SESSION_WELCOME);
        beacon(i, i ? SESSION_RECEIVING : SESSION_FAIL);
    }
    assert_int_equal(hello(20), SESSION_REFUSE);
    now = mono_add(now, 20 * MONO_S);
    for (unsigned i = 1; i < ROWS; i++)
        beacon(i, SESSION_RECEIVING);
    session_server_tick(&server, now);
    assert_int_equal(hello(20), SESSION_WELCOME);
    assert_int_equal(image.used, ROWS);
    assert_int_equal(session_image_tally(&server, 0).failed, 1); /* not forgotten */
    assert_int_equal(session_image_tally(&server, 0).unfinished, ROWS);
}

static void a_later_run_of_the_machine_counts(void **state)
{
    struct session_tally t;

    (void)state;
    begin(SESSION_SUSPEND_AUTO);
    hello(1);
    beacon(1, SESSION_FAIL);
    hello(2);
    beacon(2, SESSION_RECEIVING);
    pass_time(20); /* 2 died */
    hello(33);     /* the machine of 1 again */
    beacon(33, SESSION_PASS);
    t = session_image_tally(&server, 0);
    assert_int_equal(t.passed, 1);
    assert_int_equal(t.failed, 0);
    assert_int_equal(t.lost, 1);
}

static void names_choose_the_image(void **state)
{
    static struct session_receiver other_rows[1];
    static struct session_image other;
    struct session_message reply;

    (void)state;
    begin(SESSION_SUSPEND_AUTO);
    assert_int_equal(hello_named(1, "debian", &reply), SESSION_WELCOME);
    assert_int_equal(hello_named(1, "windows", &reply), SESSION_REFUSE);
    assert_int_equal(reply.u.refuse.code, SESSION_REFUSE_UNKNOWN);
    other = image;
    strcpy(other.name, "other");
    assert_int_equal(session_server_add(&server, &other), SESSION_EFULL); /* TSI taken */
    other = (struct session_image){.welcome = image.welcome,
                                   .name = "other",
                                   .rows = other_rows,
                                   .n_rows = 1};
    other.welcome.tsi = 6;
    assert_int_equal(session_server_add(&server, &other), 0);
    assert_int_equal(hello_named(2, "", &reply), SESSION_LIST);
    assert_int_equal(reply.u.list.n, 2);
    assert_int_equal(hello_named(2, "other", &reply), SESSION_WELCOME);
    assert_int_equal(reply.u.welcome.tsi, 6);
    server.closing = true;
    assert_int_equal(hello_named(3, "other", &reply), SESSION_REFUSE);
    assert_int_equal(reply.u.refuse.code, SESSION_REFUSE_CLOSING);
}

/* Another image in the second place, and a receiver of each. */
static struct session_receiver second_rows[2];
static struct session_image second;

static void begin_two(void)
{
    struct session_message reply;

    begin(SESSION_SUSPEND_AUTO);
    memset(second_rows, 0, sizeof second_rows);
    second = (struct session_image){.welcome = image.welcome,
                                    .name = "second",
                                    .rows = second_rows,
                                    .n_rows = 2,
                                    .loop_suspend = SESSION_SUSPEND_AUTO};
    second.welcome.tsi = 6;
    assert_int_equal(session_server_add(&server, &second), 0);
    assert_int_equal(hello_named(1, "debian", &reply), SESSION_WELCOME);
    assert_int_equal(hello_named(2, "second", &reply), SESSION_WELCOME);
    beacon(1, SESSION_RECEIVING);
    beacon(2, SESSION_RECEIVING);
    story[0] = 0;
}

static void an_image_on_its_way_out_tells_its_own_receivers(void **state)
{
    struct session_facts f = {.state = SESSION_RECEIVING};
    uint8_t bytes[SESSION_BEACON_BYTES], ack[SESSION_ACK_BYTES];
    struct session_message reply;
    struct session_ack a;

    (void)state;
    begin_two();
    session_image_leave(&server, 0);
    the_story_is("SUSPEND; ");
    for (unsigned who = 1; who <= 2; who++) {
        beacon_facts(who, &f, bytes);
        receiver[who].due = now;
        session_beacons_next(&receiver[who], &f, now, bytes);
        assert_int_equal(session_server_datagram(&server, bytes, sizeof bytes, 1, now, ack), 1);
        assert_int_equal(session_ack_decode(ack, sizeof ack, receiver[who].key, &a), 0);
        assert_int_equal(a.closing, who == 1);
    }
    pass_time(1);
    the_story_is("");
    assert_false(session_image_running(&server, 0));
    assert_true(session_image_running(&server, 1));
    assert_int_equal(hello_named(3, "debian", &reply), SESSION_REFUSE);
    assert_int_equal(reply.u.refuse.code, SESSION_REFUSE_CLOSING);
    assert_int_equal(hello_named(2, "", &reply), SESSION_WELCOME); /* there is only one left */
    assert_int_equal(reply.u.welcome.tsi, 6);
}

static void a_removed_image_leaves_a_place_and_the_others_stay_where_they_are(void **state)
{
    static struct session_receiver third_rows[1];
    static struct session_image third;
    uint8_t bytes[SESSION_BEACON_BYTES];
    struct session_facts f = {.state = SESSION_RECEIVING};
    struct session_message reply;

    (void)state;
    begin_two();
    third = (struct session_image){.welcome = image.welcome,
                                   .name = "debian",
                                   .rows = third_rows,
                                   .n_rows = 1};
    session_server_remove(&server, 0);
    assert_int_equal(server.n, 2);
    assert_false(session_image_there(&server, 0));
    assert_true(session_image_there(&server, 1));
    assert_int_equal(beacon_facts(1, &f, bytes), SESSION_EUNKNOWN);
    assert_int_equal(beacon_facts(2, &f, bytes), 1);
    memset(bytes, 0, sizeof bytes); /* of TSI 0, as the empty place has it */
    assert_true(session_server_datagram(&server, bytes, sizeof bytes, 1, now, bytes) < 0);
    assert_int_equal(hello_named(1, "debian", &reply), SESSION_REFUSE);
    assert_int_equal(hello_named(2, "", &reply), SESSION_WELCOME);
    pass_time(1);
    assert_int_equal(session_server_place(&server), 0);
    assert_int_equal(session_server_add(&server, &third), 0); /* name and TSI are free again */
    assert_ptr_equal(server.images[0], &third);
    assert_int_equal(hello_named(2, "", &reply), SESSION_LIST);
    session_server_remove(&server, 0);
    session_server_remove(&server, 1);
    assert_int_equal(server.n, 0);
    assert_int_equal(hello_named(1, "", &reply), SESSION_REFUSE);
}

static void a_held_stream_lets_in_and_waits(void **state)
{
    struct session_facts f = {.state = SESSION_MANIFEST};
    uint8_t bytes[SESSION_BEACON_BYTES], ack[SESSION_ACK_BYTES];
    struct session_ack a;
    struct mono joined;

    (void)state;
    begin(SESSION_SUSPEND_AUTO);
    session_server_hold(&server, 0, true);
    assert_int_equal(session_image_ready(&server, 0, &joined), 0);
    assert_int_equal(joined.ns, 0);
    hello(1);
    assert_int_equal(session_image_ready(&server, 0, &joined), 0); /* no beacon yet */
    assert_int_equal(mono_sub(joined, now), 0);
    assert_int_equal(beacon_facts(1, &f, bytes), 1);
    pass_time(5);
    hello(2);
    beacon(2, SESSION_MANIFEST);
    hello(34); /* the machine of 2 again */
    beacon(34, SESSION_MANIFEST);
    the_story_is("1 came; 1 is waiting for the manifest; 1 body; 2 came; 2 is waiting for the "
                 "manifest; 2 body; "
                 "34 came; 34 is waiting for the manifest; 34 body; ");
    assert_int_equal(session_image_ready(&server, 0, &joined), 2);
    assert_int_equal(mono_sub(joined, now), 0);
    receiver[1].due = now;
    session_beacons_next(&receiver[1], &f, now, bytes);
    assert_int_equal(session_server_datagram(&server, bytes, sizeof bytes, 1, now, ack), 1);
    assert_int_equal(session_ack_decode(ack, sizeof ack, image.welcome.key, &a), 0);
    assert_int_equal(a.rate, 0);
    assert_int_equal(a.receivers, 3);
    session_server_hold(&server, 0, false);
    the_story_is("1 body; START; ");
    session_server_hold(&server, 0, true);
    session_server_hold(&server, 0, true);
    the_story_is("SUSPEND; ");
    assert_true(session_image_has(&server, 0, (const uint8_t[6]){0, 0, 0, 0, 0, 1}));
    beacon(1, SESSION_PASS); /* it had all it needed */
    assert_false(session_image_has(&server, 0, (const uint8_t[6]){0, 0, 0, 0, 0, 1}));
    session_server_hold(&server, 0, false);
    the_story_is("1 is pass; RESUME; ");
}

static struct session_ack answered(unsigned who, enum session_state state)
{
    struct session_facts f = {.state = state, .error = state == SESSION_FAIL ? -805 : 0};
    uint8_t bytes[SESSION_BEACON_BYTES], ack[SESSION_ACK_BYTES];
    struct session_ack a;

    receiver[who].due = now;
    session_beacons_next(&receiver[who], &f, now, bytes);
    assert_int_equal(session_server_datagram(&server, bytes, sizeof bytes, 1, now, ack), 1);
    assert_int_equal(session_beacons_ack(&receiver[who], ack, sizeof ack, now), 0);
    assert_int_equal(session_ack_decode(ack, sizeof ack, image.welcome.key, &a), 0);
    return a;
}

static void introduce(unsigned who)
{
    static const struct session_info info = {.serial = "S"};
    uint8_t bytes[SESSION_INFO_BYTES], ack[SESSION_ACK_BYTES];
    size_t n;

    session_beacons_about(&receiver[who], &info);
    answered(who, SESSION_RECEIVING);
    n = session_beacons_info(&receiver[who], bytes);
    assert_int_equal(session_server_datagram(&server, bytes, n, 1, now, ack), 0);
}

/* 1 and 4 are in the middle, 2 has all it needs, 3 never told who it is; then there is another
 * session of the same stream. */
static void who_is_in_the_middle_of_a_stopped_session_is_told(void **state)
{
    struct mono joined;

    (void)state;
    begin(SESSION_SUSPEND_AUTO);
    for (unsigned i = 1; i <= 4; i++)
        hello(i);
    introduce(1);
    introduce(2);
    introduce(4);
    beacon(2, SESSION_VERIFYING);
    beacon(3, SESSION_RECEIVING);
    assert_false(answered(1, SESSION_RECEIVING).stopped);
    story[0] = 0;
    session_server_hold(&server, 0, true);
    session_server_stop(&server, 0, true);
    the_story_is("SUSPEND; ");
    assert_int_equal(image.needing, 1);
    assert_true(answered(1, SESSION_RECEIVING).stopped);
    assert_true(answered(1, SESSION_RECEIVING).closing);
    assert_false(answered(2, SESSION_VERIFYING).stopped);
    assert_false(answered(3, SESSION_RECEIVING).stopped);
    assert_false(session_image_has(&server, 0, (const uint8_t[6]){0, 0, 0, 0, 0, 1}));
    answered(1, SESSION_FAIL);
    answered(2, SESSION_PASS);
    session_server_stop(&server, 0, false);
    session_server_hold(&server, 0, false);
    /* it hears late of it, while the stream runs again for others */
    assert_true(answered(4, SESSION_RECEIVING).stopped);
    assert_int_equal(answered(4, SESSION_RECEIVING).rate, 0);
    hello(33); /* the machine of 1 again */
    introduce(33);
    assert_false(answered(33, SESSION_RECEIVING).stopped);
    assert_int_not_equal(answered(33, SESSION_RECEIVING).rate, 0);
    assert_int_equal(session_image_ready(&server, 0, &joined), 2);
    assert_int_equal(session_image_tally(&server, 0).passed, 1);
}

/* Of whom a server that was started anew knows by their beacons alone. */
static void a_server_that_was_started_anew_stops_them_too(void **state)
{
    (void)state;
    begin(SESSION_SUSPEND_AUTO);
    hello(1);
    introduce(1);
    memset(rows, 0, sizeof rows);
    memset(image.buckets, 0, sizeof image.buckets);
    image.used = image.live = image.needing = 0;
    image.running = false;
    session_server_hold(&server, 0, true);
    session_server_stop(&server, 0, true);
    assert_false(answered(1, SESSION_RECEIVING).stopped); /* it is asked who it is */
    introduce(1);
    pass_time(1);
    assert_true(answered(1, SESSION_RECEIVING).stopped);
    assert_int_equal(image.needing, 0);
}

static int choose(void *ctx, const struct session_hello *h, unsigned *found, char *why)
{
    (void)ctx;
    if (h->mac[5] == 7) {
        strcpy(why, "machine 7 is in nobody's plan");
        return -1;
    }
    if (h->mac[5] == 8)
        *found = 0;
    return 0;
}

static void somebody_else_may_choose(void **state)
{
    struct session_message reply;

    (void)state;
    begin(SESSION_SUSPEND_AUTO);
    server.choose = choose;
    assert_int_equal(hello_named(1, "", &reply), SESSION_WELCOME);
    assert_int_equal(hello_named(1, "windows", &reply), SESSION_REFUSE);
    assert_int_equal(reply.u.refuse.code, SESSION_REFUSE_UNKNOWN);
    assert_int_equal(hello_named(7, "debian", &reply), SESSION_REFUSE);
    assert_int_equal(reply.u.refuse.code, SESSION_REFUSE_PLAN);
    assert_string_equal(reply.u.refuse.sentence, "machine 7 is in nobody's plan");
    assert_int_equal(hello_named(8, "windows", &reply), SESSION_WELCOME);
}

static int own_of_all(void *ctx, const struct session_ask *a, struct session_own *own, char *why)
{
    (void)a, (void)own, (void)why;
    ++*(unsigned *)ctx;
    return 0;
}

/* What an address asks in vain costs no signature, and another address is answered all the same. */
static void asking_is_rationed_for_each_address(void **state)
{
    struct session_message m = {.type = SESSION_ASK}, reply;
    uint8_t bytes[SESSION_MESSAGE_MAX];
    unsigned answered = 0;

    (void)state;
    begin(SESSION_SUSPEND_AUTO);
    server.own = own_of_all;
    server.ctx = &answered;
    server.tell = NULL;
    m.u.ask.mac[5] = 9;
    for (unsigned i = 0; i < 1000; i++)
        session_server_message(&server, bytes, session_message_encode(&m, bytes), 0x0A000001, now,
                               &reply);
    assert_int_equal(answered, SESSION_ASKS);
    assert_int_equal(reply.type, SESSION_REFUSE);
    assert_int_equal(reply.u.refuse.code, SESSION_REFUSE_FULL);
    session_server_message(&server, bytes, session_message_encode(&m, bytes), 0x0A000002, now,
                           &reply);
    assert_int_equal(reply.type, SESSION_OWN);
    assert_int_equal(answered, SESSION_ASKS + 1);
}

static int own_in_a_while(void *ctx, const struct session_ask *a, struct session_own *own,
                          char *why)
{
    unsigned *left = ctx;

    (void)why;
    if (*left && (*left)--)
        return SESSION_EWAIT;
    own->n = 1;
    own->bytes[0] = a->mac[5];
    return 0;
}

/* An answer that takes its time is asked for again, and that is not rationed. */
static void an_answer_may_be_made(void **state)
{
    struct session_message m = {.type = SESSION_ASK}, reply;
    uint8_t bytes[SESSION_MESSAGE_MAX];
    unsigned left = 3 * SESSION_ASKS;
    size_t n;

    (void)state;
    begin(SESSION_SUSPEND_AUTO);
    server.own = own_in_a_while;
    server.ctx = &left;
    server.tell = NULL;
    m.u.ask.mac[5] = 9;
    n = session_message_encode(&m, bytes);
    assert_false(session_server_message(&server, bytes, n, 0x0A000001, now, &reply));
    while (left)
        assert_false(session_server_again(&server, bytes, n, &reply));
    assert_true(session_server_again(&server, bytes, n, &reply));
    assert_int_equal(reply.type, SESSION_OWN);
    assert_int_equal(reply.u.own.n, 1);
    assert_int_equal(reply.u.own.bytes[0], 9);
}

static void nonsense_gets_a_civil_answer(void **state)
{
    struct session_message reply;

    (void)state;
    begin(SESSION_SUSPEND_AUTO);
    session_server_message(&server, (const uint8_t *)"GET / HTTP/1.1\r\n", 16, 1, now, &reply);
    assert_int_equal(reply.type, SESSION_REFUSE);
    session_server_message(&server, (const uint8_t *)"RING\x02\x01\0\0", 8, 1, now, &reply);
    assert_string_equal(reply.u.refuse.sentence,
                        "this server speaks version 1 of the session protocol");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_stream_runs_as_long_as_somebody_needs_it),
        cmocka_unit_test(the_silent_are_gone_and_hold_nobody_up),
        cmocka_unit_test(who_has_finished_may_fall_silent),
        cmocka_unit_test(loop_suspend_counts_whole_idle_loops),
        cmocka_unit_test(loop_suspend_0_never_suspends),
        cmocka_unit_test(a_repeated_hello_is_the_same_receiver),
        cmocka_unit_test(a_pass_is_acked_once_it_is_kept),
        cmocka_unit_test(a_full_table_gives_up_the_gone_first),
        cmocka_unit_test(a_later_run_of_the_machine_counts),
        cmocka_unit_test(names_choose_the_image),
        cmocka_unit_test(an_image_on_its_way_out_tells_its_own_receivers),
        cmocka_unit_test(a_removed_image_leaves_a_place_and_the_others_stay_where_they_are),
        cmocka_unit_test(a_held_stream_lets_in_and_waits),
        cmocka_unit_test(who_is_in_the_middle_of_a_stopped_session_is_told),
        cmocka_unit_test(a_server_that_was_started_anew_stops_them_too),
        cmocka_unit_test(somebody_else_may_choose),
        cmocka_unit_test(nonsense_gets_a_civil_answer),
        cmocka_unit_test(asking_is_rationed_for_each_address),
        cmocka_unit_test(an_answer_may_be_made),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
