#include "net/session/codec.h"

#include "imaging/hash/hmac.h"
#include "net/wire/must.h"
#include "net/wire/reader.h"
#include "net/wire/utf8.h"
#include "net/wire/writer.h"

#define MAGIC 0x52494E47u
#define RATE_LIMIT (UINT64_C(1) << 48)
#define PPM 1000000u
#define BEACON_MS_MIN 250
#define BEACON_MS_MAX 60000
#define INFO_LEAST (24 + 3 + SESSION_TAG_BYTES)

const char *session_state_name(enum session_state s)
{
    static const char *const name[SESSION_STATES] = {
        [SESSION_JOINED] = "joined",       [SESSION_MANIFEST] = "waiting for the manifest",
        [SESSION_RECEIVING] = "receiving", [SESSION_VERIFYING] = "verifying",
        [SESSION_PASS] = "pass",           [SESSION_FAIL] = "fail",
        [SESSION_LEAVING] = "left"};

    return s < SESSION_STATES ? name[s] : "unknown";
}

/* ---- texts ---- */

bool session_name_legal(const char *name)
{
    size_t n = strlen(name);

    return n <= SESSION_NAME_MAX && utf8_is_plain(name, n);
}

/* Into `to` of max + 1 bytes; false when it is no text or too long. */
static bool text_read(struct reader *r, char *to, size_t max)
{
    size_t n = rd_u8(r);
    const uint8_t *p = n <= max ? rd_bytes(r, n) : NULL;

    to[0] = 0;
    if (!p || !utf8_is_plain(p, n))
        return false;
    memcpy(to, p, n);
    to[n] = 0;
    return true;
}

static void text_write(struct writer *w, const char *from, size_t max)
{
    size_t n = strlen(from);

    MUST(n <= max && utf8_is_plain(from, n));
    wr_u8(w, n);
    wr_copy(w, from, n);
}

/* Reserved bytes; false when one is set. */
static bool zeros_read(struct reader *r, size_t n)
{
    const uint8_t *p = rd_bytes(r, n);
    uint8_t all = 0;

    for (size_t i = 0; p && i < n; i++)
        all |= p[i];
    return p && all == 0;
}

/* ---- messages ---- */

static bool hello_read(struct reader *r, struct session_hello *h)
{
    rd_copy(r, h->mac, sizeof h->mac);
    rd_copy(r, h->id, sizeof h->id);
    if (!text_read(r, h->name, SESSION_NAME_MAX))
        return false;
    h->person = r->left > 0;
    return !h->person || rd_u8(r) == SESSION_ASKER_PERSON;
}

static void hello_write(struct writer *w, const struct session_hello *h)
{
    wr_copy(w, h->mac, sizeof h->mac);
    wr_copy(w, h->id, sizeof h->id);
    text_write(w, h->name, SESSION_NAME_MAX);
    if (h->person)
        wr_u8(w, SESSION_ASKER_PERSON);
}

static bool beacon_ms_legal(uint32_t ms)
{
    return ms >= BEACON_MS_MIN && ms <= BEACON_MS_MAX;
}

static bool welcome_legal(const struct session_welcome *m)
{
    return m->tsi && m->port && m->group >> 28 == 14 && m->ttl && m->rate < RATE_LIMIT &&
           beacon_ms_legal(m->beacon_ms);
}

static bool welcome_read(struct reader *r, struct session_welcome *m)
{
    bool zeros;

    m->tsi = rd_u16(r);
    m->port = rd_u16(r);
    m->group = rd_u32(r);
    m->source = rd_u32(r);
    m->ttl = rd_u8(r);
    zeros = zeros_read(r, 3);
    rd_copy(r, m->key, sizeof m->key);
    m->rate = rd_u64(r);
    m->beacon_ms = rd_u32(r);
    m->sbn = rd_u32(r);
    zeros = zeros_read(r, 12) && zeros;
    rd_copy(r, m->head, sizeof m->head);
    return zeros && welcome_legal(m);
}

static void welcome_write(struct writer *w, const struct session_welcome *m)
{
    MUST(welcome_legal(m));
    wr_u16(w, m->tsi);
    wr_u16(w, m->port);
    wr_u32(w, m->group);
    wr_u32(w, m->source);
    wr_u8(w, m->ttl);
    wr_zero(w, 3);
    wr_copy(w, m->key, sizeof m->key);
    wr_u64(w, m->rate);
    wr_u32(w, m->beacon_ms);
    wr_u32(w, m->sbn);
    wr_zero(w, 12);
    wr_copy(w, m->head, sizeof m->head);
}

