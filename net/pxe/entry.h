/* Boot entries: what the box can start on another machine, and for whom. Used by BSDP (the image
 * list), by PXE and HTTP boot (the firmware's menu), by the iPXE script and by the box's
 * configuration. Pure; all memory is the caller's.
 *
 * Paths are names in the table of what the box gives out by TFTP and HTTP: relative, without "..",
 * as in "payload/kernel". No path of a packet ever becomes one of these: packets choose among
 * entries. */
#ifndef NET_PXE_ENTRY_H
#define NET_PXE_ENTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/pxe/errors.h"
#include "net/wire/err.h"

#define BOOT_ENTRIES_MAX 16
#define BOOT_NAME_MAX                                                                              \
    63                    /* bytes of UTF-8 without control characters; short ones fit more menus  \
                           */
#define BOOT_PATH_MAX 127 /* BOOTP's `file` with its NUL */
#define BOOT_MODEL_MAX 31

/* The receiver's files (the ring entry), under the names they are served by. */
#define BOOT_PAYLOAD_EFI "payload/ringcast-x86_64.efi"
#define BOOT_PAYLOAD_KERNEL "payload/kernel"
#define BOOT_PAYLOAD_INITRD "payload/initrd"
#define BOOT_PAYLOAD_LEAVE "payload/leave.efi"      /* a UEFI program that ends at once */
#define BOOT_PAYLOAD_IPXE "payload/undionly.kpxe"   /* what BIOS machines load first */
#define BOOT_PAYLOAD_IPXE_EFI "payload/snponly.efi" /* iPXE for UEFI: entries that are a script */
/* what iPXE loads: net/pxe/script.h makes its text */
#define BOOT_SCRIPT "boot.ipxe"
/* the same for the entry of this number, which a person chose in the menu */
#define BOOT_SCRIPT_ENTRY "boot-%u.ipxe"
#define BOOT_SCRIPT_ENTRY_MAX 16 /* bytes of such a name, with the NUL */

enum boot_kind {
    BOOT_RING, /* the receiver: images the machine; only for machines that want it */
    BOOT_TREE  /* a folder with a loader: another installer or system; always on offer */
};

/* Kinds of machines that load different files. Firmware with HTTP boot loads what UEFI loads. */
enum boot_platform { BOOT_BIOS, BOOT_UEFI, BOOT_MAC, BOOT_PLATFORMS };

/* For whom an entry is. All `only` rules of one kind form one list, of which one must fit; no `not`
 * rule may fit. Only Macs say a model ("iMac14,3", in BSDP): an entry only for models is for no
 * other machine. */
struct boot_rule {
    enum boot_rule_kind { BOOT_ONLY_MAC, BOOT_NOT_MAC, BOOT_ONLY_MODEL, BOOT_NOT_MODEL } kind;
    uint8_t mac[6];
    char model[BOOT_MODEL_MAX + 1];
};

struct boot_entry {
    char name[BOOT_NAME_MAX + 1]; /* what people read in menus */
    enum boot_kind kind;
    /* Index of a BSDP image id, and the number in PXE's menu; unique. 1 .. 4095: this box's own;
     * above: the same image on each box that lists it, which Macs show once. PXE's menu takes those
     * up to 4095 only. */
    uint16_t id;
    char loader[BOOT_PLATFORMS][BOOT_PATH_MAX + 1]; /* "": not for such machines */
    /* tree: an iPXE script of its own, which goes before the loaders; "": none */
    char script[BOOT_PATH_MAX + 1];
    char root[BOOT_PATH_MAX + 1];  /* BSDP: root path (option 17) as it is to be sent; "": none */
    uint16_t attributes;           /* BSDP: upper half of the image id; 0: BOOT_ATTRIBUTES */
    bool hidden;                   /* BSDP: listed only to Macs that ask for its attributes */
    bool any_mac;                  /* BSDP: its loader is not for Intel Macs alone */
    const struct boot_rule *rules; /* borrowed, outlives the entry */
    unsigned n_rules;
};
#define BOOT_ATTRIBUTES 0x8100 /* "install image, Mac OS X": every Mac's menu shows these */

/* The entry of the receiver, with the files above. */
struct boot_entry boot_entry_ring(const char *name, uint16_t id);
/* Whether it has something to load for the platform. */
bool boot_entry_loads(const struct boot_entry *, enum boot_platform);
/* Whether the entry is meant for this machine: a loader for its platform, and the rules. `model` ""
 * when unknown. */
bool boot_entry_fits(const struct boot_entry *, enum boot_platform, const uint8_t mac[6],
                     const char *model);
/* Upper and lower half of its BSDP image id. */
uint32_t boot_entry_image(const struct boot_entry *);
/* 0 when all is as said above; else the first objection as a code and a sentence. */
int boot_entries_check(const struct boot_entry *, unsigned n, struct err *);
/* A relative path without empty, "." or ".." parts, without control characters, backslashes, and of
 * valid UTF-8. */
bool boot_path_legal(const char *path);

#endif
