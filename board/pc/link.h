/* Which network interface is the one with the switch behind it? */
#ifndef BOARD_PC_LINK_H
#define BOARD_PC_LINK_H

#include <stdbool.h>

#define LINK_NAME 16

/* The first wired Ethernet interface by name that is up and has a link. False when none has one
 * now; *several tells that it was not the only one. */
bool link_find(char name[LINK_NAME], bool *several);

#endif
