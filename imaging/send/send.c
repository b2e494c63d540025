#include "imaging/send/send.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "imaging/pace/pace.h"
#include "imaging/packet/mac.h"
#include "imaging/packet/packet.h"
#include "imaging/send/ahead.h"
#include "imaging/send/body.h"
#include "imaging/send/encode.h"
#include "imaging/send/mailbox.h"
#include "net/wire/must.h"

#define BATCH 352       /* packets a step without a rate: eight super-frames of 44 */
#define CLOSE_PACKETS 8 /* how often the end of the session is said */

#define WAIT_IDLE (10 * MONO_MS) /* suspended: until the mailbox is looked at again */
#define WAIT_STALL MONO_MS       /* for disk or encoder */
#define WAIT_FULL (100 * MONO_US)

_Static_assert(PACKET_BYTES == DATAGRAM_BYTES && PACKET_SYMBOL_BYTES == IMG_SYMBOL_BYTES, "sizes");

/* Written by the sending thread alone, read by any. */
struct shown {
    _Atomic uint64_t packets, body, repair, computed, stalls, stall_ns, full, rate;
    _Atomic uint32_t pass, window, sbn, row, rows, lg_t;
    atomic_bool running, finished;
};

/* The run of symbols being sent. */
struct run {
    struct carousel_pick pick;
    unsigned done;
    const uint8_t *from; /* its symbol 0; NULL: it is not there yet */
};

struct send {
    struct send_config config;
    const struct img_file *image;
    struct carousel_window *windows;
    struct carousel carousel;
    struct mac_key key;
    struct pace pace;
    struct send_body body;
    struct ahead *ahead;   /* NULL: an image without data */
    struct encode *encode; /* NULL: stored repair rows only */
    unsigned lg_t_max;
    uint32_t cci;
    struct run run;
    unsigned close_left;
    uint64_t lap, offset;      /* of the stream: passes of reading, and where in this one */
    struct mono stalled, told; /* since when the wire waits (0: it does not); last SEND_STALL */
    struct mailbox mail;
    struct {
        uint32_t news, joined, lacking, reports; /* of the mailbox, already acted upon */
    } seen;
    struct shown shown;
};

static void add(_Atomic uint64_t *to, uint64_t n)
{
    atomic_store_explicit(to, atomic_load_explicit(to, memory_order_relaxed) + n,
                          memory_order_relaxed);
}

static void show(_Atomic uint32_t *to, uint32_t v)
{
    atomic_store_explicit(to, v, memory_order_relaxed);
}

static void tell(struct send *s, enum send_event what, uint64_t value)
{
    if (s->config.tell)
        s->config.tell(s->config.ctx, what, value);
}

/* ---- what the control thread asked for ---- */

static void take_run(struct send *s)
{
    int run = atomic_load_explicit(&s->mail.run, memory_order_relaxed);

    if (run == MAIL_RUN) {
        carousel_start(&s->carousel);
    } else {
        carousel_stop(&s->carousel);
        s->run.pick.count = 0;
    }
    if (run == MAIL_FINISH && s->close_left == 0 && !atomic_load(&s->shown.finished))
        s->close_left = CLOSE_PACKETS;
    atomic_store(&s->shown.running, run == MAIL_RUN);
}

static void take_wishes(struct send *s)
{
    uint32_t joined = atomic_load_explicit(&s->mail.joined, memory_order_relaxed);
    uint32_t lacking = atomic_load_explicit(&s->mail.lacking, memory_order_relaxed);
    uint32_t reports = atomic_load_explicit(&s->mail.reports, memory_order_relaxed);

    if (joined != s->seen.joined)
        carousel_want_body(&s->carousel, true);
    if (lacking != s->seen.lacking)
        carousel_want_body(&s->carousel, false);
    if (reports != s->seen.reports) {
        struct steer_report r = mail_unpack(atomic_load(&s->mail.report));

        carousel_report(&s->carousel, &r);
    }
    s->seen.joined = joined;
    s->seen.lacking = lacking;
    s->seen.reports = reports;
}

static void take_mail(struct send *s, struct mono now)
{
    uint32_t news = atomic_load_explicit(&s->mail.news, memory_order_acquire);
    uint64_t rate = atomic_load_explicit(&s->mail.rate, memory_order_relaxed);

    if (news == s->seen.news)
        return;
    s->seen.news = news;
    if (rate != atomic_load(&s->shown.rate)) {
        pace_set_rate(&s->pace, rate, now);
        atomic_store(&s->shown.rate, rate);
    }
    take_run(s);
    take_wishes(s);
}

