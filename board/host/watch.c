#include "board/host/watch.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define TICK_MS 250
#define LOSS_WINDOW_NS INT64_C(1000000000)

static uint32_t ppm(uint64_t part, uint64_t whole)
{
    return whole ? (uint32_t)(part * 1000000 / whole) : 0;
}

/* Loss of the last second, and whether the disk had blocks left out in it. */
static void note_window(struct watch *w, struct session_facts *f)
{
    struct receive_counts *c = w->counts;
    int64_t now = host_now().ns;
    uint64_t seen = atomic_load(&c->packets) + atomic_load(&c->body_packets), lost = atomic_load(&c->lost);
    uint64_t shed = atomic_load(&c->shed);

    f->heard = (uint32_t)seen;
    f->missed = (uint32_t)lost;
    if (now - w->since_ns < LOSS_WINDOW_NS)
        return;
    if (seen >= w->seen && lost >= w->lost)
        f->loss_ppm = ppm(lost - w->lost, seen - w->seen + lost - w->lost);
    f->disk_limited = shed > w->shed;
    w->seen = seen;
    w->lost = lost;
    w->shed = shed;
    w->since_ns = now;
}

/* What the disk could take, in bytes of the wire: the image's own compression tells. */
static uint64_t wanted_rate(const struct watch *w, uint64_t disk_rate)
{
    const struct img_head *h = &w->source->head;

    return h->data_bytes ? (uint64_t)((double)disk_rate * (double)h->stream_bytes / (double)h->data_bytes) : 0;
}

static void gather(struct watch *w)
{
    struct receive_counts *c = w->counts;
    struct session_facts *f = &w->facts;
    uint64_t ns = atomic_load(&c->write_ns), bytes = atomic_load(&c->write_bytes);
    uint64_t there = atomic_load(&c->unpacked) + atomic_load(&c->kept);

    f->state = (enum session_state)atomic_load(&w->state);
    note_window(w, f);
    f->done = w->body && w->body->ndata ? (uint16_t)(there * 10000 / w->body->ndata) : 0;
    f->worst_ppm = atomic_load(&c->worst_ppm);
    f->disk_rate = ns > 1000000 ? (uint64_t)((double)bytes * 1e9 / (double)ns) : 0;
    f->wanted_rate = f->disk_limited ? wanted_rate(w, f->disk_rate) : 0;
    f->open_blocks = atomic_load(&c->open_blocks);
    f->drops = w->source->ops->drops ? (uint32_t)w->source->ops->drops(w->source) : 0;
}

static void show(struct watch *w)
{
    uint64_t there = atomic_load(&w->counts->unpacked) + atomic_load(&w->counts->kept);
    char note[96];

    if (!w->body)
        return;
    snprintf(note, sizeof note, "loss %.2f %%, read back %.0f %%%s", w->facts.loss_ppm / 1e4,
             w->body->ndata ? 100.0 * (double)(atomic_load(&w->counts->proven) + atomic_load(&w->counts->kept)) /
                                  w->body->ndata
                            : 100.0,
             w->facts.disk_limited ? ", disk behind" : "");
    progress_at(&w->progress,
                w->body->ndata ? (uint64_t)((double)w->source->head.data_bytes * (double)there / w->body->ndata) : 0,
                note);
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

    while (!atomic_load(&w->end)) {
        pthread_mutex_lock(&w->lock);
        gather(w);
        if (w->source->ops->tell)
            w->source->ops->tell(w->source, &w->facts);
        show(w);
        heed(w);
        pthread_mutex_unlock(&w->lock);
        nanosleep(&(struct timespec){.tv_nsec = TICK_MS * 1000000}, NULL);
    }
    return NULL;
}

int watch_start(struct watch *w, struct source *source, struct receive_counts *counts, struct err *err)
{
    memset(w, 0, sizeof *w);
    w->source = source;
    w->counts = counts;
    w->since_ns = host_now().ns;
    atomic_store(&w->state, SESSION_MANIFEST);
    pthread_mutex_init(&w->lock, NULL);
    if (pthread_create(&w->thread, NULL, watch_main, w))
        return err_set(err, RECEIVE_ETHREAD, "a thread cannot be started");
    w->running = true;
    return 0;
}

void watch_receiving(struct watch *w, struct receive *receive, const struct img_body *body)
{
    pthread_mutex_lock(&w->lock);
    w->receive = receive;
    w->counts = receive_counts(receive);
    w->body = body;
    w->seen = w->lost = 0;
    progress_start(&w->progress, "restoring", w->source->head.data_bytes, false);
    pthread_mutex_unlock(&w->lock);
    watch_state(w, SESSION_RECEIVING);
}

void watch_state(struct watch *w, enum session_state state)
{
    atomic_store(&w->state, (int)state);
}

void watch_stop(struct watch *w, enum session_state state, int error)
{
    if (!w->running)
        return;
    atomic_store(&w->end, true);
    pthread_join(w->thread, NULL);
    w->running = false;
    gather(w);
    w->facts.state = state;
    w->facts.error = error;
    if (w->body) {
        show(w);
        progress_end(&w->progress);
    }
    pthread_mutex_destroy(&w->lock);
}
