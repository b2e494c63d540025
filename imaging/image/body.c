#include <stdlib.h>
#include <string.h>

#include "imaging/hash/merkle.h"
#include "imaging/hash/sha256.h"
#include "imaging/image/fill.h"
#include "imaging/image/image.h"
#include "net/wire/must.h"
#include "net/wire/reader.h"
#include "net/wire/utf8.h"

/* The four sections, cut out and not yet believed. */
struct sections {
    struct reader geom, runs, wins, chnk;
};

/* The tables while they are being filled; struct img_body then shows them read-only. */
struct tables {
    struct img_part *parts;
    struct img_run *runs;
    struct img_window *windows;
    struct img_chunk *data;
    uint32_t *order, *block_first;
};

#define RUN_BYTES 5
#define WINDOW_BYTES 24
#define CHUNK_BYTES 35

static struct reader section(struct reader *r, const char tag[4])
{
    const uint8_t *got = rd_bytes(r, 4);
    uint64_t n = rd_u64(r);

    if (!got || memcmp(got, tag, 4) != 0)
        r->bad = true;
    return rd_sub(r, n);
}

static int cut(const uint8_t *bytes, size_t n, const struct img_head *h, struct sections *s,
               struct err *e)
{
    struct reader r = reader_on(bytes, n);

    s->geom = section(&r, "GEOM");
    s->runs = section(&r, "RUNS");
    s->wins = section(&r, "WINS");
    s->chnk = section(&r, "CHNK");
    if (!rd_done(&r) || s->runs.left % RUN_BYTES != 0 || s->runs.left / RUN_BYTES > h->chunks ||
        s->wins.left != (uint64_t)h->windows * WINDOW_BYTES ||
        s->chnk.left != (uint64_t)h->data_chunks * CHUNK_BYTES)
        return err_set(e, IMG_ESECTION,
                       "the image's body does not consist of the four sections its head announces");
    return 0;
}

static int read_part(struct reader *r, struct img_part *p, uint64_t raw_bytes)
{
    size_t len;

    p->first = rd_u64(r);
    p->bytes = rd_u64(r);
    rd_copy(r, p->type, sizeof p->type);
    p->fs = rd_u8(r);
    len = rd_u8(r);
    memset(p->name, 0, sizeof p->name);
    rd_copy(r, p->name, len);
    if (r->bad || p->bytes == 0 || p->first > raw_bytes || p->bytes > raw_bytes - p->first ||
        !utf8_is_plain(p->name, len))
        return IMG_EGEOM;
    return 0;
}

static int read_geom(struct reader r, struct img_body *b, struct tables *t, struct err *e)
{
    unsigned n = rd_u8(&r);
    int rc = n == b->nparts ? 0 : IMG_EGEOM;

    for (unsigned i = 0; i < n && rc == 0; i++) {
        rc = read_part(&r, &t->parts[i], b->raw_bytes);
        if (rc == 0 && i && t->parts[i].first < t->parts[i - 1].first)
            rc = IMG_EGEOM;
    }
    if (rc == 0 && !rd_done(&r))
        rc = IMG_EGEOM;
    return rc ? err_set(e, rc,
                        "the image's partition list has a partition outside the disk or out of "
                        "order, or a name that is no text")
              : 0;
}

static int read_runs(struct reader r, struct img_body *b, struct tables *t,
                     const struct img_head *h, struct err *e)
{
    uint64_t at = 0, ordinal = 0, data_bytes = 0, data_end = 0;
    int before = -1;

    for (uint32_t i = 0; i < b->nruns; i++) {
        unsigned state = rd_u8(&r);
        uint32_t count = rd_u32(&r);

        if (state > IMG_FREE || (int)state == before || count == 0 || count > h->chunks - at)
            return err_set(e, IMG_ERUNS, "run %u of the image's disk map is out of range", i);
        before = (int)state;
        t->runs[i] = (struct img_run){(uint32_t)at, count, (uint32_t)ordinal, (uint8_t)state};
        at += count;
        if (state == IMG_DATA) {
            data_end = at == h->chunks ? h->raw_bytes : at * IMG_CHUNK_BYTES;
            data_bytes += data_end - (at - count) * IMG_CHUNK_BYTES;
            ordinal += count;
        }
    }
    MUST(rd_done(&r));
    if (at != h->chunks || ordinal != h->data_chunks || data_bytes != h->data_bytes ||
        data_end > h->min_target_bytes)
        return err_set(e, IMG_ERUNS, "the image's disk map does not fit the sizes in its head");
    return 0;
}

static bool window_legal(const struct img_window *w, unsigned lg_t, unsigned zero)
{
    return w->d >= 1 && w->d <= IMG_MAX_D && w->k >= 1 && w->k <= IMG_MAX_K && lg_t == IMG_LG_T &&
           w->r <= 1u << IMG_LG_T && zero == 0 && w->chunks >= 1;
}

