/* The rows of the report: how they begin and end, over restarts of the core, with strangers and
 * with more than there is room for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "board/box/report/attempts.h"
#include "net/wire/rng.h"

static struct attempts s, again;
static struct attempt_clock now;

/* What a journal would hold: the last value of each key. */
static struct kept {
    uint8_t value[ATTEMPT_VALUE_MAX];
    size_t n;
} kept[ATTEMPTS_MAX + 1];
static unsigned puts_seen, began, ended;
static struct attempt told;

static void store(void *ctx, const uint8_t *key, size_t nkey, const uint8_t *value, size_t n)
{
    unsigned at = nkey == 1 ? ATTEMPTS_MAX : (unsigned)key[0] << 8 | key[1];

    (void)ctx;
    assert_true(n && n <= ATTEMPT_VALUE_MAX && at <= ATTEMPTS_MAX);
    memcpy(kept[at].value, value, n);
    kept[at].n = n;
    puts_seen++;
}

static void tell(void *ctx, const struct attempt *a)
{
    (void)ctx;
    assert_true(a->number);
    told = *a;
    began += a->result == ATTEMPT_RUNNING;
    ended += a->result != ATTEMPT_RUNNING;
}

/* Some seconds go by: rows that waited are stored. */
static void let_store(struct attempts *from)
{
    while (from->n_waiting)
        attempts_tick(from, now);
}

static void recall_into(struct attempts *to)
{
    let_store(&s);
    attempts_init(to);
    for (unsigned i = 0; i <= ATTEMPTS_MAX; i++) {
        const uint8_t key[2] = {(uint8_t)(i >> 8), (uint8_t)i}, run[1] = {0};

        if (kept[i].n)
            attempts_restore(to, i == ATTEMPTS_MAX ? run : key, i == ATTEMPTS_MAX ? 1 : 2,
                             kept[i].value, kept[i].n);
    }
    to->store = store;
    to->tell = tell;
    attempts_begin(to, now);
}

static int fresh(void **state)
{
    (void)state;
    attempts_init(&s);
    memset(kept, 0, sizeof kept);
    puts_seen = began = ended = 0;
    now = (struct attempt_clock){.unix_s = 1800000000, .up_s = 100};
    recall_into(&s);
    return 0;
}

static const uint8_t root[IMG_HASH_BYTES] = {7};
static const struct attempt_what what = {.name = "bench 3",
                                         .image = "debian",
                                         .version = "13.2",
                                         .root = root,
                                         .data_bytes = 1000000,
                                         .session = 9};

static struct session_receiver receiver(uint32_t i, uint64_t run)
{
    struct session_receiver r = {.used = true};

    memcpy(r.mac,
           (uint8_t[6]){2, 0, (uint8_t)(i >> 24), (uint8_t)(i >> 16), (uint8_t)(i >> 8),
                        (uint8_t)i},
           6);
    memcpy(r.id, &i, 4);
    memcpy(r.id + 4, &run, 4);
    return r;
}

static void event(struct attempts *to, enum session_happening h, const struct session_receiver *r)
{
    struct session_event e = {.what = h, .receiver = r};

    attempts_event(to, &e, &what, now);
}

static void beacon(struct attempts *to, struct session_receiver *r, enum session_state state,
                   uint16_t done)
{
    r->facts.state = state;
    r->facts.done = done;
    r->counter++;
    event(to, SESSION_STATE, r);
}

static const struct attempt *row_at(const struct attempts *from, unsigned i)
{
    static uint16_t rows[ATTEMPTS_MAX];
    unsigned n = attempts_list(from, rows);

    assert_true(i < n);
    return &from->row[rows[i]];
}

static unsigned rows_in(const struct attempts *from)
{
    static uint16_t rows[ATTEMPTS_MAX];

    return attempts_list(from, rows);
}

