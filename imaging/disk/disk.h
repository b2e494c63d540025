/* A target as the receiver sees it: bytes at offsets. One interface; a file or block device behind
 * it (target.c), or a layer in front of another disk: a speed limit (limit.c), faults for tests
 * (fault.c).
 *
 * Offsets and lengths are bytes. Callers keep both, and buffers, multiples of DISK_ALIGN, except
 * for what ends at the disk's last byte. Calls are synchronous and may come from several threads,
 * also at once, as long as they do not touch the same bytes. All return 0 or a negative code and
 * fill `err` (first cause stays). */
#ifndef IMAGING_DISK_DISK_H
#define IMAGING_DISK_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/wire/err.h"

#define DISK_ALIGN 4096u
#define DISK_MAX_PARTS 64 /* buffers in one write */

/* X(name, code, sentence) */
#define DISK_ERRORS(X)                                                                             \
    X(DISK_EOPEN, -900, "the target cannot be opened")                                             \
    X(DISK_EKIND, -901, "the target is neither a disk nor a file")                                 \
    X(DISK_ESMALL, -902, "the target is smaller than the image")                                   \
    X(DISK_EREADONLY, -903, "the target is read-only")                                             \
    X(DISK_EBUSY, -904, "the target is mounted or in use")                                         \
    X(DISK_ESECTOR, -905, "the target's sectors differ in size from the image's")                  \
    X(DISK_EWRITE, -906, "the target cannot be written")                                           \
    X(DISK_EREAD, -907, "the target cannot be read")                                               \
    X(DISK_EFAULT, -908, "a fault injected by a test")                                             \
    X(DISK_EABSENT, -910,                                                                          \
      "the target does not exist, and no file is made without being asked for")                    \
    X(DISK_EDEV, -911, "the target is a file below /dev, where only devices belong")               \
    X(DISK_ENONE, -950, "no disk of this machine may be erased")                                   \
    X(DISK_ESEVERAL, -951, "several disks of this machine could be meant")                         \
    X(DISK_EOTHER, -952, "the disk is not the one that was chosen any more")                       \
    X(DISK_ERULE, -953, "the rule for the disk cannot be understood")                              \
    X(DISK_EINVENTORY, -954, "the disks of this machine cannot be listed")                         \
    X(DISK_EGONE, -955, "a disk that was in this machine at its last attempt is not there any more")

#define X(name, code, text) name = (code),
enum disk_error { DISK_ERRORS(X) };
#undef X

struct disk_part {
    const uint8_t *bytes;
    size_t n;
};

struct disk_ops {
    int (*read)(void *ctx, uint8_t *to, size_t n, uint64_t at, struct err *err);
    /* The parts one after another, from `at` on. At most DISK_MAX_PARTS. */
    int (*write)(void *ctx, const struct disk_part *parts, int n_parts, uint64_t at,
                 struct err *err);
    /* Afterwards the range reads as zeros: as a hole or by the device's own means where it has any.
     */
    int (*zero)(void *ctx, uint64_t at, uint64_t n, struct err *err);
    /* The content of the range is of no interest any more; what it reads as is not defined. Best
     * effort. */
    void (*discard)(void *ctx, uint64_t at, uint64_t n);
    /* What was written is on the medium. */
    int (*flush)(void *ctx, struct err *err);
    void (*close)(void *ctx);
    /* Bytes from `at` on that are a hole of a file: they read as zeros without being read. 0: none,
     * or not known. May be NULL. */
    uint64_t (*hole)(void *ctx, uint64_t at);
};

/* What opening did to a target that is a file: disk_target_undo takes it back. */
enum disk_made { DISK_AS_IT_WAS, DISK_MADE_LONGER /* it was empty */, DISK_MADE };

struct disk {
    const struct disk_ops *ops;
    void *ctx;
    uint64_t bytes;
    enum disk_made made;
    bool blank; /* reads as zeros all over: just made, or a hole from end to end */
};

/* True for the codes that mean "refused for safety; nothing was touched". */
bool disk_refusal(int code);

struct disk_want {
    uint64_t min_bytes;  /* smallest target that may take the image */
    uint64_t make_bytes; /* size of a file that is made or was empty */
    /* the image's logical sector size, if it has a partition table; else 0: any */
    uint32_t sector;
    /* make a file when there is none at the path; without it that is DISK_EABSENT */
    bool create;
};

/* Opens `path` for erasing: a block device that nobody uses (held exclusively), or a regular file;
 * an empty one gets make_bytes. Refuses what is too small, read-only, mounted, in use, or of
 * another sector size, and files below /dev (but /dev/shm): a mistyped name there is no disk.
 * Nothing is written yet. On success *disk is to be closed. */
int disk_target_open(struct disk *disk, const char *path, const struct disk_want *want,
                     struct err *err);
/* Of a target that was closed and never written: a file that opening made is removed, one that was
 * empty is so again. */
void disk_target_undo(enum disk_made made, const char *path);
/* Whether `path` is a block device that is a partition. */
bool disk_is_partition(const char *path);

/* Puts a limit of bytes_per_s (> 0) on writing in front of *disk, in place. */
int disk_limit(struct disk *disk, uint64_t bytes_per_s, struct err *err);

/* Faults, by byte position; a field of UINT64_MAX never strikes. For tests. */
struct disk_faults {
    uint64_t write_fails_at; /* a write or zeroing that covers this byte fails */
    /* a write or zeroing that covers this byte says 0 and changes nothing */
    uint64_t write_lost_at;
    uint64_t read_flips_at; /* a read that covers this byte returns it with one bit changed */
};

int disk_fault(struct disk *disk, const struct disk_faults *faults, struct err *err);

static inline void disk_close(struct disk *disk)
{
    if (disk->ops)
        disk->ops->close(disk->ctx);
    disk->ops = NULL;
}

#endif
