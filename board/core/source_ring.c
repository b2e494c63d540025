/* The ring: a handshake, then the body and the stream from the group, wherever it happens to be. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "board/core/source.h"
#include "board/errors/command.h"
#include "net/os/clock.h"
#include "net/os/random.h"
#include "net/ring/ring.h"
#include "net/session/control.h"
#include "net/session/proto.h"

#define POLL_MS 50
#define FAREWELL_S 2
#define COUNT_NS INT64_C(500000000) /* between two looks at the ring's drop counter */
/* neither packet nor ack: the sender may have been started anew */
#define FORSAKEN_NS INT64_C(8000000000)
#define REJOIN_MS 3000

struct ring_source {
    struct source *source; /* whose ctx this is */
    struct ip_stack *stack;
    /* NULL while joining again; guarded by lock, as the watching thread tells through it */
    struct session_control *control;
    pthread_mutex_t lock;
    struct session_server_at at;
    char name[SESSION_NAME_MAX + 1], interface[16];
    uint8_t id[SESSION_ID_BYTES];
    bool person;
    uint32_t said; /* beacons under this id */
    struct session_welcome welcome;
    struct ring_rx *rx;
    struct collect collect;
    struct body_object body;
    int timeout_s, farewell_s;
    _Atomic uint64_t drops;
    struct session_info about; /* what the board is told of this machine */
};

struct ring_url {
    char host[254], name[SESSION_NAME_MAX + 1];
    uint16_t port;
};

/* ringcast://HOST[:PORT][/NAME] */
static int parse_url(const char *text, struct ring_url *u, struct err *err)
{
    const char *at = text + strlen("ringcast://");
    size_t host = strcspn(at, ":/");
    unsigned port = SESSION_PORT;
    int used = 0;

    if (host == 0 || host >= sizeof u->host)
        return err_set(err, HOST_EURL, "expected ringcast://HOST[:PORT][/NAME], got %.80s", text);
    memcpy(u->host, at, host);
    u->host[host] = 0;
    at += host;
    if (*at == ':') {
        if (sscanf(at, ":%5u%n", &port, &used) != 1 || port == 0 || port > 65535)
            return err_set(err, HOST_EURL, "expected a port from 1 to 65535 in %.80s", text);
        at += used;
    }
    if (*at == '/')
        at++;
    else if (*at)
        return err_set(err, HOST_EURL, "expected ringcast://HOST[:PORT][/NAME], got %.80s", text);
    u->port = (uint16_t)port;
    snprintf(u->name, sizeof u->name, "%s", at);
    if (strlen(at) > SESSION_NAME_MAX || !session_name_legal(u->name))
        return err_set(err, HOST_EURL, "expected an image name of at most %d bytes in %.80s",
                       SESSION_NAME_MAX, text);
    return 0;
}

static int control_begin(struct ring_source *g, struct err *err)
{
    struct session_control *c = NULL;
    int rc =
        session_control_start(&c, g->stack, g->at, &g->welcome,
                              &(struct session_asker){g->name, g->id, g->person}, &g->said, err);

    if (c)
        session_control_about(c, &g->about);
    pthread_mutex_lock(&g->lock);
    g->control = c;
    pthread_mutex_unlock(&g->lock);
    return rc;
}

/* This thread owns the stack again. Whether the sender has the last word. */
static bool control_end(struct ring_source *g, const struct session_facts *last, int wait_ms)
{
    struct session_control *c;

    pthread_mutex_lock(&g->lock);
    c = g->control;
    g->control = NULL;
    pthread_mutex_unlock(&g->lock);
    return c && session_control_stop(c, last, wait_ms);
}

static int listen_to_group(struct ring_source *g, struct err *err)
{
    struct ring_flow flow = {g->welcome.group, g->welcome.port};

    if (g->rx)
        ring_rx_close(g->rx);
    return ring_rx_open(&g->rx, g->interface, &flow, RING_RX_BYTES_MIN, err);
}

static int ask_own(struct ring_source *g, const struct source_options *opt, struct err *err)
{
    struct source *s = g->source;

    if (!opt->ask_own)
        return 0;
    memcpy(s->asked.mac, ip_stack_mac(g->stack), sizeof s->asked.mac);
    memcpy(s->asked.id, g->id, sizeof s->asked.id);
    return session_ask(g->stack, g->at, g->id, (opt->join_s ? opt->join_s : opt->timeout_s) * 1000,
                       &s->own, err);
}

