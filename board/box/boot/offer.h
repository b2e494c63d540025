/* What the box has to give to a machine that boots: the plan (which entry for whom) and the files
 * behind it.
 *
 *   payload/...     the receiver, from the payload folder, held in memory; the box's identity page
 *                   is laid over the empty one
 *   boot.ipxe       made for the machine that asks; boot-N.ipxe: for one that chose the entry of
 *                   number N in the menu
 *   boot.cfg        of the tree that the machine boots: ESXi's loader asks for it there, and in the
 *                   machine's folder 01-aa-bb-cc-dd-ee-ff
 *   FOLDER/...      the trees of the configuration, below the names of their folders (those on the
 *                   data partition: data/trees/NAME)
 *
 * Everything is found once, at start; what is missing is said, and the entry goes without it. A
 * tree of the data partition that is published later (api_trees.h) takes its place in the offer. */
#ifndef BOARD_BOX_BOOT_OFFER_H
#define BOARD_BOX_BOOT_OFFER_H

#include "board/box/config/box_config.h"
#include "net/content/tree.h"
#include "net/pxe/policy.h"

#define OFFER_FILES (7 + BOOT_ENTRIES_MAX)

struct offer {
    const struct box_config *config;
    struct boot_entry entry[BOOT_ENTRIES_MAX];
    unsigned n_entries;
    struct boot_choice choice[BOX_CHOICES_MAX];
    struct boot_plan plan;     /* n_entries 0: nothing to boot */
    struct boot_starts starts; /* the plan's; its times are set by whoever has a clock */
    struct offer_script {
        const struct offer *offer;
        unsigned entry;
        char name[BOOT_SCRIPT_ENTRY_MAX];
    } script[BOOT_ENTRIES_MAX];
    uint8_t identity[IDENTITY_BYTES];
    struct content_overlay overlay[2];
    struct content_entry file[OFFER_FILES];
    struct content_table table;
    struct content_texts texts;
    struct content_tree *tree[BOOT_ENTRIES_MAX];
    char prefix[BOOT_ENTRIES_MAX][BOOT_PATH_MAX + 2];
    unsigned n_trees;
    struct content_mount mount[BOOT_ENTRIES_MAX + 2];
    struct content_mounts mounts;
    struct content_source source;
};

struct offer_needs {
    /* folder; file, beside which the trees are; folder, in which trees/ is */
    const char *payload, *config, *data;
    const uint8_t *key; /* the box's public key */
    /* as in struct boot_plan */
    bool (*wants_imaging)(void *ctx, const uint8_t mac[6]);
    void *ctx;
};

/* Large (about 2.5 MB): taken once. Everything of it is set; keeps itself, so it must not move, and
 * the configuration. Never fails: an offer may be empty. */
void offer_open(struct offer *, const struct box_config *, const struct offer_needs *);
void offer_close(struct offer *);

/* The entry that offers the tree data/trees/`name` or a folder in it, "": none does. Lent. */
const char *offer_of_tree(const struct offer *, const char *name);
/* The tree data/trees/`name` has been published: entries of the configuration whose folder it is
 * give it out from now on, also those that went without it. Takes the tree over. An entry whose
 * folder lies deeper in it gets it at the next start; so does everything where nothing could be
 * booted. */
void offer_take_tree(struct offer *, const char *name, struct content_tree *);

#endif
