/* A machine's disks from a text file of tests/layouts (README.md there), made into a folder that
 * inventory_read takes for the root of that machine: sys, proc and dev, with sparse files for
 * disks. */
#ifndef TESTS_UNIT_LAYOUT_H
#define TESTS_UNIT_LAYOUT_H

#include "imaging/disk/choose.h"

struct layout {
    char root[64];                           /* the folder; removed by layout_free */
    char name[128];                          /* of the file */
    char expect[64], control[64], says[128]; /* what the file expects; "" when it does not say */
    char rule[DISK_RULE_MAX];
    struct disk_need need;
};

/* Makes the machine of `path`, or its control: the same without the cause of the refusal. Aborts on
 * a mistake in the file. */
void layout_make(struct layout *, const char *path, bool control);
void layout_free(struct layout *);

/* "nvme0n1", "none" or "several": what disk_choose says. */
const char *layout_outcome(const struct inventory *, const struct disk_need *, struct err *);

#endif
