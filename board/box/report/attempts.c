#include "board/box/report/attempts.h"

#include <string.h>

#include "net/wire/must.h"
#include "net/wire/reader.h"
#include "net/wire/utf8.h"
#include "net/wire/writer.h"

#define BUCKETS (ATTEMPTS_MAX / 4)
#define MUTE_S 60
/* After a restart of the core a receiver says hello again within some 8 s, or three beacon
 * intervals of at most a minute. */
#define SILENT_S 200
/* 2: without the session's number; 1: without the packets that the machine dropped, too */
#define FORMAT 3
#define FLAG_UNREAD 1

_Static_assert(ATTEMPTS_MAX < UINT16_MAX, "1 + row fits 16 bits");
_Static_assert(sizeof((struct attempts){0}.bucket) == BUCKETS * sizeof(uint16_t), "one hash table");

static const uint8_t run_key[1] = {0};

/* ---- texts ---- */

void attempt_text(char *to, size_t cap, const char *text)
{
    size_t n = text ? strlen(text) : 0, done = 0;
    const uint8_t *at = (const uint8_t *)text;

    while (n) {
        uint32_t cp = 0;
        size_t len = utf8_read(at, n, &cp), out;
        uint8_t utf8[4];

        if (len == 0 || utf8_is_control(cp))
            cp = 0xFFFD;
        len = len ? len : 1;
        out = utf8_write(utf8, cp);
        if (out >= cap - done)
            break;
        memcpy(to + done, utf8, out);
        done += out;
        at += len;
        n -= len;
    }
    to[done] = 0;
}

const char *attempt_result_name(unsigned result)
{
    static const char *const name[ATTEMPT_RESULTS] = {"running", "pass", "fail", "left", "lost"};

    return result < ATTEMPT_RESULTS ? name[result] : "";
}

uint32_t attempt_loss_ppm(const struct attempt *a)
{
    uint64_t all = (uint64_t)a->heard + a->missed;

    return all ? (uint32_t)(a->missed * UINT64_C(1000000) / all) : ATTEMPT_UNKNOWN;
}

uint32_t attempt_dropped_ppm(const struct attempt *a)
{
    uint64_t all = (uint64_t)a->heard + a->missed + a->dropped;

    return a->dropped != ATTEMPT_UNKNOWN && all ? (uint32_t)(a->dropped * UINT64_C(1000000) / all)
                                                : ATTEMPT_UNKNOWN;
}

/* ---- rows as bytes ---- */

/* The texts of a row, in the order they are stored. */
#define TEXTS 8
struct text_at {
    char *text;
    size_t cap;
};

static void texts_of(struct attempt *a, struct text_at out[TEXTS])
{
    const struct text_at all[TEXTS] = {
        {a->name, sizeof a->name},
        {a->asset, sizeof a->asset},
        {a->position, sizeof a->position},
        {a->machine_serial, sizeof a->machine_serial},
        {a->disk_model, sizeof a->disk_model},
        {a->disk_serial, sizeof a->disk_serial},
        {a->image, sizeof a->image},
        {a->version, sizeof a->version},
    };

    memcpy(out, all, sizeof all);
}

static void time_write(struct writer *w, const struct attempt_time *t)
{
    wr_u64(w, t->unix_s);
    wr_u32(w, t->run);
    wr_u32(w, t->up_s);
}

static struct attempt_time time_read(struct reader *r)
{
    struct attempt_time t;

    t.unix_s = rd_u64(r);
    t.run = rd_u32(r);
    t.up_s = rd_u32(r);
    return t;
}

static size_t row_encode(struct attempt *a, uint8_t value[ATTEMPT_VALUE_MAX])
{
    struct writer w = writer_on(value, ATTEMPT_VALUE_MAX);
    struct text_at text[TEXTS];

    texts_of(a, text);
    wr_u8(&w, FORMAT);
    wr_u32(&w, a->number);
    wr_u8(&w, a->result);
    wr_u8(&w, a->loss);
    wr_u8(&w, a->unread ? FLAG_UNREAD : 0);
    wr_copy(&w, a->mac, sizeof a->mac);
    wr_copy(&w, a->id, sizeof a->id);
    time_write(&w, &a->start);
    time_write(&w, &a->end);
    wr_u64(&w, a->bytes);
    wr_u32(&w, a->heard);
    wr_u32(&w, a->missed);
    wr_u32(&w, a->dropped);
    wr_u32(&w, a->repaired);
    wr_u32(&w, (uint32_t)a->error);
    wr_u32(&w, a->session);
    wr_copy(&w, a->root, sizeof a->root);
    for (unsigned i = 0; i < TEXTS; i++) {
        size_t n = strlen(text[i].text);

        wr_u8(&w, n);
        wr_copy(&w, text[i].text, n);
    }
    MUST(!w.bad);
    return w.done;
}

