/* The journal, and what the box decides by it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "board/box/store/journal.h"
#include "board/box/store/memory.h"
#include "board/box/orders/room.h"
#include "net/wire/must.h"
#include "tests/campaign/faults.h"

#define KEYS 12
#define PUT_BYTES 300

/* ---- values of the journal ---- */

struct values {
    uint32_t of[KEYS]; /* 0: none */
};

static struct values before, may, must;
static bool said; /* the life with the trouble has found a loss itself: the box was on hold */

static const char *journal_path(const struct place *p, char to[96])
{
    snprintf(to, 96, "%s/journal", p->data);
    return to;
}

static enum told take_value(void *ctx, uint8_t kind, const uint8_t *key, size_t nkey,
                            const uint8_t *value, size_t n)
{
    struct values *v = ctx;

    assert_true(kind == JOURNAL_MACHINE && nkey == 1 && *key < KEYS && n >= 4);
    memcpy(&v->of[*key], value, 4);
    return TOLD_KNOWN;
}

static bool put_value(struct journal *j, uint8_t key, uint32_t value)
{
    uint8_t bytes[PUT_BYTES] = {0};

    memcpy(bytes, &value, 4);
    return journal_put(j, JOURNAL_MACHINE, &key, 1, bytes, 4 + value % 250) == 0;
}

/* Waits until it is kept, or the disk has refused it. */
static bool is_kept(struct journal *j, uint8_t key)
{
    for (unsigned i = 0; i < 2000 && journal_works(j); i++) {
        if (journal_kept(j, JOURNAL_MACHINE, &key, 1))
            return true;
        usleep(50);
    }
    return false;
}

static void values_prepare(struct place *p)
{
    struct journal *j;
    char path[96];

    before = may = must = (struct values){{0}};
    said = false;
    assert_int_equal(journal_open(&j, journal_path(p, path), NULL), 0);
    assert_int_equal(journal_begin(j, NULL), 0);
    for (uint8_t i = 0; i < KEYS - 2; i++) {
        before.of[i] = 1 + (uint32_t)rng_below(&p->rng, 100000);
        assert_true(put_value(j, i, before.of[i]));
    }
    journal_close(j);
    may = before;
}

static void put_and_ask(struct journal *j, struct place *p)
{
    for (unsigned i = 0; i < 6; i++) {
        uint8_t key = (uint8_t)rng_below(&p->rng, KEYS - 1);
        uint32_t value = 200000 + (uint32_t)rng_below(&p->rng, 100000);

        if (!put_value(j, key, value))
            continue;
        may.of[key] = value;
        must.of[key] = 0; /* what was kept is another value now */
        if (i % 2 && is_kept(j, key))
            must.of[key] = value;
    }
}

static void values_live(struct place *p, bool anew)
{
    struct values told = {{0}};
    struct journal *j;
    char path[96];

    if (journal_open(&j, journal_path(p, path), NULL))
        return;
    said = journal_found(j).was != JOURNAL_INTACT;
    journal_tell(j, take_value, &told);
    if (anew) /* what is put before the beginning makes the file anew */
        may.of[KEYS - 1] = put_value(j, KEYS - 1, 77) ? 77 : 0;
    if (journal_begin(j, NULL) == 0) {
        journal_run(j);
        put_and_ask(j, p);
    }
    journal_close(j);
}

static void values_append(struct place *p)
{
    values_live(p, false);
}

static void values_rewrite(struct place *p)
{
    values_live(p, true);
}

static void values_judge(struct place *p)
{
    struct values now = {{0}};
    struct journal *j;
    char path[96];
    bool intact;

    assert_int_equal(journal_open(&j, journal_path(p, path), NULL), 0);
    intact = journal_found(j).was == JOURNAL_INTACT;
    assert_true(journal_found(j).was != JOURNAL_NEW);
    if (!p->lies && !said && !intact)
        fail_msg("a hold for nothing: %zu bytes are said to be lost", journal_found(j).lost);
    journal_tell(j, take_value, &now);
    for (unsigned key = 0; intact && !said && !place_is_hopeless(p) && key < KEYS; key++) {
        bool right = must.of[key] ? now.of[key] == must.of[key]
                                  : now.of[key] == before.of[key] || now.of[key] == may.of[key] ||
                                        now.of[key] >= 200000;

        if (!right)
            fail_msg("key %u is %u, was %u, put %u, kept %u", key, now.of[key], before.of[key],
                     may.of[key], must.of[key]);
    }
    journal_close(j);
}

