#include <string.h>

#include "imaging/hash/sha256.h"
#include "imaging/image/image.h"
#include "net/wire/must.h"
#include "net/wire/reader.h"
#include "net/wire/utf8.h"
#include "net/wire/writer.h"

static const uint8_t magic[8] = "RINGCAST";

#define VERSION 1
#define CHUNK_LOG2 17
#define RESERVED 118
/* The body's fixed parts (SPEC section 4): four section headings, the partition count; and one
 * entry of each kind. */
#define HEADINGS (4 * 12 + 1)
#define PART_MAX (34 + 255)
#define RUN_BYTES 5
#define WINDOW_BYTES 24
#define CHUNK_BYTES 35

static bool all_zero(const uint8_t *p, size_t n)
{
    while (n && *p == 0)
        p++, n--;
    return n == 0;
}

/* A zero-padded text field into its NUL-terminated copy; false when it is not plain text or not
 * zero after its end. */
static bool text_field(struct reader *r, char *to, size_t n)
{
    size_t len;

    rd_copy(r, to, n);
    to[n] = 0;
    len = strlen(to);
    return utf8_is_plain(to, len) && all_zero((const uint8_t *)to + len, n - len);
}

static bool sizes_legal(const struct img_head *h)
{
    uint64_t sector = UINT64_C(1) << h->sector_log2;

    return h->raw_bytes > 0 && h->raw_bytes <= IMG_MAX_RAW && h->raw_bytes % sector == 0 &&
           h->min_target_bytes <= h->raw_bytes &&
           h->chunks == (h->raw_bytes + IMG_CHUNK_BYTES - 1) / IMG_CHUNK_BYTES &&
           h->data_bytes <= h->raw_bytes;
}

static bool counts_legal(const struct img_head *h)
{
    uint64_t most = (uint64_t)h->data_chunks * IMG_CHUNK_BYTES;

    if (h->data_chunks == 0)
        return h->windows == 0 && h->blocks == 0 && h->data_bytes == 0 && h->stream_bytes == 0;
    return h->data_chunks <= h->chunks && h->data_bytes > 0 && h->data_bytes <= most &&
           h->windows > 0 && h->windows <= h->data_chunks && h->blocks >= h->windows &&
           h->blocks <= (uint64_t)h->windows * IMG_MAX_D;
}

/* What the counts allow, so that nobody makes room for more. */
static bool lengths_legal(const struct img_head *h)
{
    uint64_t rows = IMG_MAX_K + (1u << IMG_LG_T), row = IMG_SYMBOL_BYTES;
    uint64_t fixed = (uint64_t)h->windows * WINDOW_BYTES + (uint64_t)h->data_chunks * CHUNK_BYTES;

    return h->stream_bytes <= rows * row * h->blocks && h->stream_bytes >= row * h->blocks &&
           h->stream_bytes % row == 0 && h->body_bytes >= fixed + HEADINGS + RUN_BYTES &&
           h->body_bytes <= fixed + HEADINGS + (uint64_t)IMG_MAX_PARTS * PART_MAX +
                                (uint64_t)h->chunks * RUN_BYTES;
}

static bool signer_legal(const struct img_head *h)
{
    if (!img_head_signed(h))
        return all_zero(h->signature, sizeof h->signature);
    return h->signer[0] == 4;
}

/* The fields after the version; `chunk_log2`, `symbol` and `body_offset` have one legal value each.
 */
static bool read_fields(struct reader *r, struct img_head *h, uint64_t *body_offset)
{
    bool fixed = rd_u8(r) == CHUNK_LOG2;

    h->sector_log2 = rd_u8(r);
    fixed &= rd_u16(r) == IMG_SYMBOL_BYTES;
    h->raw_bytes = rd_u64(r);
    h->min_target_bytes = rd_u64(r);
    h->data_bytes = rd_u64(r);
    h->stream_bytes = rd_u64(r);
    *body_offset = rd_u64(r);
    h->body_bytes = rd_u64(r);
    h->chunks = rd_u32(r);
    h->data_chunks = rd_u32(r);
    h->windows = rd_u32(r);
    h->blocks = rd_u32(r);
    h->created = rd_u64(r);
    rd_copy(r, h->root, sizeof h->root);
    rd_copy(r, h->body_hash, sizeof h->body_hash);
    return fixed && (h->sector_log2 == 9 || h->sector_log2 == 12);
}

