/* The keys of [entry NAME] (box_config.h), each on its own: a value into the entry, or what was
 * expected. */
#ifndef BOARD_BOX_CONFIG_BOX_CONFIG_ENTRY_H
#define BOARD_BOX_CONFIG_BOX_CONFIG_ENTRY_H

#include "board/box/config/box_config.h"

/* Where trees lie on the data partition, as the configuration says it: what is below is not on the
 * configuration's own partition. */
#define BOX_DATA_TREES "/data/trees/"

int box_entry_kind(struct box_entry *, const char *value, struct err *);
int box_entry_folder(struct box_entry *, const char *value, struct err *);
int box_entry_bios(struct box_entry *, const char *value, struct err *);
int box_entry_uefi(struct box_entry *, const char *value, struct err *);
int box_entry_mac(struct box_entry *, const char *value, struct err *);
int box_entry_script(struct box_entry *, const char *value, struct err *);
int box_entry_id(struct box_entry *, const char *value, struct err *);
int box_entry_hidden(struct box_entry *, const char *value, struct err *);
int box_entry_mac_kind(struct box_entry *, const char *value, struct err *);
int box_entry_mac_root(struct box_entry *, const char *value, struct err *);
int box_entry_any_mac(struct box_entry *, const char *value, struct err *);

#endif
