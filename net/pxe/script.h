/* boot.ipxe: what iPXE is told to do, made anew for each machine that asks. Pure, bounded.
 *
 * An entry that was chosen for this start of the machine (start.h), one entry alone, or one that
 * the plan names for this machine: booted at once. Several and `menu_seconds`: a menu, the default
 * chosen when the seconds are over; each of its items is a script of its own, by which the box
 * learns of the choice. The ring is the default only where it wants the machine; else the disk is.
 * What fails is said, and the script is fetched again after some seconds, so that machines outlast
 * a box that restarts.
 *
 * Names of entries come from people. iPXE expands ${...} and knows "&&", "||", ";" and "#" as words
 * of its own, so of a name only letters, digits, blanks, a few marks and what is not ASCII get into
 * the script; labels are made from numbers, and paths are percent-escaped. */
#ifndef NET_PXE_SCRIPT_H
#define NET_PXE_SCRIPT_H

#include "net/pxe/policy.h"

#define PXE_SCRIPT_MAX 32768 /* fits BOOT_ENTRIES_MAX entries with the longest names and paths */
/* The kernel speaks on serial and screen; on BIOS machines 1024x768 with 16 bits is set for it
 * before it starts. */
#define PXE_ARGUMENTS "console=ttyS0,115200 console=tty0"
#define PXE_ARGUMENTS_BIOS "vga=791"

/* The text for the machine, with a NUL, into `to`; its length. NULL: nobody knows which it is
 * (behind a router, without a lease of ours); when the plan or a start has choices for machines, it
 * might be one of those, and is sent to its disk. */
size_t pxe_script(const struct boot_plan *, const uint8_t *mac, char to[PXE_SCRIPT_MAX]);
/* The same for an entry that somebody chose in the menu: the choice is kept. */
size_t pxe_script_entry(const struct boot_plan *, unsigned entry, const uint8_t *mac,
                        char to[PXE_SCRIPT_MAX]);

#endif
