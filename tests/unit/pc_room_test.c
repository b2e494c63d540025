/* Orders for the room: what they do to streams and machines, and that a list of machines survives a power cut at every write. */
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "board/box/library/library.h"
#include "board/box/orders/room.h"
#include "board/box/store/journal.h"
#include "board/core/own.h"
#include "net/wol/wol.h"

/* Every record in the order it was written. */
#define WRITES 4096
static struct written {
    uint8_t kind, key[8], value[EXPECTED_VALUE_MAX];
    size_t nkey, n;
} writes[WRITES];
static unsigned n_writes;

static void store(void *ctx, uint8_t kind, const uint8_t *key, size_t nkey, const uint8_t *value, size_t n)
{
    struct written *w = &writes[n_writes++];

    (void)ctx;
    assert_true(n_writes < WRITES && nkey <= sizeof w->key && n <= sizeof w->value);
    *w = (struct written){.kind = kind, .nkey = nkey, .n = n};
    memcpy(w->key, key, nkey);
    if (n)
        memcpy(w->value, value, n);
}

static struct box_config config;
static struct sign_key key;
static struct machines machines;
static struct serve serve;
static struct stream streams[2];
static struct session_receiver rows[2][8];
static struct room *room;
static struct hold hold;
static struct jobs *jobs;
static const char *config_path;
static struct room_answer answer;

/* The log, played: its last line but for those of sessions' states. */
static char logged[512];

void log_line(const char *fmt, ...)
{
    va_list args;

    if (strncmp(fmt, "session %u is", 13) == 0)
        return;
    va_start(args, fmt);
    vsnprintf(logged, sizeof logged, fmt, args);
    va_end(args);
}

static void tell(void *ctx, const struct session_event *e)
{
    (void)ctx;
    room_event(room, e);
}

static int choose(void *ctx, const struct session_hello *h, unsigned *image, char *why)
{
    (void)ctx;
    return room_choose(room, h, image, why);
}

static int own(void *ctx, const struct session_ask *a, struct session_own *answer_to, char *why)
{
    (void)ctx;
    return room_own(room, a, answer_to, why);
}

/* Two more images, which no stream gives out. */
static int withheld(void *ctx, const char *image, char *to, size_t cap)
{
    (void)ctx;
    if (strcmp(image, "new") == 0)
        snprintf(to, cap, "new is being checked, 40 %%");
    if (strcmp(image, "bad") == 0)
        snprintf(to, cap, "bad is not given out: chunk 7");
    return strcmp(image, "new") == 0 ? LIBRARY_COMING : strcmp(image, "bad") == 0 ? LIBRARY_REFUSED : 0;
}

static void make(void)
{
    const struct room_needs needs = {.config = &config, .config_path = config_path, .key = &key, .machines = &machines, .hold = &hold, .serve = &serve, .store = store, .withheld = withheld};

    room = room_make(&needs);
    assert_non_null(room);
    room_open(room, NULL, jobs);
}

static int begin(void **state)
{
    (void)state;
    n_writes = 0;
    config_path = NULL;
    assert_int_equal(jobs_open(&jobs, NULL), 0);
    box_config_defaults(&config);
    assert_int_equal(sign_key_make(&key, NULL), 0);
    machines_init(&machines, false, NULL, NULL);
    hold = (struct hold){0};
    memset(&serve, 0, sizeof serve);
    memset(streams, 0, sizeof streams);
    memset(rows, 0, sizeof rows);
    serve.streams = streams;
    serve.n_streams = 2;
    serve.ceiling = 100000000;
    serve.config.rate_auto = true;
    serve.server.tell = tell;
    serve.server.choose = choose;
    serve.server.own = own;
    for (unsigned i = 0; i < 2; i++) {
        streams[i].steered = true;
        streams[i].session = (struct session_image){
            .welcome = {.tsi = (uint16_t)(5 + i), .group = 0xEF010101, .port = 7800, .ttl = 3, .rate = 100000000, .beacon_ms = 1000},
            .rows = rows[i], .n_rows = 8, .loop_suspend = SESSION_SUSPEND_AUTO};
        strcpy(streams[i].session.name, i ? "windows" : "debian");
        assert_int_equal(session_server_add(&serve.server, &streams[i].session), 0);
    }
    make();
    for (unsigned i = 0; i < 2; i++)
        room_prepare(room, &streams[i].session);
    return 0;
}