static int ask_in(struct ring_source *g, int timeout_ms, struct session_welcome *w, struct err *err)
{
    return session_join(g->stack, g->at, &(struct session_asker){g->name, g->id, g->person},
                        timeout_ms, w, err);
}

/* A person waits while the box checks the image: it says so, and asks again. A netbooted machine
 * has a loop of its own. */
static int ask_until_ready(struct ring_source *g, int timeout_ms, struct err *err)
{
    struct err why = {0};
    bool said = false;
    int rc = ask_in(g, timeout_ms, &g->welcome, &why);

    while (rc == SESSION_EWAIT && g->person && !source_stopped()) {
        if (!said)
            fprintf(stderr, "waiting: %s\n", why.text);
        said = true;
        nanosleep(&(struct timespec){.tv_sec = 1}, NULL);
        why = (struct err){0};
        rc = ask_in(g, timeout_ms, &g->welcome, &why);
    }
    return rc ? err_set(err, why.code, "%s", why.text) : 0;
}

static int join(struct ring_source *g, const struct source_options *opt, struct err *err)
{
    struct ip_config config = {0};
    struct ring_url url;
    int rc = parse_url(opt->where, &url, err);

    random_fill(g->id, sizeof g->id);
    g->person = opt->person;
    g->at.port = url.port;
    memcpy(g->name, url.name, sizeof g->name);
    if (!rc)
        rc = ip_config_parse(&config, opt->address, err);
    if (!rc)
        rc = ip_stack_open(&g->stack, g->interface, &config, err);
    if (!rc)
        ip_stack_stop_when(g->stack, source_stopped);
    if (!rc)
        rc = ip_stack_wait_address(g->stack, IP_ADDRESS_MS, err);
    if (!rc)
        rc = ip_stack_resolve(g->stack, url.host, 10000, &g->at.address, err);
    if (!rc)
        rc = ask_own(g, opt, err);
    if (!rc)
        rc = ask_until_ready(g, (opt->join_s ? opt->join_s : opt->timeout_s) * 1000, err);
    if (!rc)
        rc = listen_to_group(g, err);
    return rc ? rc : control_begin(g, err);
}

/* A sender that was started anew knows nothing of us, and has another session of perhaps the same
 * image. If so, what we have of it stays. Where nobody answers, we stay in the session that we
 * have. */
static int rejoin(struct ring_source *g, struct err *err)
{
    struct session_welcome old = g->welcome, now;
    struct err ignored = {0};
    int rc = 0;

    control_end(g, NULL, 0);
    if (ask_in(g, REJOIN_MS, &now, &ignored) == 0) {
        if (memcmp(now.head, old.head, sizeof now.head) != 0)
            return err_set(err, RECEIVE_ECLOSED,
                           "the sender was started anew and has another image now");
        g->welcome = now;
        collect_session(&g->collect, now.key, now.tsi);
        if (now.group != old.group || now.port != old.port)
            rc = listen_to_group(g, err);
    }
    return rc ? rc : control_begin(g, err);
}

static void ring_source_free(struct ring_source *g)
{
    if (g->rx)
        ring_rx_close(g->rx);
    if (g->stack)
        ip_stack_close(g->stack);
    body_free(&g->body);
    collect_free(&g->collect);
    pthread_mutex_destroy(&g->lock);
    free(g);
}

static int ring_open(struct source *s, const struct source_options *opt, struct err *err)
{
    /* The group key inside wants the alignment of vectors, which calloc does not give. */
    struct ring_source *g = aligned_alloc(_Alignof(struct ring_source), sizeof *g);
    int rc;

    if (!g)
        return err_set(err, RECEIVE_EMEMORY, "out of memory");
    memset(g, 0, sizeof *g);
    pthread_mutex_init(&g->lock, NULL);
    s->ctx = g;
    g->source = s;
    g->timeout_s = opt->timeout_s;
    g->farewell_s = opt->farewell_s ? opt->farewell_s : FAREWELL_S;
    rc = source_interface(g->interface, opt->interface, err);
    if (!rc)
        rc = join(g, opt, err);
    if (!rc)
        rc = img_head_decode(g->welcome.head, &s->head, err);
    if (rc) {
        control_end(g, NULL, 0);
        ring_source_free(g);
    }
    return rc;
}

