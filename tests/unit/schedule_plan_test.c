/* The plan: its rules, its clock that may be wrong, restarts, and seeded nights with many sessions
 * against what must always hold. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "board/box/schedule/plan.h"
#include "net/wire/rng.h"

#define NOON UINT64_C(1795262400) /* a day's 12:00 UTC in 2026 */

/* What a journal would hold, in the order it was last written. */
#define KEPT 512
static struct kept {
    uint32_t id;
    uint8_t value[PLAN_VALUE_MAX];
    size_t n;
} kept[KEPT];
static unsigned n_kept;

static void keep(void *ctx, const struct plan_session *s, const uint8_t *value, size_t n)
{
    unsigned i = 0;

    (void)ctx;
    while (i < n_kept && kept[i].id != s->id)
        i++;
    assert_true(i < KEPT);
    n_kept += i == n_kept;
    kept[i].id = s->id;
    if (n)
        memcpy(kept[i].value, value, n);
    kept[i].n = n;
}

static struct plan plan;
static uint64_t boot; /* of the next start */
static struct plan_time now;
static struct plan_facts facts; /* of every image */

static void look(void *ctx, const struct plan_session *s, struct plan_facts *f)
{
    (void)ctx;
    (void)s;
    *f = facts;
}

static int begin(void **state)
{
    (void)state;
    n_kept = 0;
    plan_init(&plan, keep, NULL);
    now = (struct plan_time){{1000 * MONO_S}, NOON, 0};
    facts = (struct plan_facts){0};
    return 0;
}

static void pass(int64_t seconds)
{
    now.mono = mono_add(now.mono, seconds * MONO_S);
    now.unix_s += (uint64_t)seconds;
    plan_step(&plan, &now, look, NULL);
}

/* The box starts again after that many seconds; its clock shows what it is told to. */
static void restart(uint64_t clock)
{
    plan_init(&plan, keep, NULL);
    plan.boot = boot;
    now.mono = (struct mono){7 * MONO_S};
    now.unix_s = clock;
    for (unsigned i = 0; i < n_kept; i++) {
        uint8_t key[4] = {kept[i].id >> 24, kept[i].id >> 16 & 255, kept[i].id >> 8 & 255,
                          kept[i].id & 255};

        if (kept[i].n)
            plan_restore(&plan, key, 4, kept[i].value, kept[i].n, &now);
    }
}

static struct plan_session *make(struct plan_wish w)
{
    struct err err = {0};
    uint32_t id = 0;

    if (!w.image[0])
        strcpy(w.image, "debian");
    assert_int_equal(plan_create(&plan, &w, false, &now, &id, &err), 0);
    assert_non_null(plan_find(&plan, id));
    return plan_find(&plan, id);
}

static void says(const struct plan_session *s, const char *part)
{
    char buf[PLAN_SENTENCE];

    if (!strstr(plan_sentence(s, &now, buf), part))
        fail_msg("expected \"%s\" in \"%s\"", part, buf);
}

static void now_runs_at_once(void **state)
{
    struct plan_session *s;

    (void)state;
    s = make((struct plan_wish){.start = PLAN_NOW});
    assert_int_equal(s->state, PLAN_RUNNING);
    assert_int_equal(s->started, NOON);
    says(s, "erases the disk of every machine that boots from this switch");
}

static void so_many_machines(void **state)
{
    struct plan_session *s = make((struct plan_wish){.start = PLAN_READY, .ready = 3});

    (void)state;
    facts.ready = 2;
    pass(10);
    assert_int_equal(s->state, PLAN_WAITING);
    says(s, "starts when 3 machines are ready, 2 are there");
    facts.ready = 3;
    pass(1);
    assert_int_equal(s->state, PLAN_RUNNING);
    facts.ready = 0; /* they are through: that does not undo the start */
    pass(1);
    assert_int_equal(s->state, PLAN_RUNNING);
}

static void minutes_after_the_last(void **state)
{
    struct plan_session *s = make((struct plan_wish){.start = PLAN_QUIET, .quiet_min = 5});

    (void)state;
    pass(3600);
    assert_int_equal(s->state, PLAN_WAITING);
    says(s, "none is there yet");
    facts.ready = 1;
    facts.joined = now.mono;
    pass(299);
    facts.ready = 2; /* one more: the time begins anew */
    facts.joined = now.mono;
    pass(299);
    assert_int_equal(s->state, PLAN_WAITING);
    says(s, "starts in 1 s, 5 minutes after the last machine has joined; 2 are there");
    pass(1);
    assert_int_equal(s->state, PLAN_RUNNING);
}

