#include "imaging/receive/collect.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "net/os/clock.h"

#define BATCH 256

void collect_init(struct collect *c, const uint8_t key[MAC_KEY_BYTES], uint16_t tsi,
                  struct body_object *body, struct receive_counts *counts)
{
    memset(c, 0, sizeof *c);
    mac_key_init(&c->key, key);
    c->tsi = tsi;
    c->body = body;
    c->counts = counts;
}

/* Adds one; only this thread writes, so a load and a store do. */
static void bump(_Atomic uint64_t *n)
{
    atomic_store_explicit(n, atomic_load_explicit(n, memory_order_relaxed) + 1,
                          memory_order_relaxed);
}

/* Loss from packet numbers: what lies between the first and the newest and has not come. A member
 * of the group can tell any number; one that others do not follow is given up. */
static void number(struct collect *c, uint32_t cci)
{
    int32_t ahead = (int32_t)(cci - c->last_cci);

    if (!c->begun || ahead > 0 || c->behind == COLLECT_BEHIND) {
        c->span += c->begun && ahead > 0 && ahead < (int32_t)COLLECT_GAP ? (uint32_t)ahead : 1;
        c->begun = true;
        c->last_cci = cci;
        c->behind = 0;
    } else {
        c->behind++;
    }
    c->seen++;
    atomic_store_explicit(&c->counts->lost, c->span > c->seen ? c->span - c->seen : 0,
                          memory_order_relaxed);
}

static void clock_packet(struct collect *c, uint64_t now_ns)
{
    struct receive_counts *n = c->counts;
    uint64_t packets = atomic_load_explicit(&n->packets, memory_order_relaxed);

    if (packets == 1)
        atomic_store_explicit(&n->first_ns, now_ns, memory_order_relaxed);
    if (packets == c->source_symbols)
        atomic_store_explicit(&n->bound_ns, now_ns, memory_order_relaxed);
    atomic_store_explicit(&n->last_ns, now_ns, memory_order_relaxed);
}

/* An authentic packet of the stream. */
static void take(struct collect *c, const struct packet *p, uint64_t now_ns)
{
    bump(&c->counts->packets);
    clock_packet(c, now_ns);
    intake_symbol(c->intake, p->cci, p->sbn, p->k, p->esi, p->lg_t, p->symbol);
}

void collect_keep(struct collect *c)
{
    c->early = malloc(COLLECT_EARLY * sizeof *c->early);
    c->n_early = 0;
}

static void put_by(struct collect *c, const uint8_t *bytes, uint64_t now_ns)
{
    if (!c->early || c->n_early == COLLECT_EARLY) {
        bump(&c->counts->early);
        return;
    }
    c->early[c->n_early].at_ns = now_ns;
    memcpy(c->early[c->n_early++].bytes, bytes, PACKET_BYTES);
}

static void take_over(struct receive_counts *to, struct receive_counts *from)
{
    atomic_fetch_add(&to->body_packets, atomic_load(&from->body_packets));
    atomic_fetch_add(&to->early, atomic_load(&from->early));
    atomic_fetch_add(&to->foreign, atomic_load(&from->foreign));
    atomic_fetch_add(&to->forged, atomic_load(&from->forged));
    atomic_fetch_add(&to->malformed, atomic_load(&from->malformed));
    atomic_store(&to->lost, atomic_load(&from->lost));
}

void collect_attach(struct collect *c, struct intake *intake, struct receive_counts *counts,
                    uint64_t source_symbols)
{
    struct packet p;

    if (c->counts && counts != c->counts)
        take_over(counts, c->counts);
    c->counts = counts;
    c->intake = intake;
    c->source_symbols = source_symbols;
    for (uint32_t i = 0; intake && i < c->n_early; i++) {
        const struct collect_early *e = c->early + i;

        if (!packet_decode(e->bytes, PACKET_BYTES, &p))
            take(c, &p, e->at_ns);
    }
    collect_free(c);
}

void collect_session(struct collect *c, const uint8_t key[MAC_KEY_BYTES], uint16_t tsi)
{
    mac_key_init(&c->key, key);
    c->tsi = tsi;
    c->closed = false;
    c->behind = COLLECT_BEHIND;
    if (c->body)
        track_new_numbers(&c->body->track);
    if (c->intake)
        track_new_numbers(&c->intake->track);
}

void collect_free(struct collect *c)
{
    free(c->early);
    c->early = NULL;
    c->n_early = 0;
}

void collect_datagram(struct collect *c, const uint8_t *bytes, size_t n, uint64_t now_ns)
{
    struct packet p;

    if (n != PACKET_BYTES) {
        bump(&c->counts->malformed);
        return;
    }
    /* A packet of another session is told apart before its tag is computed: its TSI is no secret.
     */
    if ((bytes[8] << 8 | bytes[9]) != c->tsi) {
        bump(&c->counts->foreign);
        return;
    }
    if (!mac_check(&c->key, bytes)) {
        bump(&c->counts->forged);
        return;
    }
    if (packet_decode(bytes, n, &p)) {
        bump(&c->counts->malformed);
        return;
    }
    number(c, p.cci);
    c->closed = c->closed || p.close;
    if (p.toi == PACKET_TOI_BODY) {
        bump(&c->counts->body_packets);
        if (c->body && !body_complete(c->body))
            body_symbol(c->body, p.cci, p.sbn, p.k, p.esi, p.lg_t, p.symbol);
        return;
    }
    if (c->intake)
        take(c, &p, now_ns);
    else
        put_by(c, bytes, now_ns);
}

int collect_poll(struct collect *c, const struct frame_source *source, int timeout_ms)
{
    struct frame_in in[BATCH];
    uint64_t seen = c->seen, now;
    int n = source->poll(source->ctx, in, BATCH, timeout_ms);

    if (n < 0)
        return n;
    now = (uint64_t)clock_now().ns;
    for (int i = 0; i < n; i++)
        collect_datagram(c, in[i].bytes, in[i].n, now);
    return (int)(c->seen - seen);
}