static int end(void **state)
{
    (void)state;
    jobs_close(jobs);
    room_close(room);
    return 0;
}

/* The core starts again and is told the first n of what was written, as a journal would: of each key the last, in that order. */
static void restart(unsigned n)
{
    room_close(room);
    make();
    for (unsigned i = 0; i < n; i++) {
        bool last = true;

        for (unsigned k = i + 1; k < n; k++)
            last &= !(writes[k].kind == writes[i].kind && writes[k].nkey == writes[i].nkey &&
                      memcmp(writes[k].key, writes[i].key, writes[i].nkey) == 0);
        if (last && writes[i].n)
            assert_int_equal(room_restore(room, writes[i].kind, writes[i].key, writes[i].nkey, writes[i].value, writes[i].n), TOLD_KNOWN);
    }
}

static int order(struct room_order o)
{
    int rc = room_order(room, &o, &answer);

    assert_int_equal(rc, answer.code);
    assert_true(answer.text[0]);
    return rc;
}

static int list(const char *csv)
{
    return order((struct room_order){.kind = ROOM_EXPECTED, .text = csv, .n = strlen(csv)});
}

static int create(struct plan_wish w)
{
    return order((struct room_order){.kind = ROOM_CREATE, .wish = w});
}

static void mac_of(unsigned who, uint8_t mac[6])
{
    memcpy(mac, (uint8_t[6]){0x52, 0x54, 0, 0, 0, (uint8_t)who}, 6);
}

/* The image that a hello is let in to; -1: refused, the sentence is in `refusal`. */
static char refusal[SESSION_SENTENCE_MAX + 1];
static unsigned refusal_code;

static struct session_message message, reply;

/* What is being made is waited for; how often it was not there yet. */
static unsigned waits;

static void wait_for_a_job(void)
{
    struct pollfd p = {.fd = jobs_fd(jobs), .events = POLLIN};

    waits++;
    assert_int_equal(poll(&p, 1, 20000), 1);
    jobs_take(jobs);
}

/* Says the message; what it is refused with is in `refusal`. */
static enum session_type say_it(void)
{
    uint8_t bytes[SESSION_MESSAGE_MAX];
    size_t n = session_message_encode(&message, bytes);
    bool answered = session_server_message(&serve.server, bytes, n, 1, (struct mono){1000 * MONO_S}, &reply);

    for (waits = 0; !answered; answered = session_server_again(&serve.server, bytes, n, &reply))
        wait_for_a_job();
    if (reply.type == SESSION_REFUSE) {
        strcpy(refusal, reply.u.refuse.sentence);
        refusal_code = reply.u.refuse.code;
    }
    return reply.type;
}

static int hello_of(unsigned who, const char *name, bool person)
{
    memset(&message, 0, sizeof message);
    message.type = SESSION_HELLO;
    message.u.hello.id[0] = (uint8_t)who;
    message.u.hello.person = person;
    mac_of(who, message.u.hello.mac);
    strcpy(message.u.hello.name, name);
    return say_it() == SESSION_WELCOME ? reply.u.welcome.tsi - 5 : -1;
}

static int hello(unsigned who, const char *name)
{
    return hello_of(who, name, false);
}

static int person_says(unsigned who, const char *name)
{
    return hello_of(who, name, true);
}

