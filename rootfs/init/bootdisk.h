/* The disk the box was flashed to: found by the GUIDs of its partitions, grown to its real size,
 * mounted. */
#ifndef ROOTFS_INIT_BOOTDISK_H
#define ROOTFS_INIT_BOOTDISK_H

#include <stdbool.h>

struct bootdisk {
    char name[32];           /* "sda" */
    char boot[48], data[48]; /* "/dev/sda1", "/dev/sda4" */
    /* an earlier start has kept its memory on the data partition (gpt_marked), or the table does
     * not tell */
    bool marked;
    char lost[200]; /* why the data partition cannot be used; "": it can */
};

/* Looks at every disk there is now. False when none is the box's. */
bool bootdisk_find(struct bootdisk *);
/* Lets table and data partition reach to the end of the disk; the kernel is told. Says what it did;
 * what it cannot do is said, and the box runs with what there is. */
void bootdisk_grow(const struct bootdisk *);
/* /boot (read-only: a power cut cannot hurt what nobody writes) and /data, whose file system is
 * grown to its partition. Without /data the cause is in `lost`: nothing takes its place, because a
 * box that knows nothing of earlier starts would erase machines that it has done. False when even
 * /boot cannot be mounted. */
bool bootdisk_mount(struct bootdisk *);
/* /data once more: the cause may be gone. */
void bootdisk_mount_data(struct bootdisk *);
/* The box keeps its memory on the data partition: from now on one without it has lost it. */
void bootdisk_mark(struct bootdisk *);
/* A person at the box wants it: a new file system on the data partition, as the box was flashed,
 * mounted at /data, or the cause in `lost`. */
void bootdisk_anew(struct bootdisk *);

#endif