static void at_a_time(void **state)
{
    struct plan_session *s = make((struct plan_wish){.start = PLAN_AT, .at_min = 22 * 60});

    (void)state;
    says(s, "starts at 22:00, in 10 h 0 min by the box's clock, which shows 12:00; then");
    pass(10 * 3600 - 1);
    assert_int_equal(s->state, PLAN_WAITING);
    pass(1);
    assert_int_equal(s->state, PLAN_RUNNING);
    plan_stop(&plan, s->id, &now, NULL);
    /* it is 22:00: that means tomorrow */
    s = make((struct plan_wish){.start = PLAN_AT, .at_min = 22 * 60});
    says(s, "in 24 h 0 min");
    now.offset_s = 7200;
    plan_stop(&plan, s->id, &now, NULL);
    s = make((struct plan_wish){.start = PLAN_AT, .at_min = 60}); /* 00:00 here is 22:00 there */
    says(s, "starts at 01:00, in 1 h 0 min by the box's clock, which shows 00:00");
}

/* A clock that nobody has set shows 1970; then somebody sets it. The start is not missed and not
 * early. */
static void a_clock_that_is_set(void **state)
{
    struct plan_session *s;

    (void)state;
    now.unix_s = 60;
    s = make((struct plan_wish){.start = PLAN_AT, .at_min = 13 * 60, .arm_min = 120});
    says(s, "which shows 00:01 and has never been set");
    pass(60);
    now.unix_s = NOON;
    pass(1);
    assert_int_equal(s->state, PLAN_WAITING);
    says(s, "in 59 min by the box's clock, which shows 12:00; then");
    assert_int_equal(s->armed_until, NOON + 120 * 60 - 60);
    pass(3598);
    assert_int_equal(s->state, PLAN_WAITING);
    pass(1);
    assert_int_equal(s->state, PLAN_RUNNING);
}

/* Set by an hour and a half, past the time that was meant: it is meant for tomorrow, and the arming
 * is as long as it was. */
static void a_clock_that_is_corrected(void **state)
{
    struct plan_session *s =
        make((struct plan_wish){.start = PLAN_AT, .at_min = 13 * 60, .arm_min = 60});

    (void)state;
    pass(10);
    now.unix_s += 5400;
    pass(1);
    assert_int_equal(s->state, PLAN_WAITING);
    assert_int_equal(s->due, NOON + 86400 + 3600);
    assert_int_equal(s->made, NOON + 5400);
    assert_int_equal(s->armed_until, NOON + 5400 + 3600);
    now.unix_s -= 5400;
    pass(1);
    assert_int_equal(s->due, NOON + 3600);
    pass(3587);
    assert_true(plan_is_armed(s, &now));
    assert_int_equal(s->state, PLAN_WAITING);
    pass(1);
    /* it ends as the time comes, and the safe side is not to start */
    assert_false(plan_is_armed(s, &now));
    assert_int_equal(s->state, PLAN_STOPPED);
}

/* In so many seconds: whatever the box's clock shows or is set to meanwhile. */
static void in_so_many_seconds(void **state)
{
    struct plan_session *s;

    (void)state;
    now.unix_s = 60;
    s = make((struct plan_wish){.start = PLAN_AT, .at_min = 22 * 60, .in_s = 7200});
    says(s, "starts in 2 h 0 min, at 22:00 by the clock of whoever planned it; then");
    pass(3600);
    now.unix_s = NOON;
    pass(1);
    now.unix_s -= 86400;
    pass(1);
    assert_int_equal(s->state, PLAN_WAITING);
    says(s, "in 59 min");
    pass(3597);
    assert_int_equal(s->state, PLAN_WAITING);
    pass(1);
    assert_int_equal(s->state, PLAN_RUNNING);
}

/* A core that starts anew goes on with the kernel's clock, and looks at no other. */
static void in_so_many_seconds_over_a_restart_of_the_core(void **state)
{
    struct mono then;

    (void)state;
    plan.boot = 77;
    make((struct plan_wish){.start = PLAN_AT, .at_min = 22 * 60, .in_s = 7200});
    pass(60);
    then = now.mono;
    plan_init(&plan, keep, NULL);
    plan.boot = 77;
    now = (struct plan_time){mono_add(then, 100 * MONO_S), 3, 0}; /* the box's clock lies */
    plan_restore(&plan, (const uint8_t[]){0, 0, 0, 1}, 4, kept[0].value, kept[0].n, &now);
    pass(7200 - 161);
    assert_int_equal(plan_find(&plan, 1)->state, PLAN_WAITING);
    pass(1);
    assert_int_equal(plan_find(&plan, 1)->state, PLAN_RUNNING);
}

