#include "tests/sim/world.h"

#include <stdlib.h>
#include <string.h>

#include "net/wire/must.h"

#define LIST_MAX 4096      /* picks in an epoch */
#define EPOCH_LEAST 512    /* packets: 6 ms */
#define EPOCH_MOST 20000   /* 0.25 s with feedback */
#define EPOCH_ALONE 200000 /* without: nothing is exchanged between epochs */
#define SILENCE 15.0 /* seconds after which a receiver that stopped talking no longer counts */
#define STORM 10.0
#define WIRE_BYTES 1538

/* What the server knows of a receiver. */
struct told {
    uint64_t when, next; /* its last beacon (0: none), its next */
    uint32_t mean, worst, recent;
    uint64_t heard, lost; /* in all, then */
    bool ready, greeted;
};

struct world {
    const struct world_plan *plan;
    struct image image;
    struct carousel_window *windows;
    struct carousel carousel;
    struct receiver *receivers;
    struct told *told;
    uint32_t *group;
    uint32_t n;
    uint64_t now;               /* packets sent */
    struct steer_report report; /* on its way to the sender */
    struct rate rate;           /* a shadow: what --rate auto would do */
    struct rate_sample *samples;
    uint64_t rate_due;
    struct carried list[LIST_MAX];
    unsigned listed;
    struct world_result *out;
};

static uint64_t packets(double seconds)
{
    return (uint64_t)(seconds * WORLD_RATE);
}

/* ---- building ---- */

static void make_image(struct world *w)
{
    const struct world_shape *s = &w->plan->shape;
    uint32_t sbn = 0;

    w->windows = calloc(s->windows, sizeof *w->windows);
    w->image.windows = calloc(s->windows, sizeof *w->image.windows);
    w->image.body_windows = (s->body + CAROUSEL_K_MAX - 1) / CAROUSEL_K_MAX;
    w->image.body = calloc(w->image.body_windows, sizeof *w->image.body);
    MUST(w->windows && w->image.windows && w->image.body);
    for (uint32_t i = 0; i < s->windows; i++) {
        uint16_t blocks = i + 1 == s->windows && s->last_blocks ? s->last_blocks : s->blocks;

        w->windows[i] = (struct carousel_window){.blocks = blocks, .k = s->k, .stored = 256};
        w->image.windows[i] = (struct track_window){.first_sbn = sbn, .blocks = blocks, .k = s->k};
        w->image.symbols += (uint64_t)blocks * s->k;
        w->out->pass += (uint64_t)blocks * (s->k + (s->k * 244u + 12287) / 12288);
        sbn += blocks;
    }
    for (uint32_t b = 0; b < w->image.body_windows; b++) {
        uint32_t left = s->body - b * CAROUSEL_K_MAX;

        w->image.body[b] =
            (struct track_window){.first_sbn = b,
                                  .blocks = 1,
                                  .k = (uint16_t)(left < CAROUSEL_K_MAX ? left : CAROUSEL_K_MAX)};
    }
    w->image.shape = (struct carousel_shape){.window = w->windows,
                                             .windows = s->windows,
                                             .body_symbols = s->body};
}

static uint64_t join_time(const struct world *w, enum world_join join, struct rng *rng)
{
    switch (join) {
    case JOIN_ANYWHERE:
        return rng_below(rng, w->out->pass);
    case JOIN_STORM:
        return w->out->pass / 3 + rng_below(rng, packets(STORM));
    case JOIN_START:
        break;
    }
    return 0;
}

