/* The room as it is built from what servers say: rows of machines, their states and figures, what
 * changed, who goes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "net/status/snapshot.h"
#include "net/wire/rng.h"

#define STREAM UINT64_C(100000000) /* bytes per second */

static struct room_snapshot *room;
static struct mono now;

static int begin(void **state)
{
    (void)state;
    room = malloc(sizeof *room);
    snapshot_init(room);
    now = (struct mono){1000 * MONO_S};
    return 0;
}

static int end(void **state)
{
    (void)state;
    free(room);
    return 0;
}

static const uint8_t *mac(unsigned i)
{
    static uint8_t bytes[8][6];
    static unsigned at;
    uint8_t *m = bytes[at++ % 8];

    memcpy(m, (const uint8_t[6]){0x52, 0x54, 0, 0, (uint8_t)(i >> 8), (uint8_t)i}, 6);
    return m;
}

static struct session_receiver receiver(unsigned i, enum session_state state)
{
    struct session_receiver r = {.used = true,
                                 .counter = 1,
                                 .address = 0x0A000000 + i,
                                 .joined = now,
                                 .heard = now,
                                 .facts = {.state = state,
                                           .error = state == SESSION_FAIL ? -903 : 0}};

    memcpy(r.mac, mac(i), 6);
    return r;
}

static void open_refresh(void)
{
    struct room_box box = {.name = "ringcast"};

    snapshot_begin(room, &box, now);
}

/* One refresh with these rows alone. */
static void refresh(const struct session_receiver *r, unsigned n)
{
    open_refresh();
    for (unsigned i = 0; i < n; i++)
        snapshot_receiver(room, 1, STREAM, &r[i],
                          r[i].facts.error ? "the disk refused a write" : NULL);
    snapshot_end(room);
}

static const struct room_machine *row(unsigned i)
{
    const struct room_machine *m = snapshot_find(room, mac(i));

    assert_non_null(m);
    return m;
}

static void every_state_has_its_place(void **state)
{
    static const struct {
        enum session_state session;
        bool gone;
        enum room_state room;
    } c[] = {
        {SESSION_JOINED, false, ROOM_JOINED},
        {SESSION_MANIFEST, false, ROOM_MANIFEST},
        {SESSION_RECEIVING, false, ROOM_RECEIVING},
        {SESSION_VERIFYING, false, ROOM_VERIFYING},
        {SESSION_PASS, false, ROOM_PASS},
        {SESSION_FAIL, false, ROOM_FAIL},
        {SESSION_LEAVING, false, ROOM_LEFT},
        {SESSION_RECEIVING, true, ROOM_LOST},
        {SESSION_PASS, true, ROOM_PASS},
        {SESSION_FAIL, true, ROOM_FAIL},
    };
    struct session_receiver r[sizeof c / sizeof *c];
    struct room_totals want = {.machines = 11,
                               .waiting = 3,
                               .imaging = 1,
                               .verifying = 1,
                               .passed = 2,
                               .failed = 2,
                               .lost = 2};

    (void)state;
    for (unsigned i = 0; i < sizeof c / sizeof *c; i++) {
        r[i] = receiver(i, c[i].session);
        r[i].gone = c[i].gone;
    }
    snapshot_booting(room, mac(100), 0x0A000064, now);
    refresh(r, sizeof c / sizeof *c);
    for (unsigned i = 0; i < sizeof c / sizeof *c; i++) {
        assert_int_equal(row(i)->state, c[i].room);
        assert_int_equal(row(i)->number, i + 2);
    }
    assert_int_equal(row(100)->state, ROOM_BOOTING);
    assert_string_equal(room_state_word(row(7)->state), "lost");
    assert_memory_equal(&room->totals, &want, sizeof want);
    assert_string_equal(row(5)->cause, "Failed: the disk refused a write (error -903)");
    assert_int_equal(row(7)->culprit, ROOM_SILENCE);
}

