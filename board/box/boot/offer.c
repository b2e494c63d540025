#include "board/box/boot/offer.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "board/log/log.h"
#include "net/pxe/script.h"

#define PAYLOAD_MAX (64u << 20)
#define RING_ID 1

/* ---- the receiver ---- */

/* One file of the payload into the table; false, and a sentence, when it cannot be given out. */
static bool add_file(struct offer *o, const char *folder, const char *name)
{
    struct content_entry *e = &o->file[o->table.n];
    struct err err = {0};
    char path[PATH_MAX];
    const char *base = strrchr(name, '/') + 1;

    snprintf(path, sizeof path, "%.3900s/%s", folder, base);
    if (content_load(&e->content, path, PAYLOAD_MAX, content_type(name), &err)) {
        log_line("%s (%d)", err.text, err.code);
        return false;
    }
    e->name = name;
    o->table.n++;
    return true;
}

/* A page that nobody has filled in yet is looked for as a whole. It is put together here, because
 * the program is in the payload too: a string constant would be found there. */
static int find_empty_page(const struct content *c, uint64_t *at, struct err *err)
{
    char page[IDENTITY_BYTES];

    memset(page, '\n', sizeof page);
    memcpy(page, IDENTITY_MAGIC, sizeof IDENTITY_MAGIC - 1);
    return content_find(c, page, sizeof page, at, err);
}

/* The same with the box's identity in it. */
static bool add_identified(struct offer *o, unsigned n, const char *folder, const char *name)
{
    struct content_overlay *lay = &o->overlay[n];
    struct content *c = &o->file[o->table.n].content;
    struct err err = {0};

    if (!add_file(o, folder, name))
        return false;
    lay->under = *c;
    lay->bytes = o->identity;
    lay->n = IDENTITY_BYTES;
    if (find_empty_page(c, &lay->at, &err) == 0) {
        content_overlaid(c, lay);
        return true;
    }
    log_line("%s is not handed out: it has no place for this box's identity: %s (%d)", name,
             err.text, err.code);
    o->table.n--;
    return false;
}

static void make_identity(struct offer *o, const struct box_config *c,
                          const uint8_t key[IMG_PUBKEY_BYTES])
{
    struct identity_page page = {.address = c->address,
                                 .port = c->ring.port,
                                 .after_pass = c->after_pass,
                                 .disk = c->disk};

    memcpy(page.key, key, sizeof page.key);
    identity_page(&page, o->identity);
}

static void add_receiver(struct offer *o, const struct box_config *c, const char *folder)
{
    struct boot_entry e = boot_entry_ring("Image this machine", RING_ID);
    bool bios = false;

    e.rules = c->boot.ring.rule;
    e.n_rules = c->boot.ring.n;
    if (!folder) {
        log_line("no payload: machines cannot boot the receiver from this box");
        return;
    }
    if (!add_identified(o, 0, folder, BOOT_PAYLOAD_EFI))
        e.loader[BOOT_UEFI][0] = e.loader[BOOT_MAC][0] = 0;
    bios = add_identified(o, 1, folder, BOOT_PAYLOAD_INITRD) &&
           add_file(o, folder, BOOT_PAYLOAD_KERNEL) && add_file(o, folder, BOOT_PAYLOAD_IPXE);
    if (!bios)
        e.loader[BOOT_BIOS][0] = 0;
    o->plan.leaves = add_file(o, folder, BOOT_PAYLOAD_LEAVE);
    o->plan.ipxe_efi = add_file(o, folder, BOOT_PAYLOAD_IPXE_EFI);
    if (bios || e.loader[BOOT_UEFI][0])
        o->entry[o->n_entries++] = e;
}

/* ---- boot.ipxe ---- */

static int make_script(void *ctx, const uint8_t *mac, uint8_t *out, size_t cap)
{
    static char text[PXE_SCRIPT_MAX];
    struct offer *o = ctx;
    size_t n = o->n_entries ? pxe_script(&o->plan, mac, text) : 0;

    if (n > cap)
        return CONTENT_EMAKE;
    memcpy(out, text, n);
    return (int)n;
}

