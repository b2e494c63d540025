#include "net/session/server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/wire/must.h"
#include "net/wire/reader.h"

#define BUCKETS (SESSION_RECEIVERS_MAX / 4)
#define BEACON_MS_LEAST 1000
#define BEACON_MS_MOST 60000
/* Fewer packets than this between two beacons say nothing about loss. */
#define LOSS_PACKETS 500

_Static_assert(sizeof((struct session_image){0}.buckets) == BUCKETS * sizeof(uint32_t),
               "one hash table");

/* ---- rows ---- */

static bool is_final(enum session_state s)
{
    return s == SESSION_PASS || s == SESSION_FAIL || s == SESSION_LEAVING;
}

static bool row_needs(const struct session_receiver *r)
{
    return r->used && !r->gone && !r->stopped && r->facts.state <= SESSION_RECEIVING;
}

/* Receiver ids are random, and members who choose theirs badly slow down this table alone. */
static uint32_t *bucket_of(struct session_image *m, const uint8_t id[SESSION_ID_BYTES])
{
    return &m->buckets[((unsigned)id[0] << 8 | id[1]) % BUCKETS];
}

static struct session_receiver *row_find(struct session_image *m,
                                         const uint8_t id[SESSION_ID_BYTES])
{
    for (uint32_t at = *bucket_of(m, id); at; at = m->rows[at - 1].next)
        if (memcmp(m->rows[at - 1].id, id, SESSION_ID_BYTES) == 0)
            return &m->rows[at - 1];
    return NULL;
}

static void row_unlink(struct session_image *m, struct session_receiver *r)
{
    uint32_t *at = bucket_of(m, r->id);

    while (&m->rows[*at - 1] != r)
        at = &m->rows[*at - 1].next;
    *at = r->next;
}

bool session_image_superseded(const struct session_image *m, const struct session_receiver *r)
{
    for (uint32_t i = 0; i < m->used; i++) {
        const struct session_receiver *o = &m->rows[i];

        if (o != r && memcmp(o->mac, r->mac, 6) == 0 && mono_sub(o->joined, r->heard) >= 0)
            return true;
    }
    return false;
}

static void tally_add(struct session_tally *t, const struct session_receiver *r)
{
    t->passed += r->facts.state == SESSION_PASS;
    t->failed += r->facts.state == SESSION_FAIL;
    t->lost += r->facts.state == SESSION_LEAVING || (r->gone && !is_final(r->facts.state));
    t->unfinished += !r->gone && !is_final(r->facts.state);
}

/* Whom a newcomer may replace: best who is gone, else who never sent a beacon; of these the one
 * silent for longest. */
static struct session_receiver *row_spare(struct session_image *m)
{
    struct session_receiver *best = NULL;

    for (uint32_t i = 0; i < m->used; i++) {
        struct session_receiver *r = &m->rows[i];

        if (!r->gone && r->facts.state != SESSION_JOINED)
            continue;
        if (!best || r->gone > best->gone ||
            (r->gone == best->gone && mono_sub(best->heard, r->heard) > 0))
            best = r;
    }
    return best;
}

/* A fresh row for the id, linked; NULL when all rows are in use by the living. */
static struct session_receiver *row_new(struct session_image *m, const uint8_t id[SESSION_ID_BYTES])
{
    struct session_receiver *r;

    if (m->used < m->n_rows) {
        r = &m->rows[m->used++];
    } else {
        r = row_spare(m);
        if (!r)
            return NULL;
        /* a living one comes back with its first beacon */
        if (r->gone && !session_image_superseded(m, r))
            tally_add(&m->evicted, r);
        row_unlink(m, r);
    }
    memset(r, 0, sizeof *r);
    memcpy(r->id, id, SESSION_ID_BYTES);
    r->used = true;
    r->next = *bucket_of(m, id);
    *bucket_of(m, id) = (uint32_t)(r - m->rows) + 1;
    return r;
}

/* ---- what happens ---- */

static void tell(struct session_server *s, unsigned image, enum session_happening what,
                 const struct session_receiver *r, enum session_state before)
{
    struct session_event e = {.what = what, .image = image, .receiver = r, .before = before};

    if (s->tell)
        s->tell(s->ctx, &e);
}