/* How long it was off its clock tells, or nobody does: then it is not started. */
static void in_so_many_seconds_over_a_night(void **state)
{
    static const struct {
        int64_t away;
        enum plan_state then, in_the_end;
    } night[] = {{3600, PLAN_WAITING, PLAN_RUNNING},
                 {7200 + 1800, PLAN_RUNNING, PLAN_RUNNING},
                 {7200 + 3601, PLAN_STOPPED, PLAN_STOPPED},
                 {-10, PLAN_STOPPED, PLAN_STOPPED},
                 {-(int64_t)NOON, PLAN_STOPPED, PLAN_STOPPED}};

    for (size_t i = 0; i < sizeof night / sizeof *night; i++) {
        begin(state);
        make((struct plan_wish){.start = PLAN_AT, .at_min = 22 * 60, .in_s = 7200});
        restart((uint64_t)((int64_t)NOON + night[i].away));
        pass(0);
        assert_int_equal(plan_find(&plan, 1)->state, night[i].then);
        restart(NOON + 30); /* what is stopped stays stopped, whatever the clock says later */
        pass(7200);
        assert_int_equal(plan_find(&plan, 1)->state, night[i].in_the_end);
        if (night[i].in_the_end == PLAN_STOPPED)
            says(plan_find(&plan, 1), "was stopped: the box was off");
    }
}

static void drift_is_no_jump(void **state)
{
    struct plan_session *s = make((struct plan_wish){.start = PLAN_AT, .at_min = 13 * 60});
    uint64_t due = s->due;

    (void)state;
    for (unsigned i = 0; i < 600; i++) {
        now.unix_s += 1; /* twice as fast */
        pass(1);
    }
    assert_int_equal(s->due, due);
}

static void orders(void **state)
{
    struct plan_session *s = make((struct plan_wish){.start = PLAN_READY, .ready = 9});
    struct err err = {0};
    struct plan_wish again = s->wish;
    uint32_t id;

    (void)state;
    assert_int_equal(plan_resume(&plan, s->id, &now, &err), PLAN_ESTATE);
    assert_string_equal(err.text, "expected a session that is suspended, session 1 is waiting");
    assert_int_equal(plan_suspend(&plan, s->id, &now, NULL), PLAN_ESTATE);
    assert_int_equal(plan_start(&plan, 77, &now, NULL), PLAN_EUNKNOWN);
    assert_int_equal(plan_create(&plan, &again, false, &now, &id, NULL), PLAN_EBUSY);
    assert_int_equal(plan_start(&plan, s->id, &now, NULL), 0);
    assert_int_equal(plan_start(&plan, s->id, &now, NULL), PLAN_ESTATE);
    assert_int_equal(plan_suspend(&plan, s->id, &now, NULL), 0);
    says(s, "suspended; 0 machines wait");
    assert_int_equal(plan_resume(&plan, s->id, &now, NULL), 0);
    assert_int_equal(s->state, PLAN_RUNNING);
    assert_int_equal(plan_stop(&plan, s->id, &now, NULL), 0);
    assert_int_equal(plan_stop(&plan, s->id, &now, NULL), PLAN_ESTATE);
    says(s, "was stopped");
    assert_int_equal(plan_create(&plan, &again, false, &now, &id, NULL), 0);
    assert_int_equal(id, 2);
}

static void wishes_out_of_range(void **state)
{
    static const struct plan_wish wrong[] = {
        {.image = ""},
        {.image = "a\nb"},
        {.image = "a", .start = PLAN_STARTS},
        {.image = "a", .targets = PLAN_TARGETS},
        {.image = "a", .start = PLAN_READY},
        {.image = "a", .start = PLAN_READY, .ready = PLAN_READY_MAX + 1},
        {.image = "a", .start = PLAN_AT, .at_min = 1440},
        {.image = "a", .start = PLAN_QUIET},
        {.image = "a", .start = PLAN_QUIET, .quiet_min = PLAN_QUIET_MAX + 1},
        {.image = "a", .arm_min = PLAN_ARM_MAX + 1}};
    uint32_t id;

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(plan_create(&plan, &wrong[i], false, &now, &id, NULL), PLAN_EVALUE);
    assert_int_equal(plan.last_id, 0);
}

