/* The network cards a target may be connected by: wired Ethernet with a link. */
#ifndef BOARD_PC_TARGET_NIC_H
#define BOARD_PC_TARGET_NIC_H

#define TARGET_NICS 16
#define TARGET_NIC_NAME 16

/* Switches every wired card on and fills in the names of those that have a link now, sorted.
 * Returns how many. */
unsigned target_nics(char names[TARGET_NICS][TARGET_NIC_NAME]);

#endif