static void from_joining_to_pass(void **state)
{
    struct session_receiver r = receiver(1, 1);
    const struct attempt *a;

    (void)state;
    event(&s, SESSION_CAME, &r);
    assert_int_equal(rows_in(&s), 0); /* a hello is no attempt yet */
    assert_int_equal(puts_seen, 1);   /* the start of the core alone */
    now.unix_s += 2;
    now.up_s += 2;
    beacon(&s, &r, SESSION_MANIFEST, 0);
    assert_int_equal(began, 1);
    now.unix_s += 600;
    now.up_s += 600;
    r.facts.heard = 900000;
    r.facts.missed = 100000;
    r.facts.repaired = 4711;
    beacon(&s, &r, SESSION_RECEIVING, 4120);
    beacon(&s, &r, SESSION_VERIFYING, 10000);
    assert_false(attempt_read_back(row_at(&s, 0)));
    beacon(&s, &r, SESSION_PASS, 10000);
    beacon(&s, &r, SESSION_FAIL, 0); /* final */
    event(&s, SESSION_GONE, &r);
    a = row_at(&s, 0);
    assert_int_equal(a->number, 1);
    assert_int_equal(a->result, ATTEMPT_PASS);
    assert_int_equal(a->start.unix_s, 1800000000); /* when it joined */
    assert_int_equal(a->start.run, 1);
    assert_int_equal(a->start.up_s, 100);
    assert_int_equal(a->end.unix_s, 1800000602);
    assert_int_equal(a->bytes, 1000000);
    assert_int_equal(attempt_loss_ppm(a), 100000);
    assert_int_equal(a->repaired, 4711);
    assert_true(attempt_read_back(a));
    assert_string_equal(a->name, "bench 3");
    assert_string_equal(a->asset, "");
    assert_string_equal(a->version, "13.2");
    assert_memory_equal(a->root, root, sizeof root);
    assert_int_equal(ended, 1);
    assert_int_equal(puts_seen, 3); /* at the first beacon and at the end */
}

static void what_a_machine_says_of_itself_is_kept(void **state)
{
    struct session_receiver r = receiver(1, 1);

    (void)state;
    attempts_told(&s, r.id, "nobody", "", "");
    event(&s, SESSION_CAME, &r);
    attempts_told(&s, r.id, "PF1234", "Disk\n512", NULL);
    assert_int_equal(puts_seen, 1);
    beacon(&s, &r, SESSION_RECEIVING, 0);
    assert_string_equal(row_at(&s, 0)->machine_serial, "PF1234");
    assert_string_equal(row_at(&s, 0)->disk_model, "Disk\xef\xbf\xbd"
                                                   "512");
    attempts_told(&s, r.id, NULL, NULL, "S4EV");
    assert_int_equal(puts_seen, 3);
    attempts_told(&s, r.id, "PF1234", NULL, "S4EV"); /* no news */
    assert_int_equal(puts_seen, 3);
    recall_into(&again);
    assert_string_equal(row_at(&again, 0)->machine_serial, "PF1234");
    assert_string_equal(row_at(&again, 0)->disk_serial, "S4EV");
}

static void who_does_not_read_back_is_known(void **state)
{
    struct session_receiver r = receiver(1, 1);

    (void)state;
    r.facts.unread = true;
    beacon(&s, &r, SESSION_PASS, 10000);
    assert_int_equal(told.result, ATTEMPT_PASS);
    assert_false(attempt_read_back(&told));
    recall_into(&again);
    assert_false(attempt_read_back(row_at(&again, 0)));
}

static void what_a_machine_dropped_is_no_loss(void **state)
{
    struct session_receiver r = receiver(1, 1);

    (void)state;
    r.facts.heard = 900000;
    r.facts.missed = 100000;
    r.facts.drops = 60000;
    beacon(&s, &r, SESSION_PASS, 10000);
    recall_into(&again);
    for (const struct attempt *a = row_at(&s, 0);; a = row_at(&again, 0)) {
        assert_int_equal(a->missed, 40000);
        assert_int_equal(a->dropped, 60000);
        assert_int_equal(attempt_dropped_ppm(a), 60000);
        assert_int_equal(attempt_loss_ppm(a), UINT64_C(40000) * 1000000 / 940000);
        if (a == row_at(&again, 0))
            break;
    }
}

/* Versions of before did not keep what was dropped: that is not known, not none. A newer row is
 * nobody's to judge. */
