#include "net/pxe/policy.h"

#include <stdio.h>
#include <string.h>

#include "net/wire/must.h"

/* ---- the plan ---- */

static bool wanted(const struct boot_plan *p, unsigned entry, const uint8_t mac[6])
{
    return p->entries[entry].kind != BOOT_RING || !p->wants_imaging ||
           p->wants_imaging(p->ctx, mac);
}

/* UEFI machines without a loader of the entry's get to its script through iPXE, as BIOS machines
 * do. */
static bool entry_fits(const struct boot_plan *p, unsigned entry, enum boot_platform platform,
                       const uint8_t mac[6], const char *model)
{
    const struct boot_entry *e = &p->entries[entry];

    return boot_entry_fits(e, platform, mac, model) ||
           (platform == BOOT_UEFI && p->ipxe_efi && e->script[0] &&
            boot_entry_fits(e, BOOT_BIOS, mac, model));
}

static const char *uefi_loader(const struct boot_entry *e)
{
    return e->loader[BOOT_UEFI][0] ? e->loader[BOOT_UEFI] : BOOT_PAYLOAD_IPXE_EFI;
}

bool boot_plan_offers(const struct boot_plan *p, unsigned entry, enum boot_platform platform,
                      const uint8_t mac[6], const char *model)
{
    MUST(entry < p->n_entries);
    return entry_fits(p, entry, platform, mac, model) && wanted(p, entry, mac);
}

/* Index of the entry the plan names for this machine; -1 when it does not. */
static int named(const struct boot_plan *p, const uint8_t mac[6])
{
    for (unsigned i = 0; i < p->n_choices; i++)
        if (memcmp(p->choices[i].mac, mac, 6) == 0)
            return (int)p->choices[i].entry;
    return -1;
}

int boot_plan_choice(const struct boot_plan *p, enum boot_platform platform, const uint8_t mac[6],
                     const char *model, bool *own)
{
    int entry = named(p, mac);
    bool is_own = entry >= 0;

    if (own)
        *own = is_own;
    if (!is_own)
        entry = (int)p->fallback;
    if (!entry_fits(p, (unsigned)entry, platform, mac, model) && is_own)
        return PXE_ENOENTRY;
    /* The ring erases a disk: it is chosen by somebody, never for lack of something else. */
    if (!entry_fits(p, (unsigned)entry, platform, mac, model))
        for (entry = 0; (unsigned)entry < p->n_entries; entry++)
            if (p->entries[entry].kind != BOOT_RING &&
                entry_fits(p, (unsigned)entry, platform, mac, model))
                break;
    if ((unsigned)entry == p->n_entries)
        return PXE_ENOENTRY;
    return wanted(p, (unsigned)entry, mac) ? entry : PXE_EDONE;
}

enum boot_state boot_plan_start(const struct boot_plan *p, const uint8_t mac[6], unsigned *entry)
{
    enum boot_state state = p->starts ? boot_start_look(p->starts, mac, entry) : BOOT_START_OPEN;

    return state == BOOT_START_UNKNOWN && !p->menu_seconds ? BOOT_START_OPEN : state;
}

bool boot_plan_menu_without_ring(const struct boot_plan *p, const uint8_t mac[6])
{
    bool any = false;

    for (unsigned i = 0; i < p->n_entries; i++)
        any |= p->entries[i].kind != BOOT_RING && (boot_plan_offers(p, i, BOOT_BIOS, mac, "") ||
                                                   boot_plan_offers(p, i, BOOT_UEFI, mac, ""));
    return any && p->menu_seconds && named(p, mac) < 0;
}

static bool url_plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c && strchr("-._~/", c));
}

static int url_of(const char *scheme, uint32_t address, uint16_t port, const char *path, char *to,
                  size_t cap)
{
    size_t at = (size_t)snprintf(to, cap, "%s://%u.%u.%u.%u", scheme, address >> 24,
                                 address >> 16 & 255, address >> 8 & 255, address & 255);

    if (port && at < cap)
        at += (size_t)snprintf(to + at, cap - at, ":%u", port);
    if (at < cap)
        at += (size_t)snprintf(to + at, cap - at, "/");
    for (; *path && at < cap; path++)
        at +=
            (size_t)snprintf(to + at, cap - at, url_plain(*path) ? "%c" : "%%%02X", (uint8_t)*path);
    return at < cap ? 0 : PXE_EROOM;
}

int boot_plan_url(const struct boot_plan *p, const char *path, char *to, size_t cap)
{
    return url_of("http", p->address, p->http_port == 80 ? 0 : p->http_port, path, to, cap);
}

/* ---- one request ---- */