static void make_receiver(struct world *w, uint32_t g, bool first, uint64_t seed)
{
    const struct world_group *group = &w->plan->group[g];
    struct receiver_spec spec = group->spec;
    struct receiver *r = &w->receivers[w->n];
    struct rng rng = {seed};

    first = first && w->plan->steered && group->join == JOIN_ANYWHERE;
    spec.knows_body = spec.knows_body && !first;
    receiver_init(r, &w->image, &spec, rng_u64(&rng));
    r->joined = first ? 0 : join_time(w, group->join, &rng);
    if (rng_unit(&rng) < group->dying)
        r->dies = r->joined + rng_below(&rng, w->out->pass);
    w->told[w->n] =
        (struct told){.next = r->joined + rng_below(&rng, packets(w->plan->beacon) + 1)};
    w->group[w->n++] = g;
}

/* Every receiver's seed depends on the row's seed and its own place only: with or without another
 * group, in one shard or in many, the same things happen to it. */
static void make_receivers(struct world *w, uint64_t seed, uint32_t first, uint32_t step)
{
    uint32_t all = 0;

    for (uint32_t g = 0; g < WORLD_GROUPS; g++)
        all += w->plan->group[g].receivers;
    w->receivers = calloc(all, sizeof *w->receivers);
    w->told = calloc(all, sizeof *w->told);
    w->group = calloc(all, sizeof *w->group);
    w->samples = calloc(all, sizeof *w->samples);
    MUST(w->receivers && w->told && w->group && w->samples);
    for (uint32_t g = 0; g < WORLD_GROUPS; g++)
        for (uint32_t i = first; i < w->plan->group[g].receivers; i += step) {
            struct rng rng = {seed + ((uint64_t)g << 40) + ((uint64_t)i << 16)};

            make_receiver(w, g, i == 0, rng_u64(&rng));
        }
}

/* ---- an epoch ---- */

static void send_epoch(struct world *w)
{
    uint64_t most = w->plan->steered ? EPOCH_MOST : EPOCH_ALONE;
    uint64_t length = w->now / 16 < EPOCH_LEAST ? EPOCH_LEAST
                      : w->now / 16 > most      ? most
                                                : w->now / 16;
    uint64_t end = w->now + length;

    for (w->listed = 0; w->listed < LIST_MAX && w->now < end; w->listed++) {
        struct carried *c = &w->list[w->listed];

        MUST(carousel_next(&w->carousel, CAROUSEL_BLOCKS_MAX, &c->pick) > 0);
        c->at = w->now;
        w->now += c->pick.count;
    }
    struct carousel_view v = carousel_view(&w->carousel);
    w->out->most_r = v.repair > w->out->most_r ? v.repair : w->out->most_r;
    w->out->most_lg_t = v.lg_t > w->out->most_lg_t ? v.lg_t : w->out->most_lg_t;
}

/* Handshakes and beacons of the epoch that ended. */
static void listen(struct world *w, uint32_t i)
{
    struct receiver *r = &w->receivers[i];
    struct told *t = &w->told[i];

    if (!receiver_alive(r, w->now))
        return;
    if (!t->greeted) {
        t->greeted = true;
        if (!r->ready)
            carousel_want_body(&w->carousel, true);
    }
    bool changed = t->when && !t->ready && r->ready; /* a change of state is told at once */
    if (w->now < t->next && !changed)
        return;
    t->next = w->now + packets(w->plan->beacon);
    t->when = w->now;
    t->ready = r->ready != 0;
    t->mean = receiver_mean_ppm(r);
    t->worst = receiver_worst_ppm(r);
    uint64_t lost = r->lost - t->lost, all = lost + r->heard - t->heard;
    t->recent = all ? (uint32_t)(lost * 1000000 / all) : 0;
    t->heard = r->heard;
    t->lost = r->lost;
    if (!r->ready)
        carousel_want_body(&w->carousel, false);
}

/* What a receiver's disk could follow: as it takes blocks, so it wishes. */
static uint64_t wanted_rate(const struct world *w, uint32_t i)
{
    uint32_t share = w->plan->group[w->group[i]].spec.share;

    return share ? (uint64_t)(WORLD_RATE * WIRE_BYTES * share / 256) : 0;
}

