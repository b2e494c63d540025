/* A session server with one image and its receivers, for programs of tests: one includes this once.
 */
#ifndef TESTS_UNIT_SESSION_ROOM_H
#define TESTS_UNIT_SESSION_ROOM_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "net/session/client.h"
#include "net/session/server.h"
#include "net/wire/rng.h"

#define ROWS 8

static struct session_receiver rows[ROWS];
static struct session_image image;
static struct session_server server;
static struct session_beacons receiver[64];
static struct mono now;
static char story[2048];

static inline void tell(void *ctx, const struct session_event *e)
{
    static const char *const word[] = {
        [SESSION_CAME] = "came",     [SESSION_BODY] = "body",       [SESSION_STATE] = "is",
        [SESSION_GONE] = "gone",     [SESSION_BACK] = "back",       [SESSION_START] = "START",
        [SESSION_RESUME] = "RESUME", [SESSION_SUSPEND] = "SUSPEND", [SESSION_TOLD] = "told"};
    size_t n = strlen(story);

    (void)ctx;
    if (!e->receiver)
        snprintf(story + n, sizeof story - n, "%s; ", word[e->what]);
    else if (e->what == SESSION_STATE)
        snprintf(story + n, sizeof story - n, "%u is %s; ", e->receiver->id[0],
                 session_state_name(e->receiver->facts.state));
    else
        snprintf(story + n, sizeof story - n, "%u %s; ", e->receiver->id[0], word[e->what]);
}

static inline void begin(uint32_t loop_suspend)
{
    memset(rows, 0, sizeof rows);
    memset(receiver, 0, sizeof receiver);
    story[0] = 0;
    now = (struct mono){1000 * MONO_S};
    image = (struct session_image){.welcome = {.tsi = 5,
                                               .group = 0xEF010101,
                                               .port = 7800,
                                               .ttl = 3,
                                               .key = "sixteen bytes ok",
                                               .rate = 100000000},
                                   .name = "debian",
                                   .rows = rows,
                                   .n_rows = ROWS,
                                   .loop_suspend = loop_suspend};
    server = (struct session_server){.tell = tell};
    assert_int_equal(session_server_add(&server, &image), 0);
}

static inline enum session_type hello_named(unsigned who, const char *name,
                                            struct session_message *reply)
{
    struct session_message m = {.type = SESSION_HELLO};
    uint8_t bytes[SESSION_MESSAGE_MAX];

    m.u.hello.id[0] = (uint8_t)who;
    m.u.hello.mac[5] = (uint8_t)(who % 32);
    strcpy(m.u.hello.name, name);
    session_server_message(&server, bytes, session_message_encode(&m, bytes), 0x0A000000 + who, now,
                           reply);
    if (reply->type == SESSION_WELCOME)
        session_beacons_init(&receiver[who], &reply->u.welcome, m.u.hello.id, m.u.hello.mac, now);
    return reply->type;
}

static inline enum session_type hello(unsigned who)
{
    struct session_message reply;

    return hello_named(who, "", &reply);
}

static inline int beacon_facts(unsigned who, const struct session_facts *f,
                               uint8_t bytes[SESSION_BEACON_BYTES])
{
    uint8_t ack[SESSION_ACK_BYTES];

    receiver[who].due = now;
    assert_int_equal(session_beacons_next(&receiver[who], f, now, bytes), SESSION_BEACON_BYTES);
    return session_server_datagram(&server, bytes, SESSION_BEACON_BYTES, 0x0A000000 + who, now,
                                   ack);
}

static inline void beacon(unsigned who, enum session_state state)
{
    struct session_facts f = {.state = state, .error = state == SESSION_FAIL ? -805 : 0};
    uint8_t bytes[SESSION_BEACON_BYTES];

    assert_int_equal(beacon_facts(who, &f, bytes), 1);
}

static inline void pass_time(unsigned seconds)
{
    for (unsigned i = 0; i < seconds * 5; i++) {
        now = mono_add(now, MONO_S / 5);
        session_server_tick(&server, now);
    }
}

static inline void the_story_is(const char *want)
{
    assert_string_equal(story, want);
    story[0] = 0;
}

#endif
