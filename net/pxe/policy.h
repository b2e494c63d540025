/* What a machine gets to boot: the plan (entries, default, choices, who has been imaged) applied to
 * the facts of one request. Pure: no clock, nothing kept, so a request sent again gets the same
 * answer.
 *
 * What is answered when
 *   machine                        stage                what it gets
 *   BIOS ROM (architecture 0)      lease or proxy offer undionly.kpxe, which comes back as iPXE; a
 *                                                       tree chosen for this MAC
 *                                                       that has a BIOS loader and no script: that
 *                                                       loader, as ever
 *   iPXE (user class or option 175) any                 the URL of boot.ipxe, never undionly.kpxe
 *                                                       again: the entry chosen for this start
 *                                                       (net/pxe/start.h), else what the plan says
 *   UEFI x64 (6 is refused; 7, 9)  lease                its loader's TFTP name, without option 60
 *                                                       (see below)
 *                                  proxy offer          option 60 alone: the file follows on port
 *                                                       4011; or, with
 *                                                       `uefi_direct`, 43.6 = 8 and the file at
 *                                                       once
 *                                  port 4011            its loader's TFTP name
 *   the same, a menu to show       lease or proxy offer 60 and 43: control, servers, menu, prompt;
 *                                                       no file
 *                                  port 4011, 43.71     the loader of the item chosen, and the item
 *                                                       back
 *   UEFI, an entry that is a script      as a loader    snponly.efi, which comes back as iPXE, when
 *                                                       the payload has it
 *   UEFI HTTP x64 (0x10)           lease or proxy offer 60 = HTTPClient and the loader's URL in
 *                                                       option 67
 *                                  port 4011            nothing
 *   the same, a menu to show       lease or proxy offer snponly.efi's URL, when the payload has it:
 *                                                       iPXE shows the menu
 *   ARM64, IA32, others            any                  nothing, and a reason for the log
 *   the ring is its choice, and     any                 nothing: the firmware goes on to its disk;
 *                                                       UEFI, which would ask for
 *   does not want it now                                minutes, a program that ends at once,
 *                                                       wherever a loader would be given;
 *                                                       where there is a menu of other entries, the
 *                                                       menu, the disk first
 *
 * A lease with option 60 = PXEClient and without 43 would send firmware to port 4011 for what it
 * already holds, so leases carry 60 only with a menu or for HTTP. Option 67 comes last and ends in
 * a NUL, because firmware writes one there; the BOOTP field `file` says the same for loaders that
 * read nothing else. */
#ifndef NET_PXE_POLICY_H
#define NET_PXE_POLICY_H

#include "net/pxe/codec.h"
#include "net/pxe/entry.h"
#include "net/pxe/start.h"

struct boot_choice {
    uint8_t mac[6];
    unsigned entry; /* index */
};

/* What the configuration says. The caller's; read only here. */
struct boot_plan {
    const struct boot_entry *entries; /* checked by boot_entries_check */
    unsigned n_entries;               /* 1 .. BOOT_ENTRIES_MAX */
    unsigned fallback;                /* index of the default entry */
    const struct boot_choice *choices;
    unsigned n_choices;
    uint32_t address;     /* the box's, host order */
    uint16_t http_port;   /* 0: 80 */
    uint8_t menu_seconds; /* how long menus wait before the default is booted; 0: no menus */
    bool leaves;          /* BOOT_PAYLOAD_LEAVE is there */
    bool ipxe_efi;        /* BOOT_PAYLOAD_IPXE_EFI is there: UEFI machines get to scripts by it */
    /* proxy: the file at once instead of on port 4011; some firmware wants one, some the other */
    bool uefi_direct;
    /* Whether the ring is to image this machine (again); NULL: every machine. */
    bool (*wants_imaging)(void *ctx, const uint8_t mac[6]);
    void *ctx;
    struct boot_starts *starts; /* what was chosen, by machine; NULL: nothing is kept of it */
};

/* Whether the plan has this entry for this machine, now. */
bool boot_plan_offers(const struct boot_plan *, unsigned entry, enum boot_platform,
                      const uint8_t mac[6], const char *model);
/* The entry that the machine boots when nobody chooses: its own choice in the plan, which must fit
 * it; else the default; else the first tree that is offered to it. The ring erases a disk, so it
 * takes the place of nothing else. Index; PXE_EDONE when it is the ring and the machine has been
 * imaged; PXE_ENOENTRY. *own (may be NULL): whether the plan names this machine: then no menu is
 * shown. */
int boot_plan_choice(const struct boot_plan *, enum boot_platform, const uint8_t mac[6],
                     const char *model, bool *own);
/* What is known of this start of the machine. A plan without menus has nobody choose there: then
 * nobody is UNKNOWN. */
enum boot_state boot_plan_start(const struct boot_plan *, const uint8_t mac[6], unsigned *entry);
/* Whether a person may choose among entries on this machine although the ring, its default, does
 * not want it. */
bool boot_plan_menu_without_ring(const struct boot_plan *, const uint8_t mac[6]);
/* "http://10.77.0.1[:port]/path", percent-escaped; 0 or PXE_EROOM. */
int boot_plan_url(const struct boot_plan *, const char *path, char *to, size_t cap);

/* Longest URL or name in an answer: option 67 with its NUL. */
#define PXE_FILE_MAX 254

struct pxe_answer {
    const char *class_id;        /* option 60: PXE_CLASS, PXE_CLASS_HTTP or NULL */
    char file[PXE_FILE_MAX + 1]; /* option 67, and the field `file` when it fits; "" none */
    size_t n_vendor;             /* option 43, 0: none */
    uint8_t vendor[PXE_VENDOR_MAX];
    bool no_proxy; /* 175.176 = 1: iPXE need not wait for proxy offers */
    bool leaves;   /* the file only ends: on to the disk */
    int entry;     /* index of what is being booted, -1: not decided (menu, script) */
};

/* 0 and the answer, or why there is none. */
int pxe_decide(const struct boot_plan *, const struct pxe_facts *, enum pxe_stage,
               struct pxe_answer *);

#endif