int img_head_decode(const uint8_t bytes[IMG_HEAD_BYTES], struct img_head *h, struct err *e)
{
    struct reader r = reader_on(bytes, IMG_HEAD_BYTES);
    const uint8_t *reserved;
    uint64_t body_offset;
    bool name_ok, label_ok;
    uint16_t version, flags;

    if (memcmp(rd_bytes(&r, sizeof magic), magic, sizeof magic) != 0)
        return err_set(e, IMG_EMAGIC,
                       "expected a Ringcast image, the first bytes are not RINGCAST");
    version = rd_u16(&r);
    flags = rd_u16(&r);
    if (version != VERSION || flags != 0)
        return err_set(e, IMG_EVERSION,
                       "expected image version %d without flags, got version %u flags %u", VERSION,
                       version, flags);
    if (!read_fields(&r, h, &body_offset))
        return err_set(e, IMG_EHEAD,
                       "the image's head has an unknown chunk, sector or symbol size");
    name_ok = text_field(&r, h->name, IMG_NAME_MAX) && h->name[0];
    label_ok = text_field(&r, h->label, IMG_LABEL_MAX);
    if (!name_ok || !label_ok)
        return err_set(e, IMG_ETEXT, "the image's %s is not plain UTF-8",
                       name_ok ? "label" : "name");
    h->table = rd_u8(&r);
    rd_copy(&r, h->info, sizeof h->info);
    reserved = rd_bytes(&r, RESERVED);
    rd_copy(&r, h->signer, sizeof h->signer);
    rd_copy(&r, h->signature, sizeof h->signature);
    MUST(rd_done(&r));
    if (!sizes_legal(h) || !counts_legal(h) || !lengths_legal(h) || !signer_legal(h) ||
        body_offset != IMG_STREAM_OFFSET + h->stream_bytes || h->table > IMG_TABLE_GPT ||
        !all_zero(reserved, RESERVED))
        return err_set(e, IMG_EHEAD,
                       "the image's head contradicts itself: sizes, counts or reserved bytes are "
                       "out of range");
    return 0;
}

static void put_fields(struct writer *w, const struct img_head *h)
{
    wr_copy(w, magic, sizeof magic);
    wr_u16(w, VERSION);
    wr_u16(w, 0);
    wr_u8(w, CHUNK_LOG2);
    wr_u8(w, h->sector_log2);
    wr_u16(w, IMG_SYMBOL_BYTES);
    wr_u64(w, h->raw_bytes);
    wr_u64(w, h->min_target_bytes);
    wr_u64(w, h->data_bytes);
    wr_u64(w, h->stream_bytes);
    wr_u64(w, IMG_STREAM_OFFSET + h->stream_bytes);
    wr_u64(w, h->body_bytes);
    wr_u32(w, h->chunks);
    wr_u32(w, h->data_chunks);
    wr_u32(w, h->windows);
    wr_u32(w, h->blocks);
    wr_u64(w, h->created);
    wr_copy(w, h->root, sizeof h->root);
    wr_copy(w, h->body_hash, sizeof h->body_hash);
}

/* Text and zeros up to n bytes. */
static void put_text(struct writer *w, const char *s, size_t n)
{
    size_t len = strlen(s);

    MUST(len <= n && utf8_is_plain(s, len));
    wr_copy(w, s, len);
    wr_zero(w, n - len);
}

void img_head_encode(const struct img_head *h, uint8_t bytes[IMG_HEAD_BYTES])
{
    struct writer w = writer_on(bytes, IMG_HEAD_BYTES);

    MUST(sizes_legal(h) && counts_legal(h) && lengths_legal(h) && h->name[0]);
    put_fields(&w, h);
    put_text(&w, h->name, IMG_NAME_MAX);
    put_text(&w, h->label, IMG_LABEL_MAX);
    wr_u8(&w, h->table);
    wr_copy(&w, h->info, sizeof h->info);
    wr_zero(&w, RESERVED);
    wr_copy(&w, h->signer, sizeof h->signer);
    wr_copy(&w, h->signature, sizeof h->signature);
    MUST(!w.bad && w.left == 0);
}

void img_head_id(const struct img_head *h, uint8_t id[IMG_HASH_BYTES])
{
    uint8_t bytes[IMG_HEAD_BYTES];

    img_head_encode(h, bytes);
    sha256(id, bytes, IMG_SIGNED_BYTES);
}

bool img_head_signed(const struct img_head *h)
{
    return !all_zero(h->signer, sizeof h->signer);
}

uint32_t img_head_sector(const struct img_head *h)
{
    return h->table != IMG_TABLE_NONE || h->info[IMG_INFO_SECTOR] == 1 ? 1u << h->sector_log2 : 0;
}