static int make_entry_script(void *ctx, const uint8_t *mac, uint8_t *out, size_t cap)
{
    static char text[PXE_SCRIPT_MAX];
    const struct offer_script *s = ctx;
    size_t n = pxe_script_entry(&s->offer->plan, s->entry, mac, text);

    if (n > cap)
        return CONTENT_EMAKE;
    memcpy(out, text, n);
    return (int)n;
}

static void add_entry_script(struct offer *o, unsigned i)
{
    struct content_entry *e = &o->file[o->table.n++];
    struct offer_script *s = &o->script[i];

    *s = (struct offer_script){.offer = o, .entry = i};
    snprintf(s->name, sizeof s->name, BOOT_SCRIPT_ENTRY, o->entry[i].id);
    e->name = s->name;
    e->content.type = "text/plain";
    e->make = make_entry_script;
    e->ctx = s;
}

static void add_script(struct offer *o)
{
    struct content_entry *e = &o->file[o->table.n++];

    e->name = BOOT_SCRIPT;
    e->content.type = "text/plain";
    e->make = make_script;
    e->ctx = o;
}

/* ---- trees ---- */

static bool path_join(char to[BOOT_PATH_MAX + 1], const char *folder, const char *name)
{
    to[0] = 0;
    return !name[0] || snprintf(to, BOOT_PATH_MAX + 1, "%s/%s", folder, name) <= BOOT_PATH_MAX;
}

static uint16_t free_id(const struct offer *o, const struct box_config *c)
{
    for (uint16_t id = RING_ID + 1;; id++) {
        bool used = false;

        for (unsigned i = 0; i < o->n_entries; i++)
            used |= o->entry[i].id == id;
        for (unsigned i = 0; i < c->n_entries; i++)
            used |= c->entry[i].id == id;
        if (!used)
            return id;
    }
}

static bool make_entry(struct offer *o, const struct box_config *c, const struct box_entry *from,
                       struct boot_entry *e)
{
    bool fits = path_join(e->script, from->folder, from->script);

    memcpy(e->name, from->name, sizeof e->name);
    e->kind = BOOT_TREE;
    e->hidden = from->hidden;
    e->any_mac = from->any_mac;
    e->attributes = from->attributes;
    memcpy(e->root, from->root, sizeof e->root);
    e->rules = from->rules.rule;
    e->n_rules = from->rules.n;
    e->id = from->id ? from->id : free_id(o, c);
    for (unsigned i = 0; i < BOOT_PLATFORMS; i++)
        fits &= path_join(e->loader[i], from->folder, from->loader[i]);
    return fits;
}

/* Below the data folder, without "data/" in front, or beside the configuration. */
static void folder_of(char *to, size_t cap, const struct offer_needs *needs,
                      const struct box_entry *from)
{
    const char *config = needs->config, *folder = from->folder;
    const char *slash = config ? strrchr(config, '/') : NULL;

    if (from->on_data)
        snprintf(to, cap, "%s/%s", needs->data ? needs->data : "", strchr(folder, '/') + 1);
    else
        snprintf(to, cap, "%.*s%s", slash ? (int)(slash - config + 1) : 0, config ? config : "",
                 folder);
}

/* Two entries may share a folder: it is indexed once. */
static bool add_tree(struct offer *o, const struct offer_needs *needs, const struct box_entry *from,
                     struct err *err)
{
    char prefix[BOOT_PATH_MAX + 2], path[PATH_MAX];

    snprintf(prefix, sizeof prefix, "%.127s/", from->folder);
    for (unsigned i = 0; i < o->n_trees; i++)
        if (strcmp(o->prefix[i], prefix) == 0)
            return true;
    folder_of(path, sizeof path, needs, from);
    if (content_tree_open(&o->tree[o->n_trees], path, err))
        return false;
    memcpy(o->prefix[o->n_trees], prefix, sizeof prefix);
    log_line("%s: %zu files, %zu left out", path, content_tree_files(o->tree[o->n_trees]),
             content_tree_left_out(o->tree[o->n_trees]));
    o->n_trees++;
    return true;
}