static void text_read(struct reader *r, const struct text_at *to)
{
    size_t n = rd_u8(r);
    const uint8_t *bytes = rd_bytes(r, n);

    if (!bytes)
        return;
    if (n >= to->cap || !utf8_is_plain(bytes, n)) {
        r->bad = true;
        return;
    }
    memcpy(to->text, bytes, n);
    to->text[n] = 0;
}

static bool row_decode(struct attempt *a, const uint8_t *value, size_t n)
{
    struct reader r = reader_on(value, n);
    struct text_at text[TEXTS];
    uint8_t flags, format = rd_u8(&r);

    memset(a, 0, sizeof *a);
    texts_of(a, text);
    a->number = rd_u32(&r);
    a->result = rd_u8(&r);
    a->loss = rd_u8(&r);
    flags = rd_u8(&r);
    a->unread = flags & FLAG_UNREAD;
    rd_copy(&r, a->mac, sizeof a->mac);
    rd_copy(&r, a->id, sizeof a->id);
    a->start = time_read(&r);
    a->end = time_read(&r);
    a->bytes = rd_u64(&r);
    a->heard = rd_u32(&r);
    a->missed = rd_u32(&r);
    a->dropped = format >= 2 ? rd_u32(&r) : ATTEMPT_UNKNOWN;
    a->repaired = rd_u32(&r);
    a->error = (int32_t)rd_u32(&r);
    a->session = format >= 3 ? rd_u32(&r) : 0;
    rd_copy(&r, a->root, sizeof a->root);
    for (unsigned i = 0; i < TEXTS; i++)
        text_read(&r, &text[i]);
    return rd_done(&r) && format >= 1 && format <= FORMAT && a->number &&
           a->result < ATTEMPT_RESULTS && a->loss < ATTEMPT_LOSSES && a->start.run &&
           (a->result == ATTEMPT_RUNNING) == (a->end.run == 0);
}

/* ---- the table ---- */

static uint16_t *bucket_of(struct attempts *s, const uint8_t id[SESSION_ID_BYTES])
{
    return &s->bucket[((unsigned)id[0] << 8 | id[1]) % BUCKETS];
}

static struct attempt *row_find(struct attempts *s, const uint8_t id[SESSION_ID_BYTES])
{
    for (uint16_t at = *bucket_of(s, id); at; at = s->row[at - 1].next)
        if (memcmp(s->row[at - 1].id, id, SESSION_ID_BYTES) == 0)
            return &s->row[at - 1];
    return NULL;
}

static void row_link(struct attempts *s, struct attempt *a)
{
    uint16_t *bucket = bucket_of(s, a->id);

    a->used = true;
    a->next = *bucket;
    *bucket = (uint16_t)(a - s->row + 1);
    s->used++;
    s->numbered += a->number != 0;
}

static void live_add(struct attempts *s, struct attempt *a)
{
    a->live = (uint16_t)s->n_live;
    s->live[s->n_live++] = (uint16_t)(a - s->row);
}

static void live_remove(struct attempts *s, const struct attempt *a)
{
    uint16_t last = s->live[--s->n_live];

    s->live[a->live] = last;
    s->row[last].live = a->live;
}

static void row_unlink(struct attempts *s, struct attempt *a)
{
    uint16_t *at = bucket_of(s, a->id);

    while (&s->row[*at - 1] != a)
        at = &s->row[*at - 1].next;
    *at = a->next;
    if (a->result == ATTEMPT_RUNNING)
        live_remove(s, a);
    s->n_waiting -= a->waits;
    a->waits = false;
    a->used = false;
    s->used--;
    s->numbered -= a->number != 0;
}

/* Smaller goes sooner: who never counted, then who has ended, then who runs; of each the oldest. */
static uint64_t worth(const struct attempt *a)
{
    uint64_t kind = a->number == 0 ? 0 : a->result != ATTEMPT_RUNNING ? 1 : 2;

    return kind << 32 | (a->number ? a->number : a->touched);
}

/* A free row; the least worth one is given up when there is none. */
static struct attempt *row_free(struct attempts *s)
{
    struct attempt *least = &s->row[0];