static void arming_ends(void **state)
{
    struct plan_session *a =
        make((struct plan_wish){.image = "a", .start = PLAN_READY, .ready = 2, .arm_min = 10});
    struct plan_session *b = make((struct plan_wish){.image = "b", .arm_min = 10});

    (void)state;
    facts.needing = 1;
    assert_ptr_equal(plan_for(&plan, false, "b", "", &now), b);
    pass(599);
    assert_int_equal(a->state, PLAN_WAITING);
    pass(1);
    assert_int_equal(a->state, PLAN_STOPPED);
    says(a, "its arming ended before it could start");
    assert_int_equal(b->state, PLAN_RUNNING); /* one is in the middle of it */
    assert_null(plan_for(&plan, false, "b", "", &now));
    says(b, "finishes the 1 machine it has and takes no more");
    facts.needing = 0;
    pass(1);
    assert_int_equal(b->state, PLAN_DONE);
}

/* The clock of the arming cannot be set: neither back to have more of it, nor forward to lose it.
 */
static void arming_is_not_the_clocks(void **state)
{
    struct plan_session *s = make((struct plan_wish){.arm_min = 10});

    (void)state;
    facts.needing = 1;
    now.unix_s += 86400;
    pass(1);
    assert_true(plan_is_armed(s, &now));
    now.unix_s -= 2 * 86400;
    pass(598);
    assert_true(plan_is_armed(s, &now));
    pass(1);
    assert_false(plan_is_armed(s, &now));
}

static void restarts(void **state)
{
    struct plan_session *s =
        make((struct plan_wish){.image = "a", .arm_min = 60, .rate = 12345678});
    uint32_t id = s->id;

    (void)state;
    make((struct plan_wish){.image = "b", .start = PLAN_AT, .at_min = 13 * 60});
    pass(60);
    restart(NOON + 120);
    s = plan_find(&plan, id);
    assert_non_null(s);
    assert_int_equal(s->state, PLAN_RUNNING);
    assert_int_equal(s->wish.rate, 12345678);
    assert_int_equal(mono_sub(s->disarm, now.mono), (3600 - 120) * MONO_S);
    restart(NOON + 3600 + 1800); /* 13:30: the start at 13:00 is made up for, the arming is over */
    assert_false(plan_is_armed(plan_find(&plan, id), &now));
    pass(1);
    assert_int_equal(plan_find(&plan, id)->state, PLAN_DONE);
    assert_int_equal(plan_of_image(&plan, "b")->state, PLAN_RUNNING);
}

static void restarts_with_a_dead_clock(void **state)
{
    struct plan_session *s = make((struct plan_wish){.image = "a", .arm_min = 60});
    uint32_t id = s->id;

    (void)state;
    make((struct plan_wish){.image = "b", .start = PLAN_AT, .at_min = 13 * 60});
    restart(30); /* 1970 */
    assert_false(plan_is_armed(plan_find(&plan, id), &now));
    assert_int_equal(plan_of_image(&plan, "b")->due, 13 * 3600);
    restart(NOON + 86400); /* a start missed by a day is tomorrow's */
    assert_int_equal(plan_of_image(&plan, "b")->due, NOON + 86400 + 3600);
}

static void values_of_the_journal(void **state)
{
    struct plan_session *s = make((struct plan_wish){.arm_min = 60});
    static const uint8_t key[4] = {0, 0, 0, 1};
    uint8_t value[PLAN_VALUE_MAX];

    (void)state;
    assert_int_equal(s->id, 1);
    for (size_t n = 0; n < kept[0].n; n++) {
        plan_init(&plan, NULL, NULL);
        /* a shorter name is a name */
        assert_true(plan_restore(&plan, key, 4, kept[0].value, n, &now) == TOLD_BROKEN ||
                    n > kept[0].n - 6);
        assert_int_equal(plan.last_id, 1); /* its number is not given away */
    }
    memcpy(value, kept[0].value, kept[0].n);
    value[0] = 99;
    assert_int_equal(plan_restore(&plan, key, 4, value, kept[0].n, &now), TOLD_NEWER);
    for (size_t i = 0; i < kept[0].n; i++)
        for (unsigned v = 0; v < 256; v++) {
            memcpy(value, kept[0].value, kept[0].n);
            value[i] = (uint8_t)v;
            plan_init(&plan, NULL, NULL);
            plan_restore(&plan, key, 4, value, kept[0].n, &now);
            plan_step(&plan, &now, look, NULL);
        }
}