static int read_windows(struct reader r, struct img_body *b, struct tables *t,
                        const struct img_head *h, struct err *e)
{
    uint64_t offset = IMG_STREAM_OFFSET, sbn = 0, ordinal = 0;

    for (uint32_t i = 0; i < b->nwindows; i++) {
        struct img_window *w = &t->windows[i];
        unsigned lg_t, zero;

        w->d = rd_u16(&r);
        w->k = rd_u16(&r);
        w->r = rd_u16(&r);
        lg_t = rd_u8(&r);
        zero = rd_u8(&r);
        w->first_sbn = (uint32_t)sbn;
        w->first = rd_u32(&r);
        w->chunks = rd_u32(&r);
        w->offset = rd_u64(&r);
        if (!window_legal(w, lg_t, zero) || w->first != ordinal ||
            w->chunks > h->data_chunks - ordinal || w->offset != offset || w->d > h->blocks - sbn)
            return err_set(e, IMG_EWINS, "window %u of the image is out of range", i);
        sbn += w->d;
        ordinal += w->chunks;
        offset += ((uint64_t)w->k + w->r) * w->d * IMG_SYMBOL_BYTES;
    }
    MUST(rd_done(&r));
    if (sbn != h->blocks || ordinal != h->data_chunks ||
        offset != IMG_STREAM_OFFSET + h->stream_bytes)
        return err_set(e, IMG_EWINS, "the image's windows do not add up to the counts in its head");
    return 0;
}

/* Numbers, stored lengths and hashes, and the root over the hashes. */
static int read_chunks(struct reader r, struct img_body *b, struct tables *t,
                       const struct img_head *h, struct err *e)
{
    struct merkle tree;
    uint8_t root[IMG_HASH_BYTES];

    merkle_start(&tree);
    for (uint32_t i = 0; i < b->nruns; i++) {
        const struct img_run *run = &t->runs[i];

        for (uint32_t j = 0; run->state == IMG_DATA && j < run->count; j++) {
            struct img_chunk *c = &t->data[run->ordinal + j];
            uint32_t stored = rd_u24(&r);

            c->number = run->first + j;
            c->stored = stored & 0xFFFFFF;
            rd_copy(&r, c->hash, sizeof c->hash);
            if (stored == 0 || stored > img_raw_len(b->raw_bytes, c->number))
                return err_set(e, IMG_ECHNK,
                               "chunk %u of the image has a stored length of %u bytes", c->number,
                               stored);
            merkle_add(&tree, c->hash);
        }
    }
    MUST(rd_done(&r));
    merkle_root(&tree, root);
    if (memcmp(root, h->root, sizeof root) != 0)
        return err_set(e, IMG_EROOT,
                       "the Merkle root of the image's chunk hashes is not the one in its head");
    return 0;
}

/* Where every chunk lies (SPEC section 5), and how many each block holds. */
static int lay_window(struct tables *t, const struct img_window *w, uint32_t *per_block)
{
    struct fill f;

    fill_start(&f, w->d);
    for (uint32_t i = 0; i < w->chunks; i++) {
        struct img_chunk *c = &t->data[w->first + i];

        if (c->stored > (uint32_t)w->k * IMG_SYMBOL_BYTES - fill_least(&f))
            return IMG_ELAYOUT;
        c->block = fill_put(&f, c->stored, &c->start) & 0xFF;
        per_block[w->first_sbn + c->block]++;
    }
    return fill_symbols(&f) == w->k ? 0 : IMG_ELAYOUT;
}

/* block_first[b + 1] counts the chunks of block b, then holds where they go next, and so ends as
 * where they end. */
static void sort_into_blocks(struct img_body *b, struct tables *t)
{
    uint32_t sum = 0;

    for (uint32_t i = 1; i <= b->nblocks; i++) {
        uint32_t count = t->block_first[i];

        t->block_first[i] = sum;
        sum += count;
    }
    for (uint32_t i = 0; i < b->nwindows; i++) {
        const struct img_window *w = &t->windows[i];

        for (uint32_t o = w->first; o < w->first + w->chunks; o++)
            t->order[t->block_first[w->first_sbn + t->data[o].block + 1]++] = o;
    }
}

static int lay_out(struct img_body *b, struct tables *t, struct err *e)
{
    memset(t->block_first, 0, ((size_t)b->nblocks + 1) * sizeof *t->block_first);
    for (uint32_t i = 0; i < b->nwindows; i++)
        if (lay_window(t, &t->windows[i], t->block_first + 1))
            return err_set(e, IMG_ELAYOUT,
                           "window %u of the image states a k of %u, its chunks need another", i,
                           t->windows[i].k);
    sort_into_blocks(b, t);
    return 0;
}

/* Room for n things of `size` behind what is taken already. */
static size_t take(size_t *total, size_t n, size_t size)
{
    size_t at = (*total + 15) & ~(size_t)15;

    *total = at + n * size;
    return at;
}

