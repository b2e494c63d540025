/* What is known of a disk before anything is decided about it, and the pure decoding of what the
 * kernel says about disks. Everything here is foreign: a model name comes from the firmware of
 * whatever was plugged in.
 *
 *   inventory.h (reads sysfs and the disks) ──> struct disk_facts ──> choose.h (decides) */
#ifndef IMAGING_DISK_FACTS_H
#define IMAGING_DISK_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "imaging/image/image.h"

#define DISK_NAME_MAX 32
#define DISK_TEXT_MAX 64
#define DISK_WWN_MAX 96
#define DISK_PLACE_MAX 256
#define DISK_NOTE_MAX 96

/* Why a disk is not to be imaged: X(NAME, sentence), most telling first. Each stands for a disk
 * that somebody wiped by mistake somewhere, or would. The first groups are facts, found by
 * inventory; the last four depend on what is wanted. */
#define DISK_BARS(X)                                                                               \
    X(KIND, "is not a disk of this machine but a loop, RAM, mapper or network device")             \
    X(HIDDEN, "is one of several paths to a disk")                                                 \
    X(EMMC_AREA, "is a boot, RPMB or general purpose area of an eMMC")                             \
    X(OPTICAL, "is an optical drive")                                                              \
    X(NO_MEDIUM, "has no medium in it")                                                            \
    X(BOX, "is the Ringcast box's own disk")                                                       \
    X(USB, "is connected by USB")                                                                  \
    X(SD, "is an SD card")                                                                         \
    X(EXTERNAL, "is plugged in from outside")                                                      \
    X(REMOVABLE, "is removable")                                                                   \
    X(FABRIC, "is reached over a network or a storage fabric")                                     \
    X(MULTIPATH, "is reached by several paths")                                                    \
    X(MOUNTED, "is mounted or used as swap")                                                       \
    X(HELD, "is part of another device")                                                           \
    X(CLUSTER, "holds a file system that several machines share")                                  \
    X(RAID, "is a member of a RAID")                                                               \
    X(LVM, "holds an LVM physical volume")                                                         \
    X(ZFS, "is a member of a ZFS pool")                                                            \
    X(BCACHE, "is a bcache device")                                                                \
    X(POOL, "is a member of a pool or volume that may span disks")                                 \
    X(UNREADABLE, "cannot be read")                                                                \
    X(READ_ONLY, "is read-only")                                                                   \
    X(UNPICKED, "is not the one that the rule names")                                              \
    X(SMALL, "is smaller than the image needs")                                                    \
    X(SECTOR, "has sectors of another size than the image")

#define X(name, text) DISK_BAR_##name,
enum disk_bar { DISK_BARS(X) DISK_BAR_COUNT };
#undef X
#define DISK_BIT(bar) (UINT32_C(1) << (bar))
/* Those found by marks on the disk. */
#define DISK_MARK_BARS                                                                             \
    (DISK_BIT(DISK_BAR_CLUSTER) | DISK_BIT(DISK_BAR_RAID) | DISK_BIT(DISK_BAR_LVM) |               \
     DISK_BIT(DISK_BAR_ZFS) | DISK_BIT(DISK_BAR_BCACHE) | DISK_BIT(DISK_BAR_POOL))

struct disk_facts {
    char name[DISK_NAME_MAX]; /* as the kernel calls it: nvme0n1 */
    /* where it sits: the kernel's device path, "/devices/pci0000:00/..." */
    char place[DISK_PLACE_MAX];
    /* "" when it does not say */
    char model[DISK_TEXT_MAX], serial[DISK_TEXT_MAX], wwn[DISK_WWN_MAX];
    uint64_t bytes;
    /* of its appearance: another disk in the same place has another; 0: kernel does not say */
    uint64_t sequence;
    uint32_t sector; /* logical, bytes */
    unsigned major, minor;
    uint32_t bars;       /* DISK_BIT of the facts found against it */
    enum disk_bar noted; /* the bar that `note` speaks of */
    /* imaging/volume/marks_id.h: which RAID, LVM or pool it is; zeros: none, or not known */
    uint8_t marks[IMG_MARKS_BYTES];
    char note[DISK_NOTE_MAX]; /* "holds an LVM physical volume on partition 2"; "" */
};

/* One more fact against it; the note, formatted, is kept if it is the first. */
void facts_bar(struct disk_facts *, enum disk_bar, const char *note, ...)
    __attribute__((format(printf, 3, 4)));

/* Whether it is the same disk in the same place as before: all that is known of both agrees. */
bool facts_same(const struct disk_facts *, const struct disk_facts *);

/* Printable ASCII without blanks at the ends; other bytes become '?', a NUL or a newline ends it.
 * Always NUL-terminated. */
void facts_text(char *to, size_t room, const uint8_t *bytes, size_t n);
/* The serial number of a SCSI vital product data page 80h (SPC-4 7.8.15); "" when it is none. */
void facts_page80(char *to, size_t room, const uint8_t *bytes, size_t n);
/* A decimal number and at most a newline; false when it is none or does not fit. */
bool facts_number(uint64_t *out, const uint8_t *bytes, size_t n);
/* "259:3" */
bool facts_device(unsigned *major, unsigned *minor, const uint8_t *bytes, size_t n);

/* What the kernel's name says: sets KIND, HIDDEN, EMMC_AREA, OPTICAL. Names that are not known are
 * of no known kind. */
void facts_name(struct disk_facts *);
/* What the kernel's device path says: sets KIND, USB, EXTERNAL, FABRIC. */
void facts_place(struct disk_facts *, const char *place);

/* Whether a line of /proc/self/mountinfo is about device major:minor; its mount point into `where`.
 */
bool facts_mount(const char *line, unsigned major, unsigned minor, char *where, size_t room);

#endif
