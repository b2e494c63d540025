#include "board/core/serve.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "board/core/progress.h"
#include "board/core/serve_log.h"
#include "board/log/log.h"
#include "net/mdns/bind.h"
#include "net/os/clock.h"
#include "net/wire/units.h"

#define STATUS_NS (5 * MONO_S)
#define CLOSING_NS (2 * MONO_S) /* the last packets, and beacons that are still to come */
#define LINGER_NS (300 * MONO_MS)
#define UNKNOWN_MBIT 1000 /* of a link that does not say */

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
    s->ceiling = s->config.ceiling ? s->config.ceiling
                                   : link / 100 * 95 / (s->shares ? 1 : s->config.n_images);
    if (s->ceiling < CONFIG_RATE_MIN)
        s->ceiling = CONFIG_RATE_MIN;
    if (!s->config.rate_auto)
        s->ceiling = s->config.rate;
    s->floor = s->config.floor ? s->config.floor : s->ceiling / 20;
    if (s->floor < CONFIG_RATE_MIN)
        s->floor = CONFIG_RATE_MIN;
    if (s->floor > s->ceiling)
        return err_set(err, CONFIG_EVALUE,
                       "expected a floor that is not above what the link carries");
    return 0;
}

static int open_stack(struct serve *s, struct err *err)
{
    struct ip_config c = {0};
    int rc = ip_config_parse(&c, s->config.address[0] ? s->config.address : "dhcp", err);

    if (rc == 0)
        rc = ip_stack_open(&s->stack, s->config.interface, &c, err);
    s->owns_stack = rc == 0;
    return rc ? rc : ip_stack_wait_address(s->stack, IP_ADDRESS_MS, err);
}

static void drop_opened(struct stream_source *opened)
{
    img_file_close(&opened->file);
    send_body_close(&opened->body);
}

int serve_add(struct serve *s, const char *path, struct stream_source *opened, struct err *err)
{
    unsigned place = session_server_place(&s->server);
    struct stream_options o = {.config = &s->config,
                               .floor = s->floor,
                               .ceiling = s->ceiling,
                               .source = ip_stack_wanted(s->stack),
                               .number = place,
                               .opened = opened,
                               .prepare = s->hooks.prepare,
                               .ctx = s->hooks.ctx};
    struct stream *st = &s->streams[place];
    int rc;

    if (place == CONFIG_IMAGES_MAX && opened)
        drop_opened(opened);
    if (place == CONFIG_IMAGES_MAX)
        return err_set(err, SESSION_EFULL, "%s: expected at most %d images", path,
                       CONFIG_IMAGES_MAX);
    rc = stream_open(st, path, &o, &s->offload, err);
    if (rc == 0 && session_server_add(&s->server, &st->session))
        rc = err_set(err, SESSION_EFULL,
                     "two images are called \"%s\": receivers could not tell them apart",
                     st->session.name);
    if (rc == 0) {
        s->n_streams = s->server.n;
        return 0;
    }
    stream_close(st);
    memset(st, 0, sizeof *st);
    return rc;
}

static void leave(struct serve *s, unsigned i, struct mono now)
{
    session_image_leave(&s->server, i);
    stream_finish(&s->streams[i]);
    s->streams[i].leaves = mono_add(now, CLOSING_NS);
}

bool serve_remove(struct serve *s, const char *name, struct mono now)
{
    for (unsigned i = 0; i < s->n_streams; i++) {
        struct stream *st = &s->streams[i];

        if (!session_image_there(&s->server, i) || st->session.leaving ||
            strcmp(st->session.name, name) != 0)
            continue;
        leave(s, i, now);
        log_line("%s: taken away; who still needs it is told", name);
        return true;
    }
    return false;
}

/* Streams that have said their last go; their places can be taken again. */
static void let_go(struct serve *s, struct mono now)
{
    for (unsigned i = 0; i < s->n_streams; i++) {
        struct stream *st = &s->streams[i];
        int64_t left = mono_sub(st->leaves, now);

        if (!st->session.leaving || left > CLOSING_NS - LINGER_NS ||
            (left > 0 && !stream_finished(st)))
            continue;
        if (s->hooks.removed)
            s->hooks.removed(s->hooks.ctx, st);
        stream_close(st);
        session_server_remove(&s->server, i);
        memset(st, 0, sizeof *st);
    }
    s->n_streams = s->server.n;
}

static int open_streams(struct serve *s, struct err *err)
{
    int rc = 0;

    for (unsigned i = 0; rc == 0 && i < s->config.n_images; i++)
        rc = serve_add(s, s->config.image[i], NULL, err);
    return rc;
}

static void on_session_event(void *ctx, const struct session_event *e)
{
    struct serve *s = ctx;

    if (e->what != SESSION_BODY && e->what != SESSION_TOLD)
        serve_log_event(s, e);
    stream_event(&s->streams[e->image], e, ip_stack_now(s->stack));
    if (s->hooks.event)
        s->hooks.event(s->hooks.ctx, e);
}

static int on_ask(void *ctx, const struct session_ask *a, struct session_own *own, char *why)
{
    struct serve *s = ctx;

    return s->hooks.own ? s->hooks.own(s->hooks.ctx, a, own, why) : SESSION_EREFUSED;
}

static int on_choice(void *ctx, const struct session_hello *h, unsigned *image, char *why)
{
    struct serve *s = ctx;

    return s->hooks.choose ? s->hooks.choose(s->hooks.ctx, h, image, why) : 0;
}

static struct session_label on_label(void *ctx, const uint8_t mac[6])
{
    const struct serve *s = ctx;

    return s->hooks.label ? s->hooks.label(s->hooks.ctx, mac) : (struct session_label){0};
}

