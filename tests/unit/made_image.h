/* A whole image made in memory by the letter of imaging/image/SPEC.md, with nothing of the packer:
 * for tests of everything that reads images. The source is a mix of compressible, incompressible,
 * zero and free chunks, from a seed. */
#ifndef TESTS_UNIT_MADE_IMAGE_H
#define TESTS_UNIT_MADE_IMAGE_H

#include <stdlib.h>
#include <string.h>

#include "imaging/fec/fec.h"
#include "imaging/hash/sha256.h"
#include "imaging/image/chunk.h"
#include "imaging/image/image.h"
#include "net/wire/must.h"
#include "net/wire/rng.h"
#include "net/wire/writer.h"

#define MADE_REPAIR 256u

struct made_image {
    uint8_t *raw; /* the source disk */
    uint64_t raw_bytes;
    struct img_head head;
    uint8_t head_bytes[IMG_HEAD_BYTES];
    uint8_t *body_bytes;
    struct img_body body;
    uint8_t *stream; /* rows and repair rows, as in the file from offset 4096 on */
};

struct made_chunk {
    uint32_t number, stored;
    uint8_t state, hash[32], *bytes;
};

static uint8_t made_fill(uint8_t *raw, uint32_t n, struct rng *r)
{
    switch (rng_below(r, 8)) {
    case 0:
        memset(raw, 0, n);
        return IMG_ZERO;
    case 1:
        memset(raw, 0, n);
        return IMG_FREE;
    case 2:
    case 3:
        for (uint32_t i = 0; i < n; i++)
            raw[i] = (uint8_t)rng_u64(r);
        return IMG_DATA;
    case 4:
        memset(raw, 7, n);
        return IMG_DATA;
    default:
        for (uint32_t i = 0; i < n; i++)
            raw[i] = (uint8_t)("the quick brown fox"[i % 19] ^
                               (rng_below(r, 6) == 0 ? rng_u64(r) & 15 : 0));
        return IMG_DATA;
    }
}

static void made_tree(uint8_t (*h)[32], uint32_t n, uint8_t root[32])
{
    if (n == 0)
        sha256(root, NULL, 0);
    for (; n > 1; n = (n + 1) / 2)
        for (uint32_t i = 0; i < n; i += 2) {
            if (i + 1 < n)
                sha256(h[i / 2], h[i], 64);
            else
                memmove(h[i / 2], h[i], 32);
        }
    if (n == 1)
        memcpy(root, h[0], 32);
}

/* Lays chunks [first, first + n) into a window of d blocks from `offset` on and returns its k.
 * Appends rows to the stream. */
static uint16_t made_window(struct made_image *m, const struct made_chunk *c, uint32_t n,
                            uint16_t d, size_t *stream_bytes)
{
    uint32_t fill[IMG_MAX_D] = {0}, most = 0;
    uint8_t *blocks = calloc(d, (size_t)IMG_MAX_K * IMG_SYMBOL_BYTES), *sums, *rows;
    static struct fec_scratch scratch;
    uint16_t k;

    for (uint32_t i = 0; i < n; i++) {
        uint32_t b = 0;

        for (uint32_t j = 1; j < d; j++)
            if (fill[j] < fill[b])
                b = j;
        MUST(fill[b] + c[i].stored <= IMG_MAX_K * IMG_SYMBOL_BYTES);
        memcpy(blocks + (size_t)b * IMG_MAX_K * IMG_SYMBOL_BYTES + fill[b], c[i].bytes,
               c[i].stored);
        fill[b] += c[i].stored;
        if (fill[b] > most)
            most = fill[b];
    }
    k = (uint16_t)((most + IMG_SYMBOL_BYTES - 1) / IMG_SYMBOL_BYTES);
    m->stream =
        realloc(m->stream, *stream_bytes + (size_t)(k + MADE_REPAIR) * d * IMG_SYMBOL_BYTES);
    rows = m->stream + *stream_bytes;
    sums = aligned_alloc(64, fec_acc_bytes(8));
    for (uint32_t b = 0; b < d; b++) {
        const uint8_t *symbols[FEC_RUN];
        uint8_t *out[MADE_REPAIR];
        const uint8_t *block = blocks + (size_t)b * IMG_MAX_K * IMG_SYMBOL_BYTES;

        fec_clear(sums, 8);
        for (uint32_t s = 0; s < k; s++) {
            memcpy(rows + ((size_t)s * d + b) * IMG_SYMBOL_BYTES, block + s * IMG_SYMBOL_BYTES,
                   IMG_SYMBOL_BYTES);
            symbols[s % FEC_RUN] = block + s * IMG_SYMBOL_BYTES;
            if (s % FEC_RUN == FEC_RUN - 1 || s == k - 1u)
                fec_absorb_source(sums, 8, s / FEC_RUN * FEC_RUN, s % FEC_RUN + 1, symbols,
                                  &scratch);
        }
        for (uint32_t p = 0; p < MADE_REPAIR; p++)
            out[p] = rows + ((size_t)(k + p) * d + b) * IMG_SYMBOL_BYTES;
        fec_repair(sums, 8, 0, MADE_REPAIR, out, &scratch);
    }
    free(sums);
    free(blocks);
    *stream_bytes += (size_t)(k + MADE_REPAIR) * d * IMG_SYMBOL_BYTES;
    return k;
}