static void rows_of_before_are_read(void **state)
{
    struct session_receiver r = receiver(1, 1);
    /* of the dropped packets */
    const size_t at = 1 + 4 + 3 + 6 + SESSION_ID_BYTES + 2 * 16 + 8 + 2 * 4;
    const uint8_t key[2] = {0, 0};
    struct kept *row = &kept[0];

    (void)state;
    r.facts.heard = 900;
    r.facts.missed = 107;
    r.facts.drops = 7;
    r.facts.repaired = 4711;
    beacon(&s, &r, SESSION_PASS, 10000);
    assert_int_equal(row_at(&s, 0)->session, 9);
    recall_into(&again);
    assert_int_equal(row_at(&again, 0)->session, 9);
    row->value[0] = 2;
    memmove(row->value + at + 12, row->value + at + 16, row->n - at - 16);
    row->n -= 4;
    recall_into(&again);
    assert_int_equal(row_at(&again, 0)->session, 0);
    assert_int_equal(row_at(&again, 0)->dropped, 7);
    row->value[0] = 1;
    memmove(row->value + at, row->value + at + 4, row->n - at - 4);
    row->n -= 4;
    recall_into(&again);
    assert_int_equal(row_at(&again, 0)->result, ATTEMPT_PASS);
    assert_int_equal(row_at(&again, 0)->missed, 100);
    assert_int_equal(row_at(&again, 0)->repaired, 4711);
    assert_string_equal(row_at(&again, 0)->version, "13.2");
    assert_int_equal(attempt_dropped_ppm(row_at(&again, 0)), ATTEMPT_UNKNOWN);
    row->value[0] = 0;
    attempts_init(&again);
    assert_int_equal(attempts_restore(&again, key, 2, row->value, row->n), TOLD_BROKEN);
    row->value[0] = 4;
    assert_int_equal(attempts_restore(&again, key, 2, row->value, row->n), TOLD_NEWER);
}

static const struct attempt *recalled[8];

static void on_recalled(void *ctx, const struct attempt *a)
{
    (void)ctx;
    assert_null(recalled[a->mac[5]]);
    recalled[a->mac[5]] = a;
}

/* Of each machine the newest attempt, over a restart of the core too; those that only said hello
 * are none. */
static void the_newest_attempts_are_recalled(void **state)
{
    struct session_receiver failed = receiver(1, 1), failed_once = receiver(2, 1),
                            passed = receiver(2, 2), hello = receiver(3, 1);

    (void)state;
    failed.facts.error = -902;
    beacon(&s, &failed, SESSION_FAIL, 0);
    beacon(&s, &failed_once, SESSION_FAIL, 0);
    beacon(&s, &passed, SESSION_PASS, 10000);
    event(&s, SESSION_CAME, &hello);
    recall_into(&again);
    memset(recalled, 0, sizeof recalled);
    attempts_recall(&again, on_recalled, NULL);
    assert_int_equal(recalled[1]->result, ATTEMPT_FAIL);
    assert_int_equal(recalled[1]->error, -902);
    assert_int_equal(recalled[1]->session, 9);
    assert_int_equal(recalled[2]->result, ATTEMPT_PASS);
    assert_null(recalled[3]);
}

static void a_failure_keeps_its_code(void **state)
{
    struct session_receiver r = receiver(1, 1);

    (void)state;
    event(&s, SESSION_CAME, &r);
    r.facts.error = -902;
    beacon(&s, &r, SESSION_FAIL, 120);
    assert_int_equal(told.result, ATTEMPT_FAIL);
    assert_int_equal(told.error, -902);
    assert_int_equal(told.bytes, 12000);
    assert_int_equal(attempt_loss_ppm(&told), ATTEMPT_UNKNOWN);
}

static void silence_is_a_loss_until_it_speaks(void **state)
{
    struct session_receiver r = receiver(1, 1);

    (void)state;
    event(&s, SESSION_CAME, &r);
    beacon(&s, &r, SESSION_RECEIVING, 100);
    event(&s, SESSION_GONE, &r);
    assert_int_equal(told.result, ATTEMPT_LOST);
    assert_int_equal(told.loss, ATTEMPT_SILENT);
    event(&s, SESSION_BACK, &r);
    assert_int_equal(row_at(&s, 0)->result, ATTEMPT_RUNNING);
    assert_int_equal(row_at(&s, 0)->end.run, 0);
    beacon(&s, &r, SESSION_LEAVING, 100);
    assert_int_equal(told.result, ATTEMPT_LEFT);
    assert_int_equal(rows_in(&s), 1);
}

/* Its session is taken away, and nobody says that it is gone. */
static void a_session_that_ends_takes_its_machines_along(void **state)
{
    struct session_receiver r = receiver(1, 1);

    (void)state;
    event(&s, SESSION_CAME, &r);
    beacon(&s, &r, SESSION_RECEIVING, 100);
    for (unsigned i = 0; i < 10; i++) {
        now.up_s += 100;
        r.facts.done = (uint16_t)(100 * i);
        attempts_refresh(&s, &r, &what, now);
        attempts_tick(&s, now);
        assert_int_equal(row_at(&s, 0)->bytes, 10000 * i);
    }
    now.up_s += 201;
    attempts_tick(&s, now);
    assert_int_equal(told.result, ATTEMPT_LOST);
    assert_int_equal(told.loss, ATTEMPT_SILENT);
}

