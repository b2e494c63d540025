/* SIGINT, SIGTERM and SIGHUP as a flag: a long command looks at it, tidies up and ends. */
#ifndef BOARD_HOST_INTERRUPT_H
#define BOARD_HOST_INTERRUPT_H

#include <signal.h>

/* From now on the signals set the flag; blocking system calls return EINTR. Returns the flag. */
const volatile sig_atomic_t *interrupt_watch(void);

#endif
