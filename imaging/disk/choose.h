/* Which disk of a machine is to be erased: exactly one that nothing speaks against, or none. Pure.
 *
 * What speaks against a disk is DISK_BARS of facts.h. A rule (a line of configuration) narrows the
 * choice further; it never makes a disk eligible that something speaks against. A disk inside the
 * machine that something speaks against still counts: it may be the one that was meant, and the
 * other may hold somebody's data. Only a rule that does not fit it leaves it out. When no disk is
 * left, or more than one counts, the refusal names every disk and why it was left out. */
#ifndef IMAGING_DISK_CHOOSE_H
#define IMAGING_DISK_CHOOSE_H

#include "imaging/disk/facts.h"
#include "net/wire/err.h"

#define INVENTORY_MAX 64

struct inventory {
    unsigned n;
    struct disk_facts disk[INVENTORY_MAX];
};

/* What must agree; "" and 0 ask for nothing. */
struct disk_pick {
    char serial[DISK_TEXT_MAX], wwn[DISK_WWN_MAX]; /* equal but for case */
    char model[DISK_TEXT_MAX];                     /* part of it, but for case */
    /* /dev/NAME, or whole words of its device path: pci0000:00/0000:00:1f.2 */
    char path[DISK_PLACE_MAX];
    /* bytes, give or take 2 %: as the label says it */
    uint64_t size;
};

#define DISK_RULE_MAX 256

/* "auto", or "KEY=VALUE, KEY=VALUE..." with the keys above; size as in units.h: 512GB. 0 or
 * DISK_ERULE. */
int disk_rule_parse(struct disk_pick *, const char *text, struct err *);

/* A disk that may be erased although it bears marks of LVM, RAID or a pool, because they are those
 * of an image that was written there: the disk of this serial number ("": whichever), while its
 * marks are these and no others. */
#define DISK_SERIAL_MAX 56 /* a longer serial number is cut there */
struct disk_written {
    char serial[DISK_SERIAL_MAX + 1];
    uint8_t marks[IMG_MARKS_BYTES];
};

/* A disk that was inside the machine: its serial number, or the model where it tells none. */
struct disk_known {
    uint64_t bytes;
    char text[DISK_SERIAL_MAX + 1];
};

struct disk_need {
    uint64_t min_bytes;
    uint32_t sector; /* 0: any */
    struct disk_pick pick;
    const struct disk_written *written; /* borrowed, as is known */
    unsigned n_written;
    const struct disk_known *known; /* must be there, unless the rule leaves it out */
    unsigned n_known;
};

/* All that speaks against disk i as a set of DISK_BIT; 0: it is a candidate. */
uint32_t disk_bars(const struct inventory *, unsigned i, const struct disk_need *);

/* Whether disk i is inside the machine, could hold its system, and fits the rule, whatever else
 * speaks against it. Drives without a medium, optical and external ones, cards, areas of an eMMC
 * and disks of a storage network do not count. */
bool disk_counts(const struct inventory *, unsigned i, const struct disk_need *);

/* The first `max` disks inside the machine, whatever is needed; returns how many. */
unsigned disk_inside(const struct inventory *, struct disk_known *, unsigned max);

/* The one candidate's index, or DISK_ENONE, DISK_ESEVERAL or DISK_EGONE with the refusal: in `err`
 * as far as it has room. */
int disk_choose(const struct inventory *, const struct disk_need *, struct err *);

/* "nvme0n1 is a candidate (512.1 GB, Samsung ..., serial S4...)": a line about disk i for a person,
 * at most `room`. */
#define DISK_LINE_MAX 320
const char *disk_line(char *to, size_t room, const struct inventory *, unsigned i,
                      const struct disk_need *);

#endif