static void joining_anew_ends_the_run_before(void **state)
{
    struct session_receiver a = receiver(1, 1), b = receiver(1, 2);

    (void)state;
    event(&s, SESSION_CAME, &a);
    beacon(&s, &a, SESSION_RECEIVING, 100);
    event(&s, SESSION_CAME, &b); /* a hello proves nothing */
    assert_int_equal(row_at(&s, 0)->result, ATTEMPT_RUNNING);
    beacon(&s, &b, SESSION_MANIFEST, 0);
    assert_int_equal(row_at(&s, 0)->result, ATTEMPT_LOST);
    assert_int_equal(row_at(&s, 0)->loss, ATTEMPT_ANEW);
    assert_int_equal(row_at(&s, 1)->result, ATTEMPT_RUNNING);
    assert_int_equal(row_at(&s, 1)->number, 2);
}

static void who_never_speaks_is_lost_and_not_kept(void **state)
{
    struct session_receiver a = receiver(1, 1), b = receiver(2, 1);

    (void)state;
    event(&s, SESSION_CAME, &a);
    event(&s, SESSION_CAME, &b);
    event(&s, SESSION_GONE, &b);
    now.up_s += 61;
    attempts_tick(&s, now);
    assert_int_equal(rows_in(&s), 2);
    assert_int_equal(row_at(&s, 0)->loss, ATTEMPT_MUTE);
    assert_int_equal(row_at(&s, 1)->loss, ATTEMPT_MUTE);
    assert_int_equal(row_at(&s, 0)->number, 0);
    assert_int_equal(puts_seen, 1);
    assert_int_equal(ended, 0);
    beacon(&s, &a, SESSION_RECEIVING, 1); /* after all */
    assert_int_equal(row_at(&s, 0)->number, 1);
    recall_into(&again);
    assert_int_equal(rows_in(&again), 1);
}

static void a_restart_is_a_pause(void **state)
{
    struct session_receiver a = receiver(1, 1), b = receiver(2, 1), c = receiver(3, 1);

    (void)state;
    beacon(&s, &a, SESSION_RECEIVING, 100);
    beacon(&s, &b, SESSION_RECEIVING, 100);
    beacon(&s, &c, SESSION_PASS, 10000);
    now.up_s = 5; /* the whole box: its time up begins anew */
    now.unix_s = 0;
    recall_into(&again);
    assert_int_equal(again.run, 2);
    assert_int_equal(rows_in(&again), 3);
    event(&again, SESSION_CAME, &a);
    now.up_s += 201;
    attempts_tick(&again, now);
    beacon(&again, &a, SESSION_VERIFYING, 10000);
    beacon(&again, &a, SESSION_PASS, 10000);
    assert_int_equal(row_at(&again, 0)->result, ATTEMPT_PASS);
    assert_int_equal(row_at(&again, 0)->start.run, 1);
    assert_int_equal(row_at(&again, 0)->end.run, 2);
    assert_int_equal(row_at(&again, 0)->end.unix_s, 0);
    assert_int_equal(row_at(&again, 0)->end.up_s, 206);
    assert_int_equal(row_at(&again, 1)->result, ATTEMPT_LOST);
    assert_int_equal(row_at(&again, 1)->loss, ATTEMPT_RESTARTED);
    assert_int_equal(row_at(&again, 2)->result, ATTEMPT_PASS);
    beacon(&again, &b, SESSION_PASS, 10000); /* it was only slow */
    assert_int_equal(row_at(&again, 1)->result, ATTEMPT_PASS);
    assert_int_equal(again.n_live, 0);
}

static void a_clock_before_any_box_is_no_clock(void **state)
{
    struct session_receiver a = receiver(1, 1);

    (void)state;
    now.unix_s = ATTEMPT_CLOCK_LEAST - 1;
    beacon(&s, &a, SESSION_PASS, 10000);
    assert_int_equal(told.start.unix_s, 0);
    assert_int_equal(told.end.unix_s, 0);
    assert_int_equal(told.end.run, 1);
}

