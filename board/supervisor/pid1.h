/* The core's side of rootfs/init/keep.h: signs of life and wishes to PID 1. Without PID 1
 * (RINGCAST_INIT is not set) nothing happens. */
#ifndef BOARD_SUPERVISOR_PID1_H
#define BOARD_SUPERVISOR_PID1_H

#include <stdbool.h>

bool pid1_there(void);
/* About once a second. */
void pid1_alive(void);
/* "reboot", "poweroff", "data-again", "data-anew": done when the core then ends with exit code 0.
 * "kept" at any time. */
void pid1_wish(const char *wish);

#endif
