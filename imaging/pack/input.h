/* Where an image is packed from: a disk, a partition, an image file, standard input, or a
 * compressed image through its decompressor. Opened for reading only, never written. */
#ifndef IMAGING_PACK_INPUT_H
#define IMAGING_PACK_INPUT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "imaging/volume/readat.h"
#include "net/wire/err.h"

/* What is kept of the start of a stream, so that its partition table can be read before it is
 * passed on. */
#define INPUT_AHEAD ((size_t)1 << 20)

struct input {
    int fd;      /* the raw bytes come from here */
    int file;    /* the compressed file, or -1 */
    pid_t child; /* its decompressor, or 0 */
    const char *tool;
    bool seekable;
    uint64_t bytes;          /* raw size; 0 for a stream, whose end is not known before it comes */
    uint64_t measure;        /* what input_position counts up to; 0: not known */
    uint64_t at;             /* stream: bytes handed out so far */
    uint64_t mark, mark_end; /* what SEEK_DATA said last: [mark, mark_end) is a hole or data */
    bool mark_hole, holes;
    uint8_t sector_log2; /* 9 or 12 of a block device, else 0 */
    uint8_t *ahead;      /* stream: its first ahead_n bytes */
    size_t ahead_n;
    const atomic_int *stop; /* set: reading ends with IMG_EINTR */
    char note[160];
};

/* Opens `path`; "-" is standard input, a name in .gz .xz .zst goes through gzip, xz or zstd (found
 * in PATH, run without a shell). `stop` may be NULL. On error nothing stays open. */
int input_open(struct input *, const char *path, const atomic_int *stop, struct err *);
/* Closes it; IMG_ESOURCE when the decompressor did not end well. Pass err NULL to give up early.
 * Afterwards `note` is what came out only now: bytes behind what was compressed. */
int input_close(struct input *, struct err *);

/* Up to n bytes at `at`; less than n only at the end. A stream is read in order: at is where it
 * stands. */
int input_read(struct input *, uint64_t at, void *buf, size_t n, size_t *got, struct err *);
/* Bytes from `at` on that are known to be a hole; 0 when there may be data. */
uint64_t input_hole(struct input *, uint64_t at);
/* How far reading has come, in units of `measure`. */
uint64_t input_position(const struct input *, uint64_t raw_done);
/* Bytes by offset; of a stream only the first INPUT_AHEAD. Borrows the source. */
struct readat input_readat(struct input *);

#endif