static void only_what_changed_is_fresh(void **state)
{
    struct session_receiver r[2] = {receiver(1, SESSION_RECEIVING), receiver(2, SESSION_RECEIVING)};

    (void)state;
    refresh(r, 2);
    assert_int_equal(row(1)->fresh, UINT32_MAX >> (32 - ROOM_FIELD_COUNT));
    assert_int_equal(room->seq, 1);
    refresh(r, 2);
    assert_int_equal(row(1)->fresh | row(2)->fresh, 0);
    r[1].facts.done = 100;
    r[1].loss_ppm = 7;
    refresh(r, 2);
    assert_int_equal(row(1)->fresh, 0);
    assert_int_equal(row(2)->fresh, 1u << ROOM_BIT_PERCENT | 1u << ROOM_BIT_LOSS);
    assert_true(snapshot_identify(room, mac(1), true)); /* between two refreshes */
    assert_int_equal(row(1)->fresh, 0);
    refresh(r, 2);
    assert_int_equal(row(1)->fresh, 1u << ROOM_BIT_IDENTIFY);
    assert_false(snapshot_identify(room, mac(3), true));
    assert_int_equal(room->seq, 4);
}

/* 1000 packets of 1538 bytes a second; 2 % of the image a second. */
static void rate_and_time_left_follow_from_beacons(void **state)
{
    struct session_receiver r = receiver(1, SESSION_RECEIVING);

    (void)state;
    for (unsigned s = 0; s < 20; s++) {
        now = r.heard = mono_add(now, MONO_S);
        r.facts.heard = UINT32_MAX - 5000 + s * 1000; /* wraps on the way */
        r.facts.done = (uint16_t)(200 * s);
        refresh(&r, 1);
        refresh(&r, 1); /* the beacon seen twice changes nothing */
        assert_int_equal(row(1)->fresh, 0);
    }
    assert_int_equal(row(1)->rate, 1538 * 8 * 1000);
    assert_int_equal(row(1)->eta_s, 31);
    r.facts.heard = 17; /* its program was started anew */
    now = r.heard = mono_add(now, MONO_S);
    refresh(&r, 1);
    assert_int_equal(row(1)->rate, 1538 * 8 * 1000);
    r.facts.state = SESSION_VERIFYING;
    now = r.heard = mono_add(now, MONO_S);
    refresh(&r, 1);
    assert_int_equal(row(1)->rate, 0);
    assert_int_equal(row(1)->eta_s, -1);
}

static void the_last_run_of_a_machine_counts(void **state)
{
    struct session_receiver r[2] = {receiver(1, SESSION_FAIL)};

    (void)state;
    now = mono_add(now, 60 * MONO_S);
    r[1] = receiver(1, SESSION_RECEIVING);
    refresh(r, 2);
    assert_int_equal(row(1)->state, ROOM_RECEIVING);
    assert_int_equal(room->n_machines, 1);
    refresh((struct session_receiver[]){r[1], r[0]}, 2); /* in whatever order the table has them */
    assert_int_equal(row(1)->state, ROOM_RECEIVING);
    now = mono_add(now, 60 * MONO_S);
    r[1].facts.state = SESSION_PASS;
    refresh(r, 2);
    /* armed and switched on again: the PASS of before is over */
    snapshot_booting(room, mac(1), 0, now);
    refresh(r, 2);
    assert_int_equal(row(1)->state, ROOM_BOOTING);
    now = mono_add(now, MONO_S);
    r[0] = receiver(1, SESSION_JOINED);
    refresh(r, 2);
    assert_int_equal(row(1)->state, ROOM_JOINED);
    snapshot_booting(room, mac(1), 0, now); /* whoever says so: it is at work */
    refresh(r, 2);
    assert_int_equal(row(1)->state, ROOM_JOINED);
}