static bool refuse_read(struct reader *r, struct session_refuse *m)
{
    m->code = rd_u16(r);
    return text_read(r, m->sentence, SESSION_SENTENCE_MAX) && m->code;
}

static void refuse_write(struct writer *w, const struct session_refuse *m)
{
    MUST(m->code);
    wr_u16(w, m->code);
    text_write(w, m->sentence, SESSION_SENTENCE_MAX);
}

static bool list_read(struct reader *r, struct session_list *m)
{
    m->n = rd_u8(r);
    if (m->n < 1 || m->n > SESSION_LIST_MAX)
        return false;
    for (unsigned i = 0; i < m->n; i++) {
        m->image[i].raw_bytes = rd_u64(r);
        if (!text_read(r, m->image[i].name, SESSION_NAME_MAX) || !m->image[i].name[0])
            return false;
    }
    return true;
}

static void list_write(struct writer *w, const struct session_list *m)
{
    MUST(m->n >= 1 && m->n <= SESSION_LIST_MAX);
    wr_u8(w, m->n);
    for (unsigned i = 0; i < m->n; i++) {
        MUST(m->image[i].name[0]);
        wr_u64(w, m->image[i].raw_bytes);
        text_write(w, m->image[i].name, SESSION_NAME_MAX);
    }
}

static bool ask_read(struct reader *r, struct session_ask *m)
{
    rd_copy(r, m->mac, sizeof m->mac);
    rd_copy(r, m->id, sizeof m->id);
    return true;
}

static void ask_write(struct writer *w, const struct session_ask *m)
{
    wr_copy(w, m->mac, sizeof m->mac);
    wr_copy(w, m->id, sizeof m->id);
}

static bool own_read(struct reader *r, struct session_own *m)
{
    rd_copy(r, m->signature, sizeof m->signature);
    m->n = r->left;
    if (m->n > sizeof m->bytes)
        return false;
    rd_copy(r, m->bytes, m->n);
    return true;
}

static void own_write(struct writer *w, const struct session_own *m)
{
    MUST(m->n <= sizeof m->bytes);
    wr_copy(w, m->signature, sizeof m->signature);
    wr_copy(w, m->bytes, m->n);
}

static bool is_message(uint8_t type)
{
    return (type >= SESSION_HELLO && type <= SESSION_LIST) || type == SESSION_ASK ||
           type == SESSION_OWN;
}

int session_message_length(const uint8_t *bytes, size_t n)
{
    static const uint8_t magic[4] = {MAGIC >> 24, MAGIC >> 16 & 255, MAGIC >> 8 & 255, MAGIC & 255};
    size_t body;

    if (memcmp(bytes, magic, n < 4 ? n : 4) != 0)
        return SESSION_EMAGIC;
    if (n > 4 && bytes[4] != SESSION_VERSION)
        return SESSION_EVERSION;
    if (n > 5 && !is_message(bytes[5]))
        return SESSION_ETYPE;
    if (n < SESSION_FRAME_BYTES)
        return 0;
    body = (size_t)bytes[6] << 8 | bytes[7];
    return body > SESSION_BODY_MAX ? SESSION_ELENGTH : (int)(SESSION_FRAME_BYTES + body);
}

int session_message_decode(const uint8_t *bytes, size_t n, struct session_message *m)
{
    int length = session_message_length(bytes, n);
    struct reader r = reader_on(bytes, n);
    bool legal = false;

    memset(m, 0, sizeof *m);
    if (length < 0)
        return length;
    if (length == 0 || (size_t)length != n)
        return SESSION_ELENGTH;
    rd_bytes(&r, SESSION_FRAME_BYTES);
    m->type = (enum session_type)bytes[5];
    if (m->type == SESSION_HELLO)
        legal = hello_read(&r, &m->u.hello);
    else if (m->type == SESSION_WELCOME)
        legal = welcome_read(&r, &m->u.welcome);
    else if (m->type == SESSION_REFUSE)
        legal = refuse_read(&r, &m->u.refuse);
    else if (m->type == SESSION_ASK)
        legal = ask_read(&r, &m->u.ask);
    else if (m->type == SESSION_OWN)
        legal = own_read(&r, &m->u.own);
    else
        legal = list_read(&r, &m->u.list);
    if (r.bad || (legal && r.left))
        return SESSION_ELENGTH;
    return legal ? 0 : SESSION_EFIELD;
}

