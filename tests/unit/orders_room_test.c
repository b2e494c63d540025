/* Orders for the room: what they do to streams and machines. */
#include "tests/unit/orders_room.h"

static void without_a_session_nobody_is_erased(void **state)
{
    (void)state;
    assert_false(wants(1));
    assert_true(streams[0].session.held && streams[1].session.held);
    serve.server.preferred = 1;
    assert_int_equal(hello(1, ""), -1);
    assert_string_equal(refusal, "no session takes machines now; one can be started at the box");
    assert_int_equal(hello(2, "windows"), -1);
    assert_string_equal(refusal,
                        "this machine is to get windows, and no session of it takes machines now");
    assert_int_equal(list("52:54:00:00:00:03,,,,windows\n"), 0); /* the list chooses, no more */
    strcpy(config.boot.image, "debian");                         /* and so does ringcast.conf */
    assert_int_equal(hello(3, ""), -1);
    assert_int_equal(hello(4, ""), -1);
    room_step(room, (struct mono){2000 * MONO_S});
    assert_false(streams[0].session.running || streams[1].session.running);
    screen_says("No session takes machines now: none is erased.");
    assert_int_equal(create((struct plan_wish){.image = "windows"}), 0);
    assert_true(wants(2));
    assert_int_equal(hello(2, ""), 1);
}

/* A session waits for an image that is being checked, and so do its machines; what is refused has
 * no session. */
static void machines_wait_for_an_image_that_is_checked(void **state)
{
    (void)state;
    assert_int_equal(create((struct plan_wish){.image = "bad"}), PLAN_EIMAGE);
    assert_non_null(strstr(answer.text, "bad is not given out: chunk 7"));
    assert_int_equal(create((struct plan_wish){.image = "none"}), PLAN_EIMAGE);
    assert_int_equal(person_says(1, "bad"), -1);
    assert_string_equal(refusal, "bad is not given out: chunk 7");
    assert_int_equal(create((struct plan_wish){.image = "new"}), 0);
    assert_true(wants(1));
    assert_int_equal(hello(1, ""), -1);
    assert_string_equal(refusal, "new is being checked, 40 %");
    assert_int_equal(refusal_code, SESSION_REFUSE_WAIT);
    strcpy(streams[1].session.name, "new"); /* it is given out from here on */
    assert_int_equal(hello(1, ""), 1);
}

/* A person at a machine who restores it needs no session, and takes no machine along. */
static void a_person_needs_no_session(void **state)
{
    (void)state;
    assert_int_equal(person_says(1, "debian"), 0);
    assert_true(streams[0].session.running);
    assert_int_equal(hello(2, ""), -1);
    room_step(room, (struct mono){2000 * MONO_S});
    beacon(1, SESSION_RECEIVING, true);
    assert_true(streams[0].session.running && !rows[0][0].stopped);
    assert_int_equal(list("52:54:00:00:00:03,,,,windows\n52:54:00:00:00:04,,,,plan9\n"), 0);
    assert_int_equal(person_says(3, ""), 1);
    assert_int_equal(person_says(4, ""), -1);
    assert_string_equal(refusal, "this machine is to get plan9, which the box does not have");
    assert_int_equal(person_says(3, "debian"), 0);
    assert_int_equal(create((struct plan_wish){.image = "debian", .start = PLAN_READY, .ready = 4}),
                     0);
    /* nobody who waits for the session hears the stream before it */
    assert_false(streams[0].session.running);
    assert_int_equal(order((struct room_order){.kind = ROOM_STOP, .session = 1}), 0);
    /* and who was there without it goes on */
    assert_true(streams[0].session.running && !rows[0][0].stopped);
    beacon(1, SESSION_PASS, true);
    room_step(room, (struct mono){2001 * MONO_S});
    assert_true(streams[0].session.needing == 1); /* machine 3 */
}

/* After a restart of the core the person's machine is known by its beacons alone. */
static void a_person_goes_on_over_a_restart(void **state)
{
    (void)state;
    beacon(1, SESSION_RECEIVING, true);
    assert_true(streams[0].session.running);
    beacon(2, SESSION_RECEIVING, false);
    told(2);
    room_step(room, (struct mono){2000 * MONO_S});
    session_server_tick(&serve.server, (struct mono){1001 * MONO_S});
    assert_true(streams[0].session.running && !rows[0][0].stopped && rows[0][1].stopped);
}