/* ---- where a symbol's bytes are ---- */

/* Stored rows. Reading goes through the stream in order; stepping back is the next pass, or a fresh
 * start. */
static const uint8_t *stored(struct send *s, const struct carousel_pick *p)
{
    const struct img_window *w = &s->image->body.windows[p->window];
    uint64_t offset = w->offset + carousel_stored_at(p) * IMG_SYMBOL_BYTES - IMG_STREAM_OFFSET,
             position;

    if (offset < s->offset)
        s->lap++;
    s->offset = offset;
    position = s->lap * s->image->head.stream_bytes + offset;
    return ahead_at(s->ahead, position, p->count);
}

static const uint8_t *computed(struct send *s, const struct carousel_pick *p)
{
    const uint8_t *row;

    MUST(s->encode);
    row = encode_row(s->encode, (unsigned)(p->esi - p->k));
    return row ? row + (size_t)p->block * IMG_SYMBOL_BYTES : NULL;
}

/* Symbol i of a pick of the body; of the stream they lie one behind the other. */
static const uint8_t *symbol(const struct send *s, const struct run *r, unsigned i)
{
    if (r->pick.toi == PACKET_TOI_BODY)
        return send_body_symbol(&s->body, r->pick.sbn, r->pick.k, carousel_esi(&r->pick, i));
    return r->from + (size_t)i * IMG_SYMBOL_BYTES;
}

static bool locate(struct send *s)
{
    struct run *r = &s->run;

    if (r->pick.toi == PACKET_TOI_BODY)
        return true;
    if (!r->from)
        r->from = r->pick.flags & PICK_STORED ? stored(s, &r->pick) : computed(s, &r->pick);
    return r->from != NULL;
}

/* ---- filling slots ---- */

static void note_pick(struct send *s, const struct carousel_pick *p)
{
    struct carousel_view v = carousel_view(&s->carousel);

    if (p->flags & PICK_PASS)
        tell(s, SEND_LOOP, v.pass);
    if (p->flags & PICK_VISIT && p->lg_t > IMG_LG_T)
        encode_visit(s->encode, &s->image->body.windows[p->window], p->lg_t);
    show(&s->shown.pass, v.pass);
    if (p->toi == PACKET_TOI_BODY)
        return;
    show(&s->shown.window, p->window);
    show(&s->shown.sbn, p->sbn);
    show(&s->shown.row, v.row);
    show(&s->shown.rows, v.rows);
    show(&s->shown.lg_t, p->lg_t);
}

/* Any packet will do to say that the session ends: the body's first. */
static struct carousel_pick close_pick(const struct send *s)
{
    uint32_t k = s->body.symbols < SEND_BODY_K_MAX ? s->body.symbols : SEND_BODY_K_MAX;

    return (struct carousel_pick){.toi = PACKET_TOI_BODY,
                                  .count = 1,
                                  .k = (uint16_t)k,
                                  .lg_t = SEND_BODY_LG_T};
}

/* The next run of at most `max` symbols, unless one is under way. False: there is nothing to send.
 */
static bool pick(struct send *s, unsigned max)
{
    struct run *r = &s->run;

    if (r->done < r->pick.count)
        return true;
    *r = (struct run){.done = 0};
    if (s->close_left > 0) {
        r->pick = close_pick(s);
        return true;
    }
    if (carousel_next(&s->carousel, max, &r->pick) == 0)
        return false;
    note_pick(s, &r->pick);
    return true;
}

static void fill_slot(struct send *s, uint8_t *slot)
{
    const struct carousel_pick *p = &s->run.pick;
    unsigned i = s->run.done++;
    struct packet head = {.cci = s->cci++,
                          .sbn = carousel_sbn(p, i),
                          .tsi = s->config.tsi,
                          .toi = p->toi,
                          .k = p->k,
                          .esi = carousel_esi(p, i),
                          .lg_t = p->lg_t,
                          .close = s->close_left > 0};

    memcpy(slot + PACKET_HEADER_BYTES, symbol(s, &s->run, i), IMG_SYMBOL_BYTES);
    packet_header_encode(&head, slot);
    mac_seal(&s->key, slot);
}

