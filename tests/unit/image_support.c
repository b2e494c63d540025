#include "tests/unit/image_support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "imaging/hash/sha256.h"
#include "net/wire/must.h"
#include "net/wire/writer.h"

struct rng model_seed(const char *program)
{
    const char *given = getenv("IMAGE_SEED");
    uint64_t seed = given ? strtoull(given, NULL, 0) : (uint64_t)time(NULL);

    fprintf(stderr, "again: IMAGE_SEED=%llu %s\n", (unsigned long long)seed, program);
    return (struct rng){seed};
}

static void random_windows(struct model *m, struct rng *r)
{
    uint32_t at = 0;

    m->nwindows = 0;
    while (at < m->ndata) {
        uint32_t i = m->nwindows++, left = m->ndata - at;

        m->window[i].d = 1 + (uint32_t)rng_below(r, 2) * (uint32_t)rng_below(r, IMG_MAX_D);
        m->window[i].r = (uint32_t)rng_below(r, 257);
        m->window[i].first = at;
        m->window[i].chunks =
            i == MODEL_WINDOWS - 1 ? left : 1 + (uint32_t)rng_below(r, left < 100 ? left : 100);
        at += m->window[i].chunks;
    }
}

void model_random(struct model *m, struct rng *r, uint32_t max_chunks)
{
    memset(m, 0, sizeof *m);
    m->chunks = 1 + (uint32_t)rng_below(r, max_chunks);
    m->raw_bytes = ((uint64_t)m->chunks - 1) * IMG_CHUNK_BYTES + 512 * (1 + rng_below(r, 256));
    m->nparts = (unsigned)rng_below(r, 4);
    for (uint32_t i = 0; i < m->chunks; i++) {
        uint32_t raw = i + 1 < m->chunks ? IMG_CHUNK_BYTES
                                         : (uint32_t)(m->raw_bytes - (uint64_t)i * IMG_CHUNK_BYTES);

        m->state[i] = i && rng_below(r, 4) ? m->state[i - 1] : (uint8_t)rng_below(r, 3);
        if (m->state[i] != IMG_DATA)
            continue;
        m->number[m->ndata] = i;
        /* Equal lengths are what an incompressible disk has, and what ties are made of. */
        m->stored[m->ndata] =
            rng_below(r, 4) ? raw >> rng_below(r, 2) : 1 + (uint32_t)rng_below(r, raw);
        for (int j = 0; j < 32; j++)
            m->hash[m->ndata][j] = (uint8_t)rng_u64(r);
        m->ndata++;
    }
    random_windows(m, r);
    model_lay_out(m);
}

void model_lay_out(struct model *m)
{
    for (uint32_t w = 0; w < m->nwindows; w++) {
        uint32_t fill[IMG_MAX_D] = {0}, most = 0;

        for (uint32_t o = m->window[w].first; o < m->window[w].first + m->window[w].chunks; o++) {
            uint32_t least = 0;

            for (uint32_t d = 1; d < m->window[w].d; d++)
                if (fill[d] < fill[least])
                    least = d;
            m->block[o] = least;
            m->start[o] = fill[least];
            fill[least] += m->stored[o];
            most = fill[least] > most ? fill[least] : most;
        }
        m->window[w].k = (most + IMG_SYMBOL_BYTES - 1) / IMG_SYMBOL_BYTES;
    }
}

static void put_section(struct writer *w, const char *tag, const uint8_t *content, size_t n)
{
    wr_copy(w, tag, 4);
    wr_u64(w, n);
    wr_copy(w, content, n);
}

static size_t put_geom(const struct model *m, uint8_t *to, size_t room)
{
    struct writer w = writer_on(to, room);

    wr_u8(&w, m->nparts);
    for (unsigned i = 0; i < m->nparts; i++) {
        wr_u64(&w, i);
        wr_u64(&w, 512 - i);
        wr_zero(&w, 16);
        wr_u8(&w, i & 1);
        wr_u8(&w, 2 * i);
        wr_copy(&w, "\xC3\xA4\xC3\xB6\xC3\xBC", 2 * (size_t)i);
    }
    MUST(!w.bad);
    return w.done;
}

