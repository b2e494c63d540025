#include "net/pxe/script.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "net/wire/must.h"

struct text {
    char *to;
    size_t at;
};

static void say(struct text *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void say(struct text *t, const char *fmt, ...)
{
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(t->to + t->at, PXE_SCRIPT_MAX - t->at, fmt, ap);
    va_end(ap);
    MUST(n >= 0 && (size_t)n < PXE_SCRIPT_MAX - t->at);
    t->at += (size_t)n;
}

/* A name that means nothing to iPXE: harmless characters, and no word that begins like an option. */
static const char *harmless(const char *name, char to[BOOT_NAME_MAX + 1])
{
    static const char marks[] = " .,:_+=/()@'!?";
    size_t i;

    for (i = 0; name[i]; i++) {
        char c = name[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (c & 0x80);

        to[i] = letter || strchr(marks, c) || (c == '-' && i > 0 && to[i - 1] != ' ') ? c : '_';
    }
    to[i] = 0;
    return to;
}

/* Below ${box}. */
static const char *path_escaped(const char *path, char to[3 * BOOT_PATH_MAX + 1])
{
    static const char hex[] = "0123456789ABCDEF";
    size_t at = 0;

    for (; *path; path++) {
        uint8_t c = (uint8_t)*path;

        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || strchr("-._~/", c)) {
            to[at++] = (char)c;
            continue;
        }
        to[at++] = '%';
        to[at++] = hex[c >> 4];
        to[at++] = hex[c & 15];
    }
    to[at] = 0;
    return to;
}

static void say_chain(struct text *t, const char *path)
{
    char escaped[3 * BOOT_PATH_MAX + 1];

    say(t, "chain ${box}/%s || goto failed\ngoto failed\n", path_escaped(path, escaped));
}

static void say_ring(struct text *t, const struct boot_entry *e)
{
    say(t, "iseq ${platform} efi && goto e%u_efi ||\n", e->id);
    say(t, "kernel ${box}/" BOOT_PAYLOAD_KERNEL " " PXE_ARGUMENTS " " PXE_ARGUMENTS_BIOS " || goto failed\n");
    say(t, "initrd ${box}/" BOOT_PAYLOAD_INITRD " || goto failed\nboot || goto failed\ngoto failed\n");
    say(t, ":e%u_efi\n", e->id);
    say_chain(t, BOOT_PAYLOAD_EFI);
}

/* A loader for one platform. PXELINUX and its like look for their files beside themselves when option 210 says where. */
static void say_loader(struct text *t, const char *path)
{
    char escaped[3 * BOOT_PATH_MAX + 1];
    const char *slash;

    if (!path[0]) {
        say(t, "echo Ringcast: nothing to load for ${platform}\ngoto failed\n");
        return;
    }
    path_escaped(path, escaped);
    slash = strrchr(escaped, '/');
    say(t, "set 210:string ${files}/%.*s\n", slash ? (int)(slash - escaped) + 1 : 0, escaped);
    say_chain(t, path);
}

static void say_tree(struct text *t, const struct boot_entry *e)
{
    if (e->script[0]) {
        say_chain(t, e->script);
        return;
    }
    say(t, "iseq ${platform} efi && goto e%u_efi ||\n", e->id);
    say_loader(t, e->loader[BOOT_BIOS]);
    say(t, ":e%u_efi\n", e->id);
    say_loader(t, e->loader[BOOT_UEFI]);
}

/* Whether iPXE on this machine could boot the entry on one platform or the other: which it is, iPXE knows. */
static bool offered(const struct boot_plan *p, unsigned entry, const uint8_t mac[6])
{
    return boot_plan_offers(p, entry, BOOT_BIOS, mac, "") || boot_plan_offers(p, entry, BOOT_UEFI, mac, "");
}

static int chosen(const struct boot_plan *p, const uint8_t mac[6], bool *own)
{
    int choice = boot_plan_choice(p, BOOT_BIOS, mac, "", own);

    return choice == PXE_ENOENTRY ? boot_plan_choice(p, BOOT_UEFI, mac, "", own) : choice;
}

static void say_menu(struct text *t, const struct boot_plan *p, const uint8_t mac[6], unsigned choice)
{
    char name[BOOT_NAME_MAX + 1];

    say(t, "menu Ringcast || goto e%u\n", choice);
    for (unsigned i = 0; i < p->n_entries; i++)
        if (offered(p, i, mac))
            say(t, "item e%u %s\n", p->entries[i].id, harmless(p->entries[i].name, name));
    say(t, "item disk Start from the disk\n");
    say(t, "choose --default e%u --timeout %u000 pick || goto disk\ngoto ${pick}\n", choice, p->menu_seconds);
}

static void say_entry(struct text *t, const struct boot_entry *e)
{
    char name[BOOT_NAME_MAX + 1];

    say(t, ":e%u\nimgfree\necho Ringcast: %s\n", e->id, harmless(e->name, name));
    if (e->kind == BOOT_RING)
        say_ring(t, e);
    else
        say_tree(t, e);
}

static void say_choices(struct text *t, const struct boot_plan *p, const uint8_t mac[6], unsigned choice)
{
    say_menu(t, p, mac, p->entries[choice].id);
    for (unsigned i = 0; i < p->n_entries; i++)
        if (offered(p, i, mac))
            say_entry(t, &p->entries[i]);
}

static unsigned count_offered(const struct boot_plan *p, const uint8_t mac[6])
{
    unsigned n = 0;

    for (unsigned i = 0; i < p->n_entries; i++)
        n += offered(p, i, mac);
    return n;
}

static void say_head(struct text *t, const struct boot_plan *p)
{
    char url[64];

    MUST(boot_plan_url(p, "", url, sizeof url) == 0);
    url[strlen(url) - 1] = 0; /* the slash */
    say(t, "#!ipxe\nset box %s\nset files tftp://%u.%u.%u.%u\n", url, p->address >> 24, p->address >> 16 & 255,
        p->address >> 8 & 255, p->address & 255);
}

size_t pxe_script(const struct boot_plan *p, const uint8_t *known, char to[PXE_SCRIPT_MAX])
{
    static const uint8_t nobody[6];
    const uint8_t *mac = known ? known : nobody;
    struct text t = {.to = to};
    bool own;
    int choice = chosen(p, mac, &own);

    say_head(&t, p);
    if (choice == PXE_EDONE)
        say(&t, "echo Ringcast: this machine has been imaged\n");
    else if (choice < 0)
        say(&t, "echo Ringcast: there is nothing to boot for this machine\n");
    else if (!known && p->n_choices)
        say(&t, "echo Ringcast: the box cannot tell which machine this is\n");
    else if (count_offered(p, mac) > 1 && p->menu_seconds && !own)
        say_choices(&t, p, mac, (unsigned)choice);
    else
        say_entry(&t, &p->entries[choice]);
    say(&t, ":disk\niseq ${platform} pcbios && sanboot --no-describe --drive 0x80 || exit\n");
    say(&t, ":failed\necho Ringcast: that did not work, asking the box again in 5 seconds\nsleep 5\n");
    say(&t, "chain --replace ${box}/" BOOT_SCRIPT " || goto failed\n");
    return t.at;
}
