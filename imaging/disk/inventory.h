/* The disks of this machine, as the kernel and the disks themselves describe them: /sys/block,
 * /proc/self/mountinfo, /proc/swaps and the first and last bytes of every disk and partition.
 * Nothing is written. Decides nothing (choose.h does). */
#ifndef IMAGING_DISK_INVENTORY_H
#define IMAGING_DISK_INVENTORY_H

#include "imaging/disk/choose.h"

/* All block devices below `root` ("" on a machine; tests give a recorded tree with sys, proc and
 * dev in it), by name. 0, or DISK_EINVENTORY when they cannot be listed or are more than
 * INVENTORY_MAX: a disk that is not seen could be the wrong one. */
int inventory_read(struct inventory *, const char *root, struct err *);

/* Looks at disk `was` again: 0 when it is the same, bears the same marks, and nothing else of the
 * facts speaks against it; else DISK_EOTHER. */
int inventory_again(const struct disk_facts *was, const char *root, struct err *);

#endif
