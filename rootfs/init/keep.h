/* Keeping the core alive, as a pure step: what PID 1 does next, from what it has seen.
 *
 * The core says on file descriptor 3, a line each: "reboot", "poweroff", "data-again" (look at the
 * data partition again), "data-anew" (make its file system anew: a person at the box has confirmed
 * that) (its wish, which counts once it has ended with exit code 0), "kept" (it keeps its memory on
 * the data partition) and "alive" (a sign of life; who has given one is expected to go on, and is
 * ended when it falls silent for KEEP_SILENT_NS, because a core that hangs serves nobody). However
 * else it ends, it is started again. */
#ifndef ROOTFS_INIT_KEEP_H
#define ROOTFS_INIT_KEEP_H

#include <stdbool.h>
#include <stddef.h>

#include "net/wire/mono.h"

/* between an end and the next start: below the second that is promised */
#define KEEP_PAUSE_NS (500 * MONO_MS)
#define KEEP_SILENT_NS (60 * MONO_S)
#define KEEP_LINE 32

enum wish { WISH_NONE, WISH_REBOOT, WISH_POWEROFF, WISH_DATA_AGAIN, WISH_DATA_ANEW };
enum keep_action { KEEP_WAIT, KEEP_START, KEEP_KILL, KEEP_END };

struct keep {
    bool running;
    bool speaks; /* has said "alive" */
    bool killed; /* KEEP_KILL was given and the core has not ended yet */
    bool kept;   /* has said "kept" */
    bool over;   /* ended for good: `wish` is to be done */
    enum wish wish;
    struct mono start_at, heard;
    char line[KEEP_LINE]; /* of fd 3, not yet whole */
    size_t n;
    bool too_long;
};

void keep_init(struct keep *, struct mono now);
/* Bytes that came on fd 3. */
void keep_heard(struct keep *, const char *bytes, size_t n, struct mono now);
/* The core has ended: its exit code, or -1 when a signal ended it. */
void keep_ended(struct keep *, int code, struct mono now);
/* What to do now. KEEP_START: it has been started when this returns again. *wait_ns: call again
 * then at the latest. */
enum keep_action keep_step(struct keep *, struct mono now, int64_t *wait_ns);

#endif
