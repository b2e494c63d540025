#include "net/pxe/server.h"

#include <stdio.h>
#include <string.h>

#include "net/wire/must.h"

#define UUID_BYTES 17

void pxe_facts_of(const struct dhcp_message *m, struct pxe_facts *f)
{
    const struct dhcp_option *o;

    memset(f, 0, sizeof *f);
    memcpy(f->mac, m->chaddr, sizeof f->mac);
    f->ipxe_http = true;
    if ((o = dhcp_option(m, DHCP_O_ARCHITECTURE)))
        pxe_arch_decode(o->at, o->n, f);
    if ((o = dhcp_option(m, DHCP_O_CLASS)))
        pxe_class_decode(o->at, o->n, f);
    for (o = dhcp_option(m, DHCP_O_USER_CLASS); o; o = dhcp_option_next(m, o))
        pxe_user_class_decode(o->at, o->n, f);
    if ((o = dhcp_option(m, DHCP_O_IPXE)))
        pxe_ipxe_decode(o->at, o->n, f);
    if (f->class_id == PXE_CLASS_PXE && (o = dhcp_option(m, DHCP_O_VENDOR)))
        f->bad_vendor = pxe_vendor_decode(o->at, o->n, f) != 0;
}

/* ---- memory ---- */

static uint32_t hash(uint32_t h, const void *bytes, size_t n)
{
    for (const uint8_t *p = bytes; n--; p++)
        h = (h ^ *p) * 16777619u; /* FNV-1a */
    return h;
}

static struct pxe_memory *memory_of(struct pxe_server *s, const uint8_t mac[6])
{
    struct pxe_memory *m = &s->memory[hash(2166136261u, mac, 6) % PXE_MEMORY];

    if (!m->used || memcmp(m->mac, mac, 6) != 0) {
        *m = (struct pxe_memory){.used = true};
        memcpy(m->mac, mac, 6);
    }
    return m;
}

/* On port 67 the architecture is learnt, on 4011 a machine that says none, or BIOS, is taken at its
 * earlier word. */
static void arch_recall(struct pxe_memory *m, enum pxe_stage stage, struct pxe_facts *f)
{
    bool vague = !f->has_arch || f->arch == PXE_ARCH_BIOS;

    if (stage != PXE_BINL) {
        m->has_arch = f->has_arch;
        m->arch = f->arch;
    } else if (vague && m->has_arch) {
        f->has_arch = true;
        f->arch = m->arch;
    }
}

/* ---- answers ---- */

static const char *what_of(const struct pxe_facts *f, const struct pxe_answer *a)
{
    if (f->ipxe)
        return "the script";
    if (a->leaves)
        return "its own disk, as it is not to be imaged now";
    if (a->file[0])
        return a->entry < 0 ? "iPXE, for a menu" : "the file";
    return a->n_vendor ? "a menu" : "port 4011";
}

static void tell(struct pxe_server *s, struct pxe_memory *m, const struct pxe_facts *f,
                 enum pxe_stage stage, int verdict, const struct pxe_answer *a)
{
    struct pxe_event e = {
        .stage = stage, .verdict = verdict, .entry = a->entry, .file = a->file, .arch = f->arch};
    uint32_t h = hash(2166136261u, &verdict, sizeof verdict);

    if (verdict == PXE_ENOTASKED)
        return;
    memcpy(e.mac, f->mac, sizeof e.mac);
    e.what = verdict ? "" : what_of(f, a);
    e.chose = stage == PXE_BINL && f->has_item && !f->ipxe && a->entry >= 0
                  ? s->plan->entries[a->entry].name
                  : "";
    h = hash(hash(h, e.what, strlen(e.what)), a->file, strlen(a->file));
    h = hash(h, e.chose, strlen(e.chose));
    e.again = h == m->last;
    m->last = h;
    if (s->tell)
        s->tell(s->ctx, &e);
}