static bool on_kept(void *ctx, unsigned image, const struct session_receiver *r)
{
    const struct serve *s = ctx;

    return !s->hooks.kept || s->hooks.kept(s->hooks.ctx, image, r);
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
    s->advertised =
        mdns_advertise(s->stack, instance, s->config.port, items, s->n_streams, &err) == 0;
    if (!s->advertised)
        log_line("not advertised: %s", err.text);
}

/* Before there is a stack. */
static int prepare(struct serve *s, const struct config *c, struct err *err)
{
    s->config = *c;
    s->server.tell = on_session_event;
    s->server.choose = on_choice;
    s->server.own = on_ask;
    s->server.label = on_label;
    s->server.kept = on_kept;
    s->server.ctx = s;
    s->began = s->ended = clock_now();
    s->streams = calloc(CONFIG_IMAGES_MAX, sizeof *s->streams);
    return s->streams ? resolve_rates(s, err) : err_set(err, SEND_ERR_MEMORY, "out of memory");
}

int serve_open(struct serve *s, const struct config *c, struct err *err)
{
    int rc;

    memset(s, 0, sizeof *s);
    rc = prepare(s, c, err);
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

int serve_begin(struct serve *s, const struct config *c, const struct serve_hooks *hooks,
                struct ip_stack *stack, struct err *err)
{
    int rc;

    memset(s, 0, sizeof *s);
    s->hooks = *hooks;
    s->stack = stack;
    s->shares = true;
    rc = prepare(s, c, err);
    return rc ? rc : session_bind_open(&s->bind, s->stack, &s->server, s->config.port, err);
}

void serve_close(struct serve *s)
{
    session_bind_close(s->bind);
    for (unsigned i = 0; i < s->n_streams; i++)
        if (session_image_there(&s->server, i))
            stream_close(&s->streams[i]);
    free(s->streams);
    if (s->advertised)
        mdns_withdraw(s->stack);
    if (s->owns_stack)
        ip_stack_close(s->stack);
}

/* ---- running ---- */

/* A stream whose sender has failed is over; its receivers are not kept waiting. */
static void bury(struct serve *s, unsigned i, struct mono now)
{
    struct stream *st = &s->streams[i];

    log_line("%s is not given out any more: %s (%d)", st->session.name, st->why.text, st->why.code);
    if (!s->failed.code)
        err_set(&s->failed, st->why.code, "%s: %s", st->session.name, st->why.text);
    if (s->hooks.failed)
        s->hooks.failed(s->hooks.ctx, st, &st->why);
    if (!st->session.leaving)
        leave(s, i, now);
}

/* False when no stream is left, and one has failed. */
static bool bury_failed(struct serve *s, struct mono now)
{
    unsigned alive = 0;

    for (unsigned i = 0; i < s->n_streams; i++) {
        if (!session_image_there(&s->server, i) || s->streams[i].session.leaving)
            continue;
        if (atomic_load(&s->streams[i].failure))
            bury(s, i, now);
        else
            alive++;
    }
    return alive > 0 || !s->failed.code;
}

/* What each of the streams that run may take of the link. */
static void share_out(struct serve *s)
{
    unsigned running = 0;

    for (unsigned i = 0; i < s->n_streams; i++)
        running += session_image_running(&s->server, i);
    for (unsigned i = 0; i < s->n_streams; i++)
        s->streams[i].share = running > 1 ? s->ceiling / running : 0;
}

int serve_step(struct serve *s, struct mono now, struct err *err)
{
    session_bind_tick(s->bind, now);
    if (s->shares)
        share_out(s);
    let_go(s, now);
    for (unsigned i = 0; i < s->n_streams; i++)
        if (session_image_there(&s->server, i) && stream_tick(&s->streams[i], &s->server, i, now))
            serve_log_rate(&s->streams[i]);
    return bury_failed(s, now) ? 0 : err_set(err, s->failed.code, "%s", s->failed.text);
}

static int step(struct serve *s, int max_ms, struct err *err)
{
    int rc = ip_stack_wait(s->stack, max_ms, -1);

    if (rc)
        return err_set(err, rc, "the network interface %s failed", s->config.interface);
    return serve_step(s, ip_stack_now(s->stack), err);
}

static bool all_finished(struct serve *s)
{
    bool all = true;

    for (unsigned i = 0; i < s->n_streams; i++)
        all &= !session_image_there(&s->server, i) || stream_finished(&s->streams[i]);
    return all;
}

/* The end of each session is said on the wire, and in acks to whoever still sends a beacon. */
void serve_finish(struct serve *s)
{
    struct mono end = mono_add(clock_now(), CLOSING_NS), linger = mono_add(clock_now(), LINGER_NS);
    struct err ignored = {0};

    s->server.closing = true;
    for (unsigned i = 0; i < s->n_streams; i++)
        if (session_image_there(&s->server, i) && !s->streams[i].session.leaving)
            stream_finish(&s->streams[i]);
    while (mono_sub(end, clock_now()) > 0 &&
           !(all_finished(s) && mono_sub(clock_now(), linger) > 0))
        if (step(s, 20, &ignored))
            break;
}

int serve_run(struct serve *s, const atomic_int *stop, struct err *err)
{
    struct mono status = clock_now();
    int rc = 0;

    s->began = clock_now();
    while (!*stop && rc == 0) {
        rc = step(s, 50, err);
        if (mono_sub(clock_now(), status) < STATUS_NS)
            continue;
        status = clock_now();
        serve_log_status(s);
    }
    serve_finish(s);
    s->ended = clock_now();
    return rc || !s->failed.code ? rc : err_set(err, s->failed.code, "%s", s->failed.text);
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
