/* A folder given out as it is: indexed once, at start, into a table of names.
 *
 * Below the folder there may be folders of machines, named by their MAC as boot loaders do:
 * "01-aa-bb-cc-dd-ee-ff" (the hardware type in front) or "aa-bb-cc-dd-ee-ff". What lies in a
 * machine's folder goes before what lies in the tree under the same name, for that machine.
 *
 * Names are compared as they are, then without regard to ASCII case: trees copied from ISO images
 * and FAT disks mix both. Files that appear later are not seen; one that shrinks is an error for
 * who reads it. Symbolic links are followed as long as they stay below the folder; devices, pipes
 * and sockets are left out. */
#ifndef NET_CONTENT_TREE_H
#define NET_CONTENT_TREE_H

#include "net/content/content.h"

#define CONTENT_TREE_FILES_MAX 65536
#define CONTENT_TREE_DEPTH_MAX 16

struct content_tree;

/* Indexes the folder. 0, CONTENT_EOPEN, CONTENT_EMANY or CONTENT_EMEMORY. */
int content_tree_open(struct content_tree **, const char *folder, struct err *);
struct content_source content_tree_source(struct content_tree *);
/* How many files it holds; how many were left out: too deep, too long a name, no regular file, a
 * link that leads out. */
size_t content_tree_files(const struct content_tree *);
size_t content_tree_left_out(const struct content_tree *);
/* Files that were opened from it stay open. */
void content_tree_close(struct content_tree *);

#endif
