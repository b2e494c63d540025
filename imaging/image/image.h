/* The `.ring` image as SPEC.md beside this file defines it: head and body decoded into structs
 * whose values are already legal, and the questions a sender and a receiver ask of them (which
 * window, which block, which chunk).
 *
 * Opening and reading a file is in file.h, unpacking and hashing a chunk in chunk.h, signatures in
 * sign.h, making an image in pack.h. All calls return 0 or a negative code of IMG_ERRORS and fill
 * `struct err` unless said otherwise. A parsed body is read-only and may be shared by threads. */
#ifndef IMAGING_IMAGE_IMAGE_H
#define IMAGING_IMAGE_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "imaging/image/errors.h"
#include "net/wire/err.h"

/* SPEC sections 1 to 3. */
#define IMG_HEAD_BYTES 512
#define IMG_SIGNED_BYTES 448 /* what the image id and the signature cover */
#define IMG_STREAM_OFFSET 4096
#define IMG_CHUNK_BYTES 131072
#define IMG_SYMBOL_BYTES 1440
#define IMG_MAX_RAW (UINT64_C(1) << 48)
#define IMG_MAX_D 128   /* source blocks in a window */
#define IMG_MAX_K 12288 /* symbols in a source block */
#define IMG_LG_T 8      /* of the stored parity */
#define IMG_MAX_PARTS 255
#define IMG_NAME_MAX 64
#define IMG_LABEL_MAX 32
#define IMG_PUBKEY_BYTES 65
#define IMG_SIGNATURE_BYTES 64
#define IMG_HASH_BYTES 32
#define IMG_INFO_BYTES 16
#define IMG_MARKS_BYTES 8
/* info[1 .. 8]: marks_id.h's digest of the marks that the image lays on a disk; zeros: not known */
#define IMG_INFO_MARKS 1
/* info[9] is 1: the copy of the GPT at the end is left out; the restorer makes it of the table */
#define IMG_INFO_COPY 9
#define IMG_INFO_SECTOR 0 /* info[0] is 1: sector_log2 is that of the source, not assumed */

enum img_table { IMG_TABLE_NONE = 0, IMG_TABLE_MBR = 1, IMG_TABLE_GPT = 2 };
enum img_fs { IMG_FS_UNKNOWN = 0, IMG_FS_EXT = 1 }; /* further values are legal and unknown */
enum img_state { IMG_DATA = 0, IMG_ZERO = 1, IMG_FREE = 2 };

/* SPEC section 3. body_offset is not a field: it is IMG_STREAM_OFFSET + stream_bytes. */
struct img_head {
    uint8_t sector_log2; /* 9 or 12 */
    uint8_t table;       /* enum img_table */
    uint32_t chunks, data_chunks, windows, blocks;
    uint64_t raw_bytes, min_target_bytes, data_bytes, stream_bytes, body_bytes;
    uint64_t created; /* seconds since 1970 */
    uint8_t root[IMG_HASH_BYTES], body_hash[IMG_HASH_BYTES];
    char name[IMG_NAME_MAX + 1];      /* with a final NUL; valid UTF-8 without control characters */
    char label[IMG_LABEL_MAX + 1];    /* likewise; may be "" */
    uint8_t info[IMG_INFO_BYTES];     /* values this program does not know are kept as they are */
    uint8_t signer[IMG_PUBKEY_BYTES]; /* all zero: unsigned */
    uint8_t signature[IMG_SIGNATURE_BYTES];
};

/* Decodes a head; every value range of SPEC section 3 is checked, the signature is not (sign.h).
 * What is accepted encodes to the same bytes again. */
int img_head_decode(const uint8_t bytes[IMG_HEAD_BYTES], struct img_head *, struct err *);
/* The inverse. A head of our own making that breaks a rule is a broken invariant. */
void img_head_encode(const struct img_head *, uint8_t bytes[IMG_HEAD_BYTES]);
/* The image id: SHA-256 of the signed bytes. Names the image in the session handshake. */
void img_head_id(const struct img_head *, uint8_t id[IMG_HASH_BYTES]);
/* False when there is no signer; says nothing about whether the signature is right. */
bool img_head_signed(const struct img_head *);
/* The sector size in bytes that a target must have: of the table, or of the source where it is
 * stated; 0: any. */
uint32_t img_head_sector(const struct img_head *);

struct img_part {
    uint64_t first, bytes; /* on the disk */
    uint8_t type[16];      /* GPT type GUID as stored on disk, or the MBR type byte and 15 zeros */
    uint8_t fs;            /* enum img_fs, or a number that a later version gave */
    char name[256];        /* valid UTF-8 without control characters, may be "" */
};