/* 0: it was told what is its own; -1: refused. */
static int ask(unsigned who)
{
    memset(&message, 0, sizeof message);
    message.type = SESSION_ASK;
    message.u.ask.id[0] = (uint8_t)who;
    mac_of(who, message.u.ask.mac);
    return say_it() == SESSION_OWN ? 0 : -1;
}

static void beacon(unsigned who, enum session_state state, bool person)
{
    static uint32_t counter;
    struct session_beacon b = {.tsi = 5, .counter = ++counter, .person = person, .facts.state = state};
    uint8_t bytes[SESSION_BEACON_BYTES], ack[SESSION_ACK_BYTES];

    b.id[0] = (uint8_t)who;
    mac_of(who, b.mac);
    session_beacon_encode(&b, streams[0].session.welcome.key, bytes);
    assert_true(session_server_datagram(&serve.server, bytes, sizeof bytes, 1, (struct mono){1000 * MONO_S}, ack) >= 0);
}

/* It says what it is, so it understands that it is stopped. */
static void told(unsigned who)
{
    struct session_told t = {.tsi = 5, .revision = 1};
    uint8_t bytes[SESSION_INFO_BYTES], ack[SESSION_ACK_BYTES];

    t.id[0] = (uint8_t)who;
    assert_true(session_server_datagram(&serve.server, bytes, session_info_encode(&t, streams[0].session.welcome.key, bytes), 1,
                                        (struct mono){1000 * MONO_S}, ack) >= 0);
}

static bool wants(unsigned who)
{
    uint8_t mac[6];

    mac_of(who, mac);
    return room_wants_imaging(room, mac);
}

static void screen_says(const char *part)
{
    char buf[PLAN_SENTENCE];

    if (strncmp(room_sentence(room, buf), part, strlen(part)) != 0)
        fail_msg("expected \"%s\", got \"%s\"", part, buf);
}

static void without_a_session_nobody_is_erased(void **state)
{
    (void)state;
    assert_false(wants(1));
    assert_true(streams[0].session.held && streams[1].session.held);
    serve.server.preferred = 1;
    assert_int_equal(hello(1, ""), -1);
    assert_string_equal(refusal, "no session takes machines now; one can be started at the box");
    assert_int_equal(hello(2, "windows"), -1);
    assert_string_equal(refusal, "this machine is to get windows, and no session of it takes machines now");
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

/* A session waits for an image that is being checked, and so do its machines; what is refused has no session. */
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
    assert_int_equal(create((struct plan_wish){.image = "debian", .start = PLAN_READY, .ready = 4}), 0);
    assert_false(streams[0].session.running); /* nobody who waits for the session hears the stream before it */
    assert_int_equal(order((struct room_order){.kind = ROOM_STOP, .session = 1}), 0);
    assert_true(streams[0].session.running && !rows[0][0].stopped); /* and who was there without it goes on */
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
    assert_string_equal(refusal, "this machine has been imaged in this session, and nobody has armed it again at the box");
    assert_int_equal(ask(1), -1);
    assert_string_equal(refusal, "this machine has been imaged in this session, and nobody has armed it again at the box");
    assert_int_equal(person_says(1, ""), 0);
    assert_int_equal(order((struct room_order){.kind = ROOM_ARM, .mac = {0x52, 0x54, 0, 0, 0, 1}}), 0);
    assert_int_equal(ask(1), 0);
    assert_int_equal(hello(1, ""), 0);
}

