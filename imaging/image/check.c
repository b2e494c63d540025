#include "imaging/image/check.h"

#include <stdlib.h>
#include <string.h>

#include "imaging/fec/fec.h"
#include "imaging/hash/sha256.h"
#include "imaging/image/chunk.h"
#include "net/wire/must.h"

#define BAND_ROWS (1u << IMG_LG_T)

/* A block while its rows come by: the chunk that is being put together. */
struct block {
    uint32_t nth;  /* of the block's chunks */
    uint32_t have; /* bytes of it */
    uint8_t stored[IMG_CHUNK_BYTES];
};

struct checking {
    const struct img_file *f;
    struct err *err;
    const atomic_int *stop;
    void (*progress)(void *ctx, uint64_t done);
    void *ctx;
    const struct img_window *w;
    struct block *block;
    uint8_t *acc, *band;
    struct fec_scratch *scratch;
    uint8_t raw[IMG_CHUNK_BYTES];
    uint8_t made[BAND_ROWS][IMG_SYMBOL_BYTES];
};

static int check_chunk(struct checking *c, const struct img_chunk *k, const uint8_t *stored)
{
    uint32_t raw_len = img_raw_len(c->f->head.raw_bytes, k->number);
    uint8_t hash[IMG_HASH_BYTES];

    if (img_chunk_unpack(c->raw, raw_len, stored, k->stored) != 0)
        return err_set(c->err, IMG_EUNPACK,
                       "the image is damaged: chunk %u of the disk does not decompress", k->number);
    chunk_hash(hash, c->raw, raw_len);
    if (memcmp(hash, k->hash, sizeof hash) != 0)
        return err_set(c->err, IMG_ECHUNKHASH,
                       "the image is damaged: chunk %u of the disk does not have its hash",
                       k->number);
    return 0;
}

static int check_padding(struct checking *c, uint32_t sbn, const uint8_t *p, size_t n)
{
    while (n && *p == 0)
        p++, n--;
    return n ? err_set(c->err, IMG_EPADDING,
                       "the image is damaged: source block %u has bytes behind its last chunk", sbn)
             : 0;
}

/* One symbol of block b, the bytes that follow those it had. */
static int take_symbol(struct checking *c, unsigned b, const uint8_t *symbol)
{
    struct block *blk = &c->block[b];
    uint32_t sbn = c->w->first_sbn + b, n, left = IMG_SYMBOL_BYTES;
    const uint32_t *list = img_block_chunks(&c->f->body, sbn, &n);

    while (left && blk->nth < n) {
        const struct img_chunk *k = &c->f->body.data[list[blk->nth]];
        uint32_t take = k->stored - blk->have < left ? k->stored - blk->have : left;
        int rc;

        memcpy(blk->stored + blk->have, symbol + (IMG_SYMBOL_BYTES - left), take);
        blk->have += take;
        left -= take;
        if (blk->have < k->stored)
            return 0;
        rc = check_chunk(c, k, blk->stored);
        if (rc)
            return rc;
        blk->nth++;
        blk->have = 0;
    }
    return check_padding(c, sbn, symbol + (IMG_SYMBOL_BYTES - left), left);
}

static uint8_t *symbol_at(const struct checking *c, uint32_t row, unsigned b)
{
    return c->band + ((size_t)row * c->w->d + b) * IMG_SYMBOL_BYTES;
}

/* `rows` rows from `row` on of the window, into the band. */
static int read_band(struct checking *c, uint32_t row, uint32_t rows)
{
    size_t row_bytes = (size_t)c->w->d * IMG_SYMBOL_BYTES;

    return img_file_read(c->f, c->w->offset + row * row_bytes, c->band, rows * row_bytes, c->err);
}

