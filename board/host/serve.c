#include "board/host/serve.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "board/host/progress.h"
#include "board/host/serve_log.h"
#include "net/mdns/bind.h"
#include "net/wire/units.h"

#define STATUS_NS (5 * MONO_S)
#define CLOSING_NS (2 * MONO_S)    /* the last packets, and beacons that are still to come */
#define LINGER_NS (300 * MONO_MS)
#define UNKNOWN_MBIT 1000          /* of a link that does not say */

/* ---- opening ---- */

/* Floor and ceiling of each stream: as told, else so that all together fill 95 % of the link. */
static int resolve_rates(struct serve *s, struct err *err)
{
    struct ring_if info;
    int rc = ring_if_info(s->config.interface, &info, err);
    uint64_t link;

    if (rc)
        return rc;
    link = (uint64_t)(info.mbit ? info.mbit : UNKNOWN_MBIT) * 125000;
    s->ceiling = s->config.ceiling ? s->config.ceiling : link / 100 * 95 / s->config.n_images;
    if (s->ceiling < CONFIG_RATE_MIN)
        s->ceiling = CONFIG_RATE_MIN;
    if (!s->config.rate_auto)
        s->ceiling = s->config.rate;
    s->floor = s->config.floor ? s->config.floor : s->ceiling / 20;
    if (s->floor < CONFIG_RATE_MIN)
        s->floor = CONFIG_RATE_MIN;
    if (s->floor > s->ceiling)
        return err_set(err, CONFIG_EVALUE, "expected a floor that is not above what the link carries");
    return 0;
}

static int open_stack(struct serve *s, struct err *err)
{
    struct ip_config c = {0};
    int rc = ip_config_parse(&c, s->config.address[0] ? s->config.address : "dhcp", err);

    if (rc == 0)
        rc = ip_stack_open(&s->stack, s->config.interface, &c, err);
    return rc ? rc : ip_stack_wait_address(s->stack, IP_ADDRESS_MS, err);
}

static int open_streams(struct serve *s, struct err *err)
{
    struct stream_options o = {.config = &s->config,
                               .floor = s->floor,
                               .ceiling = s->ceiling,
                               .source = ip_stack_address(s->stack)};

    s->streams = calloc(s->config.n_images, sizeof *s->streams);
    if (!s->streams)
        return err_set(err, SEND_ERR_MEMORY, "out of memory");
    for (o.number = 0; o.number < s->config.n_images; o.number++) {
        struct stream *st = &s->streams[s->n_streams++];
        int rc = stream_open(st, s->config.image[o.number], &o, &s->offload, err);

        if (rc)
            return rc;
        if (session_server_add(&s->server, &st->session))
            return err_set(err, SESSION_EFULL, "two images are called \"%s\": receivers could not tell them apart",
                           st->session.name);
    }
    return 0;
}

static void on_session_event(void *ctx, const struct session_event *e)
{
    struct serve *s = ctx;

    if (e->what != SESSION_BODY)
        serve_log_event(s, e);
    stream_event(&s->streams[e->image], e, ip_stack_now(s->stack));
}

/* An advert that cannot be made is a pity, no more. */
static void advertise(struct serve *s)
{
    static char item[CONFIG_IMAGES_MAX][MDNS_TEXT_MAX + 48];
    const char *items[CONFIG_IMAGES_MAX];
    char host[48] = "", instance[64], group[IP_TEXT];
    struct err err = {0};

    if (!s->config.mdns)
        return;
    for (unsigned i = 0; i < s->n_streams; i++) {
        ip_address_text(group, s->streams[i].session.welcome.group);
        snprintf(item[i], sizeof item[i], "image%u=%s %s", i, group, s->streams[i].session.name);
        items[i] = item[i];
    }
    gethostname(host, sizeof host - 1);
    snprintf(instance, sizeof instance, "Ringcast on %s", host);
    s->advertised = mdns_advertise(s->stack, instance, s->config.port, items, s->n_streams, &err) == 0;
    if (!s->advertised)
        serve_log("not advertised: %s", err.text);
}

int serve_open(struct serve *s, const struct config *c, struct err *err)
{
    int rc;

    memset(s, 0, sizeof *s);
    s->config = *c;
    s->server.tell = on_session_event;
    s->server.ctx = s;
    s->began = s->ended = host_now();
    rc = resolve_rates(s, err);
    if (rc == 0)
        rc = open_stack(s, err);
    if (rc == 0)
        rc = open_streams(s, err);
    if (rc == 0)
        rc = session_bind_open(&s->bind, s->stack, &s->server, s->config.port, err);
    if (rc == 0)
        advertise(s);
    return rc;
}

void serve_close(struct serve *s)
{
    session_bind_close(s->bind);
    for (unsigned i = 0; i < s->n_streams; i++)
        stream_close(&s->streams[i]);
    free(s->streams);
    if (s->advertised)
        mdns_withdraw(s->stack);
    ip_stack_close(s->stack);
}

/* ---- running ---- */

/* A stream whose sender has failed is over; its receivers are not kept waiting. False when none is left. */
static bool bury_failed(struct serve *s, struct err *err)
{
    unsigned alive = 0;

    for (unsigned i = 0; i < s->n_streams; i++) {
        struct stream *st = &s->streams[i];

        alive += !atomic_load(&st->failure);
        if (atomic_load(&st->failure))
            err_set(err, st->why.code, "%s: %s", st->session.name, st->why.text);
    }
    return alive == s->n_streams;
}

static int step(struct serve *s, int max_ms, struct err *err)
{
    int rc = ip_stack_wait(s->stack, max_ms, -1);
    struct mono now = ip_stack_now(s->stack);

    if (rc)
        return err_set(err, rc, "the network interface %s failed", s->config.interface);
    session_bind_tick(s->bind, now);
    for (unsigned i = 0; i < s->n_streams; i++)
        if (stream_tick(&s->streams[i], &s->server, i, now))
            serve_log_rate(&s->streams[i]);
    return bury_failed(s, err) ? 0 : err->code;
}

static bool all_finished(struct serve *s)
{
    bool all = true;

    for (unsigned i = 0; i < s->n_streams; i++)
        all &= stream_finished(&s->streams[i]);
    return all;
}

/* The end of each session is said on the wire, and in acks to whoever still sends a beacon. */
static void finish(struct serve *s)
{
    struct mono end = mono_add(host_now(), CLOSING_NS), linger = mono_add(host_now(), LINGER_NS);
    struct err ignored = {0};

    s->server.closing = true;
    for (unsigned i = 0; i < s->n_streams; i++)
        stream_finish(&s->streams[i]);
    while (mono_sub(end, host_now()) > 0 && !(all_finished(s) && mono_sub(host_now(), linger) > 0))
        if (step(s, 20, &ignored))
            break;
}

int serve_run(struct serve *s, const volatile sig_atomic_t *stop, struct err *err)
{
    struct mono status = host_now();
    int rc = 0;

    s->began = host_now();
    while (!*stop && rc == 0) {
        rc = step(s, 50, err);
        if (mono_sub(host_now(), status) < STATUS_NS)
            continue;
        status = host_now();
        serve_log_status(s);
    }
    finish(s);
    s->ended = host_now();
    return rc;
}

struct session_tally serve_tally(const struct serve *s)
{
    struct session_tally all = {0};

    for (unsigned i = 0; i < s->server.n; i++) {
        struct session_tally t = session_image_tally(&s->server, i);

        all.passed += t.passed;
        all.failed += t.failed;
        all.lost += t.lost;
        all.unfinished += t.unfinished;
    }
    return all;
}