/* BIOS, UEFI, or why neither. */
static int platform_of(const struct pxe_facts *f)
{
    static const struct {
        uint16_t arch;
        int platform;
    } known[] = {
        {PXE_ARCH_BIOS, BOOT_BIOS},         {PXE_ARCH_X64, BOOT_UEFI},
        {PXE_ARCH_EBC, BOOT_UEFI},          {PXE_ARCH_HTTP_X64, BOOT_UEFI},
        {PXE_ARCH_ARM64, PXE_EARM64},       {PXE_ARCH_HTTP_ARM64, PXE_EARM64},
        {PXE_ARCH_UBOOT_ARM64, PXE_EARM64}, {PXE_ARCH_IA32, PXE_EIA32},
        {PXE_ARCH_HTTP_IA32, PXE_EIA32},
    };

    if (!f->has_arch)
        return f->class_id == PXE_CLASS_HTTP_BOOT ? PXE_EARCH : BOOT_BIOS;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (known[i].arch == f->arch)
            return known[i].platform;
    return PXE_EARCH;
}

static int answer_file(struct pxe_answer *a, const char *name)
{
    return snprintf(a->file, sizeof a->file, "%s", name) <= PXE_FILE_MAX ? 0 : PXE_EROOM;
}

static int answer_script(const struct boot_plan *p, const struct pxe_facts *f, enum pxe_stage stage,
                         struct pxe_answer *a)
{
    a->class_id = stage == PXE_LEASE ? NULL : PXE_CLASS;
    a->no_proxy = stage == PXE_LEASE;
    if (!f->ipxe_http)
        return url_of("tftp", p->address, 0, BOOT_SCRIPT, a->file, sizeof a->file);
    return boot_plan_url(p, BOOT_SCRIPT, a->file, sizeof a->file);
}

static uint16_t item_type(const struct boot_entry *e)
{
    return PXE_ITEM_OURS | e->id;
}

/* The entry behind a menu item that this machine was, or could have been, shown. */
static int answer_item(const struct boot_plan *p, const struct pxe_facts *f,
                       enum boot_platform platform, struct pxe_answer *a)
{
    for (unsigned i = 0; i < p->n_entries; i++) {
        const struct boot_entry *e = &p->entries[i];

        if (e->id >= PXE_MENU_IDS || item_type(e) != f->item ||
            !boot_plan_offers(p, i, platform, f->mac, ""))
            continue;
        a->entry = (int)i;
        a->class_id = PXE_CLASS;
        a->n_vendor = pxe_vendor_item(f->item, f->layer, a->vendor);
        return answer_file(a, platform == BOOT_BIOS ? BOOT_PAYLOAD_IPXE : uefi_loader(e));
    }
    return PXE_EITEM;
}

/* BIOS: iPXE first, except for a tree meant for this machine alone that brings a loader for ROMs.
 */
static int answer_bios(const struct boot_plan *p, enum pxe_stage stage, bool own,
                       struct pxe_answer *a)
{
    const struct boot_entry *e = &p->entries[a->entry];
    bool direct = own && e->kind == BOOT_TREE && e->loader[BOOT_BIOS][0] && !e->script[0];

    a->class_id = stage == PXE_LEASE ? NULL : PXE_CLASS;
    if (stage == PXE_PROXY)
        a->n_vendor = pxe_vendor_file(a->vendor);
    return answer_file(a, direct ? e->loader[BOOT_BIOS] : BOOT_PAYLOAD_IPXE);
}

/* Items for a menu, the default first; 0 when there is nothing to choose. A choice below 0: the
 * disk is the default; else it is the last. */
static unsigned menu_items(const struct boot_plan *p, const struct pxe_facts *f, int choice,
                           struct pxe_item item[BOOT_ENTRIES_MAX + 1])
{
    static const struct pxe_item disk = {PXE_ITEM_DISK, "Start from the disk"};
    unsigned n = 0;

    if (choice < 0)
        item[n++] = disk;
    for (unsigned k = choice < 0; k <= p->n_entries; k++) {
        unsigned i = k == 0 ? (unsigned)choice : k - 1;
        const struct boot_entry *e = &p->entries[i];

        if (k > 0 && i == (unsigned)choice)
            continue;
        if (e->id < PXE_MENU_IDS && boot_plan_offers(p, i, BOOT_UEFI, f->mac, ""))
            item[n++] = (struct pxe_item){item_type(e), e->name};
    }
    if (n < 2 || (choice >= 0 && item[0].type != item_type(&p->entries[choice])))
        return 0;
    if (choice >= 0)
        item[n++] = disk;
    return n;
}