/* ---- the box's decision ---- */

#define MACHINES 12

static struct box {
    struct box_config config;
    struct sign_key key;
    struct memory memory;
    struct machines *machines;
    struct serve serve;
    struct stream streams[1];
    struct session_receiver rows[8];
    struct room *room;
} box;

static char config_path[96];  /* "": none */
static bool passed[MACHINES]; /* and was told so */
static bool stopped;          /* the session, and the order is kept */
static bool was_held;

static void mac_of(unsigned who, uint8_t mac[6])
{
    memcpy(mac, (uint8_t[6]){0x52, 0x54, 0, 0, 0, (uint8_t)who}, 6);
}

static bool store(void *ctx, uint8_t kind, const uint8_t *key, size_t nkey, const uint8_t *value,
                  size_t n)
{
    (void)ctx;
    return memory_put(&box.memory, kind, key, nkey, value, n);
}

static void store_machine(void *ctx, const uint8_t mac[6], const uint8_t *value, size_t n)
{
    (void)store(ctx, JOURNAL_MACHINE, mac, 6, value, n);
}

static enum told restore(void *ctx, uint8_t kind, const uint8_t *key, size_t nkey,
                         const uint8_t *value, size_t n)
{
    (void)ctx;
    return kind == JOURNAL_MACHINE ? machines_restore(box.machines, key, nkey, value, n)
                                   : room_restore(box.room, kind, key, nkey, value, n);
}

/* In the order in which the box does it. */
static void box_start(const struct place *p, bool first)
{
    struct room_needs needs = {.config = &box.config,
                               .key = &box.key,
                               .machines = box.machines,
                               .hold = &box.memory.hold,
                               .serve = &box.serve,
                               .store = store,
                               .config_path = config_path[0] ? config_path : NULL};

    if (!box.machines)
        box.machines = calloc(1, sizeof *box.machines);
    MUST(box.machines);
    needs.machines = box.machines;
    box_config_defaults(&box.config);
    memory_open(&box.memory, p->data, !first, !first);
    machines_init(box.machines, false, store_machine, NULL);
    memset(&box.serve, 0, sizeof box.serve);
    memset(box.streams, 0, sizeof box.streams);
    box.serve.streams = box.streams;
    box.serve.n_streams = 1;
    box.streams[0].session = (struct session_image){.rows = box.rows, .n_rows = 8};
    strcpy(box.streams[0].session.name, "debian");
    assert_int_equal(session_server_add(&box.serve.server, &box.streams[0].session), 0);
    box.room = room_make(&needs);
    MUST(box.room);
    memory_tell(&box.memory, restore, NULL);
}

static void box_stop(void)
{
    room_close(box.room);
    memory_close(&box.memory);
}

/* What a machine is told: PASS counts when its row is kept. */
static void machine_passes(unsigned who)
{
    const struct machine_got got = room_got(box.room, 0);
    uint8_t mac[6];

    mac_of(who, mac);
    machine_prove(box.machines, mac, 1);
    (void)machine_done(box.machines, mac, &got, 1);
    for (unsigned i = 0;
         box.memory.journal && i < 2000 && journal_works(box.memory.journal) && !passed[who]; i++) {
        passed[who] = memory_kept(&box.memory, JOURNAL_MACHINE, mac, 6);
        if (!passed[who])
            usleep(50);
    }
}

static void box_prepare(struct place *p)
{
    struct room_order o = {.kind = ROOM_CREATE, .wish = {.image = "debian"}};
    struct room_answer answer;

    memset(passed, 0, sizeof passed);
    stopped = was_held = false;
    box_start(p, true);
    assert_false(hold_is(&box.memory.hold));
    assert_int_equal(room_order(box.room, &o, &answer), 0);
    for (unsigned who = 0; who < 3; who++)
        machine_passes(who);
    for (unsigned who = 0; who < 3; who++)
        assert_true(passed[who]);
    box_stop();
}

static void live_passing(struct place *p)
{
    box_start(p, false);
    for (unsigned who = 3; who < 8; who++)
        if (rng_below(&p->rng, 3))
            machine_passes(who);
    memory_look(&box.memory);
    was_held = hold_is(&box.memory.hold);
    box_stop();
}

