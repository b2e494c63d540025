/* An opened `.ring` file: head and body loaded and verified, the stream within reach. */
#ifndef IMAGING_IMAGE_FILE_H
#define IMAGING_IMAGE_FILE_H

#include "imaging/image/image.h"

struct img_file {
    int fd;
    struct img_head head;
    uint8_t head_bytes[IMG_HEAD_BYTES]; /* as in the file: what a session handshake hands on */
    uint8_t id[IMG_HASH_BYTES];
    struct img_body body;
    const uint8_t *map; /* the whole file, read-only */
    size_t map_bytes;
};

/* Opens and checks everything but the stream: file size, head, signature if there is one (whoever
 * made it: trust is the caller's question, sign.h), body hash, tables, Merkle root. On error
 * nothing is left open. */
int img_file_open(struct img_file *f, const char *path, struct err *);
void img_file_close(struct img_file *f);

/* Row `row` (0 .. k + r - 1) of window w: d symbols in block order, and the rows after it up to the
 * end of the window behind them. Borrowed from the mapping: a read error of the disk below, or a
 * file cut short by somebody meanwhile, is a SIGBUS; who cannot have that uses img_file_read. */
static inline const uint8_t *img_rows(const struct img_file *f, const struct img_window *w,
                                      uint32_t row)
{
    return f->map + w->offset + (uint64_t)row * w->d * IMG_SYMBOL_BYTES;
}

/* The body's bytes (head.body_bytes of them), borrowed from the mapping likewise. */
static inline const uint8_t *img_file_body(const struct img_file *f)
{
    return f->map + IMG_STREAM_OFFSET + f->head.stream_bytes;
}

/* Reads n bytes at `offset` of the file into buf: 0, or IMG_EOPEN when they cannot all be read. */
int img_file_read(const struct img_file *f, uint64_t offset, void *buf, size_t n, struct err *);

#endif
