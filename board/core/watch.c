#include "board/core/watch.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "net/os/clock.h"

#define TICK_MS 250
#define RATE_NS INT64_C(1000000000)

/* Packets of the widest window: over so many the loss is looked at. */
static uint64_t window_packets(const struct watch *w)
{
    uint64_t widest = 0;

    for (uint32_t i = 0; w->body && i < w->body->nwindows; i++) {
        const struct img_window *v = w->body->windows + i;

        if ((uint64_t)v->d * v->k > widest)
            widest = (uint64_t)v->d * v->k;
    }
    return widest;
}

/* Time that the disk has spent in writes, the one under way counted. */
static uint64_t written_ns(const struct receive_counts *c, int64_t now)
{
    uint64_t since = atomic_load(&c->write_since), done = atomic_load(&c->write_ns);

    return done + (since && (uint64_t)now > since ? (uint64_t)now - since : 0);
}

static void note_limit(struct watch *w, struct session_facts *f)
{
    struct receive_counts *c = w->counts;
    struct mono now = clock_now();

    limit_note(&w->limit, now, written_ns(c, now.ns), atomic_load(&c->left_out) > 0);
    f->disk_limited = w->limit.disk;
    f->machine_limited = w->limit.machine;
}

/* What was heard and what was not. */
static void note_window(struct watch *w, struct session_facts *f)
{
    struct receive_counts *c = w->counts;
    struct loss_counts n = {.seen = atomic_load(&c->packets) + atomic_load(&c->body_packets) +
                                    atomic_load(&c->early),
                            .missed = atomic_load(&c->lost),
                            .dropped = w->source->ops->drops ? w->source->ops->drops(w->source) : 0,
                            .worst_ppm = atomic_load(&c->worst_ppm)};

    loss_note(&w->loss, &n, window_packets(w));
    f->loss_ppm = w->loss.window_ppm;
    f->worst_ppm = w->loss.worst_ppm;
    f->heard = (uint32_t)n.seen;
    f->missed = (uint32_t)n.missed;
    f->drops = (uint32_t)n.dropped;
}

/* What the disk could take, in bytes of the wire: the image's own compression tells. */
static uint64_t wanted_rate(const struct watch *w, uint64_t disk_rate)
{
    const struct img_head *h = &w->source->head;

    return h->data_bytes
               ? (uint64_t)((double)disk_rate * (double)h->stream_bytes / (double)h->data_bytes)
               : 0;
}

/* Whoever needs no more packets says so before the last blocks are decoded: the sender can stop, or
 * look to the others. Should one of them prove wrong, packets are needed again. */
static enum session_state state_now(struct watch *w)
{
    enum session_state state = (enum session_state)atomic_load(&w->state);

    return state == SESSION_RECEIVING && w->body && atomic_load(&w->counts->lacking) == 0
               ? SESSION_VERIFYING
               : state;
}

static void gather(struct watch *w)
{
    struct receive_counts *c = w->counts;
    struct session_facts *f = &w->facts;
    uint64_t ns = atomic_load(&c->write_ns), bytes = atomic_load(&c->write_bytes);
    uint64_t there = atomic_load(&c->unpacked) + atomic_load(&c->kept);

    f->state = state_now(w);
    note_window(w, f);
    note_limit(w, f);
    f->done = w->body && w->body->ndata ? (uint16_t)(there * 10000 / w->body->ndata) : 0;
    f->disk_rate = ns > 1000000 ? (uint64_t)((double)bytes * 1e9 / (double)ns) : 0;
    f->wanted_rate = f->disk_limited ? wanted_rate(w, f->disk_rate) : 0;
    f->open_blocks = atomic_load(&c->open_blocks);
    f->repaired = (uint32_t)atomic_load(&c->repaired);
}

uint32_t watch_dropped_ppm(const struct session_facts *f)
{
    uint64_t all = (uint64_t)f->heard + f->missed;

    return all ? (uint32_t)(f->drops * UINT64_C(1000000) / all) : 0;
}

/* Bytes of data that are on their way to the disk or on it. */
static uint64_t done_bytes(const struct watch *w)
{
    uint64_t there = atomic_load(&w->counts->unpacked) + atomic_load(&w->counts->kept);

    return w->body && w->body->ndata
               ? (uint64_t)((double)w->source->head.data_bytes * (double)there / w->body->ndata)
               : 0;
}

static double proven_part(const struct watch *w)
{
    uint64_t proven = atomic_load(&w->counts->proven) + atomic_load(&w->counts->kept);

    return w->body->ndata ? (double)proven / w->body->ndata : 1;
}

