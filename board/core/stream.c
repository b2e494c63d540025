#include "board/core/stream.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "board/core/progress.h"
#include "board/log/log.h"
#include "imaging/pace/pace.h"
#include "net/os/clock.h"
#include "net/os/random.h"

#define REPORT_NS MONO_S
#define RETRY_NS (100 * MONO_MS) /* after the wire refused packets */
#define NOMINAL_K 12288

/* Samples of the image at hand: one control thread, one table. */
static struct rate_sample samples[SESSION_RECEIVERS_MAX];

/* ---- the sending thread ---- */

static void on_send_event(void *ctx, enum send_event what, uint64_t value)
{
    struct stream *s = ctx;

    if (what != SEND_LOOP) {
        atomic_fetch_add(&s->waited_ns, value);
        return;
    }
    atomic_store(&s->loop, value);
    atomic_fetch_add(&s->begun, 1);
}

/* On the control thread: what the sending thread has noted since. */
static void stream_say(struct stream *s)
{
    struct stream_said now = {atomic_load(&s->begun), atomic_load(&s->waited_ns),
                              atomic_load(&s->down)};

    if (now.begun != s->said.begun)
        log_line("%s: Starting stream (loop %llu)", s->file.head.name,
                 (unsigned long long)atomic_load(&s->loop));
    if (now.waited_ns != s->said.waited_ns)
        log_line("%s: the wire waited %.1f s for the disk or the encoder", s->file.head.name,
                 (double)(now.waited_ns - s->said.waited_ns) / 1e9);
    if (now.down != s->said.down)
        log_line("%s: %s", s->file.head.name,
                 now.down ? "the link is down: waiting" : "the link is up again");
    s->said = now;
}

static void sleep_until(struct mono t)
{
    struct timespec at = {t.ns / MONO_S, t.ns % MONO_S};

    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
}

static bool passes(int code)
{
    return code == RING_ERR_DOWN;
}

/* From here on it only says that the session ends, when it is told to. */
static void fail(struct stream *s, const struct err *why, int code)
{
    if (!atomic_load(&s->failure)) {
        s->why = *why;
        atomic_store(&s->failure, code);
    }
    sleep_until(mono_add(clock_now(), RETRY_NS));
}

static void *sending_thread(void *arg)
{
    struct stream *s = arg;

    /* A late wake-up is a lower rate (pace.h). Where we may not, it works as well, less evenly. */
    (void)pthread_setschedparam(pthread_self(), SCHED_FIFO,
                                &(struct sched_param){.sched_priority = 1});
    while (!atomic_load(&s->end)) {
        struct mono wake;
        struct err err = {0};
        int n = send_step(s->send, &wake, &err);

        if (n < 0 && !passes(n)) {
            fail(s, &err, n);
            continue;
        }
        atomic_store(&s->down, n < 0);
        sleep_until(n < 0 ? mono_add(clock_now(), RETRY_NS) : wake);
    }
    return NULL;
}

/* ---- open and close ---- */

static void fill_session(struct stream *s, const struct stream_options *o)
{
    struct session_welcome *w = &s->session.welcome;

    do
        random_fill(&w->tsi, sizeof w->tsi);
    while (!w->tsi);
    random_fill(w->key, sizeof w->key);
    w->group = o->config->group + o->number;
    w->source = o->source;
    w->port = o->config->port;
    w->ttl = o->config->ttl;
    w->rate = s->set;
    memcpy(w->head, s->file.head_bytes, sizeof w->head);
    memcpy(s->session.name, s->file.head.name, sizeof s->session.name);
    s->session.raw_bytes = s->file.head.raw_bytes;
    s->session.loop_suspend = o->config->loop_suspend;
    s->session.n_rows = SESSION_RECEIVERS_MAX;
}

static int open_ring(struct stream *s, const struct stream_options *o, bool *offload,
                     struct err *err)
{
    enum config_choice choice = o->config->offload;
    struct ring_tx_options r = {.flow = {s->session.welcome.group, s->session.welcome.port},
                                .source = o->source,
                                .ttl = s->session.welcome.ttl};
    int rc;

    r.offload = choice == CONFIG_OFF ? RING_OFFLOAD_OFF : RING_OFFLOAD_ON;
    rc = ring_tx_open(&s->tx, o->config->interface, &r, choice == CONFIG_AUTO ? NULL : err);
    if (rc && choice == CONFIG_AUTO) {
        r.offload = RING_OFFLOAD_OFF;
        rc = ring_tx_open(&s->tx, o->config->interface, &r, err);
    }
    *offload = r.offload == RING_OFFLOAD_ON;
    return rc;
}

static int open_sender(struct stream *s, struct err *err)
{
    struct send_config c = {.image = &s->file,
                            .sink = ring_tx_sink(s->tx),
                            .body = s->body.bytes ? &s->body : NULL,
                            .tsi = s->session.welcome.tsi,
                            .rate = s->set,
                            .fixed = s->repair_ppm == CONFIG_REPAIR_FIXED,
                            .clock = clock_now,
                            .tell = on_send_event,
                            .ctx = s};
    int rc;

    memcpy(c.key, s->session.welcome.key, sizeof c.key);
    rc = send_open(&s->send, &c, err);
    if (rc)
        return rc;
    if (pthread_create(&s->thread, NULL, sending_thread, s) != 0)
        return err_set(err, SEND_ERR_THREAD, "a thread of the sender cannot be started");
    s->running = true;
    return 0;
}

