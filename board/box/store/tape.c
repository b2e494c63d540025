#include "board/box/store/tape.h"

#include <string.h>

#include "imaging/hash/crc.h"
#include "net/wire/must.h"
#include "net/wire/reader.h"
#include "net/wire/writer.h"

#define MAGIC "RCJOURN2"
#define MAGIC_NAME_BYTES 7 /* the last one is the version */
#define VERSION 2
#define KIND_SEED 255
#define KIND_MARK 254
#define SEED_KEY "seed"
#define SEED_EVERY (64u << 10)
#define SEED_TRIAL (128u << 10) /* bytes behind a seed that are tried with it */
#define SEEDS_TRIED 64

/* ---- records ---- */

static size_t tape_encode(uint32_t start, const struct tape_record *rec, uint8_t *out, size_t cap)
{
    struct writer w = writer_on(out + 4, cap - 4), crc = writer_on(out, 4);

    wr_u8(&w, rec->kind);
    wr_u8(&w, rec->nkey);
    wr_u16(&w, rec->nvalue);
    wr_copy(&w, rec->key, rec->nkey);
    if (rec->nvalue)
        wr_copy(&w, rec->value, rec->nvalue);
    wr_u32(&crc, crc32_ieee(rec->kind == KIND_SEED ? 0 : start, out + 4, w.done));
    MUST(!w.bad);
    return w.done + 4;
}

/* Reads the parts; `start` NULL: the checksum is known to be right. */
static bool tape_decode(const uint32_t *start, const uint8_t *bytes, size_t n,
                        struct tape_record *rec)
{
    struct reader r = reader_on(bytes, n);
    uint32_t crc = rd_u32(&r);

    rec->kind = rd_u8(&r);
    rec->nkey = rd_u8(&r);
    rec->nvalue = rd_u16(&r);
    rec->key = rd_bytes(&r, rec->nkey);
    rec->value = rd_bytes(&r, rec->nvalue);
    if (r.bad || rec->nkey == 0 || rec->kind == 0 || rec->nvalue > JOURNAL_VALUE_MAX)
        return false;
    rec->bytes = TAPE_HEAD_BYTES + rec->nkey + rec->nvalue;
    return !start ||
           crc32_ieee(rec->kind == KIND_SEED ? 0 : *start, bytes + 4, rec->bytes - 4) == crc;
}

static bool is_seed(const struct tape_record *rec)
{
    return rec->kind == KIND_SEED && rec->nkey == sizeof SEED_KEY - 1 &&
           memcmp(rec->key, SEED_KEY, rec->nkey) == 0 && rec->nvalue >= 1 &&
           (rec->value[0] != VERSION || rec->nvalue == 1 + TAPE_NONCE_BYTES);
}

bool tape_at(const struct tape *t, size_t at, struct tape_record *rec)
{
    return at < t->n && tape_decode(NULL, t->bytes + at, t->n - at, rec);
}

/* ---- writing ---- */

static void tape_nonce(struct tape *t, const uint8_t nonce[TAPE_NONCE_BYTES])
{
    memcpy(t->nonce, nonce, TAPE_NONCE_BYTES);
    t->start = crc32_ieee(0, nonce, TAPE_NONCE_BYTES);
}

static size_t seed_behind(size_t n)
{
    return n < 512 ? 512 : n < 4096 ? 4096 : (n / SEED_EVERY + 1) * SEED_EVERY;
}

static void tape_seed(struct tape *t)
{
    uint8_t value[1 + TAPE_NONCE_BYTES] = {VERSION};
    const struct tape_record rec = {.kind = KIND_SEED,
                                    .key = (const uint8_t *)SEED_KEY,
                                    .nkey = sizeof SEED_KEY - 1,
                                    .value = value,
                                    .nvalue = sizeof value};

    memcpy(value + 1, t->nonce, TAPE_NONCE_BYTES);
    t->n += tape_encode(t->start, &rec, t->bytes + t->n, TAPE_MAX - t->n);
    t->seed_due = seed_behind(t->n);
}

void tape_begin(struct tape *t, uint8_t *bytes, const uint8_t nonce[TAPE_NONCE_BYTES])
{
    *t = (struct tape){.bytes = bytes, .n = TAPE_MAGIC_BYTES};
    memcpy(bytes, MAGIC, TAPE_MAGIC_BYTES);
    tape_nonce(t, nonce);
    tape_seed(t);
}

bool tape_has_room(const struct tape *t, const struct tape_record *rec, size_t limit)
{
    return t->n + 2 * TAPE_HEAD_BYTES + 1 + TAPE_NONCE_BYTES + TAPE_HEAD_BYTES + rec->nkey +
               rec->nvalue <=
           limit;
}

size_t tape_add(struct tape *t, const struct tape_record *rec)
{
    size_t at;

    if (t->n >= t->seed_due)
        tape_seed(t);
    at = t->n;
    t->n += tape_encode(t->start, rec, t->bytes + t->n, TAPE_MAX - t->n);
    return at;
}

void tape_mark(struct tape *t, size_t upto)
{
    uint8_t value[4];
    struct writer w = writer_on(value, sizeof value);
    const struct tape_record rec = {.kind = KIND_MARK,
                                    .key = (const uint8_t *)"m",
                                    .nkey = 1,
                                    .value = value,
                                    .nvalue = sizeof value};

    wr_u32(&w, upto);
    if (tape_has_room(t, &rec, TAPE_MAX))
        tape_add(t, &rec);
}

