#include "net/tftp/server.h"

#include <string.h>

#include "net/wire/must.h"

#define NONE SIZE_MAX

/* ---- the table ---- */

static uint16_t *bucket_of(struct tftp_server *s, struct tftp_client c)
{
    uint32_t h = (c.address ^ (uint32_t)c.port << 16) * UINT32_C(2654435761);

    return &s->buckets[h >> 16 & (TFTP_BUCKETS - 1)];
}

static uint16_t number_of(const struct tftp_server *s, const struct tftp_transfer *t)
{
    return (uint16_t)(t - s->transfers + 1);
}

static struct tftp_transfer *transfer_at(struct tftp_server *s, uint16_t number)
{
    return number ? &s->transfers[number - 1] : NULL;
}

static struct tftp_transfer *find(struct tftp_server *s, struct tftp_client c)
{
    struct tftp_transfer *t = transfer_at(s, *bucket_of(s, c));

    while (t && (t->client.address != c.address || t->client.port != c.port))
        t = transfer_at(s, t->chain);
    return t;
}

/* ---- turns ---- */

static void enqueue(struct tftp_server *s, struct tftp_transfer *t)
{
    if (t->queued)
        return;
    t->queued = true;
    t->after = 0;
    if (s->last)
        transfer_at(s, s->last)->after = number_of(s, t);
    else
        s->first = number_of(s, t);
    s->last = number_of(s, t);
}

static void dequeue(struct tftp_server *s, struct tftp_transfer *t)
{
    uint16_t *link = &s->first, before = 0;

    if (!t->queued)
        return;
    while (*link != number_of(s, t)) {
        before = *link;
        link = &transfer_at(s, *link)->after;
    }
    *link = t->after;
    if (s->last == number_of(s, t))
        s->last = before;
    t->queued = false;
}

/* Blocks under way. A transfer that repeats itself may have nobody listening, and takes no one's
 * share. */
static uint64_t under_way(const struct tftp_transfer *t)
{
    return t->tries ? 0 : t->next - t->base;
}

/* What may leave now: a window from the first block that is missing. */
static void open_window(struct tftp_server *s, struct tftp_transfer *t)
{
    t->top = t->base == 0 ? 1 : t->base + t->window;
    if (t->top > t->blocks + 1)
        t->top = t->blocks + 1;
    if (t->next < t->top)
        enqueue(s, t);
}

static void rewind_window(struct tftp_server *s, struct tftp_transfer *t)
{
    s->in_flight -= under_way(t);
    t->next = t->base;
    t->repeated = true;
    open_window(s, t);
}

/* ---- the end of a transfer ---- */

static void tell(struct tftp_server *s, enum tftp_happening what, const struct tftp_transfer *t,
                 const char *text)
{
    char name[CONTENT_NAME_MAX + 1];
    struct tftp_event e = {
        .what = what, .client = t->client, .name = name, .text = text, .transfer = t};

    tftp_printable(name, sizeof name, t->name, strlen(t->name));
    if (s->tell)
        s->tell(s->ctx, &e);
}

static uint64_t *count_of(struct tftp_counts *c, enum tftp_happening what)
{
    switch (what) {
    case TFTP_BEGUN:
        return &c->begun;
    case TFTP_DONE:
        return &c->done;
    case TFTP_PROBED:
        return &c->probed;
    case TFTP_BROKEN:
        return &c->broken;
    case TFTP_LEFT:
        return &c->left;
    case TFTP_REFUSED:
        return &c->refused;
    case TFTP_UNREADABLE:
        return &c->unreadable;
    }
    MUST(!"a happening");
    return NULL;
}

static void transfer_free(struct tftp_server *s, struct tftp_transfer *t)
{
    uint16_t *link = bucket_of(s, t->client);

    while (*link != number_of(s, t))
        link = &transfer_at(s, *link)->chain;
    *link = t->chain;
    dequeue(s, t);
    s->in_flight -= under_way(t);
    content_close(&t->content);
    t->used = false;
    s->live--;
}

static void transfer_end(struct tftp_server *s, struct tftp_transfer *t, enum tftp_happening what,
                         const char *text)
{
    ++*count_of(&s->counts, what);
    tell(s, what, t, text);
    transfer_free(s, t);
}

/* The client is gone, without a word or with one: was it content with what it got? */
static enum tftp_happening judge(const struct tftp_transfer *t, enum tftp_happening otherwise)
{
    if (t->base == t->blocks && t->high > t->blocks && t->confirmed)
        return TFTP_DONE;
    if (t->base == 0 || (t->base == 1 && tftp_options_have(&t->options, TFTP_TSIZE)))
        return TFTP_PROBED;
    return otherwise;
}

