/* The disk the box was flashed to: found by the GUIDs of its partitions, grown to its real size, mounted. */
#ifndef ROOTFS_INIT_BOOTDISK_H
#define ROOTFS_INIT_BOOTDISK_H

#include <stdbool.h>

struct bootdisk {
    char name[32];          /* "sda" */
    char boot[48], data[48]; /* "/dev/sda1", "/dev/sda4" */
};

/* Looks at every disk there is now. False when none is the box's. */
bool bootdisk_find(struct bootdisk *);
/* Lets table and data partition reach to the end of the disk; the kernel is told. Says what it did; what it cannot do is
 * said, and the box runs with what there is. */
void bootdisk_grow(const struct bootdisk *);
/* /boot (read-only: a power cut cannot hurt what nobody writes) and /data, whose file system is grown to its partition. Without
 * /data a tmpfs takes its place, with a sentence. False when even /boot cannot be mounted. */
bool bootdisk_mount(const struct bootdisk *);

#endif