static void a_session_is_made_run_and_stopped(void **state)
{
    (void)state;
    assert_int_equal(create((struct plan_wish){.image = "plan9"}), PLAN_EIMAGE);
    assert_string_equal(answer.text, "expected the name of an image of the box, got \"plan9\"");
    assert_int_equal(create((struct plan_wish){.image = "debian", .start = PLAN_READY}), PLAN_EVALUE);
    assert_int_equal(create((struct plan_wish){.image = "debian", .targets = PLAN_EXPECTED}), PLAN_ENOLIST);
    assert_int_equal(create((struct plan_wish){.image = "debian", .start = PLAN_READY, .ready = 2, .rate = 5000000}), 0);
    assert_int_equal(answer.session, 1);
    assert_string_equal(answer.text, "debian: starts when 2 machines are ready, 0 are there; then it erases the disk of every machine "
                                     "that boots from this switch; idle, it ends in 4 h 0 min");
    screen_says("debian: starts when 2 machines are ready");
    assert_true(streams[0].session.held && streams[1].session.held);
    assert_false(streams[0].steered);
    assert_int_equal(streams[0].fixed, 5000000);
    assert_true(streams[1].steered);
    assert_int_equal(hello(1, ""), 0);
    assert_false(streams[0].session.running);
    assert_int_equal(hello(2, "windows"), -1);
    assert_string_equal(refusal, "this machine is to get windows, and no session of it takes machines now");
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

/* The files are read and the answer is signed elsewhere: when the question comes it is not there yet. */
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
    assert_string_equal(answer.text, "debian: erases the disks of the 1 machine of the list that boot from this switch; 1 still to pass");
    assert_false(wants(2)); /* its image has no session yet */
    assert_false(wants(3));
    assert_int_equal(hello(3, ""), -1);
    assert_string_equal(refusal, "this machine is not on the list of expected machines");
    assert_int_equal(create((struct plan_wish){.image = "windows"}), PLAN_ESAME); /* the first line names no image */
    assert_string_equal(answer.text, "session 1 gives out debian to the same machines and is running: stop it first, or name the image of each "
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
    assert_int_equal(list("52:54:00:00:00:01\n52:54:00:00:00:07\n"), PLAN_ESAME); /* a list must not make two sessions want one machine */
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

/* Passes with what the stream gives out in the session that is there. */
static void passes(unsigned who, unsigned image)
{
    const struct machine_got got = room_got(room, image);
    uint8_t mac[6];

    mac_of(who, mac);
    machine_done(&machines, mac, &got, 1);
}

/* Those that passed before a session was made are taken by it; those that have its image only where it is told to. */
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
    assert_string_equal(refusal, "this machine has been imaged in this session, and nobody has armed it again at the box");
    assert_int_equal(order((struct room_order){.kind = ROOM_STOP, .session = 1}), 0);
    assert_int_equal(create((struct plan_wish){.image = "debian"}), 0);
    assert_non_null(strstr(answer.text, "; 2 that have this image already are left out"));
    assert_false(wants(1));
    assert_int_equal(hello(1, ""), -1);
    assert_string_equal(refusal, "this machine has been imaged before, and nobody has armed it again at the box");
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
    screen_says("debian: erases the disk of every machine that boots from this switch; 1 that has passed before is left out");
}

/* The session of ringcast.conf takes no machine that has passed before: one for such machines alone says so in the log. */
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
    assert_string_equal(logged, "session 1 of ringcast.conf takes no machine: all 1 on the list have passed before; arm them, make a session on "
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

/* An image that is still being checked has its session at once: who boots meanwhile waits for it. A refused one has none, and no other image
 * takes its place. */
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
    assert_string_equal(refusal, "this machine has read the box's page: a session for all machines takes it when the list or an order names it");
    assert_string_equal(room_left_out(room, mac), refusal);
    restart(n_writes);
    assert_false(wants(1));
    assert_int_equal(list("52:54:00:00:00:01\n"), 0);
    assert_true(wants(1));
    assert_int_equal(list(""), 0);
    assert_false(wants(1));
    assert_int_equal(order((struct room_order){.kind = ROOM_ARM, .mac = {0x52, 0x54, 0, 0, 0, 1}}), 0);
    assert_true(wants(1));
    for (unsigned i = 2; i < 66; i++) { /* 64 are remembered */
        mac_of(i, other);
        room_visitor_mac(room, other);
    }
    assert_false(wants(65) || wants(2));
    restart(n_writes);
    assert_false(wants(65) || wants(2));
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

/* Who boots and is left out has a tile for as long as the session lasts, over a restart of the core too. */
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
    assert_int_equal(order((struct room_order){.kind = ROOM_ARM, .mac = {0x52, 0x54, 0, 0, 0, 1}}), 0);
    assert_int_equal(count_left(), 0); /* it is taken now */
    assert_int_equal(order((struct room_order){.kind = ROOM_STOP, .session = 2}), 0);
    assert_int_equal(count_left(), 0);
    restart(n_writes);
    assert_int_equal(room_restore(room, JOURNAL_LEFT, mac, 6, (const uint8_t *)"\x02\0\0\0\1", 5), TOLD_NEWER);
    for (size_t cut = 0; cut < 5; cut++)
        assert_int_equal(room_restore(room, JOURNAL_LEFT, mac, 6, (const uint8_t *)"\x01\0\0\0\1", cut), TOLD_BROKEN);
    assert_int_equal(room_restore(room, JOURNAL_LEFT, mac, 5, (const uint8_t *)"\x01\0\0\0\1", 5), TOLD_BROKEN);
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

/* Nor is that forgotten when the session is over: its machines go from the board when another session is made. */
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

static void an_order_says_that_no_session_takes_the_machine(void **state)
{
    (void)state;
    assert_int_equal(order((struct room_order){.kind = ROOM_ARM, .mac = {0x52, 0x54, 0, 0, 0, 1}}), 0);
    assert_string_equal(answer.text, "the machine is armed, but no session takes it now: no session takes machines now; one can be started at the box");
    assert_int_equal(create((struct plan_wish){.image = "debian"}), 0);
    assert_int_equal(order((struct room_order){.kind = ROOM_ARM, .mac = {0x52, 0x54, 0, 0, 0, 1}}), 0);
    assert_string_equal(answer.text, "the machine is imaged the next time it boots from the network");
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
    assert_non_null(strstr(answer.text, "0 still to pass; 2 that have this image already are left out"));
    room_step(room, (struct mono){2004 * MONO_S});
    assert_int_equal(plan_find(room_plan(room), 3)->state, PLAN_RUNNING);
}

static void a_machine_that_passed(void **state)
{
    uint8_t mac[6];

    (void)state;
    mac_of(1, mac);
    machine_done(&machines, mac, &(struct machine_got){1, ""}, 1);
    assert_int_equal(create((struct plan_wish){.image = "debian"}), 0);
    assert_false(wants(1));
    assert_int_equal(order((struct room_order){.kind = ROOM_ARM, .mac = {0x52, 0x54, 0, 0, 0, 1}}), 0);
    assert_true(wants(1));
    assert_false(room_identifies(room, mac));
    assert_int_equal(order((struct room_order){.kind = ROOM_IDENTIFY, .mac = {0x52, 0x54, 0, 0, 0, 1}, .on = true}), 0);
    assert_true(room_identifies(room, mac));
    assert_int_equal(order((struct room_order){.kind = ROOM_IDENTIFY, .mac = {0x52, 0x54, 0, 0, 0, 1}}), 0);
    assert_false(room_identifies(room, mac));
    assert_int_equal(order((struct room_order){.kind = ROOM_WAKE_EXPECTED}), PLAN_ENOLIST);
    assert_int_equal(order((struct room_order){.kind = ROOM_WAKE, .macs = (const uint8_t[1][6]){{1}}, .n_macs = 1}), WOL_EMAC);
    assert_int_equal(order((struct room_order){.kind = ROOM_WAKE, .macs = (const uint8_t[1][6]){{2}}, .n_macs = 1}), 0);
    assert_string_equal(answer.text, "1 machine is called three times");
}

/* What ringcast.conf plans is made once: not again by a restart, not by what a person did, but when it says something else. */
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
    static const char *const lists[] = {"52:54:00:00:00:01,a\n52:54:00:00:00:02,b\n52:54:00:00:00:03,c\n",
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
            fail_msg("after %u of %u writes: neither the list before nor the one after: %s", n, after[4], got);
    }
    restart(after[2] + 2); /* cut in the middle of the third; then another list */
    n_writes = after[2] + 2;
    assert_int_equal(list("52:54:00:00:00:09,z\n"), 0);
    restart(n_writes);
    assert_int_equal(room_expected(room)->n, 1);
}

/* What is not understood is told, so that the box holds: a shorter list, or none, would erase others than were meant. */
static void records_that_are_not_understood(void **state)
{
    struct expected_row row = {.mac = {0x52, 0x54, 0, 0, 0, 1}};
    uint8_t value[EXPECTED_VALUE_MAX];
    size_t n = expected_encode(&row, value);

    (void)state;
    assert_int_equal(room_restore(room, JOURNAL_EXPECTED, (uint8_t[4]){0}, 4, value, n), TOLD_BROKEN);
    assert_int_equal(room_restore(room, JOURNAL_EXPECTED, (uint8_t[3]){2}, 3, value, n), TOLD_BROKEN);
    assert_int_equal(room_restore(room, JOURNAL_EXPECTED, (uint8_t[3]){0}, 3, value, n - 1), TOLD_BROKEN);
    assert_int_equal(room_restore(room, JOURNAL_EXPECTED, (uint8_t[3]){0}, 3, value, n), TOLD_KNOWN);
    assert_int_equal(room_restore(room, JOURNAL_LIST, (uint8_t[1]){0}, 1, (uint8_t[7]){2, 0, 1}, 7), TOLD_BROKEN);
    assert_int_equal(room_restore(room, JOURNAL_LIST, (uint8_t[1]){0}, 1, (uint8_t[8]){0, 0, 1}, 8), TOLD_BROKEN);
    assert_int_equal(room_restore(room, JOURNAL_LIST, (uint8_t[1]){0}, 1, (uint8_t[7]){0, 0, 1}, 7), TOLD_KNOWN);
    assert_int_equal(room_restore(room, JOURNAL_VISITOR, row.mac, 5, (uint8_t[1]){1}, 1), TOLD_BROKEN);
    assert_int_equal(room_restore(room, JOURNAL_VISITOR, row.mac, 6, (uint8_t[1]){2}, 1), TOLD_NEWER);
    assert_int_equal(room_restore(room, JOURNAL_VISITOR, row.mac, 6, (uint8_t[1]){1}, 1), TOLD_KNOWN);
    assert_int_equal(room_restore(room, 99, row.mac, 6, value, n), TOLD_NEWER);
}

/* A box that is on hold erases nobody, whatever is planned; it takes machines again when a person has decided. */
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
        cmocka_unit_test_setup_teardown(an_order_says_that_no_session_takes_the_machine, begin, end),
        cmocka_unit_test_setup_teardown(a_list_is_not_done_at_once, begin, end),
        cmocka_unit_test_setup_teardown(the_configuration_waits_for_its_image, begin, end),
        cmocka_unit_test_setup_teardown(a_session_that_takes_nobody_says_so, begin, end),
        cmocka_unit_test_setup_teardown(who_reads_the_page_is_not_erased_unnamed, begin, end),
        cmocka_unit_test_setup_teardown(who_passed_in_the_last_session_is_known_again, begin, end),
        cmocka_unit_test_setup_teardown(who_passed_is_known_again, begin, end),
        cmocka_unit_test_setup_teardown(who_is_left_out_is_known_again, begin, end),
        cmocka_unit_test_setup_teardown(the_choice_to_include_outlives_a_restart, begin, end),
        cmocka_unit_test_setup_teardown(a_machine_that_passed, begin, end),
        cmocka_unit_test_setup_teardown(the_session_of_the_configuration, begin, end),
        cmocka_unit_test_setup_teardown(a_power_cut_at_every_write, begin, end),
        cmocka_unit_test_setup_teardown(records_that_are_not_understood, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
