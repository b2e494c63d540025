#include "imaging/pack/window.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "imaging/fec/fec.h"
#include "imaging/image/fill.h"
#include "imaging/pack/outfile.h"
#include "net/wire/must.h"

/* In quarters of a full window. At most one and a half wait; the rest of the file is room, so that
 * the ring in it never has to look whether it meets its own tail. */
#define WAITING_QUARTERS 6
#define SPOOL_QUARTERS 7
#define PIECES_MAX (WINDOW_CHUNKS_MAX * 3 / 2)
#define BAND_ROWS (1u << IMG_LG_T)
#define BAND_BYTES ((size_t)BAND_ROWS * IMG_MAX_D * IMG_SYMBOL_BYTES)
/* So few blocks at least, if there are as many chunks: a burst of losses then falls on several. */
#define FEW_BLOCKS 8
/* A chunk touches this many symbols at most. */
#define SYMBOLS_PER_CHUNK (IMG_CHUNK_BYTES / IMG_SYMBOL_BYTES + 2)

_Static_assert(WINDOW_REPAIR <= BAND_ROWS, "the repair rows are made in the band's buffer");
_Static_assert(IMG_SYMBOL_BYTES == FEC_SYMBOL && IMG_MAX_K <= FEC_K_MAX,
               "the code's blocks are the image's");

static uint64_t block_max(const struct window_maker *m)
{
    return (uint64_t)m->max_k * IMG_SYMBOL_BYTES;
}

static uint64_t quarters(const struct window_maker *m, unsigned n)
{
    return block_max(m) * IMG_MAX_D * n / 4;
}

int window_start(struct window_maker *m, int out, const char *beside, uint32_t max_k,
                 int (*written)(void *, const struct img_window *), void *ctx, struct err *e)
{
    MUST(max_k >= WINDOW_K_LEAST && max_k <= IMG_MAX_K);
    memset(m, 0, sizeof *m);
    m->max_k = max_k;
    m->out = out;
    m->out_at = IMG_STREAM_OFFSET;
    m->written = written;
    m->ctx = ctx;
    m->spool = scratch_file(beside, e);
    if (m->spool < 0)
        return m->spool;
    m->piece = malloc(PIECES_MAX * sizeof *m->piece);
    m->band = malloc(BAND_BYTES);
    m->acc = aligned_alloc(64, fec_acc_bytes(IMG_LG_T) * IMG_MAX_D);
    m->scratch = aligned_alloc(64, sizeof *m->scratch);
    if (m->piece && m->band && m->acc && m->scratch)
        return 0;
    window_end(m);
    return err_set(e, IMG_EMEMORY, "no memory to build a window of the image");
}

void window_end(struct window_maker *m)
{
    if (m->spool >= 0)
        close(m->spool);
    free(m->piece);
    free(m->band);
    free(m->acc);
    free(m->scratch);
    m->piece = NULL;
    m->band = m->acc = NULL;
    m->scratch = NULL;
    m->spool = -1;
}

/* ---- which chunks, in which blocks ---- */

/* Lays the first n pieces into d blocks; the k that holds them, or 0 when no k does. Leaves the
 * lists of the blocks. */
static uint32_t lay(struct window_maker *m, uint32_t n, unsigned d)
{
    uint32_t last[IMG_MAX_D];
    struct fill f;

    fill_start(&f, d);
    for (unsigned b = 0; b < d; b++)
        m->first[b] = WINDOW_NONE;
    for (uint32_t i = 0; i < n; i++) {
        struct window_piece *p = &m->piece[i];
        unsigned b;

        if (p->len > block_max(m) - fill_least(&f))
            return 0;
        b = fill_put(&f, p->len, &p->start);
        if (m->first[b] == WINDOW_NONE)
            m->first[b] = i;
        else
            m->piece[last[b]].next = i;
        p->next = WINDOW_NONE;
        last[b] = i;
    }
    return fill_symbols(&f);
}

