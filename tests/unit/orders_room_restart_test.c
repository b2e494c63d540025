/* The room over restarts of the core: what it knows again, what ringcast.conf plans, and that a
 * power cut at every write leaves a whole list. */
#include "tests/unit/orders_room.h"

/* The session of ringcast.conf takes no machine that has passed before: one for such machines alone
 * says so in the log. */
static void a_session_that_takes_nobody_says_so(void **state)
{
    uint8_t mac[6];

    (void)state;
    mac_of(1, mac);
    assert_int_equal(list("52:54:00:00:00:01\n"), 0);
    machine_done(&machines, mac, &(struct machine_got){0, ""}, 1);
    config.session.planned = true;
    config.session.wish = (struct plan_wish){.start = PLAN_NOW, .targets = PLAN_EXPECTED};
    logged[0] = 0;
    room_step(room, (struct mono){2000 * MONO_S});
    assert_string_equal(logged, "session 1 of ringcast.conf takes no machine: all 1 on the list "
                                "have passed before; arm them, make a session on "
                                "the page, or set rearm = yes in [boot]");
    assert_false(wants(1));
    assert_int_equal(order((struct room_order){.kind = ROOM_STOP, .session = 1}), 0);
    assert_int_equal(list("52:54:00:00:00:01\n52:54:00:00:00:02\n"), 0);
    room_plan(room)->boot++; /* the machine is switched on again */
    logged[0] = 0;
    room_step(room, (struct mono){2010 * MONO_S});
    assert_non_null(plan_of_image(room_plan(room), "debian"));
    assert_true(wants(2) && !wants(1));
    assert_string_equal(logged, "");
}

/* An image that is still being checked has its session at once: who boots meanwhile waits for it. A
 * refused one has none, and no other image takes its place. */
static void the_configuration_waits_for_its_image(void **state)
{
    (void)state;
    config.session.planned = true;
    config.session.wish = (struct plan_wish){.start = PLAN_NOW};
    memcpy(config.boot.image, "bad", sizeof "bad");
    room_step(room, (struct mono){2000 * MONO_S});
    assert_int_equal(room_plan(room)->last_id, 0);
    assert_false(wants(1));
    memcpy(config.boot.image, "new", sizeof "new");
    room_step(room, (struct mono){2010 * MONO_S});
    assert_non_null(plan_of_image(room_plan(room), "new"));
    assert_true(wants(1));
    assert_int_equal(hello(1, ""), -1);
}

static uint32_t recalled[8];

static void on_recalled(void *ctx, const uint8_t mac[6], uint32_t session)
{
    (void)ctx;
    recalled[mac[5]] = session;
}

/* After a restart of the core the room knows who passed in the session that runs. */
static void who_passed_is_known_again(void **state)
{
    uint8_t mac[6];

    (void)state;
    streams[0].file.head.root[0] = 1;
    assert_int_equal(create((struct plan_wish){.image = "debian"}), 0);
    passes(1, 0);
    assert_int_equal(order((struct room_order){.kind = ROOM_STOP, .session = 1}), 0);
    assert_int_equal(create((struct plan_wish){.image = "debian"}), 0);
    passes(2, 0);
    restart(n_writes);
    memset(recalled, 0, sizeof recalled);
    room_recall(room, on_recalled, NULL);
    assert_int_equal(recalled[1], 0);
    assert_int_equal(recalled[2], 2);
    mac_of(1, mac);
    assert_non_null(strstr(room_left_out(room, mac), "imaged before"));
    mac_of(2, mac);
    assert_null(room_left_out(room, mac));
}

static unsigned n_left;
static uint8_t left_mac[6];

static void on_left(void *ctx, const uint8_t mac[6], const char *why)
{
    (void)ctx;
    assert_non_null(strstr(why, "imaged before"));
    memcpy(left_mac, mac, 6);
    n_left++;
}

static unsigned count_left(void)
{
    n_left = 0;
    room_recall_left(room, on_left, NULL);
    return n_left;
}

/* Who boots and is left out has a tile for as long as the session lasts, over a restart of the core
 * too. */