static void live_stopping(struct place *p)
{
    struct room_order o = {.kind = ROOM_STOP, .session = 1};
    struct room_answer answer;
    const uint8_t key[4] = {0, 0, 0, 1};

    box_start(p, false);
    machine_passes(4);
    if (room_order(box.room, &o, &answer) == 0 && box.memory.journal)
        for (unsigned i = 0; i < 2000 && journal_works(box.memory.journal) && !stopped;
             i++, usleep(50))
            stopped = journal_kept(box.memory.journal, JOURNAL_PLAN, key, sizeof key);
    machine_passes(5);
    was_held = hold_is(&box.memory.hold);
    box_stop();
}

static void box_judge(struct place *p)
{
    uint8_t mac[6];

    box_start(p, false);
    for (unsigned who = 0; who < MACHINES && !place_is_hopeless(p); who++) {
        mac_of(who, mac);
        if ((passed[who] || stopped) && room_wants_imaging(box.room, mac))
            fail_msg("machine %u %s, and is erased", who,
                     passed[who] ? "has passed" : "has no session");
    }
    if (!p->lies && !was_held && hold_is(&box.memory.hold)) {
        char text[HOLD_SENTENCE];

        fail_msg("a hold for nothing: %s", hold_sentence(&box.memory.hold, text));
    }
    box_stop();
}

/* ---- no memory yet ---- */

/* The box's first start: whatever becomes of it, the next one arms nobody. */
static void nothing_yet(struct place *p)
{
    (void)p;
    memset(passed, 0, sizeof passed);
    stopped = was_held = false;
}

static void first_start(struct place *p)
{
    box_start(p, true);
    machine_passes(1);
    was_held = hold_is(&box.memory.hold);
    box_stop();
}

static void first_judge(struct place *p)
{
    uint8_t mac[6];

    box_start(p, true); /* the key is made when the memory is there */
    for (unsigned who = 0; who < MACHINES; who++) {
        mac_of(who, mac);
        assert_false(room_wants_imaging(box.room, mac));
    }
    box_stop();
}

/* ---- the list of expected machines ---- */

static const char old_list[] = "52:54:00:00:00:01\n52:54:00:00:00:02\n52:54:00:00:00:03\n";
static const char new_list[] = "52:54:00:00:00:01,,,,debian\n52:54:00:00:00:02,,,,windows\n52:54:"
                               "00:00:00:03,,,,windows\n52:54:00:00:00:04,,,,debian\n";

static void list_at(const struct place *p, const char *text)
{
    char path[96];

    snprintf(config_path, sizeof config_path, "%s/ringcast.conf", p->data);
    snprintf(path, sizeof path, "%s/machines.csv", p->data);
    if (text)
        faults_put_file(path, text, strlen(text));
}

/* The one or the other, to its last byte. */
static void expect_list(bool may_be_old)
{
    const struct expected *list = room_expected(box.room);

    if (may_be_old && list->n == 3)
        return;
    assert_int_equal(list->n, 4);
    for (unsigned i = 0; i < 4; i++)
        assert_string_equal(list->row[i].image, i % 3 ? "windows" : "debian");
}

static void list_prepare(struct place *p)
{
    list_at(p, old_list);
    stopped = was_held = false;
    memset(passed, 0, sizeof passed);
    box_start(p, true);
    room_open(box.room, NULL, NULL);
    assert_int_equal(room_expected(box.room)->n, 3);
    box_stop();
    list_at(p, new_list);
}

static void list_live(struct place *p)
{
    list_at(p, NULL);
    box_start(p, false);
    room_open(box.room, NULL, NULL);
    if (!hold_is(&box.memory.hold))
        expect_list(true);
    box_stop();
}

static void list_judge(struct place *p)
{
    list_at(p, NULL);
    box_start(p, false);
    room_open(box.room, NULL, NULL);
    if (!p->lies || !hold_is(&box.memory.hold))
        expect_list(false);
    box_stop();
    config_path[0] = 0;
}

const struct scenario faults_memory[] = {
    {.name = "journal",
     .part = "",
     .prepare = values_prepare,
     .act = values_append,
     .judge = values_judge},
    {.name = "journal-anew",
     .part = "",
     .prepare = values_prepare,
     .act = values_rewrite,
     .judge = values_judge},
    {.name = "box-passes",
     .part = "",
     .prepare = box_prepare,
     .act = live_passing,
     .judge = box_judge},
    {.name = "box-stops",
     .part = "",
     .prepare = box_prepare,
     .act = live_stopping,
     .judge = box_judge},
    {.name = "list", .part = "", .prepare = list_prepare, .act = list_live, .judge = list_judge},
    {.name = "box-first",
     .part = "",
     .prepare = nothing_yet,
     .act = first_start,
     .judge = first_judge},
    {0},
};