static void give_up(struct tftp_server *s, struct tftp_transfer *t, const char *why)
{
    transfer_end(s, t, judge(t, TFTP_LEFT), why);
}

/* ---- requests ---- */

static uint16_t pick_local(struct tftp_server *s)
{
    return s->next_local++ % s->locals;
}

static bool refuse(struct tftp_server *s, struct tftp_client from, const struct tftp_packet *p,
                   enum tftp_code code, const char *text, struct tftp_out *reply)
{
    char name[CONTENT_NAME_MAX + 1];
    struct tftp_event e = {.what = TFTP_REFUSED, .client = from, .name = name, .text = text};

    tftp_printable(name, sizeof name, p->u.request.name, p->u.request.name_bytes);
    s->counts.refused++;
    if (s->tell)
        s->tell(s->ctx, &e);
    *reply = (struct tftp_out){.to = from,
                               .local = pick_local(s),
                               .bytes = s->out,
                               .n = tftp_encode_error(s->out, code, text)};
    return true;
}

/* Who makes room for a client at `address`: a free place, an own one beyond what an address may
 * have, one that was never confirmed, one that is silent. NULL: nobody. */
static struct tftp_transfer *pick_place(struct tftp_server *s, uint32_t address, struct mono now)
{
    struct tftp_transfer *spare = NULL, *own = NULL, *unsure = NULL, *silent = NULL;
    unsigned same = 0;

    for (size_t i = 0; i < TFTP_TRANSFERS_MAX; i++) {
        struct tftp_transfer *t = &s->transfers[i];

        if (!t->used) {
            spare = spare ? spare : t;
            continue;
        }
        if (t->client.address == address) {
            same++;
            own = !own || mono_sub(own->heard, t->heard) > 0 ? t : own;
        }
        if (!t->confirmed && (!unsure || mono_sub(unsure->began, t->began) > 0))
            unsure = t;
        if (mono_sub(now, t->heard) > TFTP_SILENT_NS &&
            (!silent || mono_sub(silent->heard, t->heard) > 0))
            silent = t;
    }
    if (same >= TFTP_PER_ADDRESS)
        return own;
    return spare ? spare : unsure ? unsure : silent;
}

/* What is granted of what was asked for. */
static void grant(struct tftp_transfer *t, const struct tftp_options *asked)
{
    t->asked = *asked;
    t->blksize = TFTP_BLKSIZE_DEFAULT;
    t->window = 1;
    for (unsigned i = 0; i < asked->n; i++) {
        enum tftp_option o = asked->order[i];
        uint64_t v = asked->value[o];

        if (o == TFTP_BLKSIZE)
            t->blksize = (uint32_t)(v = v < TFTP_BLKSIZE_MAX ? v : TFTP_BLKSIZE_MAX);
        if (o == TFTP_WINDOWSIZE)
            t->window = (uint32_t)(v = v < TFTP_WINDOW_MAX ? v : TFTP_WINDOW_MAX);
        if (o == TFTP_TSIZE)
            v = t->content.size;
        if (o == TFTP_TIMEOUT && v > TFTP_TIMEOUT_MAX)
            continue; /* RFC 2349: granted as it is, or not at all */
        if (o == TFTP_TIMEOUT)
            t->timeout = (unsigned)v;
        tftp_options_add(&t->options, o, v);
    }
}

static void begin(struct tftp_server *s, struct tftp_transfer *t, struct mono now,
                  struct tftp_client from, const char *name, const struct content *content,
                  const struct tftp_options *asked)
{
    uint16_t *bucket = bucket_of(s, from);

    *t = (struct tftp_transfer){.used = true,
                                .client = from,
                                .local = pick_local(s),
                                .content = *content,
                                .began = now,
                                .heard = now,
                                .sent = now,
                                .chain = *bucket};
    *bucket = number_of(s, t);
    s->live++;
    memcpy(t->name, name, strlen(name) + 1);
    grant(t, asked);
    t->rto = t->timeout ? t->timeout * MONO_S : TFTP_RTO_FIRST_NS;
    t->blocks = t->content.size / t->blksize + 1;
    t->base = t->next = t->high = t->options.n ? 0 : 1;
    open_window(s, t);
    s->counts.begun++;
    tell(s, TFTP_BEGUN, t, "");
}

