/* The thread that hands out addresses waits for no disk. It is marked while it serves, and what
 * reads files, walks folders or signs holds that the calling thread is another one: a call that is
 * added in the wrong place ends the program in the first test that reaches it. */
#ifndef NET_OS_SERVING_H
#define NET_OS_SERVING_H

#include <stdbool.h>

#include "net/wire/must.h"

/* The calling thread serves from now on, or no more. */
void serving_begin(void);
void serving_end(void);
bool serving_here(void);

/* For functions that may wait for a disk or take a millisecond. */
#define MUST_NOT_SERVE() MUST(!serving_here())

#endif