/* The handshake knows what the boot answer knows. */
static void a_machine_that_is_done_is_not_let_in(void **state)
{
    uint8_t mac[6];

    (void)state;
    mac_of(1, mac);
    assert_int_equal(create((struct plan_wish){.image = "debian"}), 0);
    machine_done(&machines, mac, &(struct machine_got){1, ""}, 1);
    assert_false(wants(1));
    assert_int_equal(hello(1, ""), -1);
    assert_string_equal(
        refusal,
        "this machine has been imaged in this session, and nobody has armed it again at the box");
    assert_int_equal(ask(1), -1);
    assert_string_equal(
        refusal,
        "this machine has been imaged in this session, and nobody has armed it again at the box");
    assert_int_equal(person_says(1, ""), 0);
    assert_int_equal(order((struct room_order){.kind = ROOM_ARM, .mac = {0x52, 0x54, 0, 0, 0, 1}}),
                     0);
    assert_int_equal(ask(1), 0);
    assert_int_equal(hello(1, ""), 0);
}

static void a_session_is_made_run_and_stopped(void **state)
{
    (void)state;
    assert_int_equal(create((struct plan_wish){.image = "plan9"}), PLAN_EIMAGE);
    assert_string_equal(answer.text, "expected the name of an image of the box, got \"plan9\"");
    assert_int_equal(create((struct plan_wish){.image = "debian", .start = PLAN_READY}),
                     PLAN_EVALUE);
    assert_int_equal(create((struct plan_wish){.image = "debian", .targets = PLAN_EXPECTED}),
                     PLAN_ENOLIST);
    assert_int_equal(create((struct plan_wish){
                         .image = "debian", .start = PLAN_READY, .ready = 2, .rate = 5000000}),
                     0);
    assert_int_equal(answer.session, 1);
    assert_string_equal(answer.text, "debian: starts when 2 machines are ready, 0 are there; then "
                                     "it erases the disk of every machine "
                                     "that boots from this switch; idle, it ends in 4 h 0 min");
    screen_says("debian: starts when 2 machines are ready");
    assert_true(streams[0].session.held && streams[1].session.held);
    assert_false(streams[0].steered);
    assert_int_equal(streams[0].fixed, 5000000);
    assert_true(streams[1].steered);
    assert_int_equal(hello(1, ""), 0);
    assert_false(streams[0].session.running);
    assert_int_equal(hello(2, "windows"), -1);
    assert_string_equal(refusal,
                        "this machine is to get windows, and no session of it takes machines now");
    assert_int_equal(order((struct room_order){.kind = ROOM_START, .session = 1}), 0);
    assert_true(streams[0].session.running);
    assert_int_equal(order((struct room_order){.kind = ROOM_SUSPEND, .session = 1}), 0);
    assert_false(streams[0].session.running);
    restart(n_writes);
    room_step(room, (struct mono){3000 * MONO_S});
    assert_true(streams[0].session.held);
    assert_int_equal(order((struct room_order){.kind = ROOM_RESUME, .session = 1}), 0);
    assert_true(streams[0].session.running);
    assert_int_equal(order((struct room_order){.kind = ROOM_STOP, .session = 1}), 0);
    assert_false(streams[0].session.running);
    screen_says("No session takes machines now");
    assert_false(wants(3));
    assert_int_equal(hello(3, ""), -1);
    assert_string_equal(refusal, "no session takes machines now; one can be started at the box");
    assert_int_equal(hello(1, ""), 0); /* it is in the middle of it, and waits */
    assert_int_equal(order((struct room_order){.kind = ROOM_STOP, .session = 9}), PLAN_EUNKNOWN);
}

/* ---- what is a machine's own ---- */

static char beside[64], personal[96];

/* The box has a configuration, and a file for all machines beside it. */
static void with_a_file(void)
{
    char path[128];
    int fd;

    strcpy(beside, "/tmp/room-own-XXXXXX");
    assert_non_null(mkdtemp(beside));
    snprintf(personal, sizeof personal, "%s/personal", beside);
    assert_int_equal(mkdir(personal, 0700), 0);
    snprintf(path, sizeof path, "%s/ext4", personal);
    assert_int_equal(mkdir(path, 0700), 0);
    snprintf(path, sizeof path, "%s/ext4/note", personal);
    fd = open(path, O_WRONLY | O_CREAT, 0600);
    assert_true(fd >= 0 && write(fd, "mine", 4) == 4 && close(fd) == 0);
    strcat(beside, "/ringcast.conf");
    config_path = beside;
    restart(0);
    assert_int_equal(create((struct plan_wish){.image = "debian"}), 0);
}