static bool is_entry(const struct offer *o, const struct box_entry *from)
{
    for (unsigned i = 0; i < o->n_entries; i++)
        if (o->entry[i].kind == BOOT_TREE && strcmp(o->entry[i].name, from->name) == 0)
            return true;
    return false;
}

static void add_entry(struct offer *o, const struct box_config *c, const struct offer_needs *needs,
                      const struct box_entry *from)
{
    struct boot_entry e = {0};
    struct err err = {0};

    if (!make_entry(o, c, from, &e)) {
        log_line("[entry %s] is left out: its paths are longer than %d bytes", from->name,
                 BOOT_PATH_MAX);
        return;
    }
    o->entry[o->n_entries] = e;
    if (!add_tree(o, needs, from, &err) || boot_entries_check(o->entry, o->n_entries + 1, &err))
        log_line("[entry %s] is left out: %s (%d)", from->name, err.text, err.code);
    else
        add_entry_script(o, o->n_entries++);
}

/* ---- the plan ---- */

/* "ring" is the receiver, whatever it is called in menus. */
static bool entry_named(const struct offer *o, const char *name, unsigned *index)
{
    bool ring = strcmp(name, "ring") == 0;

    for (*index = 0; *index < o->n_entries; ++*index)
        if (ring ? o->entry[*index].kind == BOOT_RING : strcmp(o->entry[*index].name, name) == 0)
            return true;
    return false;
}

/* Which entries the configuration means: of those that are there now. */
static void find_choices(struct offer *o, const struct box_config *c)
{
    struct boot_plan *p = &o->plan;

    p->n_entries = o->n_entries;
    p->n_choices = 0;
    if (!entry_named(o, c->boot.fallback, &p->fallback)) {
        p->fallback = 0;
        log_line("the default entry \"%s\" cannot be given out%s%s", c->boot.fallback,
                 o->n_entries ? "; instead: " : "", o->n_entries ? o->entry[0].name : "");
    }
    for (unsigned i = 0; i < c->boot.n_machine; i++) {
        struct boot_choice *choice = &o->choice[p->n_choices];

        memcpy(choice->mac, c->boot.machine[i].mac, 6);
        p->n_choices += entry_named(o, c->boot.machine[i].entry, &choice->entry);
    }
}

static void make_plan(struct offer *o, const struct box_config *c, const struct offer_needs *needs)
{
    struct boot_plan *p = &o->plan;

    p->entries = o->entry;
    p->choices = o->choice;
    p->address = c->address;
    p->menu_seconds = c->boot.menu_seconds;
    p->uefi_direct = c->boot.uefi_direct;
    p->wants_imaging = needs->wants_imaging;
    p->ctx = needs->ctx;
    p->starts = &o->starts;
    find_choices(o, c);
}

/* ---- what ESXi's loader asks for at the root ---- */

#define ESXI_CONFIG "boot.cfg"

/* The tree that this machine boots: the entry chosen for this start, else the plan's. NULL: none.
 */
static const struct boot_entry *tree_under_way(const struct offer *o, const uint8_t mac[6])
{
    unsigned chosen;
    enum boot_state state =
        o->n_entries ? boot_plan_start(&o->plan, mac, &chosen) : BOOT_START_OPEN;
    int entry = PXE_ENOENTRY;

    if (state == BOOT_START_CHOSEN || state == BOOT_START_PAST)
        entry = (int)chosen;
    else if (o->n_entries)
        entry = boot_plan_choice(&o->plan, BOOT_UEFI, mac, "", NULL);
    return entry >= 0 && o->entry[entry].kind == BOOT_TREE ? &o->entry[entry] : NULL;
}

/* "boot.cfg", or the same in a folder that begins with "01-". */
static bool is_root_config(const char *name)
{
    const char *slash = strchr(name, '/');

    return strcmp(name, ESXI_CONFIG) == 0 ||
           (slash && strncmp(name, "01-", 3) == 0 && strcmp(slash + 1, ESXI_CONFIG) == 0);
}

