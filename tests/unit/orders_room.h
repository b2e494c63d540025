/* A room with two streams, a journal in memory and restarts, for programs of tests: one includes
 * this once. */
#ifndef TESTS_UNIT_ORDERS_ROOM_H
#define TESTS_UNIT_ORDERS_ROOM_H

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

static unsigned refused_at; /* the write of that number, from 1, is not taken; 0: all are */

static inline bool store(void *ctx, uint8_t kind, const uint8_t *key, size_t nkey,
                         const uint8_t *value, size_t n)
{
    struct written *w;

    (void)ctx;
    if (refused_at && --refused_at == 0)
        return false;
    w = &writes[n_writes++];
    assert_true(n_writes < WRITES && nkey <= sizeof w->key && n <= sizeof w->value);
    *w = (struct written){.kind = kind, .nkey = nkey, .n = n};
    memcpy(w->key, key, nkey);
    if (n)
        memcpy(w->value, value, n);
    return true;
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

static inline void tell(void *ctx, const struct session_event *e)
{
    (void)ctx;
    room_event(room, e);
}

static inline int choose(void *ctx, const struct session_hello *h, unsigned *image, char *why)
{
    (void)ctx;
    return room_choose(room, h, image, why);
}

static inline int own(void *ctx, const struct session_ask *a, struct session_own *answer_to,
                      char *why)
{
    (void)ctx;
    return room_own(room, a, answer_to, why);
}

/* Two more images, which no stream gives out. */
static inline int withheld(void *ctx, const char *image, char *to, size_t cap)
{
    (void)ctx;
    if (strcmp(image, "new") == 0)
        snprintf(to, cap, "new is being checked, 40 %%");
    if (strcmp(image, "bad") == 0)
        snprintf(to, cap, "bad is not given out: chunk 7");
    return strcmp(image, "new") == 0   ? LIBRARY_COMING
           : strcmp(image, "bad") == 0 ? LIBRARY_REFUSED
                                       : 0;
}

static inline void make(void)
{
    const struct room_needs needs = {.config = &config,
                                     .config_path = config_path,
                                     .key = &key,
                                     .machines = &machines,
                                     .hold = &hold,
                                     .serve = &serve,
                                     .store = store,
                                     .withheld = withheld};

    room = room_make(&needs);
    assert_non_null(room);
    room_open(room, NULL, jobs);
}

static inline int begin(void **state)
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
        streams[i].session = (struct session_image){.welcome = {.tsi = (uint16_t)(5 + i),
                                                                .group = 0xEF010101,
                                                                .port = 7800,
                                                                .ttl = 3,
                                                                .rate = 100000000,
                                                                .beacon_ms = 1000},
                                                    .rows = rows[i],
                                                    .n_rows = 8,
                                                    .loop_suspend = SESSION_SUSPEND_AUTO};
        strcpy(streams[i].session.name, i ? "windows" : "debian");
        assert_int_equal(session_server_add(&serve.server, &streams[i].session), 0);
    }
    make();
    for (unsigned i = 0; i < 2; i++)
        room_prepare(room, &streams[i].session);
    return 0;
}

static inline int end(void **state)
{
    (void)state;
    jobs_close(jobs);
    room_close(room);
    return 0;
}

/* The core starts again and is told the first n of what was written, as a journal would: of each
 * key the last, in that order. */
static unsigned broken_due; /* of the records that are told: not known */

static inline void restart(unsigned n)
{
    unsigned broken = 0;

    room_close(room);
    make();
    for (unsigned i = 0; i < n; i++) {
        bool last = true;

        for (unsigned k = i + 1; k < n; k++)
            last &= !(writes[k].kind == writes[i].kind && writes[k].nkey == writes[i].nkey &&
                      memcmp(writes[k].key, writes[i].key, writes[i].nkey) == 0);
        if (last && writes[i].n)
            broken += room_restore(room, writes[i].kind, writes[i].key, writes[i].nkey,
                                   writes[i].value, writes[i].n) != TOLD_KNOWN;
    }
    assert_int_equal(broken, broken_due);
}

static inline int order(struct room_order o)
{
    int rc = room_order(room, &o, &answer);

    assert_int_equal(rc, answer.code);
    assert_true(answer.text[0]);
    return rc;
}

static inline int list(const char *csv)
{
    return order((struct room_order){.kind = ROOM_EXPECTED, .text = csv, .n = strlen(csv)});
}

