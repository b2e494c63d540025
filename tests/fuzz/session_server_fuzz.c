/* The server's receiver table under any sequence of hellos, beacons, time and loops: two bytes an
 * event. Its counts are recounted after each. */
#include <string.h>

#include "net/session/client.h"
#include "net/session/server.h"
#include "net/wire/must.h"

#define ROWS 4
#define MACHINES 8

static struct session_receiver rows[ROWS];
static struct session_image image;
static struct session_server server;
static struct session_beacons machine[MACHINES];
static struct mono now;

static void hello(unsigned who, uint8_t how)
{
    static struct session_message m, reply;
    static uint8_t bytes[SESSION_MESSAGE_MAX];

    memset(&m, 0, sizeof m);
    m.type = SESSION_HELLO;
    m.u.hello.mac[0] = (uint8_t)(who / 2); /* two programs a machine */
    m.u.hello.id[0] = (uint8_t)who;
    m.u.hello.person = how & 1;
    session_server_message(&server, bytes, session_message_encode(&m, bytes), who, now, &reply);
    if (reply.type == SESSION_WELCOME)
        session_beacons_init(&machine[who], &reply.u.welcome, m.u.hello.id, m.u.hello.mac, now);
}

static void beacon(unsigned who, uint8_t how)
{
    struct session_facts f = {.state = (enum session_state)(1 + how % 6),
                              .heard = now.ns / 1000,
                              .missed = how};
    uint8_t bytes[SESSION_BEACON_BYTES], ack[SESSION_ACK_BYTES];

    f.error = f.state == SESSION_FAIL ? -1 : 0;
    if (!machine[who].tsi)
        return;
    machine[who].due = now;
    MUST(session_beacons_next(&machine[who], &f, now, bytes) == sizeof bytes);
    if (session_server_datagram(&server, bytes, sizeof bytes, who, now, ack) == 1)
        MUST(session_beacons_ack(&machine[who], ack, sizeof ack, now) == 0);
    /* replayed, or no room still */
    MUST(session_server_datagram(&server, bytes, sizeof bytes, who, now, ack) != 1);
}

static void recount(void)
{
    uint32_t live = 0, needing = 0;
    struct rate_sample samples[ROWS];
    struct session_tally t = session_image_tally(&server, 0);

    for (unsigned i = 0; i < image.used; i++) {
        live += !rows[i].gone;
        needing += !rows[i].gone && rows[i].facts.state <= SESSION_RECEIVING;
    }
    MUST(image.used <= ROWS && image.live == live && image.needing == needing);
    MUST(!needing || image.running);
    MUST(session_image_samples(&server, 0, samples, ROWS) <= needing);
    MUST(t.unfinished <= live);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    memset(rows, 0, sizeof rows);
    memset(machine, 0, sizeof machine);
    image = (struct session_image){
        .welcome = {.tsi = 1, .group = 0xEF010101, .port = 7800, .ttl = 3, .rate = 1000000},
        .name = "image",
        .rows = rows,
        .n_rows = ROWS,
        .loop_suspend = n % 3 ? n % 3 : SESSION_SUSPEND_AUTO};
    server = (struct session_server){0};
    now = (struct mono){0};
    MUST(session_server_add(&server, &image) == 0);
    for (; n >= 2; data += 2, n -= 2) {
        unsigned who = data[0] / 4 % MACHINES;

        if (data[0] % 4 == 0)
            hello(who, data[1]);
        else if (data[0] % 4 == 1)
            beacon(who, data[1]);
        else if (data[0] % 4 == 2)
            session_image_loop(&server, 0);
        else
            session_server_tick(&server, now = mono_add(now, data[1] * 100 * MONO_MS));
        session_server_tick(&server, now);
        recount();
    }
    return 0;
}