static void records_that_are_not_understood(void **state)
{
    static const uint8_t one[4] = {0, 0, 0, 1}, two[4] = {0, 0, 0, 2}, seven[5] = {0, 0, 0, 7, 0};
    uint8_t value[PLAN_VALUE_MAX];
    size_t n;

    (void)state;
    make((struct plan_wish){.image = "a"});
    n = kept[0].n;
    memcpy(value, kept[0].value, n);
    plan_init(&plan, NULL, NULL);
    assert_int_equal(plan_restore(&plan, one, 4, value, n, &now), TOLD_KNOWN);
    /* two give out one image */
    assert_int_equal(plan_restore(&plan, two, 4, value, n, &now), TOLD_BROKEN);
    assert_null(plan_find(&plan, 2));
    assert_int_equal(plan_restore(&plan, one, 4, value, n, &now), TOLD_KNOWN); /* it is itself */
    plan_init(&plan, NULL, NULL);
    assert_int_equal(plan_restore(&plan, seven, 5, value, n, &now), TOLD_BROKEN);
    value[0] = 99;
    assert_int_equal(plan_restore(&plan, seven, 4, value, n, &now), TOLD_NEWER);
    /* its number is not given away */
    assert_int_equal(make((struct plan_wish){.image = "b"})->id, 8);
}

static void who_takes_whom(void **state)
{
    struct plan_session *a, *b, *c;

    (void)state;
    a = make((struct plan_wish){.image = "a"});
    b = make((struct plan_wish){.image = "b"});
    c = make((struct plan_wish){.image = "c", .targets = PLAN_EXPECTED});
    assert_ptr_equal(plan_for(&plan, false, "", "", &now), a);
    assert_ptr_equal(plan_for(&plan, false, "", "b", &now), b);
    assert_ptr_equal(plan_for(&plan, true, "", "", &now), c);
    assert_ptr_equal(plan_for(&plan, true, "a", "b", &now), a);
    assert_null(plan_for(&plan, false, "c", "", &now));
    assert_null(plan_for(&plan, true, "d", "", &now));
    plan_stop(&plan, a->id, &now, NULL);
    assert_null(plan_for(&plan, true, "a", "", &now));
}

static void a_list_that_is_through(void **state)
{
    struct plan_session *s = make((struct plan_wish){.targets = PLAN_EXPECTED});

    (void)state;
    facts = (struct plan_facts){.listed = 2, .left = 2, .needing = 2};
    pass(1);
    says(s, "the 2 machines of the list that boot from this switch; 2 still to pass");
    facts.left = 0;
    pass(1);
    assert_int_equal(s->state, PLAN_RUNNING); /* somebody who failed tries again */
    facts.needing = 0;
    pass(1);
    /* nobody has passed in it: those that are not left had it before */
    assert_int_equal(s->state, PLAN_RUNNING);
    facts.passed = 2;
    pass(1);
    assert_int_equal(s->state, PLAN_DONE);
    says(s, "every machine of the list has passed");
}

/* A session for all that was forgotten erases nobody who netboots later. */
static void an_idle_session_is_closed(void **state)
{
    struct plan_session *s = make((struct plan_wish){.idle_min = 60}), *list;

    (void)state;
    pass(1);
    says(s, "; idle, it ends in 1 h 0 min");
    pass(3000);
    assert_int_equal(s->state, PLAN_RUNNING);
    facts.needing = 1;
    pass(10);
    says(s, "; it ends 1 h 0 min after the last machine");
    pass(7200);
    assert_int_equal(s->state, PLAN_RUNNING);
    facts.needing = 0;
    pass(3599);
    assert_int_equal(s->state, PLAN_RUNNING);
    pass(1);
    assert_int_equal(s->state, PLAN_DONE);
    says(s, "is closed: no machine has needed it for so long");
    assert_null(plan_for(&plan, false, "", "", &now));
    s = make((struct plan_wish){.start = PLAN_READY, .ready = 5});
    assert_int_equal(s->wish.idle_min, PLAN_IDLE_MIN);
    pass(1);
    pass(PLAN_IDLE_MIN * 60);
    assert_int_equal(s->state, PLAN_STOPPED); /* it has never begun */
    s = make((struct plan_wish){.start = PLAN_AT, .at_min = 11 * 60, .idle_min = 60});
    list = make((struct plan_wish){.image = "b", .targets = PLAN_EXPECTED});
    pass(7200);
    assert_int_equal(s->state, PLAN_WAITING);    /* it waits for its hour */
    assert_int_equal(list->state, PLAN_RUNNING); /* a list has an end of its own */
}