static int open_root_config(void *ctx, const char *name, const uint8_t *mac, struct content *out)
{
    struct offer *o = ctx;
    const struct boot_entry *e = mac && is_root_config(name) ? tree_under_way(o, mac) : NULL;
    const char *path =
        e ? e->loader[BOOT_UEFI][0] ? e->loader[BOOT_UEFI] : e->loader[BOOT_BIOS] : "";

    for (unsigned i = 0; i < o->n_trees; i++)
        if (strncmp(path, o->prefix[i], strlen(o->prefix[i])) == 0)
            return o->mount[i + 1].source.open(o->mount[i + 1].source.ctx, ESXI_CONFIG, mac, out);
    return CONTENT_ENAME;
}

static void mount_all(struct offer *o)
{
    o->mount[0] = (struct content_mount){.prefix = "", .source = content_table_source(&o->table)};
    for (unsigned i = 0; i < o->n_trees; i++)
        o->mount[i + 1] = (struct content_mount){.prefix = o->prefix[i],
                                                 .source = content_tree_source(o->tree[i])};
    o->mount[o->n_trees + 1] =
        (struct content_mount){.prefix = "", .source = {o, open_root_config}};
    o->mounts = (struct content_mounts){.mounts = o->mount, .n = o->n_trees + 2};
}

void offer_open(struct offer *o, const struct box_config *c, const struct offer_needs *needs)
{
    memset(o, 0, sizeof *o);
    o->config = c;
    o->table.entries = o->file;
    o->table.texts = &o->texts;
    make_identity(o, c, needs->key);
    add_receiver(o, c, needs->payload);
    add_script(o);
    if (o->n_entries)
        add_entry_script(o, 0);
    for (unsigned i = 0; i < c->n_entries; i++)
        add_entry(o, c, needs, &c->entry[i]);
    make_plan(o, c, needs);
    mount_all(o);
    o->source = content_mounts_source(&o->mounts);
}

void offer_close(struct offer *o)
{
    for (unsigned i = 0; i < o->n_trees; i++)
        content_tree_close(o->tree[i]);
}

/* ---- trees that come later ---- */

/* Whether it is "data/trees/NAME", or `deeper` something in that folder. */
static bool is_tree(const char *folder, const char *name, bool deeper)
{
    static const char trees[] = "data/trees/";
    size_t n = strlen(name);

    if (strncmp(folder, trees, sizeof trees - 1) != 0 ||
        strncmp(folder + sizeof trees - 1, name, n) != 0)
        return false;
    folder += sizeof trees - 1 + n;
    return !*folder || (*folder == '/' && (deeper || !folder[1]));
}

const char *offer_of_tree(const struct offer *o, const char *name)
{
    for (unsigned i = 0; i < o->config->n_entries; i++)
        if (o->config->entry[i].on_data && is_tree(o->config->entry[i].folder, name, true) &&
            is_entry(o, &o->config->entry[i]))
            return o->config->entry[i].name;
    return "";
}

static bool swap_tree(struct offer *o, const char *name, struct content_tree *tree)
{
    for (unsigned i = 0; i < o->n_trees; i++)
        if (is_tree(o->prefix[i], name, false)) {
            content_tree_close(o->tree[i]);
            o->tree[i] = tree;
            return true;
        }
    return false;
}

static bool lacks_tree(const struct offer *o, const struct box_entry *from, const char *name)
{
    return from->on_data && is_tree(from->folder, name, false) && !is_entry(o, from);
}

void offer_take_tree(struct offer *o, const char *name, struct content_tree *tree)
{
    const struct box_config *c = o->config;
    bool taken = swap_tree(o, name, tree);

    for (unsigned i = 0; o->n_entries && i < c->n_entries; i++) {
        if (!lacks_tree(o, &c->entry[i], name))
            continue;
        if (!taken)
            snprintf(o->prefix[o->n_trees], sizeof o->prefix[0], "%.127s/", c->entry[i].folder);
        if (!taken)
            o->tree[o->n_trees++] = tree;
        taken = true;
        add_entry(o, c, NULL, &c->entry[i]);
    }
    if (!taken)
        content_tree_close(tree);
    find_choices(o, c);
    mount_all(o);
}
