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

/* A name that means nothing to iPXE: harmless characters, and no word that begins like an option.
 */
static const char *harmless(const char *name, char to[BOOT_NAME_MAX + 1])
{
    static const char marks[] = " .,:_+=/()@'!?";
    size_t i;

    for (i = 0; name[i]; i++) {
        char c = name[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      (c & 0x80);

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

        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
            strchr("-._~/", c)) {
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
    say(t, "kernel ${box}/" BOOT_PAYLOAD_KERNEL " " PXE_ARGUMENTS " " PXE_ARGUMENTS_BIOS
           " || goto failed\n");
    say(t,
        "initrd ${box}/" BOOT_PAYLOAD_INITRD " || goto failed\nboot || goto failed\ngoto failed\n");
    say(t, ":e%u_efi\n", e->id);
    say_chain(t, BOOT_PAYLOAD_EFI);
}

/* A loader for one platform. PXELINUX and its like look for their files beside themselves when
 * option 210 says where. */
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

/* Whether iPXE on this machine could boot the entry on one platform or the other: which it is, iPXE
 * knows. */
static bool offered(const struct boot_plan *p, unsigned entry, const uint8_t mac[6])
{
    return boot_plan_offers(p, entry, BOOT_BIOS, mac, "") ||
           boot_plan_offers(p, entry, BOOT_UEFI, mac, "");
}

static int chosen(const struct boot_plan *p, const uint8_t mac[6], bool *own)
{
    int choice = boot_plan_choice(p, BOOT_BIOS, mac, "", own);

    return choice == PXE_ENOENTRY ? boot_plan_choice(p, BOOT_UEFI, mac, "", own) : choice;
}

/* A line of the menu by its label; the disk is what no entry is. */
static const char *label(const struct boot_plan *p, int entry, char to[16])
{
    if (entry < 0)
        return "disk";
    snprintf(to, 16, "e%u", p->entries[entry].id);
    return to;
}

static void say_menu(struct text *t, const struct boot_plan *p, const uint8_t mac[6], int choice)
{
    char name[BOOT_NAME_MAX + 1], first[16];

    say(t, "menu Ringcast || goto %s\n", label(p, choice, first));
    for (unsigned i = 0; i < p->n_entries; i++)
        if (offered(p, i, mac))
            say(t, "item e%u %s\n", p->entries[i].id, harmless(p->entries[i].name, name));
    say(t, "item disk Start from the disk\n");
    say(t, "choose --default %s --timeout %u000 pick || goto disk\ngoto ${pick}\n",
        label(p, choice, first), p->menu_seconds);
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

/* Each entry is a script of its own, so that the box knows which was chosen. */
static void say_choices(struct text *t, const struct boot_plan *p, const uint8_t mac[6], int choice)
{
    say_menu(t, p, mac, choice);
    for (unsigned i = 0; i < p->n_entries; i++)
        if (offered(p, i, mac))
            say(t,
                ":e%u\nchain --replace ${box}/" BOOT_SCRIPT_ENTRY " || goto failed\ngoto failed\n",
                p->entries[i].id, p->entries[i].id);
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
    say(t, "#!ipxe\nset box %s\nset files tftp://%u.%u.%u.%u\n", url, p->address >> 24,
        p->address >> 16 & 255, p->address >> 8 & 255, p->address & 255);
}

static void say_tail(struct text *t)
{
    say(t, ":disk\niseq ${platform} pcbios && sanboot --no-describe --drive 0x80 || exit\n");
    say(t,
        ":failed\necho Ringcast: that did not work, asking the box again in 5 seconds\nsleep 5\n");
    say(t, "chain --replace ${box}/" BOOT_SCRIPT " || goto failed\n");
}

/* The entry that was chosen for this start. Its rules were asked then; of a Mac, whose model iPXE
 * does not know. */
static void say_chosen(struct text *t, const struct boot_plan *p, const uint8_t *mac,
                       unsigned entry)
{
    const struct boot_entry *e = &p->entries[entry];

    if (e->kind == BOOT_RING && p->wants_imaging && !p->wants_imaging(p->ctx, mac)) {
        say(t, "echo Ringcast: this machine is not to be imaged now\n");
        return;
    }
    if (!boot_entry_loads(e, BOOT_BIOS) && !boot_entry_loads(e, BOOT_UEFI)) {
        say(t, "echo Ringcast: what was chosen has nothing to load for iPXE\n");
        return;
    }
    say_entry(t, e);
    if (p->starts)
        boot_start_told(p->starts, mac);
}

/* Nobody can tell what was meant: a menu that ends at the disk, or the disk. */
static void say_open(struct text *t, const struct boot_plan *p, const uint8_t *mac, const char *why)
{
    say(t, "echo Ringcast: %s\n", why);
    if (p->menu_seconds && count_offered(p, mac) > 0)
        say_choices(t, p, mac, -1);
}

/* `forgotten`: somebody may have chosen an entry before the box started, so the ring is nobody's
 * default in a menu. */
static void say_default(struct text *t, const struct boot_plan *p, const uint8_t *mac,
                        bool forgotten)
{
    bool own;
    int choice = chosen(p, mac, &own);

    if (forgotten && !own && choice >= 0 && p->entries[choice].kind == BOOT_RING &&
        count_offered(p, mac) > 1)
        say_open(t, p, mac,
                 "the box has just started, and does not know what was chosen for this machine");
    else if (choice == PXE_EDONE && boot_plan_menu_without_ring(p, mac))
        say_open(t, p, mac, "this machine is not to be imaged now");
    else if (choice == PXE_EDONE)
        say(t, "echo Ringcast: this machine is not to be imaged now\n");
    else if (choice < 0)
        say(t, "echo Ringcast: there is nothing to boot for this machine\n");
    else if (count_offered(p, mac) > 1 && p->menu_seconds && !own)
        say_choices(t, p, mac, choice);
    else
        say_entry(t, &p->entries[choice]);
}

/* Whether an asker whom nobody knows might be a machine that something else is meant for. */
static bool may_be_another(const struct boot_plan *p)
{
    return p->n_choices || (p->starts && boot_starts_any(p->starts));
}

size_t pxe_script(const struct boot_plan *p, const uint8_t *known, char to[PXE_SCRIPT_MAX])
{
    static const uint8_t nobody[6];
    const uint8_t *mac = known ? known : nobody;
    struct text t = {.to = to};
    unsigned entry;
    enum boot_state state = boot_plan_start(p, mac, &entry);

    say_head(&t, p);
    if (!known && may_be_another(p))
        say(&t, "echo Ringcast: the box cannot tell which machine this is\n");
    else if (state == BOOT_START_CHOSEN)
        say_chosen(&t, p, mac, entry);
    else if (state == BOOT_START_PAST)
        say_open(&t, p, mac, "what was chosen for this machine has been started");
    else
        say_default(&t, p, mac, state == BOOT_START_UNKNOWN);
    say_tail(&t);
    return t.at;
}

size_t pxe_script_entry(const struct boot_plan *p, unsigned entry, const uint8_t *known,
                        char to[PXE_SCRIPT_MAX])
{
    static const uint8_t nobody[6];
    const uint8_t *mac = known ? known : nobody;
    struct text t = {.to = to};

    MUST(entry < p->n_entries);
    say_head(&t, p);
    if (!offered(p, entry, mac))
        say(&t, "echo Ringcast: this is not on offer for this machine now\n");
    else if (known && p->starts && boot_start_choose(p->starts, mac, entry))
        say(&t, "echo Ringcast: the box is too busy to remember this choice\n");
    else
        say_chosen(&t, p, mac, entry);
    say_tail(&t);
    return t.at;
}