/* Nor does one of a box that was off for a day; a short pause, and one that no clock can tell,
 * count anew. */
static void an_idle_session_of_a_box_that_was_off(void **state)
{
    static const struct {
        uint64_t later, boot;
        enum plan_state state;
    } c[] = {{86400, 2, PLAN_DONE},
             {86400, 1, PLAN_RUNNING},
             {600, 2, PLAN_RUNNING},
             {30 - NOON, 2, PLAN_RUNNING},
             {7 * 3600, 2, PLAN_RUNNING}};

    (void)state;
    for (size_t i = 0; i < sizeof c / sizeof *c; i++) {
        begin(NULL);
        plan.boot = 1;
        make((struct plan_wish){.idle_min = 60});
        pass(1);
        facts.needing = 1;
        for (unsigned k = 0; k < 12; k++)
            pass(i == 4 ? 1800 : 1); /* the last case: busy for six hours */
        facts.needing = 0;
        boot = c[i].boot;
        restart(NOON + c[i].later);
        boot = 0;
        pass(1);
        assert_int_equal(plan.session[0].state, c[i].state);
    }
}

static void words(void **state)
{
    (void)state;
    assert_int_equal(plan_clock_parse("22:00"), 22 * 60);
    assert_int_equal(plan_clock_parse("00:00"), 0);
    assert_int_equal(plan_clock_parse("23:59"), 1439);
    for (unsigned i = 0; i < 8; i++)
        assert_int_equal(plan_clock_parse((const char *[]){"", "2", "24:00", "12:60", "12:5",
                                                           "12:555", "1:00", "ab:cd"}[i]),
                         -1);
    assert_int_equal(plan_start_parse("quiet"), PLAN_QUIET);
    assert_int_equal(plan_start_parse("then"), PLAN_STARTS);
    assert_string_equal(plan_state_word(PLAN_SUSPENDED), "suspended");
}

/* ---- a night: many sessions, machines that come and go, orders, restarts, a clock that jumps ----
 */

static struct plan_facts of_image[20];

static void look_at_image(void *ctx, const struct plan_session *s, struct plan_facts *f)
{
    (void)ctx;
    *f = of_image[s->wish.image[0] - 'a'];
}

/* What must hold whatever has happened. `before` is each session's state before the step, by its
 * place. */
static void check_night(const struct plan_session before[PLAN_SESSIONS_MAX])
{
    for (unsigned i = 0; i < PLAN_SESSIONS_MAX; i++) {
        const struct plan_session *s = &plan.session[i], *was = &before[i];
        char buf[PLAN_SENTENCE];

        if (!s->id)
            continue;
        assert_true(strlen(plan_sentence(s, &now, buf)) > 10);
        for (unsigned j = 0; j < i; j++)
            assert_true(plan.session[j].id != s->id);
        if (plan_is_active(s))
            assert_ptr_equal(plan_of_image(&plan, s->wish.image), s); /* one image, one session */
        assert_true(plan_is_active(s) || s->ended || now.unix_s == 0);
        if (was->id != s->id || was->state != PLAN_WAITING || s->state != PLAN_RUNNING)
            continue;
        /* it has just started: its rule was met, and it was armed */
        assert_true(plan_is_armed(s, &now));
        if (s->wish.start == PLAN_READY)
            assert_true(s->facts.ready >= s->wish.ready);
        if (s->wish.start == PLAN_QUIET)
            assert_true(s->facts.ready &&
                        mono_sub(now.mono, s->facts.joined) >= s->wish.quiet_min * 60 * MONO_S);
        if (s->wish.start == PLAN_AT)
            assert_true(now.unix_s >= s->due);
    }
}