size_t session_message_encode(const struct session_message *m, uint8_t *out)
{
    struct writer w = writer_on(out, SESSION_MESSAGE_MAX), length;

    wr_u32(&w, MAGIC);
    wr_u8(&w, SESSION_VERSION);
    wr_u8(&w, m->type);
    length = writer_on(wr_room(&w, 2), 2);
    if (m->type == SESSION_HELLO)
        hello_write(&w, &m->u.hello);
    else if (m->type == SESSION_WELCOME)
        welcome_write(&w, &m->u.welcome);
    else if (m->type == SESSION_REFUSE)
        refuse_write(&w, &m->u.refuse);
    else if (m->type == SESSION_ASK)
        ask_write(&w, &m->u.ask);
    else if (m->type == SESSION_OWN)
        own_write(&w, &m->u.own);
    else
        list_write(&w, &m->u.list);
    MUST(!w.bad);
    wr_u16(&length, w.done - SESSION_FRAME_BYTES);
    return w.done;
}

/* ---- datagrams ---- */

static void tag_make(const uint8_t key[SESSION_KEY_BYTES], const uint8_t *bytes, size_t n,
                     uint8_t tag[SESSION_TAG_BYTES])
{
    uint8_t whole[HMAC_BYTES];

    hmac(key, SESSION_KEY_BYTES, bytes, n, whole);
    memcpy(tag, whole, SESSION_TAG_BYTES);
}

/* In constant time: how much of a forged tag was right is nobody's business. */
static bool tag_fits(const uint8_t key[SESSION_KEY_BYTES], const uint8_t *bytes, size_t n)
{
    uint8_t tag[SESSION_TAG_BYTES], wrong = 0;

    tag_make(key, bytes, n - SESSION_TAG_BYTES, tag);
    for (size_t i = 0; i < SESSION_TAG_BYTES; i++)
        wrong |= tag[i] ^ bytes[n - SESSION_TAG_BYTES + i];
    return wrong == 0;
}

static struct writer datagram_begin(uint8_t *out, size_t n, enum session_type type, uint16_t tsi,
                                    const uint8_t id[SESSION_ID_BYTES], uint32_t counter)
{
    struct writer w = writer_on(out, n);

    MUST(tsi);
    wr_u32(&w, MAGIC);
    wr_u8(&w, SESSION_VERSION);
    wr_u8(&w, type);
    wr_u16(&w, tsi);
    wr_copy(&w, id, SESSION_ID_BYTES);
    wr_u32(&w, counter);
    return w;
}

static void datagram_seal(struct writer *w, const uint8_t key[SESSION_KEY_BYTES], uint8_t *out)
{
    size_t covered = w->done;
    uint8_t *tag = wr_room(w, SESSION_TAG_BYTES);

    MUST(!w->bad && w->left == 0);
    tag_make(key, out, covered, tag);
}

uint16_t session_datagram_tsi(const uint8_t *bytes, size_t n, enum session_type type)
{
    struct reader r = reader_on(bytes, n);
    bool ours = rd_u32(&r) == MAGIC;

    ours = rd_u8(&r) == SESSION_VERSION && ours;
    ours = rd_u8(&r) == type && ours;
    return ours ? rd_u16(&r) : 0;
}

/* What all kinds begin with, of `least` to `most` bytes; 0, or why this is not one. */
static int datagram_open(struct reader *r, const uint8_t *bytes, size_t n, size_t least,
                         size_t most, enum session_type type, const uint8_t key[SESSION_KEY_BYTES])
{
    uint16_t tsi = session_datagram_tsi(bytes, n, type);

    if (!tsi)
        return SESSION_EMAGIC;
    if (n < least || n > most)
        return SESSION_ELENGTH;
    if (!tag_fits(key, bytes, n))
        return SESSION_ETAG;
    *r = reader_on(bytes + SESSION_FRAME_BYTES, n - SESSION_FRAME_BYTES - SESSION_TAG_BYTES);
    return 0;
}

static bool facts_legal(const struct session_facts *f)
{
    return f->state > SESSION_JOINED && f->state < SESSION_STATES && f->done <= 10000 &&
           f->loss_ppm <= PPM && f->worst_ppm <= PPM && f->disk_rate < RATE_LIMIT &&
           f->wanted_rate < RATE_LIMIT && (f->state == SESSION_FAIL ? f->error < 0 : f->error == 0);
}