static void what_a_machine_says_is_kept_and_harmless(void **state)
{
    struct session_receiver r = receiver(1, SESSION_RECEIVING);
    struct session_info info = {.link_mbps = 100,
                                .serial = "=cmd|'/C calc'!A0",
                                .disk = "</script>\"\\",
                                .disk_serial = "S4"};

    (void)state;
    snapshot_about(room, mac(1), &info);
    refresh(&r, 1);
    open_refresh();
    snapshot_receiver(room, 1, STREAM, &r, NULL);
    snapshot_named(room, mac(1), "pc\033[2J\n01", "\xC0\x80", "A1");
    snapshot_named(room, mac(9), "nobody", "", "");
    snapshot_end(room);
    assert_string_equal(row(1)->serial, "=cmd|'/C calc'!A0");
    assert_string_equal(row(1)->disk, "</script>\"\\");
    assert_string_equal(row(1)->name, "pc?[2J?01");
    assert_string_equal(row(1)->asset, "??");
    assert_int_equal(row(1)->culprit, ROOM_CABLE);
    assert_null(snapshot_find(room, mac(9)));
}

/* Forged requests to the boot servers fill their part of the table and no more; machines of a
 * session always find room. */
static void strangers_do_not_fill_the_room(void **state)
{
    struct session_receiver r;

    (void)state;
    for (unsigned i = 0; i < 3 * ROOM_INVENTED_MAX; i++)
        snapshot_booting(room, mac(i), 0, now);
    assert_int_equal(room->n_machines, ROOM_INVENTED_MAX);
    assert_int_equal(room->unseen, 2 * ROOM_INVENTED_MAX);
    for (unsigned i = 0; i < ROOM_MACHINES_MAX; i++) {
        r = receiver(10000 + i, SESSION_RECEIVING);
        if (i % 100 == 0) {
            snapshot_end(room);
            open_refresh();
        }
        snapshot_receiver(room, 1, STREAM, &r, NULL);
    }
    snapshot_end(room);
    assert_int_equal(room->totals.imaging, ROOM_MACHINES_MAX);
    r = receiver(20000, SESSION_RECEIVING); /* all at work: no room, and nobody is pushed out */
    refresh(&r, 1);
    assert_null(snapshot_find(room, mac(20000)));
}

/* Neither do hellos, which cost nothing: whoever sent a beacon finds room, and pushes out nobody
 * who was in earnest. */
static void hellos_do_not_fill_the_room(void **state)
{
    struct session_receiver r;

    (void)state;
    for (unsigned i = 0; i < 100; i++) {
        r = receiver(i, SESSION_PASS);
        snapshot_receiver(room, 1, STREAM, &r, NULL);
    }
    for (unsigned i = 0; i < 2 * ROOM_MACHINES_MAX; i++) {
        r = receiver(1000 + i, SESSION_JOINED);
        r.counter = 0;
        snapshot_receiver(room, 1, STREAM, &r, NULL);
        r.gone = true; /* after a while */
        snapshot_receiver(room, 1, STREAM, &r, NULL);
    }
    assert_int_equal(room->n_machines, 100 + ROOM_INVENTED_MAX);
    for (unsigned i = 0; i < ROOM_MACHINES_MAX - 100; i++) {
        r = receiver(10000 + i, SESSION_RECEIVING);
        if (i % 100 == 0) {
            snapshot_end(room);
            open_refresh();
        }
        snapshot_receiver(room, 1, STREAM, &r, NULL);
    }
    snapshot_end(room);
    assert_int_equal(room->totals.imaging, ROOM_MACHINES_MAX - 100);
    assert_int_equal(room->totals.passed, 100);
}

