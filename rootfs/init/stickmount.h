/* USB sticks as PID 1 has them: a look at the kernel's list of disks once a second, and a process
 * for each mounting and unmounting, because a bad stick may keep the kernel busy for minutes.
 * Read-only, by the kernel's own drivers for FAT, exFAT and ext4; nothing of a stick is parsed
 * here. What board/box/library/sticks.h reads is made here: /stick/N, and /stick/N.note while a
 * stick is there. */
#ifndef ROOTFS_INIT_STICKMOUNT_H
#define ROOTFS_INIT_STICKMOUNT_H

#include <sys/types.h>

#include "net/wire/mono.h"
#include "rootfs/init/sticks.h"

struct stickmount {
    bool on;
    struct sticks sticks;
    pid_t child[STICKS_MAX]; /* 0: none */
    struct mono looked;
};

/* Of a box that runs from this disk; before the core starts. */
void stickmount_open(struct stickmount *, const char *own_disk);
/* Often. */
void stickmount_tick(struct stickmount *, struct mono now);
/* A child that is not the core has ended. */
void stickmount_ended(struct stickmount *, pid_t, int status);

#endif