uint32_t session_loss_ppm(uint64_t heard, uint64_t missed, uint64_t drops)
{
    uint64_t lost = missed > drops ? missed - drops : 0;

    return heard + lost ? (uint32_t)(lost * UINT64_C(1000000) / (heard + lost)) : 0;
}

void session_beacon_encode(const struct session_beacon *b, const uint8_t key[SESSION_KEY_BYTES],
                           uint8_t out[SESSION_BEACON_BYTES])
{
    struct writer w =
        datagram_begin(out, SESSION_BEACON_BYTES, SESSION_BEACON, b->tsi, b->id, b->counter);
    const struct session_facts *f = &b->facts;

    MUST(facts_legal(f));
    wr_u8(&w, f->state);
    wr_u8(&w, (unsigned)f->disk_limited | (unsigned)f->unread << 1 | (unsigned)b->person << 2 |
                  (unsigned)f->machine_limited << 3);
    wr_u16(&w, f->done);
    wr_u32(&w, f->loss_ppm);
    wr_u32(&w, f->worst_ppm);
    wr_u64(&w, f->disk_rate);
    wr_u64(&w, f->wanted_rate);
    wr_u32(&w, f->open_blocks);
    wr_u32(&w, f->drops);
    wr_u32(&w, (uint32_t)f->error);
    wr_u32(&w, f->heard);
    wr_u32(&w, f->missed);
    wr_copy(&w, b->mac, sizeof b->mac);
    wr_u32(&w, f->repaired);
    wr_zero(&w, 2);
    datagram_seal(&w, key, out);
}

int session_beacon_decode(const uint8_t *bytes, size_t n, const uint8_t key[SESSION_KEY_BYTES],
                          struct session_beacon *b)
{
    struct session_facts *f = &b->facts;
    struct reader r;
    uint8_t state, flags;
    int rc = datagram_open(&r, bytes, n, SESSION_BEACON_BYTES, SESSION_BEACON_BYTES, SESSION_BEACON,
                           key);

    memset(b, 0, sizeof *b);
    if (rc)
        return rc;
    b->tsi = session_datagram_tsi(bytes, n, SESSION_BEACON);
    rd_copy(&r, b->id, sizeof b->id);
    b->counter = rd_u32(&r);
    state = rd_u8(&r);
    flags = rd_u8(&r);
    f->state = state < SESSION_STATES ? (enum session_state)state : SESSION_STATES;
    f->disk_limited = flags & 1;
    f->unread = flags & 2;
    b->person = flags & 4;
    f->machine_limited = flags & 8;
    f->done = rd_u16(&r);
    f->loss_ppm = rd_u32(&r);
    f->worst_ppm = rd_u32(&r);
    f->disk_rate = rd_u64(&r);
    f->wanted_rate = rd_u64(&r);
    f->open_blocks = rd_u32(&r);
    f->drops = rd_u32(&r);
    f->error = (int32_t)rd_u32(&r);
    f->heard = rd_u32(&r);
    f->missed = rd_u32(&r);
    rd_copy(&r, b->mac, sizeof b->mac);
    f->repaired = rd_u32(&r);
    return zeros_read(&r, 2) && rd_done(&r) && flags <= 15 && facts_legal(f) ? 0 : SESSION_EFIELD;
}

void session_ack_encode(const struct session_ack *a, const uint8_t key[SESSION_KEY_BYTES],
                        uint8_t out[SESSION_ACK_BYTES])
{
    struct writer w =
        datagram_begin(out, SESSION_ACK_BYTES, SESSION_ACK, a->tsi, a->id, a->counter);

    MUST(beacon_ms_legal(a->beacon_ms) && a->rate < RATE_LIMIT);
    wr_u32(&w, a->beacon_ms);
    wr_u64(&w, a->rate);
    wr_u32(&w, a->receivers);
    wr_u32(&w, a->sbn);
    wr_u8(&w, (unsigned)a->closing | (unsigned)a->identify << 1 | (unsigned)a->stopped << 2);
    wr_u8(&w, a->info);
    wr_u16(&w, a->number);
    datagram_seal(&w, key, out);
}

int session_ack_decode(const uint8_t *bytes, size_t n, const uint8_t key[SESSION_KEY_BYTES],
                       struct session_ack *a)
{
    struct reader r;
    uint8_t flags;
    int rc = datagram_open(&r, bytes, n, SESSION_ACK_BYTES, SESSION_ACK_BYTES, SESSION_ACK, key);