/* As many beacons as 1 % of the stream has room for. */
static uint32_t beacon_ms(const struct session_image *m)
{
    uint64_t per_second = m->welcome.rate / 100;
    uint64_t ms;

    per_second += per_second == 0;
    ms = ((uint64_t)m->live * SESSION_EXCHANGE_WIRE_BYTES * 1000 + per_second - 1) / per_second;
    return ms < BEACON_MS_LEAST  ? BEACON_MS_LEAST
           : ms > BEACON_MS_MOST ? BEACON_MS_MOST
                                 : (uint32_t)ms;
}

/* Counts who lives and who needs the stream. Returns whether somebody does for whom no session is
 * needed. */
static bool rows_count(struct session_image *m)
{
    bool alone = false;

    m->live = m->needing = 0;
    for (uint32_t i = 0; i < m->used; i++) {
        struct session_receiver *r = &m->rows[i];

        m->live += !r->gone;
        r->stopped |= m->stopped && !r->alone && r->revision && row_needs(r);
        m->needing += row_needs(r);
        alone |= r->alone && row_needs(r);
    }
    return alone;
}

/* Counts anew, and starts or suspends the stream. */
static void image_settle(struct session_server *s, unsigned image)
{
    struct session_image *m = s->images[image];
    bool held = !(rows_count(m) && m->stopped) && m->held;

    m->welcome.beacon_ms = beacon_ms(m);
    if (m->needing) {
        m->wanted_in_loop = true;
        m->idle_loops = 0;
    }
    if (m->needing && !m->running && !m->leaving && !held) {
        m->running = true;
        tell(s, image, m->ever ? SESSION_RESUME : SESSION_START, NULL, SESSION_JOINED);
        m->ever = true;
    } else if (m->running && (held || (!m->needing && m->loop_suspend == SESSION_SUSPEND_AUTO))) {
        m->running = false;
        tell(s, image, SESSION_SUSPEND, NULL, SESSION_JOINED);
    }
}

int session_server_add(struct session_server *s, struct session_image *m)
{
    unsigned place = session_server_place(s);

    MUST(m->n_rows >= 1 && m->n_rows <= SESSION_RECEIVERS_MAX && session_name_legal(m->name) &&
         m->name[0]);
    if (place == SESSION_IMAGES_MAX)
        return SESSION_EFULL;
    for (unsigned i = 0; i < s->n; i++)
        if (i != place && (s->images[i]->welcome.tsi == m->welcome.tsi ||
                           strcmp(s->images[i]->name, m->name) == 0))
            return SESSION_EFULL;
    s->images[place] = m;
    s->n += place == s->n;
    m->welcome.beacon_ms = beacon_ms(m);
    return 0;
}

unsigned session_server_place(const struct session_server *s)
{
    unsigned i = 0;

    while (session_image_there(s, i))
        i++;
    return i;
}

void session_image_leave(struct session_server *s, unsigned image)
{
    struct session_image *m = s->images[image];

    m->leaving = true;
    if (!m->running)
        return;
    m->running = false;
    tell(s, image, SESSION_SUSPEND, NULL, SESSION_JOINED);
}

void session_server_remove(struct session_server *s, unsigned image)
{
    memset(s->images[image], 0, sizeof *s->images[image]);
    while (s->n && !session_image_there(s, s->n - 1))
        s->n--;
}

struct guest {
    const uint8_t *id, *mac;
    bool person;
    uint32_t from;
};

/* A row for this receiver, its own or a new one; NULL when there is no room. */
static struct session_receiver *admit(struct session_server *s, unsigned image,
                                      const struct guest *g, struct mono now)
{
    struct session_image *m = s->images[image];
    struct session_receiver *r = row_find(m, g->id);
    bool came = !r;

    if (came)
        r = row_new(m, g->id);
    if (!r)
        return NULL;
    memcpy(r->mac, g->mac, 6);
    r->address = g->from;
    r->heard = now;
    if (came) {
        r->person = g->person;
        r->alone = g->person && m->stopped;
        r->joined = now;
        tell(s, image, SESSION_CAME, r, SESSION_JOINED);
        image_settle(s, image);
    }
    return r;
}

/* ---- handshake ---- */

static void refuse(struct session_message *reply, enum session_refusal code, const char *fmt,
                   const char *name)
{
    memset(reply, 0, sizeof *reply);
    reply->type = SESSION_REFUSE;
    reply->u.refuse.code = (uint16_t)code;
    snprintf(reply->u.refuse.sentence, sizeof reply->u.refuse.sentence, fmt, name);
}

static bool is_offered(const struct session_server *s, unsigned image)
{
    return session_image_there(s, image) && !s->images[image]->leaving;
}

