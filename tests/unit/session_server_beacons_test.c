/* The server's beacons: how many, what follows from two of them, and what a machine tells of
 * itself. */
#include "tests/unit/session_room.h"

static void replayed_forged_and_foreign_beacons_are_dropped(void **state)
{
    struct session_facts f = {.state = SESSION_RECEIVING};
    uint8_t old[SESSION_BEACON_BYTES], bytes[SESSION_BEACON_BYTES], ack[SESSION_ACK_BYTES];

    (void)state;
    begin(SESSION_SUSPEND_AUTO);
    hello(1);
    assert_int_equal(beacon_facts(1, &f, old), 1);
    assert_int_equal(beacon_facts(1, &f, bytes), 1);
    assert_int_equal(session_server_datagram(&server, bytes, sizeof bytes, 1, now, ack),
                     SESSION_EREPLAY);
    assert_int_equal(session_server_datagram(&server, old, sizeof old, 1, now, ack),
                     SESSION_EREPLAY);
    bytes[30] ^= 1;
    assert_int_equal(session_server_datagram(&server, bytes, sizeof bytes, 1, now, ack),
                     SESSION_ETAG);
    bytes[7] ^= 1;
    assert_int_equal(session_server_datagram(&server, bytes, sizeof bytes, 1, now, ack),
                     SESSION_EUNKNOWN);
    assert_int_equal(session_server_datagram(&server, bytes, 3, 1, now, ack), SESSION_EMAGIC);
    assert_int_equal(server.refused, 5);
}

static void beacons_stay_below_a_hundredth_of_the_stream(void **state)
{
    static struct session_receiver many[SESSION_RECEIVERS_MAX];
    double share;

    (void)state;
    begin(SESSION_SUSPEND_AUTO);
    image.rows = many;
    image.n_rows = SESSION_RECEIVERS_MAX;
    memset(many, 0, sizeof many);
    hello(0);
    assert_int_equal(image.welcome.beacon_ms, 1000);
    for (unsigned i = 0; i < 2000; i++) {
        struct session_message m = {.type = SESSION_HELLO}, reply;
        uint8_t bytes[SESSION_MESSAGE_MAX];

        memcpy(m.u.hello.id, &i, sizeof i);
        session_server_message(&server, bytes, session_message_encode(&m, bytes), i, now, &reply);
    }
    session_image_at(&server, 0, 3, 12500000);
    session_server_tick(&server, now);
    share = (double)image.live * SESSION_EXCHANGE_WIRE_BYTES * 1000 / image.welcome.beacon_ms /
            12500000;
    assert_int_equal(image.live, 2000);
    assert_true(share <= 0.01 && share > 0.0099);
}

static void recent_loss_is_that_between_two_beacons(void **state)
{
    struct session_facts f = {.state = SESSION_RECEIVING, .heard = UINT32_MAX - 99, .missed = 7};
    struct rate_sample s;
    uint8_t bytes[SESSION_BEACON_BYTES];

    (void)state;
    begin(SESSION_SUSPEND_AUTO);
    hello(1);
    assert_int_equal(session_image_samples(&server, 0, &s, 1), 0); /* said hello, nothing more */
    beacon_facts(1, &f, bytes);
    f.heard += 900; /* wraps */
    f.missed += 100;
    f.drops += 80; /* of these, by its own ring */
    beacon_facts(1, &f, bytes);
    assert_int_equal(session_image_samples(&server, 0, &s, 1), 1);
    assert_int_equal(s.recent_ppm, 100000);
    assert_int_equal(rows[0].loss_ppm, 20 * 1000000 / 920);
    assert_int_equal(rows[0].drop_ppm, 80000);
    f.heard += 100; /* too few to tell */
    beacon_facts(1, &f, bytes);
    session_image_samples(&server, 0, &s, 1);
    assert_int_equal(s.recent_ppm, 100000);
    f.heard = 4000; /* begun anew */
    f.missed = 1;
    beacon_facts(1, &f, bytes);
    session_image_samples(&server, 0, &s, 1);
    assert_int_equal(s.recent_ppm, 100000);
    f.heard += 900;
    f.disk_limited = true;
    f.wanted_rate = 5000000;
    beacon_facts(1, &f, bytes);
    session_image_samples(&server, 0, &s, 1);
    assert_int_equal(s.recent_ppm, 0);
    assert_int_equal(s.wanted, 5000000);
}

/* Against the definition: a row is superseded when the same machine joined again after it was heard
 * last. */
static void the_tally_leaves_out_what_was_superseded(void **state)
{
    static struct session_receiver many[200];
    static struct session_image m = {.rows = many, .n_rows = 200, .name = "many"};
    struct session_server s = {.images = {&m}, .n = 1};
    struct rng rng = {7};

    (void)state;
    for (unsigned run = 0; run < 200; run++) {
        struct session_tally want = {0}, got;

        m.used = (uint32_t)rng_below(&rng, 201);
        for (unsigned i = 0; i < m.used; i++) {
            many[i] = (struct session_receiver){
                .used = true,
                .mac = {0, 0, (uint8_t)rng_below(&rng, 2), 0, 0, (uint8_t)rng_below(&rng, 20)},
                .joined = {(int64_t)(1000 * run + i)},
                .gone = rng_below(&rng, 2),
                .facts = {.state = (enum session_state)rng_below(&rng, SESSION_STATES)}};
            many[i].heard.ns = many[i].joined.ns + (int64_t)rng_below(&rng, 300);
        }
        for (unsigned i = 0; i < m.used; i++) {
            const struct session_receiver *r = &many[i];
            bool final = r->facts.state == SESSION_PASS || r->facts.state == SESSION_FAIL ||
                         r->facts.state == SESSION_LEAVING;

            if (session_image_superseded(&m, r))
                continue;
            want.passed += r->facts.state == SESSION_PASS;
            want.failed += r->facts.state == SESSION_FAIL;
            want.lost += r->facts.state == SESSION_LEAVING || (r->gone && !final);
            want.unfinished += !r->gone && !final;
        }
        got = session_image_tally(&s, 0);
        assert_memory_equal(&got, &want, sizeof got);
    }
}