    while (s->used < ATTEMPTS_MAX) {
        struct attempt *a = &s->row[s->hint];

        s->hint = (s->hint + 1) % ATTEMPTS_MAX;
        if (!a->used)
            return a;
    }
    for (unsigned i = 1; i < ATTEMPTS_MAX; i++)
        if (worth(&s->row[i]) < worth(least))
            least = &s->row[i];
    row_unlink(s, least);
    return least;
}

static void row_key(const struct attempts *s, const struct attempt *a,
                    uint8_t key[ATTEMPT_KEY_BYTES])
{
    struct writer w = writer_on(key, ATTEMPT_KEY_BYTES);

    wr_u16(&w, (uint64_t)(a - s->row));
}

static void row_store_now(struct attempts *s, struct attempt *a)
{
    uint8_t value[ATTEMPT_VALUE_MAX], key[ATTEMPT_KEY_BYTES];

    row_key(s, a, key);
    if (s->store && a->number)
        s->store(s->ctx, key, sizeof key, value, row_encode(a, value));
}

static void row_store(struct attempts *s, struct attempt *a)
{
    if (s->stores++ < ATTEMPT_STORES && !a->waits) {
        row_store_now(s, a);
        return;
    }
    s->n_waiting += !a->waits;
    a->waits = true;
}

enum attempt_stored attempts_stored(struct attempts *s, const uint8_t id[SESSION_ID_BYTES],
                                    uint8_t key[ATTEMPT_KEY_BYTES])
{
    const struct attempt *a = row_find(s, id);

    if (!a || !a->number)
        return ATTEMPT_NO_ROW;
    row_key(s, a, key);
    return a->waits ? ATTEMPT_WAITS : ATTEMPT_STORED;
}

/* Those that waited, as many as a second may have. */
static void store_waiting(struct attempts *s)
{
    unsigned looked = 0;

    s->stores = 0;
    for (; s->n_waiting && looked < ATTEMPTS_MAX && s->stores < ATTEMPT_STORES; looked++) {
        struct attempt *a = &s->row[s->next_waiting];

        s->next_waiting = (s->next_waiting + 1) % ATTEMPTS_MAX;
        if (!a->used || !a->waits)
            continue;
        a->waits = false;
        s->n_waiting--;
        s->stores++;
        row_store_now(s, a);
    }
}

static struct attempt_time time_at(const struct attempts *s, struct attempt_clock now)
{
    return (struct attempt_time){.unix_s = now.unix_s >= ATTEMPT_CLOCK_LEAST ? now.unix_s : 0,
                                 .run = s->run,
                                 .up_s = now.up_s};
}

/* ---- the life of a row ---- */

static void row_close(struct attempts *s, struct attempt *a, enum attempt_result result,
                      struct attempt_clock now)
{
    live_remove(s, a);
    a->result = result;
    a->end = time_at(s, now);
    a->orphan = false;
    row_store(s, a);
    if (s->tell && a->number)
        s->tell(s->ctx, a);
}

static void row_lose(struct attempts *s, struct attempt *a, enum attempt_loss how,
                     struct attempt_clock now)
{
    a->loss = how;
    row_close(s, a, ATTEMPT_LOST, now);
}

static bool learn(char *to, size_t cap, const char *text)
{
    char before[ATTEMPT_TEXT_MAX + 1];

    if (!text)
        return false;
    MUST(cap <= sizeof before);
    memcpy(before, to, cap);
    attempt_text(to, cap, text);
    return strcmp(before, to) != 0;
}

static void row_know(struct attempt *a, const struct attempt_what *w)
{
    learn(a->name, sizeof a->name, w->name);
    learn(a->asset, sizeof a->asset, w->asset);
    learn(a->position, sizeof a->position, w->position);
    learn(a->image, sizeof a->image, w->image);
    learn(a->version, sizeof a->version, w->version);
    if (w->session)
        a->session = w->session;
    if (w->root)
        memcpy(a->root, w->root, sizeof a->root);
}

static struct attempt *row_of(struct attempts *s, const struct session_receiver *r,
                              const struct attempt_what *w, struct attempt_clock now)
{
    struct attempt *a = row_find(s, r->id);

    if (a)
        return a;
    a = row_free(s);
    memset(a, 0, sizeof *a);
    memcpy(a->id, r->id, sizeof a->id);
    memcpy(a->mac, r->mac, sizeof a->mac);
    a->start = time_at(s, now);
    row_know(a, w);
    row_link(s, a);
    live_add(s, a);
    return a;
}