/* The order matters: option 67 comes last, and ends in a NUL (net/pxe/policy.h). */
static bool boot_fields(const struct boot_plan *p, const struct dhcp_message *request,
                        const struct pxe_answer *a, struct dhcp_boot *out)
{
    static const uint8_t no_proxy[] = {PXE_IPXE_NO_PROXY, 1, 1};
    const struct dhcp_option *uuid = dhcp_option(request, DHCP_O_UUID);
    size_t n = strlen(a->file);
    bool fits = true;

    out->siaddr = p->address;
    if (n < sizeof out->file)
        memcpy(out->file, a->file, n);
    if (a->class_id)
        fits &= dhcp_boot_put(out, DHCP_O_CLASS, a->class_id, strlen(a->class_id));
    if (a->class_id && uuid && uuid->n == UUID_BYTES)
        fits &= dhcp_boot_put(out, DHCP_O_UUID, uuid->at, uuid->n);
    if (a->n_vendor)
        fits &= dhcp_boot_put(out, DHCP_O_VENDOR, a->vendor, a->n_vendor);
    if (a->no_proxy)
        fits &= dhcp_boot_put(out, DHCP_O_IPXE, no_proxy, sizeof no_proxy);
    if (n)
        fits &= dhcp_boot_put(out, DHCP_O_BOOT_FILE, a->file, n + 1);
    return fits;
}

static enum pxe_stage stage_of(enum dhcp_boot_kind kind)
{
    return kind == DHCP_BOOT_LEASE ? PXE_LEASE : kind == DHCP_BOOT_PROXY ? PXE_PROXY : PXE_BINL;
}

/* What the request says of this start of the machine, before it is answered. */
static void start_begins(struct boot_starts *starts, const struct dhcp_message *request,
                         const struct pxe_facts *f)
{
    if (!starts || request->type != DHCP_DISCOVER)
        return;
    if (f->ipxe)
        boot_start_ipxe(starts, f->mac);
    else
        boot_start_firmware(starts, f->mac);
}

/* The item of a menu that is about to be given. A choice that cannot be kept is not given. */
static int start_chosen(struct boot_starts *starts, enum pxe_stage stage, const struct pxe_facts *f,
                        const struct pxe_answer *a)
{
    bool item = stage == PXE_BINL && f->has_item && !f->ipxe && a->entry >= 0;

    return item && starts ? boot_start_choose(starts, f->mac, (unsigned)a->entry) : 0;
}

bool pxe_server_boot(void *ctx, const struct dhcp_message *request, enum dhcp_boot_kind kind,
                     struct dhcp_boot *out)
{
    struct pxe_server *s = ctx;
    enum pxe_stage stage = stage_of(kind);
    struct pxe_answer a = {.entry = -1};
    struct pxe_memory *m;
    struct pxe_facts f;
    int verdict;

    memset(out, 0, sizeof *out);
    pxe_facts_of(request, &f);
    if (f.class_id == PXE_CLASS_NONE && !f.ipxe)
        return false;
    m = memory_of(s, f.mac);
    arch_recall(m, stage, &f);
    start_begins(s->plan->starts, request, &f);
    verdict = pxe_decide(s->plan, &f, stage, &a);
    if (verdict == 0)
        verdict = start_chosen(s->plan->starts, stage, &f, &a);
    if (verdict == 0 && !boot_fields(s->plan, request, &a, out))
        verdict = PXE_EROOM;
    tell(s, m, &f, stage, verdict, &a);
    if (verdict)
        memset(out, 0, sizeof *out);
    return verdict == 0;
}

static const char *sentence(int code)
{
#define X(name, number, text) {number, text},
    static const struct {
        int code;
        const char *text;
    } rows[] = {PXE_ERRORS(X)};
#undef X

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].code == code)
            return rows[i].text;
    return "";
}

void pxe_event_text(const struct pxe_event *e, char *to, size_t cap)
{
    char mac[DHCP_MAC_TEXT];

    dhcp_mac_text(mac, e->mac);
    if (e->verdict)
        snprintf(to, cap, "%s (architecture %u) is given nothing to boot: %s (%d)", mac, e->arch,
                 sentence(e->verdict), e->verdict);
    else if (e->chose[0])
        snprintf(
            to, cap,
            "%s (architecture %u) chooses \"%s\" in the firmware's menu, and is sent to %s: %s",
            mac, e->arch, e->chose, e->what, e->file);
    else
        snprintf(to, cap, "%s (architecture %u) is sent to %s%s%s", mac, e->arch, e->what,
                 e->file[0] ? ": " : "", e->file);
}
