/* The marks of those who may own a disk or a volume: RAIDs, volume managers, pools, file systems.
 * One table for both who ask: what is to be erased must bear no mark of a thing that reaches beyond
 * the disk (imaging/disk/probe), and what is to be packed without its free blocks must bear no mark
 * but its file system's own (fs.h). Making a new owner does not always wipe the old one's records,
 * so two marks mean doubt. Foreign bytes: everything is bounded. */
#ifndef IMAGING_VOLUME_MARKS_H
#define IMAGING_VOLUME_MARKS_H

#include "imaging/image/image.h"
#include "imaging/volume/readat.h"

enum mark_kind {
    MARK_VOLUME,  /* a file system, a container or swap that lies in this volume alone */
    MARK_CLUSTER, /* a file system that several machines share */
    MARK_RAID,
    MARK_LVM,
    MARK_ZFS,
    MARK_BCACHE,
    MARK_POOL /* a pool or a volume that may span disks */
};

struct mark_watcher {
    void *ctx;
    /* A mark is there. `what` is a static text with its article where it has one: "XFS", "a ZFS
     * pool". */
    void (*found)(void *ctx, enum mark_kind, const char *what);
    /* The medium does not give the bytes at `at` of the volume, where a mark could be. */
    void (*unreadable)(void *ctx, uint64_t at);
};

/* Looks at all places of the volume of `bytes` bytes; at most a few thousand short reads. The marks
 * of ext are not among them. */
void marks_look(const struct readat *volume, uint64_t bytes, const struct mark_watcher *);
/* The same by the type of a partition. */
void marks_type(enum img_table, const uint8_t type[16], const struct mark_watcher *);

#endif
