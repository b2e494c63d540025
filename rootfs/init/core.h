/* The core as PID 1 sees it: a process with a pipe on file descriptor 3. */
#ifndef ROOTFS_INIT_CORE_H
#define ROOTFS_INIT_CORE_H

#include <stdbool.h>
#include <sys/types.h>

#include "rootfs/init/keep.h"
#include "rootfs/init/stickmount.h"

struct core {
    pid_t pid;  /* 0: not running */
    int wishes; /* what it says on fd 3, read end; not blocking; -1: none */
};

/* Starts argv[0] with these arguments. False, and a sentence, when that failed. */
bool core_start(struct core *, char *const argv[]);
/* What waits on fd 3 goes to `keep`. */
void core_listen(struct core *, struct keep *, struct mono now);
/* Takes up every child that has ended; the core's end is told to `keep` and said, that of others to
 * `sticks`. */
void core_reap(struct core *, struct keep *, struct stickmount *sticks, struct mono now);

#endif
