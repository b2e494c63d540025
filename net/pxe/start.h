/* One start of a machine, from its firmware to its system: which entry was chosen for it. A person
 * chooses once, in a Mac's start-up menu (BSDP), in the menu of UEFI firmware (port 4011) or in
 * iPXE's. When the chosen loader is iPXE, it asks the box again for what to boot, and is then given
 * the chosen entry. The default of the plan, which may erase a disk, is for starts without a
 * choice.
 *
 *   firmware asks (DISCOVER)            a new start: the choice before it is over
 *   an entry is chosen                  CHOSEN
 *   iPXE gets the entry's script        still CHOSEN, so that a script fetched twice is the same
 *   iPXE asks after that (DISCOVER)     PAST: the entry's own loader is iPXE, or iPXE is the
 *                                       machine's firmware and this is its next start.
 *                                       Both are left to a person or to the disk.
 *   BOOT_START_NS later                 forgotten
 *
 * A box that has just started does not know what was chosen before: for BOOT_START_NS a machine
 * whose firmware it has not seen is UNKNOWN. A choice never makes room for another: when all rows
 * are choices, the next one is refused. Pure; one thread; the caller's memory. */
#ifndef NET_PXE_START_H
#define NET_PXE_START_H

#include <stdbool.h>
#include <stdint.h>

#include "net/pxe/errors.h"
#include "net/wire/mono.h"

#define BOOT_STARTS_MAX 2048
#define BOOT_START_NS (10 * 60 * MONO_S)

enum boot_state {
    BOOT_START_OPEN /* nothing was chosen */,
    BOOT_START_CHOSEN,
    BOOT_START_PAST,
    BOOT_START_UNKNOWN
};

struct boot_starts {
    /* set by the caller */
    struct mono now;   /* before each call */
    struct mono began; /* when the box started */
    /* kept here */
    struct boot_start {
        uint8_t mac[6];
        bool used, told;
        enum boot_state state;
        unsigned entry; /* index */
        struct mono at;
    } row[BOOT_STARTS_MAX];
};

/* The machine's firmware asks for an address. */
void boot_start_firmware(struct boot_starts *, const uint8_t mac[6]);
/* The entry was chosen for this start. 0, or PXE_EFULL: the choice cannot be kept, so nothing may
 * be given for it. */
int boot_start_choose(struct boot_starts *, const uint8_t mac[6], unsigned entry);
/* The script of the chosen entry has been made. */
void boot_start_told(struct boot_starts *, const uint8_t mac[6]);
/* iPXE asks for an address. */
void boot_start_ipxe(struct boot_starts *, const uint8_t mac[6]);
/* *entry: set with CHOSEN and PAST. */
enum boot_state boot_start_look(const struct boot_starts *, const uint8_t mac[6], unsigned *entry);
/* Whether a choice of any machine is remembered: an asker that is not known might be that one. */
bool boot_starts_any(const struct boot_starts *);

#endif