static void offer(const struct session_server *s, struct session_message *reply)
{
    struct session_list *l = &reply->u.list;

    memset(reply, 0, sizeof *reply);
    reply->type = SESSION_LIST;
    for (unsigned i = 0; i < s->n; i++) {
        if (!is_offered(s, i))
            continue;
        l->image[l->n].raw_bytes = s->images[i]->raw_bytes;
        memcpy(l->image[l->n++].name, s->images[i]->name, sizeof l->image[0].name);
    }
}

/* The index of the image of that name, s->n when there is none. */
static unsigned image_named(const struct session_server *s, const char *name)
{
    unsigned i = 0;

    while (i < s->n && strcmp(s->images[i]->name, name) != 0)
        i++;
    return i;
}

/* What somebody gets who names nothing: the only image there is, else the preferred one; s->n: he
 * has to choose. */
static unsigned image_unnamed(const struct session_server *s, unsigned *offered)
{
    unsigned only = 0;

    *offered = 0;
    for (unsigned i = 0; i < s->n; i++)
        if (is_offered(s, i)) {
            only = i;
            ++*offered;
        }
    if (*offered == 1)
        return only;
    return s->preferred && is_offered(s, s->preferred - 1) ? s->preferred - 1 : s->n;
}

static void welcome(struct session_server *s, const struct session_hello *h, uint32_t from,
                    struct mono now, struct session_message *reply)
{
    unsigned offered, unnamed = image_unnamed(s, &offered),
                      image = h->name[0] ? image_named(s, h->name) : unnamed;
    char why[SESSION_SENTENCE_MAX + 1] = "";
    int chosen;

    if (s->closing) {
        refuse(reply, SESSION_REFUSE_CLOSING, "the server is stopping%s", "");
    } else if (s->choose && (chosen = s->choose(s->ctx, h, &image, why))) {
        refuse(reply, chosen == SESSION_EWAIT ? SESSION_REFUSE_WAIT : SESSION_REFUSE_PLAN, "%s",
               why);
    } else if (image < s->n && s->images[image]->leaving) {
        refuse(reply, SESSION_REFUSE_CLOSING, "the image \"%s\" is being taken away", h->name);
    } else if (offered == 0) {
        refuse(reply, SESSION_REFUSE_UNKNOWN, "no image is served here yet%s", "");
    } else if (!h->name[0] && image >= s->n) {
        offer(s, reply);
    } else if (image >= s->n) {
        refuse(reply, SESSION_REFUSE_UNKNOWN, "no image named \"%s\" is served here", h->name);
    } else if (!admit(s, image, &(struct guest){h->id, h->mac, h->person, from}, now)) {
        refuse(reply, SESSION_REFUSE_FULL, "no room for another receiver of this image%s", "");
    } else {
        memset(reply, 0, sizeof *reply);
        reply->type = SESSION_WELCOME;
        reply->u.welcome = s->images[image]->welcome;
    }
}

static bool answer_ask(struct session_server *s, const struct session_ask *a,
                       struct session_message *reply)
{
    char why[SESSION_SENTENCE_MAX + 1] = "nothing is a machine's own here";
    int rc;

    memset(reply, 0, sizeof *reply);
    reply->type = SESSION_OWN;
    rc = s->own ? s->own(s->ctx, a, &reply->u.own, why) : SESSION_EREFUSED;
    if (rc && rc != SESSION_EWAIT)
        refuse(reply, SESSION_REFUSE_UNKNOWN, "%s", why);
    return rc != SESSION_EWAIT;
}

bool session_server_again(struct session_server *s, const uint8_t *bytes, size_t n,
                          struct session_message *reply)
{
    struct session_message m;

    MUST(session_message_decode(bytes, n, &m) == 0 && m.type == SESSION_ASK);
    return answer_ask(s, &m.u.ask, reply);
}

bool session_server_message(struct session_server *s, const uint8_t *bytes, size_t n, uint32_t from,
                            struct mono now, struct session_message *reply)
{
    struct session_message m;
    int rc = session_message_decode(bytes, n, &m);

