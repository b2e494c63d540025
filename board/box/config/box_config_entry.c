#include "board/box/config/box_config_entry.h"

#include <string.h>

#include "net/wire/utf8.h"

static int entry_path(char *to, const char *v, struct err *err)
{
    if (!boot_path_legal(v))
        return ini_wrong("a relative path such as efi/boot/bootx64.efi", v, err);
    return ini_text(to, BOOT_PATH_MAX + 1, v, "a path of at most 127 bytes", err);
}

int box_entry_kind(struct box_entry *e, const char *v, struct err *err)
{
    (void)e;
    return strcmp(v, "tree") == 0 ? 0 : ini_wrong("tree", v, err);
}

/* Relative: beside the configuration. On the data partition, keys and the journal lie too, so trees
 * have a folder of their own there. */
int box_entry_folder(struct box_entry *e, const char *v, struct err *err)
{
    e->on_data = strncmp(v, BOX_DATA_TREES, sizeof BOX_DATA_TREES - 1) == 0;
    if (*v == '/' && !e->on_data)
        return ini_wrong("a relative path such as trees/esxi, or one below " BOX_DATA_TREES, v,
                         err);
    if (strncmp(v, BOX_DATA_TREES + 1, sizeof BOX_DATA_TREES - 2) == 0)
        return ini_wrong("a path that begins with " BOX_DATA_TREES
                         ", or with another folder's name",
                         v, err);
    if (e->on_data && boot_path_legal(v + 1) && v[sizeof BOX_DATA_TREES - 1] &&
        strchr(".~", v[sizeof BOX_DATA_TREES - 1]))
        return ini_wrong("a tree's name behind " BOX_DATA_TREES
                         ", which begins with a letter or a digit",
                         v, err);
    return entry_path(e->folder, v + e->on_data, err);
}

int box_entry_bios(struct box_entry *e, const char *v, struct err *err)
{
    return entry_path(e->loader[BOOT_BIOS], v, err);
}

int box_entry_uefi(struct box_entry *e, const char *v, struct err *err)
{
    return entry_path(e->loader[BOOT_UEFI], v, err);
}

int box_entry_mac(struct box_entry *e, const char *v, struct err *err)
{
    return entry_path(e->loader[BOOT_MAC], v, err);
}

int box_entry_script(struct box_entry *e, const char *v, struct err *err)
{
    return entry_path(e->script, v, err);
}

int box_entry_id(struct box_entry *e, const char *v, struct err *err)
{
    uint32_t id;
    int rc = ini_number(&id, v, "", NULL, 2, 65535, "a number of 2 to 65535", err);

    if (rc == 0)
        e->id = (uint16_t)id;
    return rc;
}

int box_entry_hidden(struct box_entry *e, const char *v, struct err *err)
{
    return ini_truth(&e->hidden, v, "yes or no", err);
}

/* The upper half of a BSDP image id: bit 15 says that it installs, the lower bits of that byte what
 * it is. */
int box_entry_mac_kind(struct box_entry *e, const char *v, struct err *err)
{
    static const struct {
        const char *word;
        uint16_t attributes;
    } kinds[] = {{"install", 0x8100},
                 {"macos", 0x0100},
                 {"install-server", 0x8200},
                 {"server", 0x0200},
                 {"diagnostics", 0x0300}};

    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(kinds[i].word, v) == 0) {
            e->attributes = kinds[i].attributes;
            return 0;
        }
    return ini_wrong("install, macos, install-server, server or diagnostics", v, err);
}

int box_entry_mac_root(struct box_entry *e, const char *v, struct err *err)
{
    static const char what[] = "a root path such as http://10.77.0.1/trees/mac/NetInstall.dmg or "
                               "nfs:10.77.0.5:/vol:NetInstall.dmg";

    if ((strncmp(v, "http://", 7) != 0 && strncmp(v, "nfs:", 4) != 0) ||
        !utf8_is_plain(v, strlen(v)))
        return ini_wrong(what, v, err);
    return ini_text(e->root, sizeof e->root, v, "a root path of at most 127 bytes", err);
}

int box_entry_any_mac(struct box_entry *e, const char *v, struct err *err)
{
    return ini_truth(&e->any_mac, v, "yes or no", err);
}
