/* SIGINT, SIGTERM and SIGHUP as a flag: a long command looks at it, tidies up and ends. */
#ifndef BOARD_CORE_INTERRUPT_H
#define BOARD_CORE_INTERRUPT_H

#include <stdatomic.h>

/* From now on the signals set the flag; blocking system calls return EINTR. Returns the flag. */
const atomic_int *interrupt_watch(void);

#endif
