/* A folder into a box's trees, file by file, each with its SHA-256; then it is published. What lies
 * in it and is neither a file nor a folder is named, and left out. An upload that ended early is
 * begun anew: files that the box has are replaced. */
#ifndef BOARD_CLI_TREE_UPLOAD_H
#define BOARD_CLI_TREE_UPLOAD_H

#include "board/cli/client.h"

/* The exit code; says how far it is on stderr. */
int tree_upload(struct client *, const char *folder, const char *name, bool replace);

#endif
