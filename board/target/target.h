/* A machine that was booted from the network by a box: finds the box again, picks the one disk that
 * may be erased, restores the image onto it, shows how it stands, and says how it ended.
 *
 *   link → address (DHCP) → session of the box that served us → trust in its key → disk (inventory,
 *           choose) → restore → PASS
 *
 * What the network or the box lack is waited for, for ever, and said on the screen. What makes this
 * machine the wrong one (no disk that may be erased, an image of another signer, a disk that fails)
 * ends in FAIL, and the box is told its code. Nothing is written before the disks have been looked
 * at until none appeared for three seconds, and once more at the last moment: a disk that appears
 * later than that is not seen. After PASS the box is told until it confirms: only then it knows
 * that this machine is not to be imaged again. */
#ifndef BOARD_TARGET_TARGET_H
#define BOARD_TARGET_TARGET_H

#include "board/core/restore.h"
#include "board/core/target_page.h"

struct target_options {
    struct target_page page;
    const char *interface;   /* NULL: any with a link */
    const char *address;     /* CIDR, or "dhcp" */
    const char *root;        /* of sys, proc and dev: "" but in tests */
    const char *framebuffer; /* NULL: none */
    bool once;               /* wait for nothing: the first failure ends it */
};

/* Runs until PASS (0) or FAIL (an enum exit_code of exit.h). What the screen showed last stays. */
int target_run(const struct target_options *);

#endif