/* UEFI firmware is to load this file: over HTTP, or in the way of PXE. */
static int answer_loader(const struct boot_plan *p, const struct pxe_facts *f, enum pxe_stage stage,
                         const char *loader, struct pxe_answer *a)
{
    if (f->class_id == PXE_CLASS_HTTP_BOOT) {
        a->class_id = PXE_CLASS_HTTP;
        return boot_plan_url(p, loader, a->file, sizeof a->file);
    }
    a->class_id = stage == PXE_LEASE ? NULL : PXE_CLASS;
    if (stage == PXE_PROXY && !p->uefi_direct)
        return 0;
    if (stage == PXE_PROXY)
        a->n_vendor = pxe_vendor_file(a->vendor);
    return answer_file(a, loader);
}

/* Firmware with HTTP boot has no menu of its own: it gets one by way of iPXE, whose script asks the
 * plan again. */
static bool shows_menu(const struct boot_plan *p, const struct pxe_facts *f, enum pxe_stage stage,
                       bool own)
{
    return !own && p->menu_seconds && stage != PXE_BINL &&
           (f->class_id != PXE_CLASS_HTTP_BOOT || p->ipxe_efi);
}

/* a->entry below 0: its default is the disk. */
static int answer_uefi(const struct boot_plan *p, const struct pxe_facts *f, enum pxe_stage stage,
                       bool own, struct pxe_answer *a)
{
    struct pxe_item item[BOOT_ENTRIES_MAX + 1];
    unsigned items = shows_menu(p, f, stage, own) ? menu_items(p, f, a->entry, item) : 0;

    a->leaves = !items && a->entry < 0;
    if (a->leaves)
        return p->leaves ? answer_loader(p, f, stage, BOOT_PAYLOAD_LEAVE, a) : PXE_EDONE;
    if (!items)
        return answer_loader(p, f, stage, uefi_loader(&p->entries[a->entry]), a);
    a->entry = -1;
    if (f->class_id == PXE_CLASS_HTTP_BOOT)
        return answer_loader(p, f, stage, BOOT_PAYLOAD_IPXE_EFI, a);
    a->class_id = PXE_CLASS;
    a->n_vendor = pxe_vendor_menu(item, items, p->address, p->menu_seconds, a->vendor);
    return 0;
}

/* The plan's choice is the ring, which does not want the machine: its disk, or a menu whose default
 * is the disk. */
static int answer_done(const struct boot_plan *p, const struct pxe_facts *f, enum pxe_stage stage,
                       int platform, bool own, struct pxe_answer *a)
{
    if (platform == BOOT_UEFI)
        return answer_uefi(p, f, stage, own, a);
    if (!boot_plan_menu_without_ring(p, f->mac))
        return PXE_EDONE;
    a->class_id = stage == PXE_LEASE ? NULL : PXE_CLASS;
    if (stage == PXE_PROXY)
        a->n_vendor = pxe_vendor_file(a->vendor);
    return answer_file(a, BOOT_PAYLOAD_IPXE);
}

/* Whether the script has something to say that the plan's choice does not. */
static bool script_asked(const struct boot_plan *p, const struct pxe_facts *f, int choice)
{
    unsigned entry;
    enum boot_state state = boot_plan_start(p, f->mac, &entry);

    return state == BOOT_START_CHOSEN || state == BOOT_START_PAST ||
           (choice == PXE_EDONE && boot_plan_menu_without_ring(p, f->mac));
}

int pxe_decide(const struct boot_plan *p, const struct pxe_facts *f, enum pxe_stage stage,
               struct pxe_answer *a)
{
    int platform = platform_of(f), choice;
    bool own;

    memset(a, 0, sizeof *a);
    a->entry = -1;
    if (f->class_id == PXE_CLASS_NONE && !f->ipxe)
        return PXE_ENOTASKED;
    if (platform < 0)
        return platform;
    if (stage == PXE_BINL && f->class_id == PXE_CLASS_HTTP_BOOT)
        return PXE_EHTTP4011;
    if (stage == PXE_BINL && f->bad_vendor)
        return PXE_EVENDOR;
    if (stage == PXE_BINL && f->has_item && !f->ipxe)
        return answer_item(p, f, (enum boot_platform)platform, a);
    choice = boot_plan_choice(p, (enum boot_platform)platform, f->mac, "", &own);
    if (f->ipxe)
        return choice >= 0 || script_asked(p, f, choice) ? answer_script(p, f, stage, a) : choice;
    if (choice == PXE_EDONE)
        return answer_done(p, f, stage, platform, own, a);
    if (choice < 0)
        return choice;
    a->entry = choice;
    if (platform == BOOT_BIOS)
        return answer_bios(p, stage, own, a);
    return answer_uefi(p, f, stage, own, a);
}