int stream_open(struct stream *s, const char *path, const struct stream_options *o, bool *offload,
                struct err *err)
{
    struct rate_config rc = {o->floor, o->ceiling, o->ceiling / 2};
    int e = o->opened ? 0 : img_file_open(&s->file, path, err);

    if (e)
        return e;
    if (o->opened) {
        s->file = o->opened->file;
        s->body = o->opened->body;
        *o->opened = (struct stream_source){.file.fd = -1};
    }
    s->steered = o->config->rate_auto;
    s->fixed = o->config->rate;
    s->floor = o->floor;
    s->client_rate = o->config->client_rate;
    s->repair_ppm = o->config->repair_ppm;
    rate_init(&s->rate, &rc);
    s->set = s->steered ? s->rate.now : s->fixed;
    fill_session(s, o);
    if (o->prepare)
        o->prepare(o->ctx, s);
    s->session.rows = calloc(s->session.n_rows, sizeof *s->session.rows);
    e = s->session.rows
            ? open_ring(s, o, offload, err)
            : err_set(err, SEND_ERR_MEMORY, "there is no memory for the table of receivers");
    return e ? e : open_sender(s, err);
}

void stream_close(struct stream *s)
{
    atomic_store(&s->end, true);
    if (s->running)
        pthread_join(s->thread, NULL);
    if (s->running)
        stream_say(s);
    if (s->send)
        send_close(s->send);
    if (s->tx)
        ring_tx_close(s->tx);
    free(s->session.rows);
    if (s->file.bytes)
        img_file_close(&s->file);
    send_body_close(&s->body);
}

void stream_finish(struct stream *s)
{
    send_finish(s->send);
}

bool stream_finished(struct stream *s)
{
    return send_finished(s->send);
}

/* ---- what receivers do to it ---- */

void stream_event(struct stream *s, const struct session_event *e, struct mono now)
{
    switch (e->what) {
    case SESSION_CAME:
        send_want_body(s->send, true);
        break;
    case SESSION_BODY:
        send_want_body(s->send, false);
        break;
    case SESSION_START:
    case SESSION_RESUME:
        s->fresh = true;
        rate_resume(&s->rate, now);
        send_start(s->send);
        break;
    case SESSION_SUSPEND:
        send_suspend(s->send);
        break;
    case SESSION_STATE:
        s->report_soon |= e->receiver->facts.state == SESSION_RECEIVING;
        break;
    case SESSION_GONE:
    case SESSION_BACK:
    case SESSION_TOLD:
        break;
    }
}

/* The loss for which the carousel would send that much repair: its own formula, backwards. */
static uint32_t loss_for(uint32_t repair_ppm)
{
    uint32_t low = 0, high = 500000, want = (uint32_t)((uint64_t)repair_ppm * NOMINAL_K / 1000000);

    while (low < high) {
        uint32_t middle = (low + high) / 2;

        if (steer_need(NOMINAL_K, middle, 256) < want)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void report_repair(struct stream *s, unsigned n)
{
    struct steer_report told = {loss_for(s->repair_ppm), 1, 1};
    struct steer_poll poll;

    steer_poll_reset(&poll);
    for (unsigned i = 0; i < n; i++)
        if (samples[i].receiving)
            steer_poll_add(&poll, samples[i].loss_ppm, samples[i].worst_ppm);
    if (s->repair_ppm == CONFIG_REPAIR_AUTO)
        told = steer_poll_report(&poll);
    send_report(s->send, &told);
}

/* What the disks of the slowest clients can take of the window being sent: they write what it
 * unpacks to. */
static uint64_t client_cap(const struct stream *s, const struct send_stats *now)
{
    const struct img_window *w = &s->file.body.windows[now->window];
    uint64_t wire = (uint64_t)now->rows * w->d * PACE_WIRE_BYTES,
             raw = (uint64_t)w->chunks * IMG_CHUNK_BYTES;
    uint64_t cap = (uint64_t)((double)s->client_rate * (double)wire / (double)raw);

    return cap > s->floor ? cap : s->floor;
}

static void set_rate(struct stream *s, const struct send_stats *now)
{
    uint64_t rate = s->steered ? s->rate.now : s->fixed, cap;

    if (s->client_rate && s->file.body.nwindows && now->rows) {
        cap = client_cap(s, now);
        rate = cap < rate ? cap : rate;
    }
    if (s->share && rate > s->share)
        rate = s->share;
    if (rate != s->set)
        send_set_rate(s->send, rate);
    s->set = rate;
}

/* Whole loops since the last look. */
static void count_loops(struct stream *s, struct session_server *server, unsigned image,
                        uint32_t pass)
{
    for (; s->pass_seen < pass; s->pass_seen++) {
        if (!s->fresh)
            session_image_loop(server, image);
        s->fresh = false;
    }
}

bool stream_tick(struct stream *s, struct session_server *server, unsigned image, struct mono now)
{
    struct send_stats stats;
    bool changed = false;
    unsigned n;

    stream_say(s);
    send_stats(s->send, &stats);
    count_loops(s, server, image, stats.pass);
    if (s->report_soon || mono_sub(now, s->reported) >= REPORT_NS) {
        n = session_image_samples(server, image, samples, SESSION_RECEIVERS_MAX);
        report_repair(s, n);
        changed = s->steered && session_image_running(server, image) &&
                  rate_step(&s->rate, samples, n, s->session.welcome.beacon_ms, now);
        s->report_soon = false;
        s->reported = now;
    }
    set_rate(s, &stats);
    session_image_at(server, image, stats.sbn, s->set);
    return changed;
}
