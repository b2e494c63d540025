/* Names of trees, and paths of files in them, as a client says them (api_trees.h). Only what passes
 * here becomes a path on the disk. Pure.
 *
 * A tree's name is 1 to 32 letters, digits, '.', '_' or '-', and begins with a letter or a digit. A
 * path is relative, at most 200 bytes and 12 parts; a part is plain UTF-8 without '\', not "." nor
 * "..", and does not begin with ".ringcast-", as unfinished files do. So each file can be asked for
 * below "data/trees/NAME/" by TFTP and HTTP (CONTENT_NAME_MAX). */
#ifndef BOARD_BOX_LIBRARY_TREE_PATH_H
#define BOARD_BOX_LIBRARY_TREE_PATH_H

#include "board/errors/library.h"
#include "net/wire/err.h"

#define TREE_NAME_MAX 32
#define TREE_PATH_MAX 200
#define TREE_DEPTH_MAX 12
#define TREE_TEMPORARY ".ringcast-"

/* 0, or LIBRARY_ETREE and what was expected. */
int tree_name_check(const char *name, struct err *);
int tree_path_check(const char *path, struct err *);

#endif