/* Another run of the same machine cannot go on any more. From the end, because who is lost leaves
 * the list. */
static void lose_earlier(struct attempts *s, const struct attempt *a, struct attempt_clock now)
{
    for (unsigned i = s->n_live; i-- > 0;) {
        struct attempt *o = &s->row[s->live[i]];

        if (o != a && memcmp(o->mac, a->mac, 6) == 0)
            row_lose(s, o, ATTEMPT_ANEW, now);
    }
}

/* The first beacon: it holds the session's key. */
static void row_count(struct attempts *s, struct attempt *a, const struct attempt_what *w,
                      struct attempt_clock now)
{
    lose_earlier(s, a, now);
    a->number = ++s->last;
    s->numbered++;
    row_know(a, w);
    row_store(s, a);
    if (s->tell)
        s->tell(s->ctx, a);
}

static void row_facts(struct attempt *a, const struct session_facts *f,
                      const struct attempt_what *w)
{
    a->heard = f->heard;
    a->dropped = f->drops;
    /* on the way: session_loss_ppm's part of them */
    a->missed = f->missed > f->drops ? f->missed - f->drops : 0;
    a->repaired = f->repaired;
    a->bytes = w->data_bytes / 10000 * f->done + w->data_bytes % 10000 * f->done / 10000;
    a->unread = f->unread;
    a->error = f->state == SESSION_FAIL ? f->error : 0;
}

static bool is_final(const struct attempt *a)
{
    return a->result == ATTEMPT_PASS || a->result == ATTEMPT_FAIL || a->result == ATTEMPT_LEFT;
}

static enum attempt_result result_of(enum session_state state)
{
    return state == SESSION_PASS      ? ATTEMPT_PASS
           : state == SESSION_FAIL    ? ATTEMPT_FAIL
           : state == SESSION_LEAVING ? ATTEMPT_LEFT
                                      : ATTEMPT_RUNNING;
}

/* A beacon that says something new. */
static void on_beacon(struct attempts *s, struct attempt *a, const struct session_facts *f,
                      const struct attempt_what *w, struct attempt_clock now)
{
    enum attempt_result result = result_of(f->state);

    if (is_final(a))
        return;
    if (a->result == ATTEMPT_LOST) { /* too early: it is there */
        a->result = ATTEMPT_RUNNING;
        a->loss = ATTEMPT_SILENT;
        memset(&a->end, 0, sizeof a->end);
        live_add(s, a);
        row_store(s, a);
    }
    if (a->number == 0)
        row_count(s, a, w, now);
    row_facts(a, f, w);
    if (result != ATTEMPT_RUNNING)
        row_close(s, a, result, now);
}

void attempts_event(struct attempts *s, const struct session_event *e, const struct attempt_what *w,
                    struct attempt_clock now)
{
    struct attempt *a;

    if (!e->receiver)
        return;
    a = row_of(s, e->receiver, w, now);
    a->touched = now.up_s;
    a->orphan = false;
    if (e->what == SESSION_STATE || e->what == SESSION_BACK)
        on_beacon(s, a, &e->receiver->facts, w, now);
    if (e->what == SESSION_GONE && a->result == ATTEMPT_RUNNING)
        row_lose(s, a, a->number ? ATTEMPT_SILENT : ATTEMPT_MUTE, now);
}

void attempts_told(struct attempts *s, const uint8_t id[SESSION_ID_BYTES],
                   const char *machine_serial, const char *disk_model, const char *disk_serial)
{
    struct attempt *a = row_find(s, id);
    bool news;

    if (!a)
        return;
    news = learn(a->machine_serial, sizeof a->machine_serial, machine_serial);
    news |= learn(a->disk_model, sizeof a->disk_model, disk_model);
    news |= learn(a->disk_serial, sizeof a->disk_serial, disk_serial);
    if (news)
        row_store(s, a);
}

void attempts_refresh(struct attempts *s, const struct session_receiver *r,
                      const struct attempt_what *w, struct attempt_clock now)
{
    struct attempt *a = row_find(s, r->id);

    if (!a || !a->number || a->result != ATTEMPT_RUNNING || !r->counter)
        return;
    a->touched = now.up_s;
    a->orphan = false;
    row_facts(a, &r->facts, w);
}