static void without_the_file(void)
{
    char command[256];

    *strrchr(beside, '/') = 0;
    snprintf(command, sizeof command, "rm -rf %s", beside);
    assert_int_equal(system(command), 0);
}

/* The files are read and the answer is signed elsewhere: when the question comes it is not there
 * yet. */
static void its_own_is_made_by_a_job(void **state)
{
    static struct own o;
    uint8_t hash[IMG_HASH_BYTES];

    (void)state;
    with_a_file();
    assert_int_equal(ask(7), 0);
    assert_true(waits > 0);
    assert_true(own_decode(&o, reply.u.own.bytes, reply.u.own.n));
    assert_int_equal(o.n, 1);
    assert_memory_equal(o.file[0].bytes, "mine", 4);
    own_hash(&message.u.ask, reply.u.own.bytes, reply.u.own.n, hash);
    assert_true(sign_hash_right(key.pub, hash, reply.u.own.signature));
    without_the_file();
}

/* A machine whose files cannot be read is told so, and never that there are none. */
static void files_that_cannot_be_read_refuse(void **state)
{
    char path[128], away[128];
    int fd;

    (void)state;
    with_a_file();
    snprintf(path, sizeof path, "%s/ext4", personal);
    snprintf(away, sizeof away, "%s/away", personal);
    assert_int_equal(rename(path, away), 0);
    fd = open(path, O_WRONLY | O_CREAT, 0600); /* no folder */
    assert_true(fd >= 0 && close(fd) == 0);
    assert_int_equal(ask(7), -1);
    assert_non_null(strstr(refusal, "cannot be read"));
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rename(away, path), 0);
    assert_int_equal(ask(7), 0); /* the refusal is not kept */
    assert_true(reply.u.own.n > 4);
    without_the_file();
}

/* More machines ask at once than there are places: each is answered in the end, with its own. */
static void a_crowd_asks(void **state)
{
    static bool told[200];
    unsigned n_told = 0, refused = 0;

    (void)state;
    with_a_file();
    while (n_told < 200)
        for (unsigned who = 0; who < 200; who++) {
            struct session_ask a = {.id = {(uint8_t)who, 1}};
            static struct session_own answer_to;
            char why[SESSION_SENTENCE_MAX + 1] = "";
            uint8_t hash[IMG_HASH_BYTES];
            int rc;

            mac_of(who, a.mac);
            rc = told[who] ? 0 : room_own(room, &a, &answer_to, why);
            assert_true(rc == 0 || rc == SESSION_EWAIT || rc == PC_EFULL);
            refused += rc == PC_EFULL;
            if (rc || told[who]) {
                jobs_take(jobs);
                continue;
            }
            own_hash(&a, answer_to.bytes, answer_to.n, hash);
            assert_true(sign_hash_right(key.pub, hash, answer_to.signature));
            told[who] = true;
            n_told++;
        }
    assert_true(refused > 0);
    without_the_file();
}

static void two_at_once_and_a_list(void **state)
{
    (void)state;
    assert_int_equal(list("mac,name\n52:54:00:00:00:01\n52:54:00:00:00:02,,,,windows\n"), 0);
    assert_int_equal(answer.n, 2);
    assert_int_equal(create((struct plan_wish){.image = "debian", .targets = PLAN_EXPECTED}), 0);
    assert_true(wants(1));
    assert_string_equal(answer.text, "debian: erases the disks of the 1 machine of the list that "
                                     "boot from this switch; 1 still to pass");
    assert_false(wants(2)); /* its image has no session yet */
    assert_false(wants(3));
    assert_int_equal(hello(3, ""), -1);
    assert_string_equal(refusal, "this machine is not on the list of expected machines");
    /* the first line names no image */
    assert_int_equal(create((struct plan_wish){.image = "windows"}), PLAN_ESAME);
    assert_string_equal(answer.text, "session 1 gives out debian to the same machines and is "
                                     "running: stop it first, or name the image of each "
                                     "machine in the list");
    assert_int_equal(create((struct plan_wish){.image = "windows", .targets = PLAN_NAMED}), 0);
    assert_int_equal(order((struct room_order){.kind = ROOM_STOP, .session = 2}), 0);
    assert_int_equal(list("52:54:00:00:00:01,,,,debian\n52:54:00:00:00:02,,,,windows\n"), 0);
    assert_int_equal(create((struct plan_wish){.image = "windows"}), 0);
    assert_true(wants(2));
    assert_int_equal(hello(2, ""), 1);
    assert_int_equal(hello(1, ""), 0);
    assert_int_equal(hello(3, ""), 1); /* whoever comes gets the image of the session for all */
    assert_int_equal(expected_missing(room_expected(room)), 0);
    /* a list must not make two sessions want one machine */
    assert_int_equal(list("52:54:00:00:00:01\n52:54:00:00:00:07\n"), PLAN_ESAME);
    assert_int_equal(room_expected(room)->n, 2);
    assert_int_equal(create((struct plan_wish){.image = "debian"}), PLAN_EBUSY);
    assert_int_equal(list("52:54:00:00:00:01,,,,debian\n52:54:00:00:00:07,,,,debian\n"), 0);
    assert_int_equal(expected_missing(room_expected(room)), 1);
    assert_true(list("nonsense\n") < 0);
    assert_int_equal(room_expected(room)->n, 2); /* the old one stays */
}