static int check_sources(struct checking *c, uint32_t row, uint32_t rows)
{
    int rc = read_band(c, row, rows);

    for (unsigned b = 0; b < c->w->d && rc == 0; b++) {
        const uint8_t *symbol[BAND_ROWS];

        for (uint32_t s = 0; s < rows && rc == 0; s++) {
            symbol[s] = symbol_at(c, s, b);
            rc = take_symbol(c, b, symbol[s]);
        }
        if (rc == 0)
            fec_absorb_source(c->acc + b * fec_acc_bytes(IMG_LG_T), IMG_LG_T, row, rows, symbol,
                              c->scratch);
    }
    return rc;
}

/* Makes the repair symbols again and compares. */
static int check_repair(struct checking *c)
{
    uint8_t *made[BAND_ROWS];
    int rc = c->w->r ? read_band(c, c->w->k, c->w->r) : 0;

    for (uint32_t s = 0; s < c->w->r; s++)
        made[s] = c->made[s];
    for (unsigned b = 0; b < c->w->d && c->w->r && rc == 0; b++) {
        fec_repair(c->acc + b * fec_acc_bytes(IMG_LG_T), IMG_LG_T, 0, c->w->r, made, c->scratch);
        for (uint32_t s = 0; s < c->w->r && rc == 0; s++)
            if (memcmp(made[s], symbol_at(c, s, b), IMG_SYMBOL_BYTES) != 0)
                rc = err_set(c->err, IMG_EPARITY,
                             "the image is damaged: repair symbol %u of source block %u is wrong",
                             s, c->w->first_sbn + b);
    }
    return rc;
}

static int check_window(struct checking *c)
{
    int rc = 0;

    for (unsigned b = 0; b < c->w->d; b++) {
        c->block[b].nth = c->block[b].have = 0;
        fec_clear(c->acc + b * fec_acc_bytes(IMG_LG_T), IMG_LG_T);
    }
    for (uint32_t row = 0; row < c->w->k && rc == 0; row += BAND_ROWS) {
        if (c->stop && *c->stop)
            return err_set(c->err, IMG_EINTR, "interrupted");
        rc = check_sources(c, row, c->w->k - row < BAND_ROWS ? c->w->k - row : BAND_ROWS);
        if (c->progress)
            c->progress(c->ctx, c->w->offset - IMG_STREAM_OFFSET +
                                    (uint64_t)row * c->w->d * IMG_SYMBOL_BYTES);
    }
    return rc ? rc : check_repair(c);
}

static unsigned widest(const struct img_body *b)
{
    unsigned d = 0;

    for (uint32_t i = 0; i < b->nwindows; i++)
        d = b->windows[i].d > d ? b->windows[i].d : d;
    return d;
}

static int check_all(struct checking *c)
{
    int rc = 0;

    for (uint32_t i = 0; i < c->f->body.nwindows && rc == 0; i++) {
        c->w = &c->f->body.windows[i];
        rc = check_window(c);
    }
    return rc;
}

static struct checking *make(const struct img_file *f, size_t d)
{
    struct checking *c = calloc(1, sizeof *c);

    if (!c)
        return NULL;
    c->f = f;
    c->block = malloc(d * sizeof *c->block);
    c->acc = aligned_alloc(64, d * fec_acc_bytes(IMG_LG_T));
    c->band = malloc(d * BAND_ROWS * IMG_SYMBOL_BYTES);
    c->scratch = aligned_alloc(64, sizeof *c->scratch);
    return c;
}

static void drop(struct checking *c)
{
    if (!c)
        return;
    free(c->block);
    free(c->acc);
    free(c->band);
    free(c->scratch);
    free(c);
}

int img_check(const struct img_file *f, const atomic_int *stop,
              void (*progress)(void *ctx, uint64_t done), void *ctx, struct err *e)
{
    size_t d = widest(&f->body);
    struct checking *c = d ? make(f, d) : NULL;
    int rc = 0;

    MUST(fec_init(NULL) == 0);
    if (c && c->block && c->acc && c->band && c->scratch) {
        c->err = e;
        c->stop = stop;
        c->progress = progress;
        c->ctx = ctx;
        rc = check_all(c);
    } else if (d) {
        rc = err_set(e, IMG_EMEMORY, "no memory to check the image with");
    }
    drop(c);
    return rc;
}