static void made_runs(struct writer *w, const struct made_chunk *c, uint32_t n)
{
    for (uint32_t i = 0, len; i < n; i += len) {
        for (len = 1; i + len < n && c[i + len].state == c[i].state; len++)
            ;
        wr_u8(w, c[i].state);
        wr_u32(w, len);
    }
}

static void made_section(struct writer *w, const char *tag, size_t n)
{
    wr_copy(w, tag, 4);
    wr_u64(w, n);
}

/* An image of raw_bytes (a multiple of 512) in `windows` windows of d blocks. */
static void made_image(struct made_image *m, uint64_t raw_bytes, uint32_t windows, uint16_t d,
                       uint64_t seed)
{
    uint32_t n = (uint32_t)((raw_bytes + IMG_CHUNK_BYTES - 1) / IMG_CHUNK_BYTES), nd = 0, sbn = 0;
    struct made_chunk *all = calloc(n, sizeof *all), *data = calloc(n + 1, sizeof *data);
    struct rng r = {seed};
    size_t room = (size_t)n * 40 + windows * 24 + 4096, stream = 0;
    uint8_t *wins = malloc(windows * 24), (*hashes)[32] = malloc((n + 1) * 32), runs[65536];
    void *workspace = malloc(img_chunk_pack_workspace());
    struct writer w, ww = writer_on(wins, windows * 24), rw = writer_on(runs, sizeof runs);
    struct err err = {0};

    memset(m, 0, sizeof *m);
    m->raw_bytes = raw_bytes;
    m->raw = calloc(1, raw_bytes);
    for (uint32_t i = 0; i < n; i++) {
        uint8_t *raw = m->raw + (size_t)i * IMG_CHUNK_BYTES;
        uint32_t len = img_raw_len(raw_bytes, i);

        all[i] = (struct made_chunk){.number = i, .state = made_fill(raw, len, &r)};
        if (all[i].state != IMG_DATA)
            continue;
        all[i].bytes = malloc(IMG_CHUNK_BYTES);
        all[i].stored = (uint32_t)img_chunk_pack(all[i].bytes, raw, len, 3, workspace);
        chunk_hash(all[i].hash, raw, len);
        memcpy(hashes[nd], all[i].hash, 32);
        data[nd++] = all[i];
        m->head.data_bytes += len;
    }
    for (uint32_t i = 0; i < windows && nd > 0; i++) {
        uint32_t first = nd * i / windows, count = nd * (i + 1) / windows - first;
        uint64_t offset = IMG_STREAM_OFFSET + stream;
        uint16_t k = made_window(m, data + first, count, d, &stream);

        wr_u16(&ww, d);
        wr_u16(&ww, k);
        wr_u16(&ww, MADE_REPAIR);
        wr_u8(&ww, 8);
        wr_u8(&ww, 0);
        wr_u32(&ww, first);
        wr_u32(&ww, count);
        wr_u64(&ww, offset);
        sbn += d;
    }
    made_runs(&rw, all, n);
    m->body_bytes = malloc(room);
    w = writer_on(m->body_bytes, room);
    made_section(&w, "GEOM", 1);
    wr_u8(&w, 0);
    made_section(&w, "RUNS", rw.done);
    wr_copy(&w, runs, rw.done);
    made_section(&w, "WINS", ww.done);
    wr_copy(&w, wins, ww.done);
    made_section(&w, "CHNK", (size_t)nd * 35);
    for (uint32_t i = 0; i < nd; i++) {
        wr_u24(&w, data[i].stored);
        wr_copy(&w, data[i].hash, 32);
    }
    MUST(!w.bad && !ww.bad && !rw.bad);
    m->head.sector_log2 = 9;
    m->head.chunks = n;
    m->head.data_chunks = nd;
    m->head.windows = nd > 0 ? windows : 0;
    m->head.blocks = sbn;
    m->head.raw_bytes = m->head.min_target_bytes = raw_bytes;
    m->head.stream_bytes = stream;
    m->head.body_bytes = w.done;
    strcpy(m->head.name, "made");
    sha256(m->head.body_hash, m->body_bytes, w.done);
    made_tree(hashes, nd, m->head.root);
    img_head_encode(&m->head, m->head_bytes);
    if (img_body_parse(m->body_bytes, w.done, &m->head, &m->body, &err)) {
        fprintf(stderr, "made image: %s\n", err.text);
        abort();
    }
    for (uint32_t i = 0; i < n; i++)
        free(all[i].bytes);
    free(all);
    free(data);
    free(wins);
    free(hashes);
    free(workspace);
}

static void made_free(struct made_image *m)
{
    img_body_free(&m->body);
    free(m->raw);
    free(m->body_bytes);
    free(m->stream);
}

/* Symbol `esi` of source block `block` of window w, as stored. */
static inline const uint8_t *made_symbol(const struct made_image *m, const struct img_window *w,
                                         uint32_t block, uint32_t esi)
{
    return m->stream + (w->offset - IMG_STREAM_OFFSET) +
           ((size_t)esi * w->d + block) * IMG_SYMBOL_BYTES;
}

#endif
