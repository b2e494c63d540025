#include "tests/sim/receiver.h"

#include <stdlib.h>

#include "net/wire/must.h"

/* The product's file itself, compiled into this one so that the compiler can work its calls into
 * the loop that makes them 10^11 times a table: a third of the time. */
#include "imaging/receive/track.c"

void receiver_init(struct receiver *r, const struct image *image, const struct receiver_spec *spec,
                   uint64_t seed)
{
    uint32_t blocks = image->windows[image->shape.windows - 1].first_sbn +
                      image->windows[image->shape.windows - 1].blocks;
    uint32_t slots = blocks < RECEIVER_SLOTS ? blocks : RECEIVER_SLOTS;
    size_t bytes = track_bytes(blocks, slots);

    *r = (struct receiver){.image = image, .rng = {~seed}, .dies = UINT64_MAX};
    r->memory = malloc(bytes + track_bytes(image->body_windows, image->body_windows));
    MUST(r->memory);
    track_init(&r->stream, image->windows, image->shape.windows, slots, r->memory);
    track_init(&r->body, image->body, image->body_windows, image->body_windows,
               (uint8_t *)r->memory + bytes);
    r->lg_t = STEER_LG_T_STORED;
    track_set_share(&r->stream, spec->share ? spec->share : 256);
    channel_init(&r->channel, &spec->channel, seed);
    r->shuffle = spec->channel.shuffle;
    r->twice = spec->channel.twice;
    for (uint32_t b = 0; spec->knows_body && b < image->body_windows; b++)
        track_block_done(&r->body, b);
}

void receiver_free(struct receiver *r)
{
    free(r->memory);
    r->memory = NULL;
}

static void take_body(struct receiver *r, uint64_t at, uint32_t sbn, uint16_t k, uint16_t esi,
                      uint8_t lg_t)
{
    if (track_complete(&r->body))
        return;
    if (track_symbol(&r->body, (uint32_t)at, sbn, k, esi, lg_t).ready)
        track_block_done(&r->body, sbn);
    if (track_complete(&r->body))
        r->ready = at + 1;
}

/* Larger sums are needed than there are: as in the product (imaging/receive/intake.c), what is held
 * is lost. */
static void grow(struct receiver *r, uint8_t lg_t)
{
    r->lg_t = lg_t;
    for (uint32_t sbn = 0; sbn < r->stream.n_blocks; sbn++)
        if (r->stream.state[sbn] != TRACK_DONE && r->stream.slot_of[sbn] != TRACK_NO_SLOT)
            track_block_forget(&r->stream, sbn);
}

static void take_stream(struct receiver *r, uint64_t at, uint32_t sbn, uint16_t k, uint16_t esi,
                        uint8_t lg_t)
{
    if (lg_t > r->lg_t)
        grow(r, lg_t);
    struct track_act a = track_symbol(&r->stream, (uint32_t)at, sbn, k, esi, lg_t);

    if (a.new_visit) {
        r->visit_heard[1] = r->visit_heard[0];
        r->visit_lost[1] = r->visit_lost[0];
        r->visit_heard[0] = r->visit_lost[0] = 0;
    }
    if (!a.ready)
        return;
    track_block_done(&r->stream, sbn);
    if (track_complete(&r->stream))
        r->finished = at + 1;
}

/* ---- packets out of order: slow, and only where a row asks for it ---- */

static void put_off(struct receiver *r, const struct carried *c, unsigned i)
{
    if (r->n_late == RECEIVER_LATE)
        return;
    r->late[r->n_late++] = (struct late){.due = r->heard + 1 + rng_below(&r->rng, 100),
                                         .cci = (uint32_t)(c->at + i),
                                         .sbn = carousel_sbn(&c->pick, i),
                                         .toi = c->pick.toi,
                                         .k = c->pick.k,
                                         .esi = carousel_esi(&c->pick, i),
                                         .lg_t = c->pick.lg_t};
}