/* Two sessions for all want the same machines. */
static void two_for_all(void **state)
{
    (void)state;
    assert_int_equal(create((struct plan_wish){.image = "debian"}), 0);
    assert_int_equal(create((struct plan_wish){.image = "windows"}), PLAN_ESAME);
    assert_non_null(strstr(answer.text, "session 1 gives out debian"));
    assert_int_equal(order((struct room_order){.kind = ROOM_STOP, .session = 1}), 0);
    assert_int_equal(create((struct plan_wish){.image = "windows"}), 0);
}

/* Those that passed before a session was made are taken by it; those that have its image only where
 * it is told to. */
static void a_new_session_means_what_it_says(void **state)
{
    (void)state;
    streams[0].file.head.root[0] = 1;
    streams[1].file.head.root[0] = 2;
    assert_int_equal(create((struct plan_wish){.image = "debian"}), 0);
    passes(1, 0);
    passes(2, 0);
    assert_false(wants(1));
    assert_int_equal(hello(1, ""), -1);
    assert_string_equal(
        refusal,
        "this machine has been imaged in this session, and nobody has armed it again at the box");
    assert_int_equal(order((struct room_order){.kind = ROOM_STOP, .session = 1}), 0);
    assert_int_equal(create((struct plan_wish){.image = "debian"}), 0);
    assert_non_null(strstr(answer.text, "; 2 that have this image already are left out"));
    assert_false(wants(1));
    assert_int_equal(hello(1, ""), -1);
    assert_string_equal(
        refusal, "this machine has been imaged before, and nobody has armed it again at the box");
    assert_int_equal(order((struct room_order){.kind = ROOM_STOP, .session = 2}), 0);
    assert_int_equal(create((struct plan_wish){.image = "debian", .include = true}), 0);
    assert_non_null(strstr(answer.text, "; also the 2 that have it already"));
    assert_true(wants(1) && wants(2));
    passes(1, 0);
    assert_false(wants(1)); /* once a session */
    assert_int_equal(order((struct room_order){.kind = ROOM_STOP, .session = 3}), 0);
    assert_int_equal(create((struct plan_wish){.image = "windows"}), 0);
    assert_null(strstr(answer.text, "already"));
    assert_true(wants(1) && wants(2)); /* they have another image */
    assert_int_equal(hello(1, ""), 1);
    restart(n_writes);
    passes(2, 1);
    restart(n_writes);
    assert_false(wants(2)); /* the session goes on over a restart, and so does who passed in it */
    streams[0].file.head.root[0] = 0;
    assert_int_equal(order((struct room_order){.kind = ROOM_STOP, .session = 4}), 0);
    assert_int_equal(create((struct plan_wish){.image = "debian"}), 0);
    assert_true(wants(3));
}

/* What a machine got is not known, as of a box of before: it may be this image. */
static void a_doubt_erases_nobody(void **state)
{
    uint8_t mac[6];

    (void)state;
    mac_of(1, mac);
    streams[0].file.head.root[0] = 1;
    machine_done(&machines, mac, &(struct machine_got){0, ""}, 1);
    assert_int_equal(create((struct plan_wish){.image = "debian"}), 0);
    assert_false(wants(1));
    assert_int_equal(order((struct room_order){.kind = ROOM_STOP, .session = 1}), 0);
    config.session.planned = true;
    config.session.wish = (struct plan_wish){.start = PLAN_NOW};
    machine_done(&machines, mac, &(struct machine_got){1, "windows"}, 1);
    room_step(room, (struct mono){2000 * MONO_S});
    assert_non_null(plan_of_image(room_plan(room), "debian"));
    assert_false(wants(1)); /* no person has made this session */
    screen_says("debian: erases the disk of every machine that boots from this switch; 1 that has "
                "passed before is left out");
}

