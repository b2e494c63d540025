/* An opened `.ring` file: head and body loaded and verified, the stream within reach of reads. */
#ifndef IMAGING_IMAGE_FILE_H
#define IMAGING_IMAGE_FILE_H

#include "imaging/image/image.h"

struct img_file {
    int fd;
    struct img_head head;
    uint8_t head_bytes[IMG_HEAD_BYTES]; /* as in the file: what a session handshake hands on */
    uint8_t id[IMG_HASH_BYTES];
    struct img_body body;
    uint64_t bytes;   /* of the file; 0: not open */
    int64_t mtime_ns; /* of the file when it was opened */
};

/* Opens and checks everything but the stream: file size, head, signature if there is one (whoever
 * made it: trust is the caller's question, sign.h), body hash, tables, Merkle root. The body's
 * bytes are in memory while this runs, its tables until the file is closed; nothing of a file is
 * ever mapped. On error nothing is left open. */
int img_file_open(struct img_file *f, const char *path, struct err *);
void img_file_close(struct img_file *f);

/* Where row `row` (0 .. k + r - 1) of window w is in the file: d symbols in block order, and the
 * rows after it up to the end of the window behind them. */
static inline uint64_t img_row_at(const struct img_window *w, uint32_t row)
{
    return w->offset + (uint64_t)row * w->d * IMG_SYMBOL_BYTES;
}

/* The body's bytes, head.body_bytes of them, read anew and compared with their hash: 0, IMG_EOPEN
 * or IMG_EBODYHASH. */
int img_file_body(const struct img_file *f, uint8_t *to, struct err *);

/* The file has the size and the time of change that it was opened with: what has been read before
 * this call is of the image that was opened. */
bool img_file_same(const struct img_file *f);

/* Reads n bytes at `offset` of the file into buf: 0, or IMG_EOPEN when they cannot all be read. */
int img_file_read(const struct img_file *f, uint64_t offset, void *buf, size_t n, struct err *);

#endif