struct vigil {
    /* the last packet, look at the counters, attempt to join again */
    int64_t heard, counted, tried;
    int64_t spoiled; /* when the body was first found wrong; 0: not yet */
};

/* So long without an ack, and the sender is not there. */
static int64_t patience_ns(const struct ring_source *g, const struct session_news *news)
{
    int64_t patience = 3 * MONO_MS * (news->ack.tsi ? news->ack.beacon_ms : g->welcome.beacon_ms);

    return patience > FORSAKEN_NS ? patience : FORSAKEN_NS;
}

static bool forsaken(struct ring_source *g, const struct vigil *v, int64_t now)
{
    struct session_news news;

    if (now - v->heard < FORSAKEN_NS || now - v->tried < FORSAKEN_NS)
        return false;
    session_control_get(g->control, &news);
    return news.silent_ns > patience_ns(g, &news);
}

/* Silence means nothing to who needs no more packets: a slow disk may take its time for the last
 * blocks. */
static bool needs_packets(const struct ring_source *g)
{
    return !g->collect.intake || g->collect.intake->track.lacking > 0;
}

/* The stream's rate as the sender last said it: what the disk must be measured against. A rate of 0
 * while packets are needed: the stream is held. */
static void note_rate(struct ring_source *g)
{
    struct session_news news;

    session_control_get(g->control, &news);
    atomic_store(&g->source->waits, news.ack.tsi && !news.ack.rate && needs_packets(g) &&
                                        news.silent_ns < patience_ns(g, &news));
    if (g->collect.intake)
        g->collect.intake->wire_rate =
            news.ack.tsi && news.ack.rate ? news.ack.rate : g->welcome.rate;
}

/* The sender's operator has ended the session, and something is lacking. */
static bool was_stopped(struct ring_source *g)
{
    struct session_news news;

    session_control_get(g->control, &news);
    return news.ack.stopped && needs_packets(g);
}

static int say_stopped(const struct ring_source *g, struct err *err)
{
    return err_set(err, HOST_ESTOPPED,
                   "the session was stopped by the operator before all of the image was there: %s",
                   g->collect.intake ? SOURCE_UNUSABLE : "the disk is as it was");
}

/* One poll of the ring with all that may end it. */
static int listen(struct ring_source *g, struct vigil *v, struct err *err)
{
    struct frame_source source = ring_rx_source(g->rx);
    struct ring_rx_counts counts;
    int n = collect_poll(&g->collect, &source, POLL_MS);
    int64_t now = clock_now().ns;

    if (n == RING_ERR_DOWN) /* a cable pulled: silence, which has a limit of its own */
        n = 0;
    if (n < 0)
        return err_set(err, n, "the network interface stopped receiving");
    if (atomic_load(&source_interrupted))
        return err_set(err, RECEIVE_EINTR, "interrupted");
    if (n > 0 || !needs_packets(g) || atomic_load(&g->source->waits))
        v->heard = now;
    else if (g->timeout_s > 0 && now - v->heard > g->timeout_s * INT64_C(1000000000))
        return err_set(err, RECEIVE_ETIMEOUT, "no packet of the session arrived for %d s",
                       g->timeout_s);
    if (now - v->counted > COUNT_NS) {
        v->counted = now;
        ring_rx_counts(g->rx, &counts);
        atomic_store(&g->drops, counts.dropped);
        note_rate(g);
        if (was_stopped(g))
            return say_stopped(g, err);
    }
    if (!forsaken(g, v, now))
        return 0;
    v->tried = now;
    return rejoin(g, err);
}

/* The body is whole. A wrong symbol from inside the group spoils it: then it is received once more,
 * until the time is up. */
static int take_body(struct ring_source *g, struct source *s, struct vigil *v, struct err *err)
{
    struct err why = {0};
    int rc = img_body_parse(g->body.symbols, (size_t)s->head.body_bytes, &s->head, &s->body, &why);

    s->owns_body = rc == 0;
    if (!rc)
        return 0;
    if (!v->spoiled)
        v->spoiled = clock_now().ns;
    if (rc != IMG_EBODYHASH ||
        (g->timeout_s > 0 && clock_now().ns - v->spoiled > g->timeout_s * INT64_C(1000000000)))
        return err_set(err, rc, "%s", why.text);
    body_reset(&g->body);
    return 0;
}