    if (rc == 0 && m.type == SESSION_HELLO) {
        welcome(s, &m.u.hello, from, now, reply);
        return true;
    }
    if (rc == 0 && m.type == SESSION_ASK && session_ration_take(&s->asks, from, now))
        return answer_ask(s, &m.u.ask, reply);
    if (rc == 0 && m.type == SESSION_ASK) {
        refuse(reply, SESSION_REFUSE_FULL, "this address has asked too often just now%s", "");
        return true;
    }
    s->refused++;
    if (rc == SESSION_EVERSION)
        refuse(reply, SESSION_REFUSE_BROKEN,
               "this server speaks version 1 of the session protocol%s", "");
    else
        refuse(reply, SESSION_REFUSE_BROKEN,
               "this is Ringcast's session port: a hello was expected%s", "");
    return true;
}

/* ---- beacons ---- */

/* The loss since an earlier beacon, once enough packets have gone by. Counts that went back were
 * begun anew: they say nothing yet. Loss is lost on the way: the packets that its own ring dropped
 * did arrive. */
static void row_loss(struct session_receiver *r)
{
    uint32_t heard = r->facts.heard - r->base_heard, missed = r->facts.missed - r->base_missed;
    uint32_t drops = r->facts.drops - r->base_drops, own = drops > missed ? missed : drops;
    uint64_t all = (uint64_t)heard + missed;
    bool anew = heard > INT32_MAX || missed > INT32_MAX || drops > INT32_MAX;

    if (all < LOSS_PACKETS)
        return;
    if (!anew) {
        r->recent_ppm = (uint32_t)(missed * UINT64_C(1000000) / all);
        r->loss_ppm = session_loss_ppm(heard, missed, drops);
        r->drop_ppm = (uint32_t)(own * UINT64_C(1000000) / all);
    }
    r->base_heard = r->facts.heard;
    r->base_missed = r->facts.missed;
    r->base_drops = r->facts.drops;
}

static void row_update(struct session_server *s, unsigned image, struct session_receiver *r,
                       const struct session_beacon *b)
{
    enum session_state before = r->facts.state;
    bool back = r->gone, first = r->counter == 0;

    r->facts = b->facts;
    r->counter = b->counter;
    r->gone = false;
    if (first) { /* a program that goes on with another session's counts is welcome */
        r->base_heard = b->facts.heard;
        r->base_missed = b->facts.missed;
        r->base_drops = b->facts.drops;
    }
    row_loss(r);
    if (back)
        tell(s, image, SESSION_BACK, r, before);
    if (before != r->facts.state)
        tell(s, image, SESSION_STATE, r, before);
    if (r->facts.state == SESSION_MANIFEST)
        tell(s, image, SESSION_BODY, r, before);
    if (back || before != r->facts.state)
        image_settle(s, image);
}

/* Whose datagram of that type is it? The image's index; s->n when it is nobody's. */
static unsigned image_of(const struct session_server *s, const uint8_t *bytes, size_t n,
                         enum session_type type)
{
    uint16_t tsi = session_datagram_tsi(bytes, n, type);
    unsigned i = 0;

    while (i < s->n && (!tsi || s->images[i]->welcome.tsi != tsi))
        i++;
    return i;
}

static int beacon_take(struct session_server *s, const struct session_beacon *b, unsigned image,
                       uint32_t from, struct mono now)
{
    struct session_receiver *r = row_find(s->images[image], b->id);

    if (r && b->counter <= r->counter)
        return SESSION_EREPLAY;
    /* Whoever holds the key was welcomed once: a row that was given away meanwhile is made anew. */
    r = admit(s, image, &(struct guest){b->id, b->mac, b->person, from}, now);
    if (!r)
        return SESSION_EFULL;
    row_update(s, image, r, b);
    return 0;
}

static void ack_fill(const struct session_server *s, const struct session_image *m,
                     const struct session_beacon *b, const struct session_receiver *r,
                     struct session_ack *a)
{
    struct session_label label = {0};

    *a = (struct session_ack){.tsi = b->tsi,
                              .counter = b->counter,
                              .beacon_ms = m->welcome.beacon_ms,
                              .rate = m->running && !r->stopped ? m->welcome.rate : 0,
                              .receivers = m->needing,
                              .sbn = m->welcome.sbn,
                              .closing = s->closing || m->leaving || r->stopped,
                              .stopped = r->stopped,
                              .info = r->revision};
    memcpy(a->id, b->id, sizeof a->id);
    if (s->label && r->revision)
        label = s->label(s->ctx, r->mac);
    a->identify = label.identify;
    a->number = label.number;
}