static void count_run(struct send *s, unsigned n)
{
    const struct carousel_pick *p = &s->run.pick;

    add(&s->shown.packets, n);
    if (p->toi == PACKET_TOI_BODY)
        add(&s->shown.body, n);
    else if (p->esi >= p->k)
        add(&s->shown.repair, n);
    if (p->toi != PACKET_TOI_BODY && !(p->flags & PICK_STORED))
        add(&s->shown.computed, n);
    if (s->close_left > 0 && --s->close_left == 0)
        atomic_store(&s->shown.finished, true);
}

/* Fills up to n slots; returns how many. Fewer when there is nothing more to send, or when *late:
 * its bytes are not there yet. */
static unsigned fill(struct send *s, uint8_t **slot, unsigned n, bool *late)
{
    unsigned filled = 0;

    while (filled < n && pick(s, n - filled)) {
        unsigned part = s->run.pick.count - s->run.done;

        *late = !locate(s);
        if (*late)
            break;
        part = part < n - filled ? part : n - filled;
        for (unsigned i = 0; i < part; i++)
            fill_slot(s, slot[filled++]);
        count_run(s, part);
    }
    return filled;
}

/* ---- a step ---- */

/* Keeps the account of the times that the wire waited for bytes. */
static void account(struct send *s, bool late, struct mono now)
{
    int64_t ns;

    if (late && s->stalled.ns == 0) {
        s->stalled = now;
        add(&s->shown.stalls, 1);
    }
    if (late || s->stalled.ns == 0)
        return;
    ns = mono_sub(now, s->stalled);
    add(&s->shown.stall_ns, (uint64_t)ns);
    s->stalled.ns = 0;
    if (mono_sub(now, s->told) > MONO_S) {
        s->told = now;
        tell(s, SEND_STALL, (uint64_t)ns);
    }
}

static int check_image(struct send *s, bool late, struct err *err)
{
    struct err why = {0};

    if ((s->ahead && ahead_failed(s->ahead, &why)) ||
        (late && s->encode && encode_failed(s->encode, &why)))
        return err_set(err, SEND_ERR_READ, "%s", why.text);
    return 0;
}

int send_step(struct send *s, struct mono *wake, struct err *err)
{
    uint8_t *slot[BATCH];
    struct mono now = s->config.clock();
    uint32_t allowed, most;
    size_t slots;
    unsigned n;
    bool late = false;
    int e;

    take_mail(s, now);
    allowed = pace_allow(&s->pace, now);
    most = allowed == UINT32_MAX ? BATCH : PACE_TRAIN;
    slots = s->config.sink.slots(s->config.sink.ctx, slot, allowed < most ? allowed : most);
    n = fill(s, slot, (unsigned)slots, &late);
    e = s->close_left || atomic_load(&s->shown.finished) ? 0 : check_image(s, late, err);
    if (e)
        return e;
    e = s->config.sink.kick(s->config.sink.ctx, n);
    now = s->config.clock();
    pace_spent(&s->pace, now, n);
    account(s, late, now);
    if (e)
        return err_set(err, e, "the wire does not take the ring's packets");
    if (allowed > 0 && slots == 0)
        add(&s->shown.full, 1);
    if (late)
        *wake = mono_add(now, WAIT_STALL);
    else if (allowed > 0 && n == 0)
        *wake = mono_add(now, slots == 0 ? WAIT_FULL : WAIT_IDLE);
    else
        *wake = pace_next(&s->pace, now);
    return (int)n;
}

/* ---- opening and closing ---- */

static int open_carousel(struct send *s, struct err *err)
{
    const struct img_body *b = &s->image->body;
    struct carousel_shape shape = {.windows = b->nwindows, .body_symbols = s->body.symbols};

    s->windows = calloc(b->nwindows ? b->nwindows : 1, sizeof *s->windows);
    if (!s->windows)
        return err_set(err, SEND_ERR_MEMORY, "there is no memory for the image's windows");
    for (uint32_t i = 0; i < b->nwindows; i++)
        s->windows[i] = (struct carousel_window){.blocks = b->windows[i].d,
                                                 .k = b->windows[i].k,
                                                 .stored = b->windows[i].r};
    shape.window = s->windows;
    if (carousel_init(&s->carousel, &shape, s->lg_t_max, s->config.fixed) != 0)
        return err_set(err, SEND_ERR_SHAPE, "the image's windows cannot be sent as a ring");
    return 0;
}