static void who_booted_and_never_joined_is_forgotten(void **state)
{
    (void)state;
    snapshot_booting(room, mac(1), 0, now);
    snapshot_booting(room, mac(2), 0, now);
    refresh(NULL, 0);
    now = mono_add(now, 14 * 60 * MONO_S);
    snapshot_booting(room, mac(2), 0, now);
    refresh(NULL, 0);
    assert_int_equal(room->n_machines, 2);
    now = mono_add(now, 2 * 60 * MONO_S);
    refresh(NULL, 0);
    assert_int_equal(room->n_machines, 1);
    assert_int_equal(room->n_gone, 1);
    assert_memory_equal(room->gone[0], mac(1), 6);
    refresh(NULL, 0);
    assert_int_equal(room->n_gone, 0);
}

static void sessions_are_counted_and_fresh_when_they_change(void **state)
{
    struct room_session s = {.id = 7, .image = "debian", .state = ROOM_SESSION_RUNNING};
    struct session_receiver r[3] = {receiver(1, SESSION_PASS), receiver(2, SESSION_FAIL),
                                    receiver(3, SESSION_RECEIVING)};

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        open_refresh();
        snapshot_session(room, &s);
        for (unsigned k = 0; k < 3; k++)
            snapshot_receiver(room, 7, STREAM, &r[k], NULL);
        snapshot_end(room);
        assert_int_equal(room->session[0].machines, 3);
        assert_int_equal(room->session[0].passed, 1);
        assert_int_equal(room->session[0].failed, 1);
        assert_int_equal(room->session[0].fresh, i == 0);
    }
    s.rate = 5;
    open_refresh();
    snapshot_session(room, &s);
    snapshot_end(room);
    assert_true(room->session[0].fresh);
    refresh(NULL, 0);
    assert_int_equal(room->n_sessions, 0);
}

static void who_was_through_before_leaves_the_board(void **state)
{
    struct room_session s = {.id = 7, .image = "debian", .state = ROOM_SESSION_STOPPED};
    struct session_receiver r[3] = {receiver(1, SESSION_PASS), receiver(2, SESSION_FAIL),
                                    receiver(3, SESSION_PASS)};
    struct session_receiver again = receiver(3, SESSION_RECEIVING);

    (void)state;
    for (unsigned pass = 0; pass < 2; pass++) {
        open_refresh();
        snapshot_session(room, &s);
        for (unsigned k = 0; k < 3; k++)
            pass ? snapshot_forget(room, &r[k]) : snapshot_receiver(room, 7, STREAM, &r[k], NULL);
        if (pass == 0) {
            now = mono_add(now, MONO_S);
            again.joined = again.heard = now;
            snapshot_receiver(room, 8, STREAM, &again, NULL); /* has begun once more */
        }
        snapshot_end(room);
        /* what a session came to stays, when it is over */
        assert_int_equal(room->session[0].machines, 2);
        assert_int_equal(room->session[0].passed, 1);
        assert_int_equal(room->session[0].failed, 1);
    }
    assert_int_equal(room->n_machines, 1);
    assert_int_equal(room->n_gone, 2);
    assert_int_equal(row(3)->state, ROOM_RECEIVING);
    assert_int_equal(room->totals.passed, 0);
}

/* Any order of calls: the index finds every row, numbers differ, totals add up. */
static void any_story_leaves_a_table_that_holds(void **state)
{
    struct rng rng = {20261122};

    (void)state;
    for (unsigned step = 0; step < 20000; step++) {
        unsigned i = (unsigned)rng_below(&rng, 3000);
        struct session_receiver r =
            receiver(i, (enum session_state)rng_below(&rng, SESSION_STATES));
        uint64_t what = rng_below(&rng, 100);

        if (what < 40)
            snapshot_booting(room, r.mac, 0, now);
        else if (what < 95)
            snapshot_receiver(room, 1, STREAM, &r, NULL);
        else
            now = mono_add(now, 20 * MONO_S);
        if (step % 50 == 0) {
            snapshot_end(room);
            open_refresh();
        }
    }
    snapshot_end(room);
    assert_true(room->n_machines > 1500 && room->n_machines <= ROOM_MACHINES_MAX);
    assert_int_equal(room->totals.machines, room->n_machines);
    assert_int_equal(room->totals.waiting + room->totals.imaging + room->totals.verifying +
                         room->totals.passed + room->totals.failed + room->totals.lost,
                     room->n_machines);
    for (unsigned i = 0; i < room->n_machines; i++)
        assert_ptr_equal(snapshot_find(room, room->machine[i].mac), &room->machine[i]);
}

