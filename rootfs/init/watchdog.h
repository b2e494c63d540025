/* The hardware watchdog: fed by PID 1's loop, so that a machine whose kernel or PID 1 hangs starts
 * again. */
#ifndef ROOTFS_INIT_WATCHDOG_H
#define ROOTFS_INIT_WATCHDOG_H

/* Opens /dev/watchdog when there is one (drivers may come late: call again); -1 when not. */
int watchdog_open(void);
void watchdog_feed(int fd);
/* Before the power goes off. Before a reboot it stays armed: a reboot that hangs is one it ends. */
void watchdog_disarm(int fd);

#endif