static void show_line(struct watch *w)
{
    const struct session_facts *f = &w->facts;
    char note[128], dropped[32] = "";

    if (f->drops)
        snprintf(dropped, sizeof dropped, "dropped %.2f %%, ", watch_dropped_ppm(f) / 1e4);
    snprintf(note, sizeof note, "loss %.2f %%, %sread back %.0f %%%s", f->loss_ppm / 1e4, dropped,
             100 * proven_part(w),
             f->disk_limited      ? ", disk behind"
             : f->machine_limited ? ", machine behind"
                                  : "");
    progress_at(&w->progress, done_bytes(w), note);
}

/* The rate of the last few seconds, smoothed: what a person expects of the seconds to come. */
static void note_rate(struct watch *w, uint64_t done)
{
    struct mono now = clock_now();
    int64_t ns = mono_sub(now, w->rated);

    if (ns < RATE_NS)
        return;
    if (w->rated.ns && done >= w->rated_done) {
        uint64_t fresh = (uint64_t)((double)(done - w->rated_done) * 1e9 / (double)ns);

        w->rate = w->rate ? (3 * w->rate + fresh) / 4 : fresh;
    }
    w->rated = now;
    w->rated_done = done;
}

static void show_view(struct watch *w)
{
    struct watch_view v = {.head = &w->source->head,
                           .state = w->facts.state,
                           .left_ns = -1,
                           .facts = &w->facts,
                           .waits = atomic_load(&w->source->waits),
                           .label = w->label};

    if (w->body) {
        v.total = w->source->head.data_bytes;
        v.done = done_bytes(w);
        v.proven = (unsigned)(1000 * proven_part(w));
        note_rate(w, v.done);
        v.rate = w->rate;
    }
    if (v.rate)
        v.left_ns = (int64_t)((double)(v.total - v.done) * 1e9 / (double)v.rate);
    w->to.show(w->to.ctx, &v);
}

static void show(struct watch *w)
{
    if (w->to.show)
        show_view(w);
    else if (w->body)
        show_line(w);
}

/* Sources heed an interrupt themselves; a slow disk that is being waited for does not. */
static void heed(struct watch *w)
{
    struct err why = {0};

    if (!w->receive || !source_stopped())
        return;
    err_set(&why, RECEIVE_EINTR, "interrupted");
    receive_stop(w->receive, &why);
}

static void *watch_main(void *arg)
{
    struct watch *w = arg;

    pthread_mutex_lock(&w->lock);
    while (!w->end) {
        struct mono next = mono_add(clock_now(), TICK_MS * MONO_MS);

        gather(w);
        if (w->source->ops->tell)
            w->source->ops->tell(w->source, &w->facts);
        if (w->source->ops->label)
            w->label = w->source->ops->label(w->source);
        show(w);
        heed(w);
        clock_cond_wait(&w->news, &w->lock, next);
    }
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

int watch_start(struct watch *w, struct source *source, struct receive_counts *counts,
                const struct watch_show *to, struct err *err)
{

    memset(w, 0, sizeof *w);
    w->to = *to;
    w->source = source;
    w->counts = counts;
    atomic_store(&w->state, SESSION_MANIFEST);
    loss_init(&w->loss);
    pthread_mutex_init(&w->lock, NULL);
    clock_cond_init(&w->news);
    if (pthread_create(&w->thread, NULL, watch_main, w))
        return err_set(err, RECEIVE_ETHREAD, "a thread cannot be started");
    w->running = true;
    return 0;
}

void watch_receiving(struct watch *w, struct receive *receive, const struct img_body *body,
                     bool unread)
{
    pthread_mutex_lock(&w->lock);
    w->receive = receive;
    w->counts = receive_counts(receive);
    w->body = body;
    w->facts.unread = unread;
    if (!w->to.show)
        progress_start(&w->progress, "restoring", w->source->head.data_bytes, false);
    pthread_mutex_unlock(&w->lock);
    watch_state(w, SESSION_RECEIVING);
}

void watch_state(struct watch *w, enum session_state state)
{
    pthread_mutex_lock(&w->lock);
    atomic_store(&w->state, (int)state);
    pthread_cond_signal(&w->news);
    pthread_mutex_unlock(&w->lock);
}

void watch_stop(struct watch *w, enum session_state state, int error)
{
    if (!w->running)
        return;
    pthread_mutex_lock(&w->lock);
    w->end = true;
    pthread_cond_signal(&w->news);
    pthread_mutex_unlock(&w->lock);
    pthread_join(w->thread, NULL);
    w->running = false;
    gather(w);
    w->facts.state = state;
    w->facts.error = error;
    show(w);
    if (w->body && !w->to.show)
        progress_end(&w->progress);
    pthread_cond_destroy(&w->news);
    pthread_mutex_destroy(&w->lock);
}
