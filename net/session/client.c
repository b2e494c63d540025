#include "net/session/client.h"

#include <string.h>

/* beacons, at most, between two attempts to tell what the server does not confirm */
#define INFO_GAP 64
#define SOONEST_NS (100 * MONO_MS) /* between two beacons, whatever happens */

/* ---- handshake ---- */

void session_handshake_init(struct session_handshake *h)
{
    h->n = 0;
}

int session_handshake_input(struct session_handshake *h, const uint8_t *bytes, size_t n)
{
    int want;

    if (n > sizeof h->got - h->n)
        n = sizeof h->got - h->n;
    memcpy(h->got + h->n, bytes, n);
    h->n += n;
    want = session_message_length(h->got, h->n);
    if (want < 0)
        return want;
    if (want == 0 || h->n < (size_t)want)
        return 0;
    want = session_message_decode(h->got, (size_t)want, &h->reply);
    if (want)
        return want;
    return h->reply.type == SESSION_HELLO || h->reply.type == SESSION_ASK ? SESSION_ETYPE : 1;
}

/* "several images are served here, name one: a, b, c" as far as the sentence reaches. */
static int choose(const struct session_list *l, struct err *err)
{
    char names[160];
    size_t n = 0;

    for (unsigned i = 0; i < l->n; i++) {
        size_t len = strlen(l->image[i].name);

        if (n + len + sizeof ", ..." > sizeof names) {
            memcpy(names + n, "...", 3);
            n += 3;
            break;
        }
        memcpy(names + n, l->image[i].name, len);
        n += len;
        if (i + 1 < l->n) {
            memcpy(names + n, ", ", 2);
            n += 2;
        }
    }
    names[n] = 0;
    return err_set(err, SESSION_ECHOOSE, "the server has several images, name one: %s", names);
}

int session_handshake_result(const struct session_handshake *h, struct session_welcome *welcome,
                             struct err *err)
{
    switch (h->reply.type) {
    case SESSION_WELCOME:
        *welcome = h->reply.u.welcome;
        return 0;
    case SESSION_LIST:
        return choose(&h->reply.u.list, err);
    case SESSION_OWN:
    case SESSION_ASK:
        return err_set(err, SESSION_ETYPE, "expected a welcome, got a message of type %d",
                       (int)h->reply.type);
    default:
        return err_set(err,
                       h->reply.u.refuse.code == SESSION_REFUSE_WAIT ? SESSION_EWAIT
                                                                     : SESSION_EREFUSED,
                       "the server refuses: %s", h->reply.u.refuse.sentence);
    }
}

int session_handshake_own(const struct session_handshake *h, struct session_own *own,
                          struct err *err)
{
    if (h->reply.type == SESSION_OWN) {
        *own = h->reply.u.own;
        return 0;
    }
    if (h->reply.type == SESSION_REFUSE)
        return err_set(err, SESSION_EREFUSED, "the server refuses: %s", h->reply.u.refuse.sentence);
    return err_set(err, SESSION_ETYPE,
                   "expected what is this machine's own, got a message of type %d",
                   (int)h->reply.type);
}

/* ---- beacons ---- */

void session_beacons_init(struct session_beacons *b, const struct session_welcome *w,
                          const uint8_t id[SESSION_ID_BYTES], const uint8_t mac[6], struct mono now)
{
    memset(b, 0, sizeof *b);
    memcpy(b->id, id, sizeof b->id);
    memcpy(b->mac, mac, sizeof b->mac);
    memcpy(b->key, w->key, sizeof b->key);
    memcpy(&b->rng.state, id, sizeof b->rng.state);
    b->tsi = w->tsi;
    b->interval_ms = w->beacon_ms;
    b->due = mono_add(now, (int64_t)rng_below(&b->rng, b->interval_ms) * MONO_MS);
    b->heard = now;
}

/* One interval, give or take a tenth. */
static int64_t interval_ns(struct session_beacons *b)
{
    int64_t ns = (int64_t)b->interval_ms * MONO_MS;

    return ns * 9 / 10 + (int64_t)rng_below(&b->rng, (uint64_t)ns / 5);
}

size_t session_beacons_next(struct session_beacons *b, const struct session_facts *f,
                            struct mono now, uint8_t out[SESSION_BEACON_BYTES])
{
    struct session_beacon beacon = {.tsi = b->tsi, .person = b->person, .facts = *f};
    bool changed = b->sent.ns && f->state != b->state && mono_sub(now, b->sent) >= SOONEST_NS;

    if (mono_sub(now, b->due) < 0 && !changed)
        return 0;
    memcpy(beacon.id, b->id, sizeof beacon.id);
    memcpy(beacon.mac, b->mac, sizeof beacon.mac);
    beacon.counter = ++b->counter;
    session_beacon_encode(&beacon, b->key, out);
    b->state = f->state;
    b->sent = now;
    b->due = mono_add(now, interval_ns(b));
    return SESSION_BEACON_BYTES;
}

void session_beacons_about(struct session_beacons *b, const struct session_info *info)
{
    struct session_told *t = &b->told;

    if (t->revision == SESSION_REVISION_MAX ||
        (t->revision && memcmp(&t->info, info, sizeof *info) == 0))
        return;
    t->info = *info;
    t->tsi = b->tsi;
    memcpy(t->id, b->id, sizeof t->id);
    t->revision++;
    b->told_at = b->counter + 1;
    b->told_gap = 1;
}

size_t session_beacons_info(struct session_beacons *b, uint8_t out[SESSION_INFO_BYTES])
{
    if (!b->told.revision || b->counter < b->told_at)
        return 0;
    if (b->news.info == b->told.revision) {
        b->told_gap = 1; /* a server that was started anew asks again by naming none */
        return 0;
    }
    b->told_gap = b->told_gap < INFO_GAP ? 2 * b->told_gap : INFO_GAP;
    b->told_at = b->counter + b->told_gap;
    return session_info_encode(&b->told, b->key, out);
}

int session_beacons_ack(struct session_beacons *b, const uint8_t *bytes, size_t n, struct mono now)
{
    struct session_ack a;
    int rc = session_ack_decode(bytes, n, b->key, &a);

    if (rc)
        return rc;
    if (a.tsi != b->tsi || memcmp(a.id, b->id, sizeof a.id) != 0)
        return SESSION_EUNKNOWN;
    if (a.counter > b->counter || a.counter <= b->news.counter)
        return SESSION_EREPLAY;
    b->news = a;
    b->heard = now;
    b->interval_ms = a.beacon_ms;
    if (mono_sub(b->due, now) > (int64_t)a.beacon_ms * 2 * MONO_MS)
        b->due = mono_add(now, interval_ns(b));
    return 0;
}