/* ---- reading ---- */

/* How many records behind `at` are right under this nonce. */
static unsigned seed_score(const uint8_t *bytes, size_t n, size_t at, uint32_t start)
{
    size_t end = n - at > SEED_TRIAL ? at + SEED_TRIAL : n;
    struct tape_record rec;
    unsigned right = 0;

    while (at < end) {
        bool good = tape_decode(&start, bytes + at, n - at, &rec);

        right += good && rec.kind != KIND_SEED;
        at += good ? rec.bytes : 1;
    }
    return right;
}

/* The seed of a file whose beginning is lost: of all that look like one, the one with most records
 * behind it. 0: none, 1: found, 2: of a newer version. */
static int seed_search(struct tape *t, const uint8_t *bytes, size_t n)
{
    struct tape_record rec;
    unsigned tried = 0, best = 0;
    uint32_t none = 0;
    int found = 0;

    for (size_t at = 0; at < n && tried < SEEDS_TRIED; at++) {
        unsigned score;

        if (n - at < TAPE_HEAD_BYTES || bytes[at + 4] != KIND_SEED ||
            !tape_decode(&none, bytes + at, n - at, &rec) || !is_seed(&rec))
            continue;
        tried++;
        if (rec.value[0] != VERSION) {
            found = found ? found : 2;
            continue;
        }
        score = 1 + seed_score(bytes, n, at, crc32_ieee(0, rec.value + 1, TAPE_NONCE_BYTES));
        if (score > best) {
            best = score;
            tape_nonce(t, rec.value + 1);
            found = 1;
        }
    }
    return found;
}

static void seed_use(struct tape *t, const struct tape_record *rec)
{
    if (rec->kind == KIND_SEED && is_seed(rec) && rec->value[0] == VERSION)
        t->seed_due = 0;
}

static size_t mark_of(const struct tape_record *rec)
{
    struct reader r = reader_on(rec->value, rec->nvalue);

    return rec->kind == KIND_MARK && rec->nvalue == 4 ? rd_u32(&r) : 0;
}

/* How far the file had been on the disk, as its marks say. */
static size_t durable_of(const struct tape *t, const uint8_t *bytes, size_t n, size_t from)
{
    struct tape_record rec;
    size_t most = 0;

    while (from < n) {
        bool good = tape_decode(&t->start, bytes + from, n - from, &rec);
        size_t mark = good ? mark_of(&rec) : 0;

        most = mark > most ? mark : most;
        from += good ? rec.bytes : 1;
    }
    return most;
}

/* Moves the records that can be read together. `durable`: so far damage is a loss. */
static void gather(struct tape *t, size_t n, size_t from, size_t durable, struct tape_found *f)
{
    size_t to = TAPE_MAGIC_BYTES, gap = f->head_lost ? 0 : from, at = from;
    struct tape_record rec;

    f->end = from;
    while (at < n) {
        if (!tape_decode(&t->start, t->bytes + at, n - at, &rec)) {
            at++;
            continue;
        }
        if (gap < at && gap < durable)
            f->lost += at - gap;
        seed_use(t, &rec);
        memmove(t->bytes + to, t->bytes + at, rec.bytes);
        to += rec.bytes;
        f->end = gap = at += rec.bytes;
    }
    if (gap < durable)
        f->lost += durable - gap;
    t->n = to;
    t->seed_due = seed_behind(to);
    f->what = f->head_lost || f->end != to ? TAPE_MOVED : f->end < n ? TAPE_TORN : TAPE_WHOLE;
}

/* Version 1 had neither seed nor marks: every damage that has records behind it is a loss. */
static struct tape_found load_old(struct tape *t, size_t n)
{
    struct tape_found f = {0};
    size_t end;

    t->start = 0;
    gather(t, n, TAPE_MAGIC_BYTES, 0, &f);
    end = f.end;
    f.lost = end - t->n;
    f.what = TAPE_MOVED;
    return f;
}

struct tape_found tape_load(struct tape *t, uint8_t *bytes, size_t n)
{
    bool named = n >= TAPE_MAGIC_BYTES && memcmp(bytes, MAGIC, MAGIC_NAME_BYTES) == 0;
    struct tape_found f = {.head_lost =
                               !named || bytes[MAGIC_NAME_BYTES] != MAGIC[MAGIC_NAME_BYTES]};
    uint32_t none = 0;
    struct tape_record rec;
    int seed = 1;

    *t = (struct tape){.bytes = bytes, .n = TAPE_MAGIC_BYTES};
    if (n > TAPE_MAGIC_BYTES &&
        tape_decode(&none, bytes + TAPE_MAGIC_BYTES, n - TAPE_MAGIC_BYTES, &rec) && is_seed(&rec) &&
        rec.value[0] == VERSION)
        tape_nonce(t, rec.value + 1);
    else if (named && bytes[MAGIC_NAME_BYTES] == '1')
        return load_old(t, n);
    else
        seed = seed_search(t, bytes, n);
    if (seed == 2 || (!seed && named && bytes[MAGIC_NAME_BYTES] > MAGIC[MAGIC_NAME_BYTES]))
        return (struct tape_found){.what = TAPE_NEWER};
    if (seed)
        gather(t, n, TAPE_MAGIC_BYTES, durable_of(t, bytes, n, TAPE_MAGIC_BYTES), &f);
    if (f.head_lost || !seed)
        f = (struct tape_found){TAPE_MOVED, f.end, f.lost ? f.lost : n ? n : 1, true};
    return f;
}
