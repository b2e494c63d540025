/* Any text as a path in a tree: what is taken stays below the tree, and is a name that a client can
 * ask for as it is. */
#include <stdio.h>
#include <string.h>

#include "board/box/library/tree_path.h"
#include "net/content/content.h"
#include "net/wire/must.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    char path[512], whole[600], name[CONTENT_NAME_MAX + 1];

    if (n >= sizeof path)
        return 0;
    memcpy(path, bytes, n);
    path[n] = 0;
    if (tree_name_check(path, NULL) == 0)
        MUST(strlen(path) <= TREE_NAME_MAX && path[0] != '.' && path[0] != '~' &&
             !strchr(path, '/'));
    if (tree_path_check(path, NULL))
        return 0;
    snprintf(whole, sizeof whole, "data/trees/abcdefghijklmnopqrstuvwxyz012345/%s", path);
    MUST(content_name(whole, strlen(whole), name) == 0 && strcmp(name, whole) == 0);
    return 0;
}
