/* What PID 1 finds empty and puts in order: mounts, console, network links. */
#ifndef ROOTFS_INIT_SETUP_H
#define ROOTFS_INIT_SETUP_H

#include <stdbool.h>

/* proc, sys, devtmpfs and tmpfs where they belong. What cannot be mounted is said and done without.
 */
void setup_mounts(void);
/* Standard input, output and error are the console, whatever the kernel has given. */
void setup_console(void);
/* Sets every Ethernet interface up that is down; cheap enough to be done every second, because USB
 * cards come late. The kernel has no IP stack: any socket carries the ioctl. */
void setup_links(void);

#endif
