/* The trees' part of the API (net/web/route.h): folders with other systems' boot loaders, on the
 * data partition.
 *
 *   GET    /api/v1/trees              what is there: name, state (ready, partial), files, bytes,
 *                                     the entry that offers it
 *   PUT    /api/v1/trees/:name/+path  one file of an upload, whole; "?sha256=HEX": it is compared.
 *                                     204 when the file is on the disk for good
 *   POST   /api/v1/trees/:name        {"files","bytes"; "replace"}: what has been uploaded becomes
 *                                     the tree, if it is what is announced
 *   DELETE /api/v1/trees/:name        {"name":".." again; "partial"}: 204 when it is gone for good;
 *                                     409 while an entry offers it
 *
 * What is uploaded is given out to nobody before it is published. */
#ifndef BOARD_BOX_WEB_API_TREES_H
#define BOARD_BOX_WEB_API_TREES_H

#include "board/box/boot/offer.h"
#include "board/box/library/library.h"
#include "board/box/library/trees.h"
#include "net/web/route.h"

struct api_trees;

/* Hangs the routes in, and begins to look at DATA/trees. Keeps all of them. NULL: there is no
 * memory, or no folder; the reason is logged. */
struct api_trees *api_trees_open(const char *data, struct library *, struct offer *,
                                 struct web_routes *);
/* Takes up what has been done, and answers whoever waits. Safe on NULL. */
void api_trees_tick(struct api_trees *);
/* When no call can come any more. Safe on NULL. */
void api_trees_close(struct api_trees *);

#endif