static void deliver_late(struct receiver *r, uint64_t now)
{
    for (uint32_t j = 0; j < r->n_late && !r->finished;) {
        struct late l = r->late[j];

        if (l.due > r->heard) {
            j++;
            continue;
        }
        r->late[j] = r->late[--r->n_late];
        uint64_t at = now - (uint32_t)((uint32_t)now - l.cci); /* its own number, in 64 bits */
        if (l.toi == 0)
            take_body(r, at, l.sbn, l.k, l.esi, l.lg_t);
        else if (r->ready)
            take_stream(r, at, l.sbn, l.k, l.esi, l.lg_t);
        if (r->finished)
            r->finished = now + 1;
    }
}

static void hear_shuffled(struct receiver *r, const struct carried *c, unsigned from, unsigned n)
{
    for (unsigned i = from; i < from + n && !r->finished; i++) {
        double chance = rng_unit(&r->rng);
        struct carried one = {c->pick, c->at + i};

        r->heard++;
        deliver_late(r, one.at);
        if (chance < r->shuffle + r->twice)
            put_off(r, c, i);
        if (chance < r->shuffle || r->finished)
            continue;
        if (c->pick.toi == 0)
            take_body(r, one.at, carousel_sbn(&c->pick, i), c->pick.k, carousel_esi(&c->pick, i),
                      c->pick.lg_t);
        else if (r->ready)
            take_stream(r, one.at, carousel_sbn(&c->pick, i), c->pick.k, carousel_esi(&c->pick, i),
                        c->pick.lg_t);
    }
}

/* ---- the run of packets that arrive ---- */

__attribute__((flatten)) static void hear_run(struct receiver *r, const struct carried *c,
                                              unsigned from, unsigned n)
{
    const struct carousel_pick *p = &c->pick;

    if (p->toi == 0) {
        for (unsigned i = from; i < from + n; i++)
            take_body(r, c->at + i, p->sbn, p->k, carousel_esi(p, i), p->lg_t);
    } else if (r->ready) {
        for (unsigned i = from; i < from + n && !r->finished; i++)
            take_stream(r, c->at + i, p->sbn + i, p->k, p->esi, p->lg_t);
    }
}

static void count_run(struct receiver *r, const struct carried *c, unsigned from, unsigned n)
{
    if (!r->bound && r->heard + n >= r->image->symbols)
        r->bound = c->at + from + (r->image->symbols - r->heard);
    r->visit_heard[0] += n;
}

static void hear_pick(struct receiver *r, const struct carried *c, unsigned from, unsigned end)
{
    while (from < end && !r->finished) {
        bool lost;
        unsigned n = channel_take(&r->channel, end - from, &lost);

        if (lost) {
            r->lost += n;
            r->visit_lost[0] += n;
        } else {
            count_run(r, c, from, n);
            if (r->shuffle + r->twice > 0) {
                hear_shuffled(r, c, from, n);
            } else {
                r->heard += n;
                hear_run(r, c, from, n);
            }
        }
        from += n;
    }
}

void receiver_hear(struct receiver *r, const struct carried *list, unsigned n)
{
    if (!r->ready && track_complete(&r->body))
        r->ready = r->joined + 1;
    for (unsigned i = 0; i < n && !r->finished; i++) {
        const struct carried *c = list + i;
        uint64_t end = c->at + c->pick.count;
        unsigned from = 0;

        if (end <= r->joined)
            continue;
        if (c->at >= r->dies)
            return;
        if (c->at < r->joined)
            from = (unsigned)(r->joined - c->at);
        hear_pick(r, c, from, c->pick.count);
    }
}

uint32_t receiver_mean_ppm(const struct receiver *r)
{
    uint64_t lost = r->visit_lost[0] + r->visit_lost[1];
    uint64_t all = lost + r->visit_heard[0] + r->visit_heard[1];

    return all >= 2048 ? (uint32_t)(lost * 1000000 / all) : 0;
}

uint32_t receiver_worst_ppm(const struct receiver *r)
{
    return r->stream.worst_ppm;
}