static int ring_body(struct source *s, struct receive_counts *counts, struct err *err)
{
    struct ring_source *g = s->ctx;
    struct vigil v = {.heard = clock_now().ns, .counted = clock_now().ns};
    int rc = body_init(&g->body, s->head.body_bytes, err);

    collect_init(&g->collect, g->welcome.key, g->welcome.tsi, &g->body, counts);
    collect_keep(&g->collect);
    while (!rc && !s->owns_body) {
        rc = listen(g, &v, err);
        if (!rc && body_complete(&g->body))
            rc = take_body(g, s, &v, err);
        else if (!rc && g->collect.closed)
            rc = err_set(err, RECEIVE_ECLOSED,
                         "the sender ended the session before the image was complete");
    }
    body_free(&g->body);
    g->collect.body = NULL;
    return rc;
}

static int ring_feed(struct source *s, struct receive *r, struct err *err)
{
    struct ring_source *g = s->ctx;
    struct frame_source source = ring_rx_source(g->rx);
    struct vigil v = {.heard = clock_now().ns, .counted = clock_now().ns};
    int rc = 0;

    receive_attach(r, &g->collect, &source);
    while (!rc && !receive_complete(r) && !receive_stopped(r)) {
        rc = listen(g, &v, err);
        receive_events(r);
        if (!rc && g->collect.closed && !receive_settle(r))
            rc = err_set(err, RECEIVE_ECLOSED,
                         "the sender ended the session before the image was complete");
    }
    g->collect.intake = NULL;
    return rc;
}

static void ring_tell(struct source *s, const struct session_facts *facts)
{
    struct ring_source *g = s->ctx;

    pthread_mutex_lock(&g->lock);
    if (g->control)
        session_control_set(g->control, facts);
    pthread_mutex_unlock(&g->lock);
}

/* The speed of the cable is known here. */
static void ring_about(struct source *s, const struct session_info *info)
{
    struct ring_source *g = s->ctx;
    struct ring_if link;

    g->about = *info;
    if (ring_if_info(g->interface, &link, NULL) == 0 && link.mbit <= SESSION_LINK_MAX)
        g->about.link_mbps = link.mbit;
    if (g->control)
        session_control_about(g->control, &g->about);
}

static struct session_label ring_label(struct source *s)
{
    struct ring_source *g = s->ctx;
    struct session_label label = {0};
    struct session_news news;

    pthread_mutex_lock(&g->lock);
    if (g->control) {
        session_control_get(g->control, &news);
        label = (struct session_label){news.ack.number, news.ack.identify};
    }
    pthread_mutex_unlock(&g->lock);
    return label;
}

static uint64_t ring_drops(struct source *s)
{
    struct ring_source *g = s->ctx;

    return atomic_load(&g->drops);
}

/* A sender that was started anew does not know us. That this machine has passed it must know all
 * the same, or it would image it again: so it is told in a session of the same image, after another
 * handshake; or in the one we had, where none comes about: it may still be there, and take in
 * nobody any more. */
static bool tell_anew(struct ring_source *g, const struct session_facts *last)
{
    struct session_welcome now;
    struct err ignored = {0};

    if (ask_in(g, REJOIN_MS, &now, &ignored) == 0 &&
        memcmp(now.head, g->welcome.head, sizeof now.head) == 0)
        g->welcome = now;
    return control_begin(g, &ignored) == 0 && control_end(g, last, FAREWELL_S * 1000);
}

/* The last word, until the sender has it: a PASS for as long as the caller wishes, the rest
 * briefly. */
static bool farewell(struct ring_source *g, const struct session_facts *last)
{
    int64_t end = clock_now().ns + g->farewell_s * INT64_C(1000000000);
    bool told = control_end(g, last, FAREWELL_S * 1000);

    while (!told && last->state == SESSION_PASS && clock_now().ns < end && !source_stopped()) {
        int64_t began = clock_now().ns;

        told = tell_anew(g, last);
        if (!told && clock_now().ns - began < 1000000000)
            nanosleep(&(struct timespec){.tv_sec = 1}, NULL);
    }
    return told;
}

static void ring_close(struct source *s, const struct session_facts *last)
{
    struct ring_source *g = s->ctx;

    s->told = farewell(g, last);
    ring_source_free(g);
}

const struct source_ops source_ring = {
    .open = ring_open,
    .body = ring_body,
    .feed = ring_feed,
    .tell = ring_tell,
    .about = ring_about,
    .label = ring_label,
    .drops = ring_drops,
    .close = ring_close,
};
