/* What of a source is worth packing: its partition table, its file systems' free blocks, its holes.
 */
#ifndef IMAGING_PACK_USAGE_H
#define IMAGING_PACK_USAGE_H

#include "imaging/image/image.h"
#include "imaging/pack/input.h"
#include "imaging/volume/fs.h"
#include "imaging/volume/parts.h"

struct usage {
    struct input *src;
    struct parts parts; /* as the body will state them, fs set; in ascending order on the disk */
    struct {
        const struct fs_kind *kind;
        struct fs *fs; /* NULL: all of it is used */
    } volume[IMG_MAX_PARTS];
    uint8_t marks[IMG_MARKS_BYTES]; /* of the source, as the head states them; zeros for a stream */
    uint64_t copy_at, copy_bytes;   /* the GPT's copy at the end, which is left out; 0: none */
    bool sector_known; /* there is no table, and the device has told parts.sector_log2 */
    void (*note)(void *ctx, const char *text);
    void *ctx;
};

/* Looks at the source, which it borrows. Of a stream only the table is read: bitmaps come too late
 * there. `note` is told what a person should know, now and at the end. */
void usage_open(struct usage *, struct input *, void (*note)(void *ctx, const char *text),
                void *ctx);
/* 0, or IMG_EEXT: what was called free is not to be believed after all. */
int usage_close(struct usage *, struct err *);
/* The size of a stream is known at last: partitions that would end behind it are dropped, which is
 * told; then false. */
bool usage_set_size(struct usage *, uint64_t raw_bytes);

/* State of chunk `number` of a seekable source as far as it is known without reading it. Free bytes
 * in the first and last MiB of a partition are zeros. */
enum img_state usage_state(struct usage *, uint32_t number);
/* Zeroes what is free in the n bytes at `at`. */
void usage_mask(struct usage *, uint64_t at, uint8_t *raw, size_t n);
/* Smallest target that holds all partitions and everything up to data_end. */
uint64_t usage_min_target(const struct usage *, uint64_t raw_bytes, uint64_t data_end);

#endif