static int take_beacon(struct session_server *s, unsigned image, const uint8_t *bytes, size_t n,
                       uint32_t from, struct mono now, uint8_t ack[SESSION_ACK_BYTES])
{
    struct session_image *m = s->images[image];
    struct session_beacon b;
    struct session_ack a;
    int rc = session_beacon_decode(bytes, n, m->welcome.key, &b);

    if (rc == 0)
        rc = beacon_take(s, &b, image, from, now);
    if (rc)
        return rc;
    if (b.facts.state == SESSION_PASS && s->kept && !s->kept(s->ctx, image, row_find(m, b.id)))
        return 0; /* it says so again */
    ack_fill(s, m, &b, row_find(m, b.id), &a);
    session_ack_encode(&a, m->welcome.key, ack);
    return 1;
}

/* Only of who has a row: it comes behind a beacon. */
static int take_info(struct session_server *s, unsigned image, const uint8_t *bytes, size_t n)
{
    struct session_image *m = s->images[image];
    struct session_event e = {.what = SESSION_TOLD, .image = image};
    struct session_receiver *r;
    struct session_told t;
    int rc = session_info_decode(bytes, n, m->welcome.key, &t);

    if (rc)
        return rc;
    r = row_find(m, t.id);
    if (!r || t.revision <= r->revision)
        return r ? SESSION_EREPLAY : SESSION_EUNKNOWN;
    r->revision = t.revision;
    e.receiver = r;
    e.info = &t.info;
    if (s->tell)
        s->tell(s->ctx, &e);
    return 0;
}

int session_server_datagram(struct session_server *s, const uint8_t *bytes, size_t n, uint32_t from,
                            struct mono now, uint8_t ack[SESSION_ACK_BYTES])
{
    unsigned beacon = image_of(s, bytes, n, SESSION_BEACON),
             info = image_of(s, bytes, n, SESSION_INFO);
    int rc = SESSION_EUNKNOWN;

    if (beacon < s->n)
        rc = take_beacon(s, beacon, bytes, n, from, now, ack);
    else if (info < s->n)
        rc = take_info(s, info, bytes, n);
    else if (!session_datagram_tsi(bytes, n, SESSION_BEACON) &&
             !session_datagram_tsi(bytes, n, SESSION_INFO))
        rc = SESSION_EMAGIC;
    s->refused += rc < 0;
    return rc;
}

/* ---- time and stream ---- */

static void image_bury(struct session_server *s, unsigned image, struct mono now)
{
    struct session_image *m = s->images[image];
    int64_t patience = 3 * (int64_t)m->welcome.beacon_ms * MONO_MS;

    if (patience < SESSION_SILENT_NS)
        patience = SESSION_SILENT_NS;
    for (uint32_t i = 0; i < m->used; i++) {
        struct session_receiver *r = &m->rows[i];

        if (r->gone || mono_sub(now, r->heard) <= patience)
            continue;
        r->gone = true;
        if (!is_final(r->facts.state))
            tell(s, image, SESSION_GONE, r, r->facts.state);
    }
}

void session_server_tick(struct session_server *s, struct mono now)
{
    for (unsigned i = 0; i < s->n; i++) {
        image_bury(s, i, now);
        image_settle(s, i);
    }
}

void session_server_hold(struct session_server *s, unsigned image, bool held)
{
    if (s->images[image]->held == held)
        return;
    s->images[image]->held = held;
    image_settle(s, image);
}

void session_server_stop(struct session_server *s, unsigned image, bool stopped)
{
    if (s->images[image]->stopped == stopped)
        return;
    s->images[image]->stopped = stopped;
    image_settle(s, image);
}

void session_image_loop(struct session_server *s, unsigned image)
{
    struct session_image *m = s->images[image];
    bool limited =
        m->loop_suspend != SESSION_SUSPEND_NEVER && m->loop_suspend != SESSION_SUSPEND_AUTO;

    if (!m->wanted_in_loop)
        m->idle_loops++;
    m->wanted_in_loop = m->needing != 0;
    if (limited && m->running && m->idle_loops >= m->loop_suspend) {
        m->running = false;
        m->idle_loops = 0;
        tell(s, image, SESSION_SUSPEND, NULL, SESSION_JOINED);
    }
}

void session_image_at(struct session_server *s, unsigned image, uint32_t sbn, uint64_t rate)
{
    s->images[image]->welcome.sbn = sbn;
    s->images[image]->welcome.rate = rate;
}

/* ---- questions ---- */