/* Strangers who only say hello push out each other; machines push out the oldest that has ended. */
static void the_oldest_go_and_are_counted(void **state)
{
    struct session_receiver running = receiver(1, 1);

    (void)state;
    beacon(&s, &running, SESSION_RECEIVING, 1);
    for (uint32_t i = 2; i <= ATTEMPTS_MAX; i++) {
        struct session_receiver r = receiver(i, 1);

        beacon(&s, &r, SESSION_PASS, 10000);
    }
    assert_int_equal(attempts_dropped(&s), 0);
    for (uint32_t i = 0; i < 1000; i++) {
        struct session_receiver r = receiver(i, 99);

        event(&s, SESSION_CAME, &r);
    }
    assert_int_equal(attempts_dropped(&s), 1); /* the place of the first stranger */
    for (uint32_t i = 20000; i < 20010; i++) {
        struct session_receiver r = receiver(i, 1);

        beacon(&s, &r, SESSION_PASS, 10000);
    }
    assert_int_equal(attempts_dropped(&s), 10);
    assert_int_equal(row_at(&s, 0)->number, 1); /* it runs */
    assert_int_equal(row_at(&s, 0)->result, ATTEMPT_RUNNING);
    assert_int_equal(row_at(&s, 1)->number, 12);
    recall_into(&again);
    assert_int_equal(attempts_dropped(&again), 10);
    assert_int_equal(rows_in(&again), ATTEMPTS_MAX);
    assert_int_equal(again.last, s.last);
}

static void texts_become_plain(void **state)
{
    char to[9];

    (void)state;
    attempt_text(to, sizeof to, "a\x1b[31m");
    assert_string_equal(to, "a\xef\xbf\xbd[31m");
    attempt_text(to, sizeof to, "\xff\xc3");
    assert_string_equal(to, "\xef\xbf\xbd\xef\xbf\xbd");
    attempt_text(to, sizeof to, "1234567\xc3\xa4"); /* cut between characters */
    assert_string_equal(to, "1234567");
    attempt_text(to, sizeof to, NULL);
    assert_string_equal(to, "");
}

/* Every cut and every single-bit change of a stored row is refused or makes a row whose values are
 * legal. */
static void stored_rows_are_foreign_bytes(void **state)
{
    struct session_receiver r = receiver(1, 1);
    const uint8_t key[2] = {0, 0};
    uint8_t value[ATTEMPT_VALUE_MAX], changed[ATTEMPT_VALUE_MAX];
    size_t n;

    (void)state;
    beacon(&s, &r, SESSION_PASS, 10000);
    n = kept[0].n;
    memcpy(value, kept[0].value, n);
    assert_true(n > 100);
    for (size_t cut = 0; cut < n; cut++) {
        attempts_init(&again);
        attempts_restore(&again, key, 2, value, cut);
        assert_int_equal(again.used, 0);
    }
    for (size_t bit = 0; bit < n * 8; bit++) {
        memcpy(changed, value, n);
        changed[bit / 8] ^= (uint8_t)(1 << bit % 8);
        attempts_init(&again);
        attempts_restore(&again, key, 2, changed, n);
        assert_true(again.used <= 1 && (again.used == 0 || again.row[0].result < ATTEMPT_RESULTS));
    }
}

/* Random lives: after every step a table made from what was stored says the same of all that have a
 * number. */
static void what_is_stored_is_what_there_is(void **state)
{
    uint64_t seed = getenv("SEED") ? strtoull(getenv("SEED"), NULL, 10) : 4;
    struct rng rng = {seed};
    static struct session_receiver r[40];

    (void)state;
    print_message("again with SEED=%llu\n", (unsigned long long)seed);
    for (unsigned i = 0; i < 40; i++)
        r[i] = receiver(i % 10, i);
    for (unsigned step = 0; step < 3000; step++) {
        struct session_receiver *x = &r[rng_below(&rng, 40)];

        now.up_s += (uint32_t)rng_below(&rng, 20);
        switch (rng_below(&rng, 6)) {
        case 0:
            event(&s, SESSION_CAME, x);
            break;
        case 1:
            event(&s, SESSION_GONE, x);
            break;
        case 2:
            attempts_tick(&s, now);
            break;
        case 3:
            x->id[7]++;
            break;
        default:
            beacon(&s, x, (enum session_state)(1 + rng_below(&rng, 6)),
                   (uint16_t)rng_below(&rng, 10001));
        }
        if (step % 100)
            continue;
        recall_into(&again);
        kept[ATTEMPTS_MAX].n = 0;
        for (unsigned i = 0; i < ATTEMPTS_MAX; i++) {
            const struct attempt *a = &s.row[i], *b = &again.row[i];

            assert_int_equal(a->used && a->number, b->used);
            if (b->used) {
                assert_int_equal(a->number, b->number);
                assert_int_equal(a->result, b->result);
                assert_memory_equal(a->id, b->id, sizeof a->id);
                assert_memory_equal(&a->start, &b->start, sizeof a->start);
                assert_memory_equal(&a->end, &b->end, sizeof a->end);
            }
        }
    }
}