static void ask_rate(struct world *w, unsigned n)
{
    struct mono now = {(int64_t)((double)w->now / WORLD_RATE * MONO_S)};

    if (w->now < w->rate_due)
        return;
    w->rate_due = w->now + packets(1);
    rate_step(&w->rate, w->samples, n, (uint32_t)(w->plan->beacon * 1000), now);
    double share = (double)w->rate.now / (double)w->rate.config.ceiling;
    if (share < w->out->least_rate)
        w->out->least_rate = share;
}

/* The figures of all who still need the stream, as far as the server knows. */
static void poll_all(struct world *w)
{
    struct steer_poll poll;
    unsigned n = 0;

    steer_poll_reset(&poll);
    for (uint32_t i = 0; i < w->n; i++) {
        const struct told *t = &w->told[i];

        if (!t->when || !t->ready || w->receivers[i].finished ||
            w->now - t->when >= packets(SILENCE))
            continue;
        steer_poll_add(&poll, t->mean, t->worst);
        w->samples[n++] = (struct rate_sample){.recent_ppm = t->recent,
                                               .loss_ppm = t->mean,
                                               .worst_ppm = t->worst,
                                               .wanted = wanted_rate(w, i)};
    }
    ask_rate(w, n);
    carousel_report(&w->carousel, &w->report); /* that of the epoch before: one epoch under way */
    w->report = steer_poll_report(&poll);
}

static bool waiting(const struct world *w)
{
    if (w->now > w->plan->patience * (double)w->out->pass)
        return false;
    for (uint32_t i = 0; i < w->n; i++)
        if (w->group[i] < w->plan->wait_for && !w->receivers[i].finished &&
            w->receivers[i].dies > w->now)
            return true;
    return false;
}

/* ---- the whole ---- */

static void tell_ends(struct world *w)
{
    struct world_result *out = w->out;

    out->ends = calloc(w->n + 1, sizeof *out->ends);
    MUST(out->ends);
    out->receivers = w->n;
    out->sent = w->now;
    out->body = carousel_view(&w->carousel).sent_body;
    for (uint32_t i = 0; i < w->n; i++) {
        struct receiver *r = &w->receivers[i];

        out->ends[i] = (struct world_end){.group = w->group[i],
                                          .died = r->dies <= w->now && !r->finished,
                                          .joined = r->joined,
                                          .ready = r->ready,
                                          .bound = r->bound,
                                          .finished = r->finished};
        out->evicted += r->stream.evicted;
        receiver_free(r);
    }
}

void world_run(const struct world_plan *plan, uint64_t seed, uint32_t first, uint32_t step,
               struct world_result *out)
{
    struct world *w = calloc(1, sizeof *w);

    MUST(w);
    memset(out, 0, sizeof *out);
    w->plan = plan;
    w->out = out;
    out->least_rate = 1;
    uint64_t ceiling = (uint64_t)(WORLD_RATE * WIRE_BYTES);
    rate_init(&w->rate,
              &(struct rate_config){.floor = ceiling / 20, .ceiling = ceiling, .start = ceiling});
    make_image(w);
    make_receivers(w, seed, first, step);
    MUST(carousel_init(&w->carousel, &w->image.shape, plan->max_lg_t, !plan->steered) == 0);
    carousel_start(&w->carousel);
    while (waiting(w)) {
        send_epoch(w);
        for (uint32_t i = 0; i < w->n; i++)
            if (w->receivers[i].joined < w->now && !w->receivers[i].finished)
                receiver_hear(&w->receivers[i], w->list, w->listed);
        for (uint32_t i = 0; plan->steered && i < w->n; i++)
            listen(w, i);
        if (plan->steered)
            poll_all(w);
    }
    tell_ends(w);
    free(w->receivers);
    free(w->told);
    free(w->group);
    free(w->samples);
    free(w->windows);
    free(w->image.windows);
    free(w->image.body);
    free(w);
}