static inline int create(struct plan_wish w)
{
    return order((struct room_order){.kind = ROOM_CREATE, .wish = w});
}

static inline void mac_of(unsigned who, uint8_t mac[6])
{
    memcpy(mac, (uint8_t[6]){0x52, 0x54, 0, 0, 0, (uint8_t)who}, 6);
}

/* The image that a hello is let in to; -1: refused, the sentence is in `refusal`. */
static char refusal[SESSION_SENTENCE_MAX + 1];
static unsigned refusal_code;

static struct session_message message, reply;

/* What is being made is waited for; how often it was not there yet. */
static unsigned waits;

static inline void wait_for_a_job(void)
{
    struct pollfd p = {.fd = jobs_fd(jobs), .events = POLLIN};

    waits++;
    assert_int_equal(poll(&p, 1, 20000), 1);
    jobs_take(jobs);
}

/* Says the message; what it is refused with is in `refusal`. */
static inline enum session_type say_it(void)
{
    uint8_t bytes[SESSION_MESSAGE_MAX];
    size_t n = session_message_encode(&message, bytes);
    bool answered =
        session_server_message(&serve.server, bytes, n, 1, (struct mono){1000 * MONO_S}, &reply);

    for (waits = 0; !answered; answered = session_server_again(&serve.server, bytes, n, &reply))
        wait_for_a_job();
    if (reply.type == SESSION_REFUSE) {
        strcpy(refusal, reply.u.refuse.sentence);
        refusal_code = reply.u.refuse.code;
    }
    return reply.type;
}

static inline int hello_of(unsigned who, const char *name, bool person)
{
    memset(&message, 0, sizeof message);
    message.type = SESSION_HELLO;
    message.u.hello.id[0] = (uint8_t)who;
    message.u.hello.person = person;
    mac_of(who, message.u.hello.mac);
    strcpy(message.u.hello.name, name);
    return say_it() == SESSION_WELCOME ? reply.u.welcome.tsi - 5 : -1;
}

static inline int hello(unsigned who, const char *name)
{
    return hello_of(who, name, false);
}

static inline int person_says(unsigned who, const char *name)
{
    return hello_of(who, name, true);
}

/* 0: it was told what is its own; -1: refused. */
static inline int ask(unsigned who)
{
    memset(&message, 0, sizeof message);
    message.type = SESSION_ASK;
    message.u.ask.id[0] = (uint8_t)who;
    mac_of(who, message.u.ask.mac);
    return say_it() == SESSION_OWN ? 0 : -1;
}

static inline void beacon(unsigned who, enum session_state state, bool person)
{
    static uint32_t counter;
    struct session_beacon b = {.tsi = 5,
                               .counter = ++counter,
                               .person = person,
                               .facts.state = state};
    uint8_t bytes[SESSION_BEACON_BYTES], ack[SESSION_ACK_BYTES];

    b.id[0] = (uint8_t)who;
    mac_of(who, b.mac);
    session_beacon_encode(&b, streams[0].session.welcome.key, bytes);
    assert_true(session_server_datagram(&serve.server, bytes, sizeof bytes, 1,
                                        (struct mono){1000 * MONO_S}, ack) >= 0);
}

/* It says what it is, so it understands that it is stopped. */
static inline void told(unsigned who)
{
    struct session_told t = {.tsi = 5, .revision = 1};
    uint8_t bytes[SESSION_INFO_BYTES], ack[SESSION_ACK_BYTES];

    t.id[0] = (uint8_t)who;
    assert_true(
        session_server_datagram(&serve.server, bytes,
                                session_info_encode(&t, streams[0].session.welcome.key, bytes), 1,
                                (struct mono){1000 * MONO_S}, ack) >= 0);
}

static inline bool wants(unsigned who)
{
    uint8_t mac[6];

    mac_of(who, mac);
    return room_wants_imaging(room, mac);
}

static inline void screen_says(const char *part)
{
    char buf[PLAN_SENTENCE];

    if (strncmp(room_sentence(room, buf), part, strlen(part)) != 0)
        fail_msg("expected \"%s\", got \"%s\"", part, buf);
}

/* Passes with what the stream gives out in the session that is there. */
static inline void passes(unsigned who, unsigned image)
{
    const struct machine_got got = room_got(room, image);
    uint8_t mac[6];

    mac_of(who, mac);
    machine_done(&machines, mac, &got, 1);
}

#endif
