/* What PID 1 says: one line on the console. */
#ifndef ROOTFS_INIT_SAY_H
#define ROOTFS_INIT_SAY_H

void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