/* A stretch of chunks of one state. */
struct img_run {
    uint32_t first, count; /* chunk numbers on the disk */
    uint32_t ordinal; /* IMG_DATA: data chunk ordinal of `first`; else: of the next data chunk */
    uint8_t state;    /* enum img_state */
};

struct img_window {
    uint16_t d, k, r;       /* source blocks, symbols a block, stored repair rows */
    uint32_t first_sbn;     /* of its block 0 */
    uint32_t first, chunks; /* data chunk ordinals [first, first + chunks) */
    uint64_t offset;        /* of row 0 in the file */
};

/* A data chunk, by ordinal. 44 bytes: a target with 512 MB holds the table of a whole disk. */
struct img_chunk {
    uint32_t number; /* chunk number on the disk: its bytes start at number * IMG_CHUNK_BYTES */
    uint32_t start;  /* byte offset inside its source block */
    uint32_t stored : 24; /* stored length; equal to the raw length: stored as it is, else one LZ4
                             block */
    uint32_t block : 8;   /* block within the window, 0 .. d-1 */
    uint8_t hash[IMG_HASH_BYTES];
};
_Static_assert(sizeof(struct img_chunk) == 44, "the chunk table is sized for small targets");

/* A parsed body. Everything it points to lies in one allocation of about 48 bytes a data chunk; the
 * parsed bytes are not needed any more. */
struct img_body {
    uint64_t raw_bytes;
    uint32_t chunks, nparts, nruns, ndata, nwindows, nblocks;
    const struct img_part *parts;
    const struct img_run *runs; /* disk order, neighbours differ in state */
    const struct img_window *windows;
    const struct img_chunk *data; /* by ordinal */
    const uint32_t *order;        /* ordinals sorted by block, then by start */
    const uint32_t *block_first;  /* nblocks + 1 entries: block b owns order[block_first[b] ..
                                     block_first[b+1]) */
    void *mem;
};

/* Parses the n bytes of a body that belongs to `head`: checks body_hash, every rule of SPEC section
 * 4, the layout of section 5 (k is exactly what the fullest block needs) and the Merkle root. On
 * error `b` needs no freeing. Memory grows with n only, never with a number read from the bytes.
 * Borrows bytes for the call. */
int img_body_parse(const uint8_t *bytes, size_t n, const struct img_head *head, struct img_body *b,
                   struct err *);
void img_body_free(struct img_body *);

/* Raw length of chunk `number` of a disk of raw_bytes: IMG_CHUNK_BYTES, less for the last one. */
static inline uint32_t img_raw_len(uint64_t raw_bytes, uint32_t number)
{
    uint64_t left = raw_bytes - (uint64_t)number * IMG_CHUNK_BYTES;

    return left < IMG_CHUNK_BYTES ? (uint32_t)left : IMG_CHUNK_BYTES;
}

/* The run that holds chunk `number` (< chunks). */
const struct img_run *img_run_of(const struct img_body *, uint32_t number);
/* Ordinal of chunk `number`, or UINT32_MAX when it holds no data. */
uint32_t img_ordinal_of(const struct img_body *, uint32_t number);

/* The window of source block `sbn` (< nblocks). */
const struct img_window *img_window_of_sbn(const struct img_body *, uint32_t sbn);
/* The window of data chunk `ordinal` (< ndata). */
const struct img_window *img_window_of_chunk(const struct img_body *, uint32_t ordinal);
/* Source block of data chunk `ordinal`, which lies in window w. */
static inline uint32_t img_sbn_of_chunk(const struct img_body *b, const struct img_window *w,
                                        uint32_t ordinal)
{
    return w->first_sbn + b->data[ordinal].block;
}

/* Ordinals of the chunks of a source block by ascending start; *n may come out 0. They lie in it
 * without gaps. */
static inline const uint32_t *img_block_chunks(const struct img_body *b, uint32_t sbn, uint32_t *n)
{
    *n = b->block_first[sbn + 1] - b->block_first[sbn];
    return b->order + b->block_first[sbn];
}

/* First and last symbol (ESI) that hold bytes of a chunk. */
static inline uint32_t img_chunk_first_esi(const struct img_chunk *c)
{
    return c->start / IMG_SYMBOL_BYTES;
}

static inline uint32_t img_chunk_last_esi(const struct img_chunk *c)
{
    return (c->start + c->stored - 1) / IMG_SYMBOL_BYTES;
}

/* Index into img_block_chunks(b, sbn) of the first chunk that has a byte in symbol `esi` or after
 * it; *n of that call when there is none. The chunks that touch the symbol are that one and its
 * followers that start before (esi + 1) * IMG_SYMBOL_BYTES: at once those that completing this
 * symbol can complete. */
uint32_t img_block_find(const struct img_body *b, uint32_t sbn, uint32_t esi);

#endif