static void who_is_left_out_is_known_again(void **state)
{
    uint8_t mac[6], other[6];

    (void)state;
    mac_of(1, mac);
    mac_of(2, other);
    streams[0].file.head.root[0] = 1;
    assert_int_equal(create((struct plan_wish){.image = "debian"}), 0);
    passes(1, 0);
    assert_int_equal(order((struct room_order){.kind = ROOM_STOP, .session = 1}), 0);
    assert_int_equal(create((struct plan_wish){.image = "debian"}), 0);
    assert_int_equal(count_left(), 0); /* it has not booted */
    room_boots(room, mac);
    room_boots(room, mac);
    room_boots(room, other); /* this one is taken */
    assert_int_equal(count_left(), 1);
    restart(n_writes);
    assert_int_equal(count_left(), 1);
    assert_memory_equal(left_mac, mac, 6);
    assert_int_equal(order((struct room_order){.kind = ROOM_ARM, .mac = {0x52, 0x54, 0, 0, 0, 1}}),
                     0);
    assert_int_equal(count_left(), 0); /* it is taken now */
    assert_int_equal(order((struct room_order){.kind = ROOM_STOP, .session = 2}), 0);
    assert_int_equal(count_left(), 0);
    restart(n_writes);
    assert_int_equal(room_restore(room, JOURNAL_LEFT, mac, 6, (const uint8_t *)"\x02\0\0\0\1", 5),
                     TOLD_NEWER);
    for (size_t cut = 0; cut < 5; cut++)
        assert_int_equal(room_restore(room, JOURNAL_LEFT, mac, 6, (const uint8_t *)"\x01\0\0\0\1",
                                      cut),
                         TOLD_BROKEN);
    assert_int_equal(room_restore(room, JOURNAL_LEFT, mac, 5, (const uint8_t *)"\x01\0\0\0\1", 5),
                     TOLD_BROKEN);
}

/* What a session skips and takes along is counted after a restart as before it. */
static void the_choice_to_include_outlives_a_restart(void **state)
{
    char before[PLAN_SENTENCE];

    (void)state;
    streams[0].file.head.root[0] = 1;
    assert_int_equal(create((struct plan_wish){.image = "debian"}), 0);
    passes(1, 0);
    passes(2, 0);
    for (unsigned include = 0; include < 2; include++) {
        assert_int_equal(order((struct room_order){.kind = ROOM_STOP, .session = 1 + include}), 0);
        assert_int_equal(create((struct plan_wish){.image = "debian", .include = include}), 0);
        assert_int_equal(wants(1), include);
        room_step(room, (struct mono){(2000 + 10 * include) * MONO_S});
        room_sentence(room, before);
        assert_non_null(strstr(before, include ? "2 that" : "; 2 that"));
        restart(n_writes);
        assert_int_equal(wants(1), include);
        room_step(room, (struct mono){(2005 + 10 * include) * MONO_S});
        assert_int_equal(plan_find(room_plan(room), 2 + include)->facts.have, 2);
        screen_says(before);
    }
}

/* Nor is that forgotten when the session is over: its machines go from the board when another
 * session is made. */
static void who_passed_in_the_last_session_is_known_again(void **state)
{
    (void)state;
    assert_int_equal(create((struct plan_wish){.image = "debian"}), 0);
    passes(1, 0);
    assert_int_equal(order((struct room_order){.kind = ROOM_STOP, .session = 1}), 0);
    restart(n_writes);
    memset(recalled, 0, sizeof recalled);
    room_recall(room, on_recalled, NULL);
    assert_int_equal(recalled[1], 1);
    assert_int_equal(create((struct plan_wish){.image = "debian"}), 0);
    restart(n_writes);
    memset(recalled, 0, sizeof recalled);
    room_recall(room, on_recalled, NULL);
    assert_int_equal(recalled[1], 0);
}

static void a_machine_that_passed(void **state)
{
    uint8_t mac[6];

    (void)state;
    mac_of(1, mac);
    machine_done(&machines, mac, &(struct machine_got){1, ""}, 1);
    assert_int_equal(create((struct plan_wish){.image = "debian"}), 0);
    assert_false(wants(1));
    assert_int_equal(order((struct room_order){.kind = ROOM_ARM, .mac = {0x52, 0x54, 0, 0, 0, 1}}),
                     0);
    assert_true(wants(1));
    assert_false(room_identifies(room, mac));
    assert_int_equal(order((struct room_order){.kind = ROOM_IDENTIFY,
                                               .mac = {0x52, 0x54, 0, 0, 0, 1},
                                               .on = true}),
                     0);
    assert_true(room_identifies(room, mac));
    assert_int_equal(order((struct room_order){.kind = ROOM_IDENTIFY,
                                               .mac = {0x52, 0x54, 0, 0, 0, 1}}),
                     0);
    assert_false(room_identifies(room, mac));
    assert_int_equal(order((struct room_order){.kind = ROOM_WAKE_EXPECTED}), PLAN_ENOLIST);
    assert_int_equal(order((struct room_order){.kind = ROOM_WAKE,
                                               .macs = (const uint8_t[1][6]){{1}},
                                               .n_macs = 1}),
                     WOL_EMAC);
    assert_int_equal(order((struct room_order){.kind = ROOM_WAKE,
                                               .macs = (const uint8_t[1][6]){{2}},
                                               .n_macs = 1}),
                     0);
    assert_string_equal(answer.text, "1 machine is called three times");
}

/* What ringcast.conf plans is made once: not again by a restart, not by what a person did, but when
 * it says something else. */