/* A technician's own computer reads the page and has the network first in its boot order. */
static void who_reads_the_page_is_not_erased_unnamed(void **state)
{
    uint8_t mac[6], other[6];

    (void)state;
    mac_of(1, mac);
    assert_int_equal(create((struct plan_wish){.image = "debian"}), 0);
    assert_true(wants(1));
    room_visitor_mac(room, mac);
    room_visitor_mac(room, mac);
    assert_false(wants(1));
    assert_true(wants(2));
    assert_int_equal(hello(1, ""), -1);
    assert_string_equal(refusal, "this machine has read the box's page: a session for all machines "
                                 "takes it when the list or an order names it");
    assert_string_equal(room_left_out(room, mac), refusal);
    restart(n_writes);
    assert_false(wants(1));
    assert_int_equal(list("52:54:00:00:00:01\n"), 0);
    assert_true(wants(1));
    assert_int_equal(list(""), 0);
    assert_false(wants(1));
    assert_int_equal(order((struct room_order){.kind = ROOM_ARM, .mac = {0x52, 0x54, 0, 0, 0, 1}}),
                     0);
    assert_true(wants(1));
    for (unsigned i = 2; i < 66; i++) { /* 64 are remembered */
        mac_of(i, other);
        room_visitor_mac(room, other);
    }
    assert_false(wants(65) || wants(2));
    restart(n_writes);
    assert_false(wants(65) || wants(2));
}

static void an_order_says_that_no_session_takes_the_machine(void **state)
{
    (void)state;
    assert_int_equal(order((struct room_order){.kind = ROOM_ARM, .mac = {0x52, 0x54, 0, 0, 0, 1}}),
                     0);
    assert_string_equal(answer.text, "the machine is armed, but no session takes it now: no "
                                     "session takes machines now; one can be started at the box");
    assert_int_equal(create((struct plan_wish){.image = "debian"}), 0);
    assert_int_equal(order((struct room_order){.kind = ROOM_ARM, .mac = {0x52, 0x54, 0, 0, 0, 1}}),
                     0);
    assert_string_equal(answer.text,
                        "the machine is imaged the next time it boots from the network");
}

/* A list of machines that have passed is not through before the session has begun. */
static void a_list_is_not_done_at_once(void **state)
{
    (void)state;
    streams[0].file.head.root[0] = 1;
    streams[1].file.head.root[0] = 2;
    assert_int_equal(list("52:54:00:00:00:01\n52:54:00:00:00:02\n"), 0);
    assert_int_equal(create((struct plan_wish){.image = "debian", .targets = PLAN_EXPECTED}), 0);
    passes(1, 0);
    passes(2, 0);
    room_step(room, (struct mono){2000 * MONO_S});
    assert_int_equal(plan_find(room_plan(room), 1)->state, PLAN_DONE);
    assert_int_equal(create((struct plan_wish){.image = "windows", .targets = PLAN_EXPECTED}), 0);
    assert_non_null(strstr(answer.text, "2 still to pass"));
    room_step(room, (struct mono){2002 * MONO_S});
    assert_int_equal(plan_find(room_plan(room), 2)->state, PLAN_RUNNING);
    assert_true(wants(1));
    assert_int_equal(order((struct room_order){.kind = ROOM_STOP, .session = 2}), 0);
    assert_int_equal(create((struct plan_wish){.image = "debian", .targets = PLAN_EXPECTED}), 0);
    assert_non_null(
        strstr(answer.text, "0 still to pass; 2 that have this image already are left out"));
    room_step(room, (struct mono){2004 * MONO_S});
    assert_int_equal(plan_find(room_plan(room), 3)->state, PLAN_RUNNING);
}

/* What is not understood is told, so that the box holds: a shorter list, or none, would erase
 * others than were meant. */