/* Five hundred machines a second that somebody invents: the disk gets twenty rows a second, and the
 * others later. */
static void stores_are_rationed(void **state)
{
    unsigned before;

    (void)state;
    for (unsigned second = 0; second < 6; second++) {
        attempts_tick(&s, now);
        before = puts_seen;
        for (uint32_t i = 0; i < 500; i++) {
            struct session_receiver r = receiver(second * 500 + i, 1);

            event(&s, SESSION_CAME, &r);
            beacon(&s, &r, SESSION_RECEIVING, 100);
            beacon(&s, &r, SESSION_PASS, 10000);
        }
        assert_true(puts_seen - before <= ATTEMPT_STORES);
        now.up_s++;
    }
    let_store(&s);
    assert_int_equal(rows_in(&s), 3000);
    recall_into(&again);
    assert_int_equal(rows_in(&again), 3000);
    assert_int_equal(row_at(&again, 2999)->result, ATTEMPT_PASS);
}

/* What waits is not kept: a PASS is not confirmed before its row is with the journal. */
static void a_row_that_waits_is_known(void **state)
{
    const unsigned last = ATTEMPT_STORES / 2; /* each is stored when it begins and when it ends */
    const uint8_t nobody[SESSION_ID_BYTES] = {99};
    uint8_t key[ATTEMPT_KEY_BYTES];

    (void)state;
    assert_int_equal(attempts_stored(&s, nobody, key), ATTEMPT_NO_ROW);
    for (uint32_t i = 0; i <= last; i++) {
        struct session_receiver r = receiver(i, 1);

        event(&s, SESSION_CAME, &r);
        assert_int_equal(attempts_stored(&s, r.id, key), ATTEMPT_NO_ROW);
        beacon(&s, &r, SESSION_PASS, 10000);
        assert_int_equal(attempts_stored(&s, r.id, key), i < last ? ATTEMPT_STORED : ATTEMPT_WAITS);
    }
    assert_int_equal(kept[last].n, 0);
    attempts_tick(&s, now);
    assert_int_equal(attempts_stored(&s, receiver(last, 1).id, key), ATTEMPT_STORED);
    assert_int_equal((unsigned)key[0] << 8 | key[1], last);
    assert_true(kept[last].n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_row_that_waits_is_known, fresh),
        cmocka_unit_test_setup(from_joining_to_pass, fresh),
        cmocka_unit_test_setup(stores_are_rationed, fresh),
        cmocka_unit_test_setup(what_a_machine_says_of_itself_is_kept, fresh),
        cmocka_unit_test_setup(who_does_not_read_back_is_known, fresh),
        cmocka_unit_test_setup(what_a_machine_dropped_is_no_loss, fresh),
        cmocka_unit_test_setup(rows_of_before_are_read, fresh),
        cmocka_unit_test_setup(the_newest_attempts_are_recalled, fresh),
        cmocka_unit_test_setup(a_failure_keeps_its_code, fresh),
        cmocka_unit_test_setup(silence_is_a_loss_until_it_speaks, fresh),
        cmocka_unit_test_setup(a_session_that_ends_takes_its_machines_along, fresh),
        cmocka_unit_test_setup(joining_anew_ends_the_run_before, fresh),
        cmocka_unit_test_setup(who_never_speaks_is_lost_and_not_kept, fresh),
        cmocka_unit_test_setup(a_restart_is_a_pause, fresh),
        cmocka_unit_test_setup(a_clock_before_any_box_is_no_clock, fresh),
        cmocka_unit_test_setup(the_oldest_go_and_are_counted, fresh),
        cmocka_unit_test_setup(texts_become_plain, fresh),
        cmocka_unit_test_setup(stored_rows_are_foreign_bytes, fresh),
        cmocka_unit_test_setup(what_is_stored_is_what_there_is, fresh),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