/* Who passed before a restart of the core stands on the board for as long as it is told; what a
 * machine does now says more. */
static void who_is_recalled_has_a_tile(void **state)
{
    const struct room_session s = {.id = 7, .state = ROOM_SESSION_RUNNING};
    const struct room_recall passed = {7, ROOM_PASS, 0, ""},
                             left_out = {0, ROOM_PASS, 0, "it has this image"};
    const struct room_recall failed = {7, ROOM_FAIL, -902, "the disk is full"},
                             lost = {7, ROOM_LOST, 0, NULL};
    struct session_receiver r = receiver(1, SESSION_RECEIVING);

    (void)state;
    open_refresh();
    snapshot_session(room, &s);
    snapshot_recalled(room, mac(1), &passed);
    snapshot_recalled(room, mac(1), &failed); /* the first one counts */
    snapshot_recalled(room, mac(2), &left_out);
    snapshot_recalled(room, mac(3), &failed);
    snapshot_recalled(room, mac(4), &lost);
    snapshot_end(room);
    assert_int_equal(room->totals.passed, 2);
    assert_int_equal(room->totals.failed, 1);
    assert_int_equal(room->totals.lost, 1);
    assert_int_equal(room->session[0].failed, 1);
    assert_int_equal(snapshot_find(room, mac(3))->error, -902);
    assert_string_equal(snapshot_find(room, mac(3))->cause,
                        "Failed: the disk is full (error -902)");
    assert_int_equal(snapshot_find(room, mac(4))->culprit, ROOM_SILENCE);
    assert_int_equal(room->session[0].passed, 1);
    assert_int_equal(snapshot_find(room, mac(1))->state, ROOM_PASS);
    assert_string_equal(snapshot_find(room, mac(2))->cause, "it has this image");
    open_refresh();
    snapshot_session(room, &s);
    snapshot_receiver(room, 7, STREAM, &r, NULL);
    snapshot_recalled(room, mac(1), &passed);
    snapshot_end(room);
    assert_int_equal(snapshot_find(room, mac(1))->state, ROOM_RECEIVING);
    assert_null(snapshot_find(room, mac(2)));
    assert_null(snapshot_find(room, mac(3)));
    assert_int_equal(room->n_gone, 3);
    open_refresh();
    snapshot_end(room);
    assert_non_null(snapshot_find(room, mac(1))); /* it is no recalled one any more */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_state_has_its_place, begin, end),
        cmocka_unit_test_setup_teardown(only_what_changed_is_fresh, begin, end),
        cmocka_unit_test_setup_teardown(who_is_recalled_has_a_tile, begin, end),
        cmocka_unit_test_setup_teardown(rate_and_time_left_follow_from_beacons, begin, end),
        cmocka_unit_test_setup_teardown(the_last_run_of_a_machine_counts, begin, end),
        cmocka_unit_test_setup_teardown(what_a_machine_says_is_kept_and_harmless, begin, end),
        cmocka_unit_test_setup_teardown(strangers_do_not_fill_the_room, begin, end),
        cmocka_unit_test_setup_teardown(hellos_do_not_fill_the_room, begin, end),
        cmocka_unit_test_setup_teardown(who_booted_and_never_joined_is_forgotten, begin, end),
        cmocka_unit_test_setup_teardown(sessions_are_counted_and_fresh_when_they_change, begin,
                                        end),
        cmocka_unit_test_setup_teardown(who_was_through_before_leaves_the_board, begin, end),
        cmocka_unit_test_setup_teardown(any_story_leaves_a_table_that_holds, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
