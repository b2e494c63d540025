/* Where a GPT ends when its disk is larger (or smaller) than the one the image was made of. A GPT
 * keeps a copy of itself in the last sectors of the disk (UEFI 2.10, 5.3.2); restored byte for byte
 * onto a larger disk, the copy would lie in the middle, and partition tools would call the table
 * damaged. Pure: bytes in, bytes out; 512- and 4096-byte sectors.
 *
 * What changes against the image: in sector 0 the size of the protective partition, in sector 1 the
 * places of the copy and of the last usable sector, and the sums; and the copy stands in the last
 * sectors of the disk. The table itself, and the old copy, stay. */
#ifndef IMAGING_VOLUME_GPT_MOVE_H
#define IMAGING_VOLUME_GPT_MOVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/wire/err.h"

/* bytes of a copy: the largest table that is moved, and its header */
#define GPT_MOVE_TAIL_MAX (65536 + 4096)

struct gpt_move {
    size_t sector;    /* bytes */
    uint64_t tail_at; /* on the disk, bytes: where the new copy begins; it is tail_bytes long */
    size_t tail_bytes;
    uint64_t last; /* number of the disk's last sector */
    /* private: of the table at hand */
    size_t table_at, table_bytes, header_bytes;
    bool protective; /* sector 0 holds a single protective partition, whose size is to follow */
};

/* Looks at the first n bytes of a disk of disk_bytes, as the image has them. 1: the copy is to be
 * moved as `m` says; 0: it is where it belongs; IMG_EGPT: it cannot be moved (the table is damaged
 * or unusual, or a partition lies where the copy would have to go). */
int gpt_move_plan(struct gpt_move *m, const uint8_t *head, size_t n, unsigned sector_log2,
                  uint64_t disk_bytes, struct err *);

/* The same for an image that holds no copy: 1 or IMG_EGPT. */
int gpt_move_make(struct gpt_move *m, const uint8_t *head, size_t n, unsigned sector_log2,
                  uint64_t disk_bytes, struct err *);

/* The new copy into tail[tail_bytes], from the same bytes, not yet changed. */
void gpt_move_tail(const struct gpt_move *, const uint8_t *head, uint8_t *tail);
/* Sectors 0 and 1 of `head` as they are to be on this disk, in place. */
void gpt_move_head(const struct gpt_move *, uint8_t *head);

#endif