static size_t put_runs(const struct model *m, uint8_t *to, size_t room)
{
    struct writer w = writer_on(to, room);
    uint32_t n;

    for (uint32_t i = 0; i < m->chunks; i += n) {
        for (n = 1; i + n < m->chunks && m->state[i + n] == m->state[i]; n++)
            ;
        wr_u8(&w, m->state[i]);
        wr_u32(&w, n);
    }
    MUST(!w.bad);
    return w.done;
}

static size_t put_windows(const struct model *m, struct img_head *h, uint8_t *to, size_t room)
{
    struct writer w = writer_on(to, room);

    for (uint32_t i = 0; i < m->nwindows; i++) {
        wr_u16(&w, m->window[i].d);
        wr_u16(&w, m->window[i].k);
        wr_u16(&w, m->window[i].r);
        wr_u8(&w, 8);
        wr_u8(&w, 0);
        wr_u32(&w, m->window[i].first);
        wr_u32(&w, m->window[i].chunks);
        wr_u64(&w, 4096 + h->stream_bytes);
        h->blocks += m->window[i].d;
        h->stream_bytes += (uint64_t)(m->window[i].k + m->window[i].r) * m->window[i].d * 1440;
    }
    MUST(!w.bad);
    return w.done;
}

static size_t put_chunks(const struct model *m, uint8_t *to, size_t room)
{
    struct writer w = writer_on(to, room);

    for (uint32_t i = 0; i < m->ndata; i++) {
        wr_u24(&w, m->stored[i]);
        wr_copy(&w, m->hash[i], 32);
    }
    MUST(!w.bad);
    return w.done;
}

/* The root level by level, as SPEC section 6 tells it. */
static void plain_root(uint8_t *level, size_t n, size_t stride, uint8_t root[32])
{
    if (n == 0) {
        sha256(root, NULL, 0);
        return;
    }
    for (; n > 1; n = (n + 1) / 2)
        for (size_t i = 0; i < n; i += 2) {
            uint8_t both[64];

            memcpy(both, level + i * stride, 32);
            if (i + 1 < n) {
                memcpy(both + 32, level + (i + 1) * stride, 32);
                sha256(both, both, 64);
            }
            memcpy(level + i / 2 * stride, both, 32);
        }
    memcpy(root, level, 32);
}

void model_seal(struct img_head *h, const uint8_t *body, size_t n)
{
    size_t table = (size_t)h->data_chunks * 35;
    uint8_t *copy;

    h->body_bytes = n;
    sha256(h->body_hash, body, n);
    if (table > n)
        return;
    copy = malloc(table + 1);
    MUST(copy);
    memcpy(copy, body + n - table, table);
    plain_root(copy + 3, h->data_chunks, 35, h->root);
    free(copy);
}

uint8_t *model_body(const struct model *m, struct img_head *h, size_t *n)
{
    size_t room = 4096 + (size_t)m->chunks * 40 + MODEL_WINDOWS * 24;
    uint8_t *section = malloc(room), *body = malloc(room);
    struct writer w = writer_on(body, room);

    MUST(section && body);
    memset(h, 0, sizeof *h);
    h->sector_log2 = 9;
    h->raw_bytes = h->min_target_bytes = m->raw_bytes;
    h->chunks = m->chunks;
    h->data_chunks = m->ndata;
    h->windows = m->nwindows;
    for (uint32_t i = 0; i < m->ndata; i++)
        h->data_bytes += img_raw_len(m->raw_bytes, m->number[i]);
    strcpy(h->name, "model");
    put_section(&w, "GEOM", section, put_geom(m, section, room));
    put_section(&w, "RUNS", section, put_runs(m, section, room));
    put_section(&w, "WINS", section, put_windows(m, h, section, room));
    put_section(&w, "CHNK", section, put_chunks(m, section, room));
    MUST(!w.bad);
    free(section);
    *n = w.done;
    model_seal(h, body, *n);
    return body;
}