unsigned session_image_samples(const struct session_server *s, unsigned image,
                               struct rate_sample *out, unsigned max)
{
    const struct session_image *m = s->images[image];
    unsigned n = 0;

    for (uint32_t i = 0; i < m->used && n < max; i++) {
        const struct session_receiver *r = &m->rows[i];

        if (row_needs(r) && r->facts.state != SESSION_JOINED)
            out[n++] =
                (struct rate_sample){.recent_ppm = r->recent_ppm,
                                     .loss_ppm = r->facts.loss_ppm,
                                     .worst_ppm = r->facts.worst_ppm,
                                     .receiving = r->facts.state == SESSION_RECEIVING,
                                     .wanted = r->facts.disk_limited ? r->facts.wanted_rate : 0};
    }
    return n;
}

/* A set of MACs: the runs of one machine count once, and thousands of rows shall not be compared
 * with each other. */
#define SEEN (2 * SESSION_RECEIVERS_MAX)

static bool seen_before(const struct session_image *m, uint16_t seen[SEEN], uint32_t row)
{
    const uint8_t *mac = m->rows[row].mac;
    unsigned i =
        ((unsigned)mac[3] << 16 ^ (unsigned)mac[4] << 8 ^ mac[5] ^ (unsigned)mac[2] << 5) % SEEN;

    for (; seen[i]; i = (i + 1) % SEEN)
        if (memcmp(m->rows[seen[i] - 1].mac, mac, 6) == 0)
            return true;
    seen[i] = (uint16_t)(row + 1);
    return false;
}

unsigned session_image_ready(const struct session_server *s, unsigned image, struct mono *joined)
{
    const struct session_image *m = s->images[image];
    uint16_t seen[SEEN] = {0};
    unsigned n = 0;

    *joined = (struct mono){0};
    for (uint32_t i = 0; i < m->used; i++) {
        const struct session_receiver *r = &m->rows[i];

        if (!row_needs(r))
            continue;
        if (!joined->ns || mono_sub(r->joined, *joined) > 0)
            *joined = r->joined;
        n += r->facts.state != SESSION_JOINED && !seen_before(m, seen, i);
    }
    return n;
}

bool session_image_has_begun(const struct session_image *m)
{
    for (uint32_t i = 0; i < m->used; i++) {
        const struct session_receiver *r = &m->rows[i];

        if (r->used && !r->gone && !is_final(r->facts.state) &&
            (r->facts.done || r->facts.state == SESSION_VERIFYING))
            return true;
    }
    return false;
}

bool session_image_has(const struct session_server *s, unsigned image, const uint8_t mac[6])
{
    const struct session_image *m = s->images[image];

    for (uint32_t i = 0; i < m->used; i++)
        if (row_needs(&m->rows[i]) && memcmp(m->rows[i].mac, mac, 6) == 0)
            return true;
    return false;
}

/* A row as the tally sorts them: by machine, its runs in the order in which they joined. */
struct run {
    uint64_t mac;
    struct mono joined;
    const struct session_receiver *row;
};

static int run_compare(const void *one, const void *other)
{
    const struct run *a = one, *b = other;

    if (a->mac != b->mac)
        return a->mac < b->mac ? -1 : 1;
    if (mono_sub(a->joined, b->joined))
        return mono_sub(a->joined, b->joined) < 0 ? -1 : 1;
    return (a->row > b->row) - (a->row < b->row);
}

/* Asked for every second, in a room whose MACs a stranger may have chosen: so the rows are sorted,
 * and none is compared with all others. */
struct session_tally session_image_tally(const struct session_server *s, unsigned image)
{
    const struct session_image *m = s->images[image];
    struct session_tally t = m->evicted;
    struct run run[SESSION_RECEIVERS_MAX];

    for (uint32_t i = 0; i < m->used; i++) {
        struct reader mac = reader_on(m->rows[i].mac, 6);
        uint32_t high = rd_u32(&mac);

        run[i] = (struct run){(uint64_t)high << 16 | rd_u16(&mac), m->rows[i].joined, &m->rows[i]};
    }
    qsort(run, m->used, sizeof *run, run_compare);
    for (uint32_t i = 0, last = 0; i < m->used; i++) {
        for (last = last < i ? i : last; last + 1 < m->used && run[last + 1].mac == run[i].mac;
             last++)
            ;
        if (i == last || mono_sub(run[last].joined, run[i].row->heard) < 0)
            tally_add(&t, run[i].row);
    }
    return t;
}