static int open_stages(struct send *s, struct err *err)
{
    uint64_t memory = s->config.memory ? s->config.memory : SEND_MEMORY_DEFAULT;
    uint64_t ahead = s->config.ahead ? s->config.ahead : SEND_AHEAD_DEFAULT;
    int e = 0;

    if (s->config.body) {
        s->body = *s->config.body;
        *s->config.body = (struct send_body){0};
    } else {
        e = send_body_open(&s->body, s->image, err);
    }

    s->lg_t_max = s->config.fixed ? IMG_LG_T : encode_lg_t_max(s->image, memory);
    if (!e)
        e = open_carousel(s, err);
    if (!e && s->image->body.nwindows > 0)
        e = ahead_open(&s->ahead, s->image, ahead, err);
    if (!e && s->lg_t_max > IMG_LG_T)
        e = encode_open(&s->encode, s->image, s->lg_t_max, err);
    return e;
}

int send_open(struct send **out, const struct send_config *config, struct err *err)
{
    struct send *s = aligned_alloc(64, (sizeof *s + 63) / 64 * 64);
    int e;

    *out = NULL;
    if (!s)
        return err_set(err, SEND_ERR_MEMORY, "there is no memory for a sender");
    memset(s, 0, sizeof *s);
    s->config = *config;
    s->image = config->image;
    mac_key_init(&s->key, config->key);
    memset(s->config.key, 0, sizeof s->config.key);
    atomic_store(&s->mail.rate, config->rate);
    atomic_store(&s->shown.rate, config->rate);
    pace_init(&s->pace, config->rate, config->clock());
    e = open_stages(s, err);
    if (e)
        send_close(s);
    else
        *out = s;
    return e;
}

void send_close(struct send *s)
{
    if (!s)
        return;
    encode_close(s->encode);
    ahead_close(s->ahead);
    send_body_close(&s->body);
    free(s->windows);
    mac_key_wipe(&s->key);
    free(s);
}

/* ---- the control thread ---- */

static void ask_run(struct send *s, enum mail_run run)
{
    atomic_store_explicit(&s->mail.run, run, memory_order_relaxed);
    mail_sent(&s->mail);
}

void send_start(struct send *s)
{
    ask_run(s, MAIL_RUN);
}

void send_suspend(struct send *s)
{
    ask_run(s, MAIL_SUSPEND);
}

void send_finish(struct send *s)
{
    ask_run(s, MAIL_FINISH);
}

bool send_finished(const struct send *s)
{
    return atomic_load(&s->shown.finished);
}

void send_set_rate(struct send *s, uint64_t rate)
{
    atomic_store_explicit(&s->mail.rate, rate, memory_order_relaxed);
    mail_sent(&s->mail);
}

void send_want_body(struct send *s, bool joined)
{
    atomic_fetch_add_explicit(joined ? &s->mail.joined : &s->mail.lacking, 1, memory_order_relaxed);
    mail_sent(&s->mail);
}

void send_report(struct send *s, const struct steer_report *r)
{
    atomic_store_explicit(&s->mail.report, mail_pack(r), memory_order_relaxed);
    atomic_fetch_add_explicit(&s->mail.reports, 1, memory_order_release);
    mail_sent(&s->mail);
}

void send_stats(const struct send *s, struct send_stats *out)
{
    const struct shown *h = &s->shown;

    *out = (struct send_stats){.packets = atomic_load(&h->packets),
                               .body = atomic_load(&h->body),
                               .repair = atomic_load(&h->repair),
                               .computed = atomic_load(&h->computed),
                               .stalls = atomic_load(&h->stalls),
                               .stall_ns = atomic_load(&h->stall_ns),
                               .full = atomic_load(&h->full),
                               .rate = atomic_load(&h->rate),
                               .pass = atomic_load(&h->pass),
                               .window = atomic_load(&h->window),
                               .sbn = atomic_load(&h->sbn),
                               .row = (uint16_t)atomic_load(&h->row),
                               .rows = (uint16_t)atomic_load(&h->rows),
                               .lg_t = (uint8_t)atomic_load(&h->lg_t),
                               .lg_t_max = (uint8_t)s->lg_t_max,
                               .running = atomic_load(&h->running)};
    out->bytes = out->packets * PACE_WIRE_BYTES;
}
