/* A box whose data cannot be read: it does not know which machines it has done, which password
 * guards its page, and who it is. It hands out addresses, says on its screen and on a page why it
 * does no more, and waits for a person at its keys:
 *
 *   T   the data partition is tried again
 *   N   it gets a new file system: key, password, images and the list of done machines are lost
 *
 * each confirmed by Y. PID 1 does what was decided (rootfs/init/keep.h). Nothing is given out to
 * boot, so nothing is erased. The page is under a certificate that lasts for this run, takes no
 * login, and shows nothing but the reason. Nothing is read from the data folder and nothing is
 * written to it. */
#ifndef BOARD_BOX_LOST_H
#define BOARD_BOX_LOST_H

#include "board/box/box.h"

/* Runs until a person has decided or *stop is set: 0; or until it cannot go on: a negative code.
 * `reason` ends the sentence "The data of this box cannot be read: ...". */
int lost_run(const struct box_config *, const struct box_paths *, const char *reason,
             const atomic_int *stop, struct err *);

#endif