/* How many of the waiting pieces one window of IMG_MAX_D blocks takes. */
static uint32_t full_window(const struct window_maker *m)
{
    struct fill f;
    uint32_t n, start;

    fill_start(&f, IMG_MAX_D);
    for (n = 0; n < m->pieces && n < WINDOW_CHUNKS_MAX; n++) {
        if (m->piece[n].len > block_max(m) - fill_least(&f))
            break;
        fill_put(&f, m->piece[n].len, &start);
    }
    return n;
}

/* The fewest blocks, but a few, that hold the first n pieces; *k comes out as they need it. */
static unsigned fewest_blocks(struct window_maker *m, uint32_t n, uint32_t *k)
{
    uint64_t bytes = 0;
    unsigned d;

    for (uint32_t i = 0; i < n; i++)
        bytes += m->piece[i].len;
    d = (unsigned)((bytes + block_max(m) - 1) / block_max(m));
    if (d < FEW_BLOCKS)
        d = n < FEW_BLOCKS ? n : FEW_BLOCKS;
    while ((*k = lay(m, n, d)) == 0)
        d++;
    MUST(d <= IMG_MAX_D);
    return d;
}

/* ---- writing one ---- */

/* The bytes of piece p that fall into rows [row, row + rows) go from the spool to their places in
 * the band. */
static int place(struct window_maker *m, const struct window_piece *p, unsigned b, unsigned d,
                 uint32_t row, uint32_t rows, struct err *e)
{
    uint32_t low = row * IMG_SYMBOL_BYTES, high = (row + rows) * IMG_SYMBOL_BYTES;
    uint32_t from = p->start > low ? p->start : low, end = p->start + p->len;
    uint64_t at = p->at + (from - p->start);
    struct iovec part[SYMBOLS_PER_CHUNK];
    int n = 0;
    ssize_t want = 0;

    end = end < high ? end : high;
    for (uint32_t off; from < end; from += (uint32_t)part[n++].iov_len) {
        off = from % IMG_SYMBOL_BYTES;
        part[n].iov_base =
            m->band + ((size_t)(from / IMG_SYMBOL_BYTES - row) * d + b) * IMG_SYMBOL_BYTES + off;
        part[n].iov_len = end - from < IMG_SYMBOL_BYTES - off ? end - from : IMG_SYMBOL_BYTES - off;
        want += (ssize_t)part[n].iov_len;
    }
    if (preadv(m->spool, part, n, (off_t)at) != want)
        return err_set(e, IMG_EOUTPUT, "the spool file beside the image cannot be read back: %s",
                       strerror(errno));
    return 0;
}

/* Block b's part of the band; moves the block's list on to the first piece that reaches into the
 * next band. */
static int fill_block(struct window_maker *m, unsigned b, unsigned d, uint32_t row, uint32_t rows,
                      struct err *e)
{
    uint32_t high = (row + rows) * IMG_SYMBOL_BYTES;

    while (m->first[b] != WINDOW_NONE) {
        const struct window_piece *p = &m->piece[m->first[b]];
        int rc;

        if (p->start >= high)
            return 0;
        rc = place(m, p, b, d, row, rows, e);
        if (rc)
            return rc;
        if (p->start + p->len > high)
            return 0;
        m->first[b] = p->next;
    }
    return 0;
}

static void symbols_of(const struct window_maker *m, unsigned b, unsigned d, uint32_t rows,
                       uint8_t *out[BAND_ROWS])
{
    for (uint32_t s = 0; s < rows; s++)
        out[s] = m->band + ((size_t)s * d + b) * IMG_SYMBOL_BYTES;
}

static int put_band(struct window_maker *m, unsigned d, uint32_t rows, struct err *e)
{
    size_t n = (size_t)rows * d * IMG_SYMBOL_BYTES;
    int rc = write_all(m->out, m->out_at, m->band, n, e);

    m->out_at += n;
    return rc;
}

