/* The partition table of a disk: GPT (512- and 4096-byte sectors, checksums, the backup where the
 * primary is damaged) and MBR with its logical partitions. Foreign bytes: everything is bounded,
 * and what cannot be trusted is left out with a note, because a table that is not understood only
 * costs the knowledge of free blocks. */
#ifndef IMAGING_VOLUME_PARTS_H
#define IMAGING_VOLUME_PARTS_H

#include <stdbool.h>

#include "imaging/image/image.h"
#include "imaging/volume/readat.h"

struct parts {
    uint8_t table;       /* enum img_table */
    uint8_t sector_log2; /* 9 or 12 */
    bool overlap;        /* two partitions share bytes: none of their file systems can be trusted */
    unsigned n;
    struct img_part part[IMG_MAX_PARTS]; /* in the table's order; fs not yet looked at */
    /* GPT: the partition's own GUID as stored on disk; else zeros */
    uint8_t unique[IMG_MAX_PARTS][16];
    char note[200]; /* what a person should know, or "" */
};

/* Reads the table of a disk of raw_bytes. sector_log2: 9 or 12 where it is known, 0 to find out (a
 * GPT tells; without one it is 9). Never fails: what cannot be read is not there. */
void parts_read(struct parts *, const struct readat *disk, uint64_t raw_bytes, uint8_t sector_log2);

#endif
