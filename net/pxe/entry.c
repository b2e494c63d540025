#include "net/pxe/entry.h"

#include <string.h>

#include "net/wire/must.h"
#include "net/wire/utf8.h"

struct boot_entry boot_entry_ring(const char *name, uint16_t id)
{
    struct boot_entry e = {.kind = BOOT_RING,
                           .id = id,
                           .loader = {[BOOT_BIOS] = BOOT_PAYLOAD_IPXE,
                                      [BOOT_UEFI] = BOOT_PAYLOAD_EFI,
                                      [BOOT_MAC] = BOOT_PAYLOAD_EFI}};

    MUST(strlen(name) <= BOOT_NAME_MAX);
    memcpy(e.name, name, strlen(name));
    return e;
}

uint32_t boot_entry_image(const struct boot_entry *e)
{
    return (uint32_t)(e->attributes ? e->attributes : BOOT_ATTRIBUTES) << 16 | e->id;
}

static bool rule_matches(const struct boot_rule *r, const uint8_t mac[6], const char *model)
{
    if (r->kind == BOOT_ONLY_MAC || r->kind == BOOT_NOT_MAC)
        return memcmp(r->mac, mac, 6) == 0;
    return strcmp(r->model, model) == 0;
}

bool boot_entry_loads(const struct boot_entry *e, enum boot_platform p)
{
    /* BIOS machines get to scripts through iPXE */
    return e->loader[p][0] || (p == BOOT_BIOS && e->script[0]);
}

bool boot_entry_fits(const struct boot_entry *e, enum boot_platform p, const uint8_t mac[6],
                     const char *model)
{
    bool only_mac = false, only_model = false, mac_fits = false, model_fits = false;

    if (!boot_entry_loads(e, p))
        return false;
    for (unsigned i = 0; i < e->n_rules; i++) {
        const struct boot_rule *r = &e->rules[i];
        bool match = rule_matches(r, mac, model);

        if (match && (r->kind == BOOT_NOT_MAC || r->kind == BOOT_NOT_MODEL))
            return false;
        only_mac |= r->kind == BOOT_ONLY_MAC;
        only_model |= r->kind == BOOT_ONLY_MODEL;
        mac_fits |= r->kind == BOOT_ONLY_MAC && match;
        model_fits |= r->kind == BOOT_ONLY_MODEL && match;
    }
    return (!only_mac || mac_fits) && (!only_model || model_fits);
}

bool boot_path_legal(const char *path)
{
    size_t n = strlen(path);

    if (n < 1 || n > BOOT_PATH_MAX || !utf8_is_plain(path, n) || strchr(path, '\\'))
        return false;
    for (const char *part = path;; part += strcspn(part, "/") + 1) {
        size_t length = strcspn(part, "/");

        if (length == 0 || (length == 1 && part[0] == '.') ||
            (length == 2 && part[0] == '.' && part[1] == '.'))
            return false;
        if (!part[length])
            return true;
    }
}

static int paths_check(const struct boot_entry *e, struct err *err)
{
    bool any = e->script[0];

    for (unsigned p = 0; p < BOOT_PLATFORMS; p++) {
        any |= e->loader[p][0] != 0;
        if (e->loader[p][0] && !boot_path_legal(e->loader[p]))
            return err_set(err, PXE_EPATH,
                           "entry %s: expected a relative path as loader, got \"%s\"", e->name,
                           e->loader[p]);
    }
    if (e->script[0] && !boot_path_legal(e->script))
        return err_set(err, PXE_EPATH, "entry %s: expected a relative path as script, got \"%s\"",
                       e->name, e->script);
    return any ? 0
               : err_set(err, PXE_ELOADER,
                         "entry %s: expected a loader for some kind of machine, got none", e->name);
}

static int entry_check(const struct boot_entry *all, unsigned at, struct err *err)
{
    const struct boot_entry *e = &all[at];
    size_t n = strlen(e->name);

    if (n < 1 || !utf8_is_plain(e->name, n))
        return err_set(err, PXE_ENAME,
                       "entry %u: expected a name of 1 to %d bytes of UTF-8, got %zu bytes", at + 1,
                       BOOT_NAME_MAX, n);
    if (e->id == 0)
        return err_set(err, PXE_EID, "entry %s: expected a number within 1 to 65535, got 0",
                       e->name);
    for (unsigned i = 0; i < at; i++) {
        if (strcmp(all[i].name, e->name) == 0)
            return err_set(err, PXE_ENAME, "expected each entry's name once, got \"%s\" twice",
                           e->name);
        if (all[i].id == e->id)
            return err_set(err, PXE_EID,
                           "expected each entry's number once, got %u for \"%s\" and \"%s\"", e->id,
                           all[i].name, e->name);
    }
    return paths_check(e, err);
}

int boot_entries_check(const struct boot_entry *all, unsigned n, struct err *err)
{
    int rc = 0;

    if (n < 1 || n > BOOT_ENTRIES_MAX)
        return err_set(err, PXE_ECOUNT, "expected 1 to %d boot entries, got %u", BOOT_ENTRIES_MAX,
                       n);
    for (unsigned i = 0; i < n && rc == 0; i++)
        rc = entry_check(all, i, err);
    return rc;
}
