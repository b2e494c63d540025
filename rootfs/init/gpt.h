/* The box's own partition table (GPT, UEFI 2.10 section 5.3), read to find the box's partitions and
 * changed twice, on first boot: the data partition takes the rest of the disk, and is marked as
 * used when the box keeps its memory there. A data partition with the mark and without a memory has
 * lost it; one without the mark is new.
 *
 * Power may fail at any instant of the change. At each of them sector 1 holds a header whose
 * checksums are right and whose table names all partitions, because a header is one sector, and the
 * table it points to is never written in place:
 *
 *   1. the backup, table then header, at the disk's real end     (nothing points there yet)
 *   2. the new table behind the old one                          (nothing points there yet)
 *   3. the header, pointing there                                the change, in one sector
 *   4. the new table at its usual place, sector 2                (nothing points there any more)
 *   5. the header, pointing there
 *   6. the size in the protective MBR
 *
 * Every step is compared with what is there first, so doing it all again finishes what a power cut
 * left, and does nothing when nothing is left. Sectors of 512 bytes and 128 entries of 128 bytes,
 * which is how the image is made; every other table is somebody else's and refused. Pure: the disk
 * comes as two functions. */
#ifndef ROOTFS_INIT_GPT_H
#define ROOTFS_INIT_GPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GPT_SECTOR 512
#define GPT_ENTRIES 128
#define GPT_ENTRY_BYTES 128
#define GPT_TABLE_SECTORS 32
#define GPT_GUID_BYTES 16

struct gpt_disk {
    void *ctx;
    /* Whole sectors; 0, or negative when they cannot be read. */
    int (*read)(void *ctx, uint64_t sector, void *to, unsigned n);
    /* Likewise; what was written is on the medium before it returns. One sector is written whole or
     * not at all. */
    int (*write)(void *ctx, uint64_t sector, const void *from, unsigned n);
    uint64_t sectors;
};

struct gpt {
    uint64_t alternate, first_usable, last_usable, table_at;
    uint8_t disk_guid[GPT_GUID_BYTES];
    uint8_t table[GPT_TABLE_SECTORS * GPT_SECTOR];
};

enum gpt_result {
    GPT_DONE = 0,
    GPT_CHANGED = 1,
    GPT_EREAD = -1,   /* the disk cannot be read */
    GPT_EWRITE = -2,  /* or written */
    GPT_ETABLE = -3,  /* no table of this kind, or one that is damaged */
    GPT_ELAYOUT = -4, /* something lies where the data partition or the table would have to go */
};

/* Reads the primary table: GPT_DONE, GPT_EREAD or GPT_ETABLE. */
int gpt_read(struct gpt *, const struct gpt_disk *);

/* The partition of this GUID: its number from 1, and its sectors [*first, *last]; 0 when there is
 * none. */
unsigned gpt_find(const struct gpt *, const uint8_t guid[GPT_GUID_BYTES], uint64_t *first,
                  uint64_t *last);

/* Lets the partition of this GUID, which must be the last one on the disk, reach to the disk's end.
 * GPT_CHANGED when anything was written, GPT_DONE when all was so already. */
int gpt_grow(const struct gpt_disk *, const uint8_t guid[GPT_GUID_BYTES]);

/* The mark: attribute bit 48, the first of those that the partition's type may give a meaning. */
bool gpt_marked(const struct gpt *, const uint8_t guid[GPT_GUID_BYTES]);
/* Sets or clears it, with the same care as gpt_grow. GPT_CHANGED, GPT_DONE or an error. */
int gpt_mark(const struct gpt_disk *, const uint8_t guid[GPT_GUID_BYTES], bool marked);

#endif