static void disturb(struct rng *r)
{
    unsigned image = (unsigned)rng_below(r, 20);
    struct plan_facts *f = &of_image[image];
    struct plan_wish w = {.image = {(char)('a' + image), 0},
                          .targets = rng_below(r, 4) == 0,
                          .start = rng_below(r, 4),
                          .ready = (uint16_t)(1 + rng_below(r, 6)),
                          .at_min = (uint16_t)rng_below(r, 1440),
                          .quiet_min = (uint16_t)(1 + rng_below(r, 10)),
                          .arm_min = (uint32_t)rng_below(r, 3) * 30};
    uint32_t id = (uint32_t)rng_below(r, plan.last_id + 2), made;

    switch (rng_below(r, 12)) {
    case 0:
    case 1:
        plan_create(&plan, &w, false, &now, &made, NULL);
        break;
    case 2:
        plan_stop(&plan, id, &now, NULL);
        break;
    case 3:
        plan_suspend(&plan, id, &now, NULL);
        break;
    case 4:
        plan_resume(&plan, id, &now, NULL);
        break;
    case 5:
        plan_start(&plan, id, &now, NULL);
        break;
    case 6:
        f->ready -= f->ready > 0;
        f->needing = f->ready;
        break;
    case 7:
        if (rng_below(r, 20) == 0)
            now.unix_s += rng_below(r, 200000);
        break;
    case 8:
        if (rng_below(r, 60) == 0)
            restart(now.unix_s + rng_below(r, 7200));
        break;
    default:
        f->ready++;
        f->needing = f->ready;
        f->listed = 3;
        f->left = (unsigned)rng_below(r, 4);
        f->joined = now.mono;
    }
}

static void a_night(uint64_t seed)
{
    static struct plan_session before[PLAN_SESSIONS_MAX];
    struct rng r = {seed};
    unsigned started = 0;

    begin(NULL);
    memset(of_image, 0, sizeof of_image);
    for (unsigned i = 0; i < 3000; i++) {
        int64_t pause = 1 + (int64_t)rng_below(&r, 30);

        disturb(&r);
        now.mono = mono_add(now.mono, pause * MONO_S);
        now.unix_s += (uint64_t)pause;
        memcpy(before, plan.session, sizeof before);
        plan_step(&plan, &now, look_at_image, NULL);
        check_night(before);
        for (unsigned k = 0; k < PLAN_SESSIONS_MAX; k++)
            started += before[k].state == PLAN_WAITING && plan.session[k].id == before[k].id &&
                       plan.session[k].state == PLAN_RUNNING;
    }
    assert_true(started > 10);
}

static void nights(void **state)
{
    const char *told = getenv("SEED");
    uint64_t seed = told ? strtoull(told, NULL, 0) : 0;

    (void)state;
    if (told) {
        a_night(seed);
        return;
    }
    for (seed = 1; seed <= 20; seed++) {
        print_message("# SEED=%llu build/unit/schedule_plan_test\n", (unsigned long long)seed);
        a_night(seed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(now_runs_at_once, begin),
        cmocka_unit_test_setup(so_many_machines, begin),
        cmocka_unit_test_setup(minutes_after_the_last, begin),
        cmocka_unit_test_setup(at_a_time, begin),
        cmocka_unit_test_setup(a_clock_that_is_set, begin),
        cmocka_unit_test_setup(a_clock_that_is_corrected, begin),
        cmocka_unit_test_setup(in_so_many_seconds, begin),
        cmocka_unit_test_setup(in_so_many_seconds_over_a_restart_of_the_core, begin),
        cmocka_unit_test_setup(in_so_many_seconds_over_a_night, begin),
        cmocka_unit_test_setup(drift_is_no_jump, begin),
        cmocka_unit_test_setup(orders, begin),
        cmocka_unit_test_setup(wishes_out_of_range, begin),
        cmocka_unit_test_setup(arming_ends, begin),
        cmocka_unit_test_setup(arming_is_not_the_clocks, begin),
        cmocka_unit_test_setup(restarts, begin),
        cmocka_unit_test_setup(restarts_with_a_dead_clock, begin),
        cmocka_unit_test_setup(values_of_the_journal, begin),
        cmocka_unit_test_setup(records_that_are_not_understood, begin),
        cmocka_unit_test_setup(who_takes_whom, begin),
        cmocka_unit_test_setup(a_list_that_is_through, begin),
        cmocka_unit_test_setup(an_idle_session_is_closed, begin),
        cmocka_unit_test_setup(an_idle_session_of_a_box_that_was_off, begin),
        cmocka_unit_test(words),
        cmocka_unit_test(nights),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