/* An answer to other options than those that were asked for is no answer (RFC 2347). */
static bool options_same(const struct tftp_options *a, const struct tftp_options *b)
{
    bool same = a->n == b->n;

    for (unsigned i = 0; same && i < a->n; i++)
        same = a->order[i] == b->order[i] && a->value[a->order[i]] == b->value[b->order[i]];
    return same;
}

static bool on_read_request(struct tftp_server *s, struct mono now, struct tftp_client from,
                            const uint8_t *mac, const struct tftp_packet *p, struct tftp_out *reply)
{
    struct tftp_transfer *t = find(s, from);
    char name[CONTENT_NAME_MAX + 1];
    struct content content;
    int rc = content_name(p->u.request.name, p->u.request.name_bytes, name);

    if (!p->u.request.octet)
        return refuse(s, from, p, TFTP_CODE_ILLEGAL, "expected mode octet (binary)", reply);
    if (rc)
        return refuse(s, from, p, TFTP_CODE_NOT_FOUND, "no such file", reply);
    if (t && !t->confirmed && strcmp(t->name, name) == 0 &&
        options_same(&t->asked, &p->u.request.options)) {
        rewind_window(s, t); /* our first packet was lost, or is late */
        return false;
    }
    if (t)
        give_up(s, t, "it asked for something else");
    t = pick_place(s, from.address, now);
    if (!t) {
        s->counts.full++;
        return false;
    }
    rc = s->source.open(s->source.ctx, name, mac, &content);
    if (rc == CONTENT_EBUSY) {
        s->counts.full++;
        return false;
    }
    if (rc)
        return refuse(s, from, p, rc == CONTENT_ENAME ? TFTP_CODE_NOT_FOUND : TFTP_CODE_OTHER,
                      rc == CONTENT_ENAME ? "no such file" : "the file cannot be read", reply);
    if (t->used)
        give_up(s, t, "it made room for another");
    begin(s, t, now, from, name, &content, &p->u.request.options);
    return false;
}

/* ---- progress ---- */

/* RFC 6298, with our limits. A negotiated timeout is the client's wish and stays. */
static void measure(struct tftp_transfer *t, struct mono now)
{
    int64_t r = mono_sub(now, t->sent), off;

    if (t->repeated || t->base != t->next)
        return;
    off = r > t->srtt ? r - t->srtt : t->srtt - r;
    t->rttvar = t->srtt ? t->rttvar + (off - t->rttvar) / 4 : r / 2;
    t->srtt = t->srtt ? t->srtt + (r - t->srtt) / 8 : r;
    if (t->srtt == 0)
        t->srtt = 1;
}

static void reset_timeout(struct tftp_transfer *t)
{
    int64_t rto = t->srtt + 4 * t->rttvar;

    if (t->timeout)
        return;
    t->rto = !t->srtt ? TFTP_RTO_FIRST_NS : rto < TFTP_RTO_MIN_NS ? TFTP_RTO_MIN_NS : rto;
    if (t->rto > TFTP_RTO_MAX_NS)
        t->rto = TFTP_RTO_MAX_NS;
}

/* Has it been long enough since the window left that an acknowledgement below its end shows a hole?
 * One that comes sooner is an answer to what left before, or a copy. */
static bool shows_hole(const struct tftp_transfer *t, struct mono now)
{
    return !t->queued && mono_sub(now, t->sent) >= (t->srtt ? t->srtt / 2 : TFTP_RTO_MIN_NS / 4);
}

/* The client has everything before base + d. */
static void advance(struct tftp_server *s, struct tftp_transfer *t, struct mono now, uint64_t d)
{
    s->in_flight -= under_way(t);
    t->base += d;
    if (t->next < t->base)
        t->next = t->base;
    t->tries = 0;
    t->confirmed = true;
    t->heard = now;
    t->rewound = false;
    measure(t, now);
    reset_timeout(t);
    s->in_flight += under_way(t);
    if (t->base > t->blocks) {
        transfer_end(s, t, TFTP_DONE, "");
        return;
    }
    if (t->base == t->high)
        t->repeated = false;
    else if (shows_hole(t, now))
        rewind_window(s, t);
    open_window(s, t);
}

static void on_ack(struct tftp_server *s, struct tftp_transfer *t, struct mono now, uint16_t block)
{
    /* How far beyond the last one acknowledged; RFC 1350's numbers wrap, and a window is small. */
    uint16_t d = t->base ? (uint16_t)(block - (uint16_t)(t->base - 1)) : (uint16_t)(block + 1);

    if (d > t->high - t->base) {
        s->counts.stray++;
    } else if (d) {
        advance(s, t, now, d);
    } else if (t->window > 1 && t->base > 0 && !t->rewound && !t->tries && shows_hole(t, now)) {
        rewind_window(s, t);
        t->rewound = true;
    }
}