    memset(a, 0, sizeof *a);
    if (rc)
        return rc;
    a->tsi = session_datagram_tsi(bytes, n, SESSION_ACK);
    rd_copy(&r, a->id, sizeof a->id);
    a->counter = rd_u32(&r);
    a->beacon_ms = rd_u32(&r);
    a->rate = rd_u64(&r);
    a->receivers = rd_u32(&r);
    a->sbn = rd_u32(&r);
    flags = rd_u8(&r);
    a->closing = flags & 1;
    a->identify = flags & 2;
    a->stopped = flags & 4;
    a->info = rd_u8(&r);
    a->number = rd_u16(&r);
    return rd_done(&r) && flags <= 7 && beacon_ms_legal(a->beacon_ms) && a->rate < RATE_LIMIT
               ? 0
               : SESSION_EFIELD;
}

/* ---- what a machine says of itself ---- */

void session_info_text(char *to, size_t max, const char *from)
{
    const uint8_t *s = (const uint8_t *)from;
    size_t left = strlen(from), n = 0, len;

    for (; left && n < max; s += len, left -= len) {
        uint32_t cp;
        bool plain;

        len = utf8_read(s, left, &cp);
        plain = len && !utf8_is_control(cp);
        len += len == 0;
        if (plain && len > max - n)
            break;
        memcpy(to + n, plain ? (const char *)s : "?", plain ? len : 1);
        n += plain ? len : 1;
    }
    to[n] = 0;
}

static void inside_write(struct writer *w, const struct session_info *i)
{
    MUST(i->n_inside <= SESSION_INSIDE_MAX);
    if (i->n_inside)
        wr_u8(w, i->n_inside);
    for (unsigned d = 0; d < i->n_inside; d++) {
        wr_u64(w, i->inside[d].bytes);
        text_write(w, i->inside[d].text, SESSION_INFO_MAX);
    }
}

/* Nothing, or one disk at least. */
static bool inside_read(struct reader *r, struct session_info *i)
{
    bool legal = true;

    if (r->left == 0)
        return true;
    i->n_inside = rd_u8(r);
    if (i->n_inside < 1 || i->n_inside > SESSION_INSIDE_MAX)
        return false;
    for (unsigned d = 0; legal && d < i->n_inside; d++) {
        i->inside[d].bytes = rd_u64(r);
        legal = text_read(r, i->inside[d].text, SESSION_INFO_MAX);
    }
    return legal;
}

size_t session_info_encode(const struct session_told *t, const uint8_t key[SESSION_KEY_BYTES],
                           uint8_t out[SESSION_INFO_BYTES])
{
    struct writer w =
        datagram_begin(out, SESSION_INFO_BYTES, SESSION_INFO, t->tsi, t->id, t->revision);
    size_t covered;

    MUST(t->revision && t->info.link_mbps <= SESSION_LINK_MAX);
    wr_u32(&w, t->info.link_mbps);
    text_write(&w, t->info.serial, SESSION_INFO_MAX);
    text_write(&w, t->info.disk, SESSION_INFO_MAX);
    text_write(&w, t->info.disk_serial, SESSION_INFO_MAX);
    inside_write(&w, &t->info);
    covered = w.done;
    tag_make(key, out, covered, wr_room(&w, SESSION_TAG_BYTES));
    MUST(!w.bad);
    return w.done;
}

int session_info_decode(const uint8_t *bytes, size_t n, const uint8_t key[SESSION_KEY_BYTES],
                        struct session_told *t)
{
    struct reader r;
    uint32_t revision;
    bool legal;
    int rc = datagram_open(&r, bytes, n, INFO_LEAST, SESSION_INFO_BYTES, SESSION_INFO, key);

    memset(t, 0, sizeof *t);
    if (rc)
        return rc;
    t->tsi = session_datagram_tsi(bytes, n, SESSION_INFO);
    rd_copy(&r, t->id, sizeof t->id);
    revision = rd_u32(&r);
    t->revision = (uint8_t)revision;
    t->info.link_mbps = rd_u32(&r);
    legal = text_read(&r, t->info.serial, SESSION_INFO_MAX) &&
            text_read(&r, t->info.disk, SESSION_INFO_MAX) &&
            text_read(&r, t->info.disk_serial, SESSION_INFO_MAX) && inside_read(&r, &t->info);
    return legal && rd_done(&r) && revision >= 1 && revision <= SESSION_REVISION_MAX &&
                   t->info.link_mbps <= SESSION_LINK_MAX
               ? 0
               : SESSION_EFIELD;
}