void attempts_tick(struct attempts *s, struct attempt_clock now)
{
    store_waiting(s);
    for (unsigned i = s->n_live; i-- > 0;) {
        struct attempt *a = &s->row[s->live[i]];
        uint32_t silent = now.up_s - a->touched;

        if (a->number == 0 && silent > MUTE_S)
            row_lose(s, a, ATTEMPT_MUTE, now);
        else if (silent > SILENT_S)
            row_lose(s, a, a->orphan ? ATTEMPT_RESTARTED : ATTEMPT_SILENT, now);
    }
}

/* ---- start ---- */

void attempts_init(struct attempts *s)
{
    memset(s, 0, sizeof *s);
}

enum told attempts_restore(struct attempts *s, const uint8_t *key, size_t nkey,
                           const uint8_t *value, size_t n)
{
    struct reader at = reader_on(key, nkey), run = reader_on(value, n);
    unsigned i;
    struct attempt a;

    if (nkey == sizeof run_key) {
        uint32_t count = rd_u32(&run);

        if (!rd_done(&run))
            return TOLD_BROKEN;
        s->run = count > s->run ? count : s->run;
        return TOLD_KNOWN;
    }
    if (n && value[0] > FORMAT)
        return TOLD_NEWER;
    i = rd_u16(&at);
    if (!rd_done(&at) || i >= ATTEMPTS_MAX || s->row[i].used || !row_decode(&a, value, n) ||
        row_find(s, a.id))
        return TOLD_BROKEN;
    s->row[i] = a;
    row_link(s, &s->row[i]);
    if (a.result == ATTEMPT_RUNNING)
        live_add(s, &s->row[i]);
    if (a.number > s->last)
        s->last = a.number;
    if (a.start.run > s->run) /* the counter itself was not kept */
        s->run = a.start.run;
    return TOLD_KNOWN;
}

void attempts_begin(struct attempts *s, struct attempt_clock now)
{
    uint8_t value[4];
    struct writer w = writer_on(value, sizeof value);

    wr_u32(&w, ++s->run);
    if (s->store)
        s->store(s->ctx, run_key, sizeof run_key, value, w.done);
    for (unsigned i = 0; i < s->n_live; i++) {
        s->row[s->live[i]].touched = now.up_s;
        s->row[s->live[i]].orphan = true;
    }
}

/* ---- all of them ---- */

static uint32_t rank(const struct attempts *s, uint16_t row)
{
    return s->row[row].number ? s->row[row].number : UINT32_MAX;
}

unsigned attempts_list(const struct attempts *s, uint16_t rows[ATTEMPTS_MAX])
{
    unsigned n = 0;

    for (unsigned i = 0; i < ATTEMPTS_MAX; i++)
        if (s->row[i].used && (s->row[i].number || s->row[i].result != ATTEMPT_RUNNING))
            rows[n++] = (uint16_t)i;
    for (unsigned gap = 3280; gap; gap /= 3) /* Shell's sort, in place: a millisecond for all */
        for (unsigned i = gap; i < n; i++) {
            uint16_t row = rows[i];
            unsigned at = i;

            for (; at >= gap && rank(s, rows[at - gap]) > rank(s, row); at -= gap)
                rows[at] = rows[at - gap];
            rows[at] = row;
        }
    return n;
}

/* Its slot in a table of newest rows by MAC (1 + row; 0: none). */
static unsigned newest_slot(const struct attempts *s, const uint16_t newest[2 * ATTEMPTS_MAX],
                            const uint8_t mac[6])
{
    uint32_t h = 2166136261u;
    unsigned at;

    for (unsigned i = 0; i < 6; i++)
        h = (h ^ mac[i]) * 16777619u;
    at = (h ^ h >> 15) % (2 * ATTEMPTS_MAX);
    while (newest[at] && memcmp(s->row[newest[at] - 1].mac, mac, 6) != 0)
        at = (at + 1) % (2 * ATTEMPTS_MAX);
    return at;
}

void attempts_recall(const struct attempts *s, void (*tell)(void *ctx, const struct attempt *),
                     void *ctx)
{
    static uint16_t newest[2 * ATTEMPTS_MAX];

    memset(newest, 0, sizeof newest);
    for (unsigned i = 0; i < ATTEMPTS_MAX; i++) {
        const struct attempt *a = &s->row[i];
        unsigned at;

        if (!a->used || !a->number)
            continue;
        at = newest_slot(s, newest, a->mac);
        if (!newest[at] || s->row[newest[at] - 1].number < a->number)
            newest[at] = (uint16_t)(i + 1);
    }
    for (unsigned at = 0; at < 2 * ATTEMPTS_MAX; at++)
        if (newest[at])
            tell(ctx, &s->row[newest[at] - 1]);
}