static int write_sources(struct window_maker *m, unsigned d, uint32_t k, struct err *e)
{
    for (uint32_t row = 0; row < k; row += BAND_ROWS) {
        uint32_t rows = k - row < BAND_ROWS ? k - row : BAND_ROWS;
        uint8_t *symbol[BAND_ROWS];
        int rc = 0;

        memset(m->band, 0, (size_t)rows * d * IMG_SYMBOL_BYTES);
        for (unsigned b = 0; b < d && rc == 0; b++) {
            rc = fill_block(m, b, d, row, rows, e);
            symbols_of(m, b, d, rows, symbol);
            fec_absorb_source(m->acc + b * fec_acc_bytes(IMG_LG_T), IMG_LG_T, row, rows,
                              (const uint8_t *const *)symbol, m->scratch);
        }
        if (rc == 0)
            rc = put_band(m, d, rows, e);
        if (rc)
            return rc;
    }
    return 0;
}

static int write_repair(struct window_maker *m, unsigned d, struct err *e)
{
    uint8_t *symbol[BAND_ROWS];

    for (unsigned b = 0; b < d; b++) {
        symbols_of(m, b, d, WINDOW_REPAIR, symbol);
        fec_repair(m->acc + b * fec_acc_bytes(IMG_LG_T), IMG_LG_T, 0, WINDOW_REPAIR, symbol,
                   m->scratch);
    }
    return put_band(m, d, WINDOW_REPAIR, e);
}

/* The first n pieces leave the spool. */
static void forget(struct window_maker *m, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        m->waiting -= m->piece[i].len;
    m->pieces -= n;
    memmove(m->piece, m->piece + n, m->pieces * sizeof *m->piece);
}

static int write_window(struct window_maker *m, uint32_t n, struct err *e)
{
    struct img_window w = {.r = WINDOW_REPAIR,
                           .first_sbn = m->blocks,
                           .first = m->ordinal,
                           .chunks = n,
                           .offset = m->out_at};
    uint32_t k;
    int rc;

    w.d = (uint16_t)fewest_blocks(m, n, &k);
    w.k = (uint16_t)k;
    for (unsigned b = 0; b < w.d; b++)
        fec_clear(m->acc + b * fec_acc_bytes(IMG_LG_T), IMG_LG_T);
    rc = write_sources(m, w.d, k, e);
    if (rc == 0)
        rc = write_repair(m, w.d, e);
    if (rc == 0)
        rc = m->written(m->ctx, &w);
    m->ordinal += n;
    m->blocks += w.d;
    m->windows++;
    forget(m, n);
    return rc;
}

/* ---- the spool ---- */

int window_add(struct window_maker *m, const uint8_t *stored, uint32_t len, struct err *e)
{
    int rc;

    if (m->spool_at + len > quarters(m, SPOOL_QUARTERS))
        m->spool_at = 0;
    rc = write_all(m->spool, m->spool_at, stored, len, e);
    if (rc)
        return rc;
    m->piece[m->pieces++] = (struct window_piece){.at = m->spool_at, .len = len};
    m->spool_at += len;
    m->waiting += len;
    if (m->waiting > quarters(m, WAITING_QUARTERS) || m->pieces == PIECES_MAX)
        return write_window(m, full_window(m), e);
    return 0;
}

/* Half of the waiting bytes, in whole pieces. */
static uint32_t half(const struct window_maker *m)
{
    uint64_t sum = 0;
    uint32_t n = 0;

    while (sum < m->waiting / 2)
        sum += m->piece[n++].len;
    return n;
}

int window_finish(struct window_maker *m, struct err *e)
{
    int rc = 0;

    if (m->pieces && full_window(m) < m->pieces)
        rc = write_window(m, half(m), e);
    if (rc == 0 && m->pieces)
        rc = write_window(m, m->pieces, e);
    return rc;
}