bool tftp_server_input(struct tftp_server *s, struct mono now, struct tftp_client from,
                       uint16_t local, const uint8_t *mac, const uint8_t *bytes, size_t n,
                       struct tftp_out *reply)
{
    struct tftp_transfer *t;
    struct tftp_packet p;

    if (tftp_decode(bytes, n, &p) != 0) {
        s->counts.malformed++;
        return false;
    }
    if (p.opcode == TFTP_WRQ && local == TFTP_LISTENING)
        return refuse(s, from, &p, TFTP_CODE_ACCESS, "nothing can be written here", reply);
    if (p.opcode == TFTP_RRQ && local == TFTP_LISTENING)
        return on_read_request(s, now, from, mac, &p, reply);
    t = find(s, from);
    if (!t || t->local != local)
        s->counts.stray++;
    else if (p.opcode == TFTP_ACK)
        on_ack(s, t, now, p.u.block);
    else if (p.opcode == TFTP_ERROR)
        transfer_end(s, t, judge(t, TFTP_BROKEN), p.u.error.text);
    return false;
}

/* ---- sending ---- */

/* Block t->next as a packet in s->out; 0 when the content failed. */
static size_t compose(struct tftp_server *s, struct tftp_transfer *t)
{
    uint64_t at = (t->next - 1) * t->blksize;
    size_t n;

    if (t->next == 0)
        return tftp_encode_oack(s->out, &t->options);
    n = t->content.size - at < t->blksize ? (size_t)(t->content.size - at) : t->blksize;
    tftp_encode_data(s->out, (uint16_t)t->next);
    return content_read(&t->content, at, s->out + TFTP_HEADER_BYTES, n) == 0 ? n + TFTP_HEADER_BYTES
                                                                             : 0;
}

static void note_sent(struct tftp_server *s, struct tftp_transfer *t, struct mono now)
{
    s->counts.blocks += t->next > 0;
    s->counts.repeated += t->next > 0 && t->next < t->high;
    s->in_flight -= under_way(t);
    t->next++;
    s->in_flight += under_way(t);
    if (t->high < t->next)
        t->high = t->next;
    t->sent = now;
    if (t->next >= t->top)
        dequeue(s, t);
}

bool tftp_server_output(struct tftp_server *s, struct mono now, struct tftp_out *out)
{
    struct tftp_transfer *t = transfer_at(s, s->first);

    if (t && t->next >= t->top) {
        dequeue(s, t); /* acknowledged before it was its turn to repeat */
        t = transfer_at(s, s->first);
    }
    if (!t || (t->next == t->base && !t->tries && s->in_flight >= TFTP_IN_FLIGHT))
        return false;
    *out =
        (struct tftp_out){.to = t->client, .local = t->local, .bytes = s->out, .n = compose(s, t)};
    if (out->n) {
        note_sent(s, t, now);
        return true;
    }
    transfer_end(s, t, TFTP_UNREADABLE, "the file cannot be read");
    out->n = tftp_encode_error(s->out, TFTP_CODE_OTHER, "the file cannot be read");
    return true;
}

/* ---- time ---- */

static void transfer_tick(struct tftp_server *s, struct tftp_transfer *t, struct mono now)
{
    int64_t patience = 3 * t->timeout * MONO_S;

    if (patience < TFTP_PATIENCE_NS)
        patience = TFTP_PATIENCE_NS;
    if (mono_sub(now, t->heard) > patience) {
        give_up(s, t, "it fell silent");
        return;
    }
    if (t->queued || mono_sub(now, t->sent) < t->rto)
        return;
    rewind_window(s, t);
    t->tries++;
    t->rewound = false;
    if (!t->timeout)
        t->rto = 2 * t->rto < TFTP_RTO_MAX_NS ? 2 * t->rto : TFTP_RTO_MAX_NS;
}

void tftp_server_tick(struct tftp_server *s, struct mono now)
{
    if (!s->live || mono_sub(now, s->ticked) < 10 * MONO_MS)
        return;
    s->ticked = now;
    for (size_t i = 0; i < TFTP_TRANSFERS_MAX; i++)
        if (s->transfers[i].used)
            transfer_tick(s, &s->transfers[i], now);
}

void tftp_server_end(struct tftp_server *s)
{
    for (size_t i = 0; i < TFTP_TRANSFERS_MAX; i++)
        if (s->transfers[i].used)
            transfer_free(s, &s->transfers[i]);
}