static void the_session_of_the_configuration(void **state)
{
    (void)state;
    config.session.planned = true;
    config.session.wish = (struct plan_wish){.start = PLAN_READY, .ready = 3};
    room_step(room, (struct mono){2000 * MONO_S});
    assert_non_null(plan_of_image(room_plan(room), "debian"));
    assert_null(plan_of_image(room_plan(room), "windows"));
    restart(n_writes);
    room_step(room, (struct mono){2000 * MONO_S});
    assert_int_equal(room_plan(room)->last_id, 1);
    assert_int_equal(order((struct room_order){.kind = ROOM_STOP, .session = 1}), 0);
    restart(n_writes);
    room_step(room, (struct mono){2000 * MONO_S});
    assert_int_equal(room_plan(room)->last_id, 1);
    config.session.wish.ready = 4;
    room_step(room, (struct mono){2010 * MONO_S});
    assert_int_equal(room_plan(room)->last_id, 2);
    assert_int_equal(plan_of_image(room_plan(room), "debian")->wish.ready, 4);
}

static void a_power_cut_at_every_write(void **state)
{
    static const char *const lists[] = {
        "52:54:00:00:00:01,a\n52:54:00:00:00:02,b\n52:54:00:00:00:03,c\n",
        "52:54:00:00:00:02,x\n52:54:00:00:00:04,y\n",
        "52:54:00:00:00:01,1\n52:54:00:00:00:02,2\n52:54:00:00:00:03,3\n52:54:00:00:00:04,4\n", ""};
    static char want[5][512], got[512];
    unsigned after[5] = {0};

    (void)state;
    expected_write(room_expected(room), want[0], sizeof want[0]);
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(list(lists[i]), 0);
        expected_write(room_expected(room), want[i + 1], sizeof want[i + 1]);
        after[i + 1] = n_writes;
    }
    for (unsigned n = 0; n <= after[4]; n++) {
        unsigned at = 0;

        while (at < 4 && after[at + 1] <= n)
            at++;
        memset(got, 0, sizeof got);
        restart(n);
        expected_write(room_expected(room), got, sizeof got);
        if (strcmp(got, want[at]) != 0 && (at == 4 || strcmp(got, want[at + 1]) != 0))
            fail_msg("after %u of %u writes: neither the list before nor the one after: %s", n,
                     after[4], got);
    }
    restart(after[2] + 2); /* cut in the middle of the third; then another list */
    n_writes = after[2] + 2;
    assert_int_equal(list("52:54:00:00:00:09,z\n"), 0);
    restart(n_writes);
    assert_int_equal(room_expected(room)->n, 1);
}

/* The disk refuses any one of the writes: the next run has the list before as a whole, or the new
 * one. */
static void a_list_that_is_not_kept_leaves_the_one_before(void **state)
{
    static const char old[] = "52:54:00:00:00:01,a\n52:54:00:00:00:02,b\n";
    static const char new[] = "52:54:00:00:00:03,c\n52:54:00:00:00:04,d\n52:54:00:00:00:05,e\n";
    bool was_old = false, was_new = false;

    (void)state;
    for (unsigned at = 1; at <= 6; at++) {
        n_writes = 0;
        restart(0);
        assert_int_equal(list(old), 0);
        refused_at = at;
        assert_int_equal(list(new), 0);
        refused_at = 0;
        restart(n_writes);
        was_old |= room_expected(room)->n == 2;
        was_new |= room_expected(room)->n == 3;
        assert_true(room_expected(room)->n == 2 || room_expected(room)->n == 3);
    }
    assert_true(was_old && was_new);
}

/* A row that the disk has lost while it kept what was written later: somebody has to decide. */
static void a_list_in_part_is_not_the_list(void **state)
{
    (void)state;
    assert_int_equal(list("52:54:00:00:00:01,a\n52:54:00:00:00:02,b\n52:54:00:00:00:03,c\n"), 0);
    restart(n_writes);
    for (unsigned i = 0; i < n_writes; i++)
        if (writes[i].kind == JOURNAL_EXPECTED && writes[i].key[2] == 1)
            writes[i].n = 0;
    broken_due = 1;
    restart(n_writes);
    broken_due = 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_configuration_waits_for_its_image, begin, end),
        cmocka_unit_test_setup_teardown(a_session_that_takes_nobody_says_so, begin, end),
        cmocka_unit_test_setup_teardown(who_passed_in_the_last_session_is_known_again, begin, end),
        cmocka_unit_test_setup_teardown(who_passed_is_known_again, begin, end),
        cmocka_unit_test_setup_teardown(who_is_left_out_is_known_again, begin, end),
        cmocka_unit_test_setup_teardown(the_choice_to_include_outlives_a_restart, begin, end),
        cmocka_unit_test_setup_teardown(a_machine_that_passed, begin, end),
        cmocka_unit_test_setup_teardown(the_session_of_the_configuration, begin, end),
        cmocka_unit_test_setup_teardown(a_power_cut_at_every_write, begin, end),
        cmocka_unit_test_setup_teardown(a_list_that_is_not_kept_leaves_the_one_before, begin, end),
        cmocka_unit_test_setup_teardown(a_list_in_part_is_not_the_list, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