/* One allocation; every count is bounded by the length of the bytes it was read from, so nothing
 * overflows. */
static int make_room(struct img_body *b, struct tables *t, struct err *e)
{
    size_t total = 0;
    size_t parts = take(&total, b->nparts, sizeof *t->parts);
    size_t runs = take(&total, b->nruns, sizeof *t->runs);
    size_t windows = take(&total, b->nwindows, sizeof *t->windows);
    size_t data = take(&total, b->ndata, sizeof *t->data);
    size_t order = take(&total, b->ndata, sizeof *t->order);
    size_t block_first = take(&total, (size_t)b->nblocks + 1, sizeof *t->block_first);
    char *mem = malloc(total);

    if (!mem)
        return err_set(e, IMG_EMEMORY,
                       "the image's tables need %zu bytes of memory, which are not there", total);
    b->mem = mem;
    b->parts = t->parts = (void *)(mem + parts);
    b->runs = t->runs = (void *)(mem + runs);
    b->windows = t->windows = (void *)(mem + windows);
    b->data = t->data = (void *)(mem + data);
    b->order = t->order = (void *)(mem + order);
    b->block_first = t->block_first = (void *)(mem + block_first);
    return 0;
}

static int parse(const struct sections *s, const struct img_head *h, struct img_body *b,
                 struct err *e)
{
    struct tables t = {0};
    int rc = make_room(b, &t, e);

    if (rc == 0)
        rc = read_geom(s->geom, b, &t, e);
    if (rc == 0)
        rc = read_runs(s->runs, b, &t, h, e);
    if (rc == 0)
        rc = read_windows(s->wins, b, &t, h, e);
    if (rc == 0)
        rc = read_chunks(s->chnk, b, &t, h, e);
    if (rc == 0)
        rc = lay_out(b, &t, e);
    return rc;
}

int img_body_parse(const uint8_t *bytes, size_t n, const struct img_head *h, struct img_body *b,
                   struct err *e)
{
    struct sections s;
    uint8_t hash[IMG_HASH_BYTES];
    int rc;

    memset(b, 0, sizeof *b);
    sha256(hash, bytes, n);
    if (n != h->body_bytes || memcmp(hash, h->body_hash, sizeof hash) != 0)
        return err_set(e, IMG_EBODYHASH,
                       "the image's body does not have the hash that its head states");
    rc = cut(bytes, n, h, &s, e);
    if (rc)
        return rc;
    b->raw_bytes = h->raw_bytes;
    b->chunks = h->chunks;
    b->nparts = s.geom.left ? s.geom.at[0] : 0;
    b->nruns = (uint32_t)(s.runs.left / RUN_BYTES);
    b->ndata = h->data_chunks;
    b->nwindows = h->windows;
    b->nblocks = h->blocks;
    rc = parse(&s, h, b, e);
    if (rc)
        img_body_free(b);
    return rc;
}

void img_body_free(struct img_body *b)
{
    free(b->mem);
    memset(b, 0, sizeof *b);
}

const struct img_run *img_run_of(const struct img_body *b, uint32_t number)
{
    uint32_t low = 0, high = b->nruns;

    MUST(number < b->chunks);
    while (high - low > 1) {
        uint32_t mid = low + (high - low) / 2;

        if (b->runs[mid].first <= number)
            low = mid;
        else
            high = mid;
    }
    return &b->runs[low];
}

uint32_t img_ordinal_of(const struct img_body *b, uint32_t number)
{
    const struct img_run *run = img_run_of(b, number);

    return run->state == IMG_DATA ? run->ordinal + (number - run->first) : UINT32_MAX;
}

const struct img_window *img_window_of_sbn(const struct img_body *b, uint32_t sbn)
{
    uint32_t low = 0, high = b->nwindows;

    MUST(sbn < b->nblocks);
    while (high - low > 1) {
        uint32_t mid = low + (high - low) / 2;

        if (b->windows[mid].first_sbn <= sbn)
            low = mid;
        else
            high = mid;
    }
    return &b->windows[low];
}

const struct img_window *img_window_of_chunk(const struct img_body *b, uint32_t ordinal)
{
    uint32_t low = 0, high = b->nwindows;

    MUST(ordinal < b->ndata);
    while (high - low > 1) {
        uint32_t mid = low + (high - low) / 2;

        if (b->windows[mid].first <= ordinal)
            low = mid;
        else
            high = mid;
    }
    return &b->windows[low];
}

uint32_t img_block_find(const struct img_body *b, uint32_t sbn, uint32_t esi)
{
    uint32_t n, low = 0;
    const uint32_t *ordinals = img_block_chunks(b, sbn, &n);

    while (low < n) { /* chunks before `low` end before the symbol; those from n on do not */
        uint32_t mid = low + (n - low) / 2;

        if (img_chunk_last_esi(&b->data[ordinals[mid]]) < esi)
            low = mid + 1;
        else
            n = mid;
    }
    return low;
}