static void beacons_are_spread_and_changes_hurry(void **state)
{
    struct session_facts f = {.state = SESSION_RECEIVING};
    struct session_welcome w;
    struct session_beacons b;
    uint8_t bytes[SESSION_BEACON_BYTES];
    unsigned sent = 0;

    (void)state;
    begin(SESSION_SUSPEND_AUTO);
    w = image.welcome;
    w.beacon_ms = 1000;
    session_beacons_init(&b, &w, (const uint8_t *)"receiver", (const uint8_t *)"sixmac", now);
    for (unsigned ms = 0; ms < 60000; ms++, now = mono_add(now, MONO_MS))
        sent += session_beacons_next(&b, &f, now, bytes) != 0;
    assert_in_range(sent, 55, 66);
    now = mono_add(b.sent, 50 * MONO_MS);
    f.state = SESSION_PASS;
    assert_int_equal(session_beacons_next(&b, &f, now, bytes), 0); /* not at once after another */
    now = mono_add(b.sent, 100 * MONO_MS);
    assert_int_equal(session_beacons_next(&b, &f, now, bytes), sizeof bytes);
    assert_int_equal(session_beacons_next(&b, &f, now, bytes), 0);
}

/* One beacon of `who` and what goes out behind it; the ack, unless it is lost, goes back. Whether
 * an info went out. */
static bool exchange(unsigned who, bool lost)
{
    struct session_facts f = {.state = SESSION_RECEIVING};
    uint8_t bytes[SESSION_DATAGRAM_MAX], ack[SESSION_ACK_BYTES];
    size_t n;

    receiver[who].due = now = mono_add(now, MONO_S);
    n = session_beacons_next(&receiver[who], &f, now, bytes);
    assert_int_equal(session_server_datagram(&server, bytes, n, 0x0A000000 + who, now, ack), 1);
    if (!lost)
        assert_int_equal(session_beacons_ack(&receiver[who], ack, sizeof ack, now), 0);
    n = session_beacons_info(&receiver[who], bytes);
    if (n && !lost) {
        assert_int_equal(session_server_datagram(&server, bytes, n, 0x0A000000 + who, now, ack), 0);
        assert_int_equal(session_server_datagram(&server, bytes, n, 0x0A000000 + who, now, ack),
                         SESSION_EREPLAY);
    }
    return n != 0;
}

static struct session_label label_machines(void *ctx, const uint8_t mac[6])
{
    (void)ctx;
    return (struct session_label){.number = (uint16_t)(100 + mac[5]), .identify = mac[5] == 1};
}

static void what_a_machine_is_is_told_until_it_is_known(void **state)
{
    struct session_info info = {.link_mbps = 100, .serial = "PF2ABC"};
    uint8_t stray[SESSION_INFO_BYTES], ack[SESSION_ACK_BYTES];
    struct session_told unknown = {.tsi = 5, .id = {99}, .revision = 1};
    unsigned sent = 0;

    (void)state;
    begin(SESSION_SUSPEND_AUTO);
    server.label = label_machines;
    hello(1);
    hello(2);
    assert_false(exchange(1, false));
    assert_int_equal(receiver[1].news.number, 0); /* it may not know the field */
    session_beacons_about(&receiver[1], &info);
    story[0] = 0;
    assert_true(exchange(1, false));
    the_story_is("1 told; ");
    assert_false(exchange(1, false));
    assert_int_equal(receiver[1].news.info, 1);
    assert_int_equal(receiver[1].news.number, 101);
    assert_true(receiver[1].news.identify);
    session_beacons_about(&receiver[1], &info); /* nothing new */
    assert_false(exchange(1, false));
    strcpy(info.disk, "Samsung");
    session_beacons_about(&receiver[1], &info);
    assert_true(exchange(1, false));
    /* the server was started anew and knows its receivers by their beacons alone */
    rows[0].revision = 0;
    assert_false(exchange(1, false));
    assert_true(exchange(1, false));
    assert_int_equal(rows[0].revision, 2);
    for (unsigned i = 0; i < 300; i++) { /* a server that never confirms is not bothered for ever */
        session_beacons_about(&receiver[2], &info);
        sent += exchange(2, true);
    }
    assert_in_range(sent, 8, 12);
    assert_int_equal(session_server_datagram(&server, stray,
                                             session_info_encode(&unknown, image.welcome.key,
                                                                 stray),
                                             1, now, ack),
                     SESSION_EUNKNOWN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replayed_forged_and_foreign_beacons_are_dropped),
        cmocka_unit_test(beacons_stay_below_a_hundredth_of_the_stream),
        cmocka_unit_test(recent_loss_is_that_between_two_beacons),
        cmocka_unit_test(what_a_machine_is_is_told_until_it_is_known),
        cmocka_unit_test(the_tally_leaves_out_what_was_superseded),
        cmocka_unit_test(beacons_are_spread_and_changes_hurry),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
