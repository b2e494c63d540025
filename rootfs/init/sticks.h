/* Which USB sticks are mounted where, as a pure step: what to do next, from what the kernel says is
 * plugged in.
 *
 * Taken is what is removable or hangs on the USB bus, has a size, and is not on the disk the box
 * runs from: each partition, or the whole disk when it has none. A disk's partitions come one after
 * the other while the kernel reads its table: nothing of it is taken before two looks in a row have
 * found the same. There are STICKS_MAX places; what finds none waits for one. */
#ifndef ROOTFS_INIT_STICKS_H
#define ROOTFS_INIT_STICKS_H

#include <stdbool.h>
#include <stdint.h>

#define STICKS_MAX 4
#define STICK_NAME 32
#define STICK_DEVICES_MAX 128
/* what is smaller holds no image: an extended partition's own entry, a boot loader */
#define STICK_LEAST_SECTORS 2048

struct stick_device {
    /* "sdb1" of "sdb"; of a whole disk both are the same */
    char name[STICK_NAME], disk[STICK_NAME];
    uint64_t sequence; /* of the disk: another one each time something is plugged in */
    uint64_t sectors;  /* of 512 bytes */
    bool outside;      /* removable, or on the USB bus */
};

enum stick_state {
    STICK_FREE,
    STICK_MOUNTING, /* ordered; sticks_ended says what became of it */
    STICK_THERE,
    STICK_REFUSED, /* plugged in, and cannot be read */
    STICK_LEAVING  /* likewise ordered */
};

struct stick_place {
    enum stick_state state;
    char name[STICK_NAME], disk[STICK_NAME];
    uint64_t sequence;
};

struct sticks {
    char own[STICK_NAME]; /* the disk the box runs from */
    struct stick_place place[STICKS_MAX];
    struct stick_device last[STICK_DEVICES_MAX]; /* what the last look found */
    unsigned n_last;
};

/* What is to be done, a bit for each place. */
struct stick_orders {
    unsigned mount;  /* place[].name is to be mounted there */
    unsigned clear;  /* what was there is gone: its note goes */
    unsigned detach; /* and it is unmounted */
};

/* One look, about once a second: these are the disks and partitions there are. */
struct stick_orders sticks_look(struct sticks *, const struct stick_device *, unsigned n);
/* What was ordered for the place has ended. */
void sticks_ended(struct sticks *, unsigned place, bool done);

#endif