static void records_that_are_not_understood(void **state)
{
    struct expected_row row = {.mac = {0x52, 0x54, 0, 0, 0, 1}};
    uint8_t value[EXPECTED_VALUE_MAX];
    size_t n = expected_encode(&row, value);

    (void)state;
    assert_int_equal(room_restore(room, JOURNAL_EXPECTED, (uint8_t[4]){0}, 4, value, n),
                     TOLD_BROKEN);
    assert_int_equal(room_restore(room, JOURNAL_EXPECTED, (uint8_t[3]){2}, 3, value, n),
                     TOLD_BROKEN);
    assert_int_equal(room_restore(room, JOURNAL_EXPECTED, (uint8_t[3]){0}, 3, value, n - 1),
                     TOLD_BROKEN);
    assert_int_equal(room_restore(room, JOURNAL_EXPECTED, (uint8_t[3]){0}, 3, value, n),
                     TOLD_KNOWN);
    assert_int_equal(room_restore(room, JOURNAL_LIST, (uint8_t[1]){0}, 1, (uint8_t[7]){2, 0, 1}, 7),
                     TOLD_BROKEN);
    assert_int_equal(room_restore(room, JOURNAL_LIST, (uint8_t[1]){0}, 1, (uint8_t[8]){0, 0, 1}, 8),
                     TOLD_BROKEN);
    assert_int_equal(room_restore(room, JOURNAL_LIST, (uint8_t[1]){0}, 1, (uint8_t[7]){0, 0, 1}, 7),
                     TOLD_KNOWN);
    assert_int_equal(room_restore(room, JOURNAL_VISITOR, row.mac, 5, (uint8_t[1]){1}, 1),
                     TOLD_BROKEN);
    assert_int_equal(room_restore(room, JOURNAL_VISITOR, row.mac, 6, (uint8_t[1]){2}, 1),
                     TOLD_NEWER);
    assert_int_equal(room_restore(room, JOURNAL_VISITOR, row.mac, 6, (uint8_t[1]){1}, 1),
                     TOLD_KNOWN);
    assert_int_equal(room_restore(room, 99, row.mac, 6, value, n), TOLD_NEWER);
}

/* A box that is on hold erases nobody, whatever is planned; it takes machines again when a person
 * has decided. */
static void on_hold_nobody_is_taken(void **state)
{
    struct plan_wish w = {.image = "debian", .targets = PLAN_ALL, .start = PLAN_NOW};
    struct session_hello h = {.mac = {0x52, 0x54, 0, 0, 0, 9}};
    char why[SESSION_SENTENCE_MAX + 1] = "";
    unsigned at = 0;

    (void)state;
    assert_int_equal(create(w), 0);
    assert_true(room_wants_imaging(room, h.mac));
    assert_int_equal(room_choose(room, &h, &at, why), 0);
    hold_add(&hold, HOLD_LOST, "the memory is gone");
    assert_false(room_wants_imaging(room, h.mac));
    assert_int_equal(room_choose(room, &h, &at, why), PC_EHOLD);
    assert_non_null(strstr(why, "on hold"));
    strcpy(h.name, "debian"); /* by name it is the same */
    assert_int_equal(room_choose(room, &h, &at, why), PC_EHOLD);
    hold_lift(&hold);
    assert_true(room_wants_imaging(room, h.mac));
    assert_int_equal(room_choose(room, &h, &at, why), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(without_a_session_nobody_is_erased, begin, end),
        cmocka_unit_test_setup_teardown(on_hold_nobody_is_taken, begin, end),
        cmocka_unit_test_setup_teardown(machines_wait_for_an_image_that_is_checked, begin, end),
        cmocka_unit_test_setup_teardown(a_person_needs_no_session, begin, end),
        cmocka_unit_test_setup_teardown(a_person_goes_on_over_a_restart, begin, end),
        cmocka_unit_test_setup_teardown(a_machine_that_is_done_is_not_let_in, begin, end),
        cmocka_unit_test_setup_teardown(a_session_is_made_run_and_stopped, begin, end),
        cmocka_unit_test_setup_teardown(two_at_once_and_a_list, begin, end),
        cmocka_unit_test_setup_teardown(its_own_is_made_by_a_job, begin, end),
        cmocka_unit_test_setup_teardown(files_that_cannot_be_read_refuse, begin, end),
        cmocka_unit_test_setup_teardown(a_crowd_asks, begin, end),
        cmocka_unit_test_setup_teardown(two_for_all, begin, end),
        cmocka_unit_test_setup_teardown(a_new_session_means_what_it_says, begin, end),
        cmocka_unit_test_setup_teardown(a_doubt_erases_nobody, begin, end),
        cmocka_unit_test_setup_teardown(an_order_says_that_no_session_takes_the_machine, begin,
                                        end),
        cmocka_unit_test_setup_teardown(a_list_is_not_done_at_once, begin, end),
        cmocka_unit_test_setup_teardown(who_reads_the_page_is_not_erased_unnamed, begin, end),
        cmocka_unit_test_setup_teardown(records_that_are_not_understood, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
