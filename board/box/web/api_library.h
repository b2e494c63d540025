/* The image library's part of the API (net/web/route.h): images, uploads, pulls, sticks.
 *
 *   GET    /api/v1/images                 what is there: name, sizes, state, signer, root …
 *   POST   /api/v1/images/:name/verify    202: it is read again; GET shows how far
 *   DELETE /api/v1/images/:name           {"name":".."} again, then 204 when it is gone from the
 *                                         disk; 409 while a session gives it out
 *   POST   /api/v1/uploads                {"name","bytes";
 *                                         "version","note","sha256","replace","protected"}: 201
 *                                         {"id","offset"}
 *   GET    /api/v1/uploads[/:id]          where it stands; HEAD has it as Upload-Offset too
 *   PUT    /api/v1/uploads/:id            bytes from Upload-Offset on, in pieces of any size; 409
 *                                         has the offset that is expected
 *   DELETE /api/v1/uploads/:id
 *   POST   /api/v1/pulls                  {"url","name"; the same}: 202, the box fetches http://…
 *                                         itself; goes on like an upload
 *   GET    /api/v1/sticks                 what is plugged in, and the images on it
 *   POST   /api/v1/imports                {"stick","path","name"; the same}: 202, the box copies
 *                                         it; goes on like an upload
 *
 * A PUT answers when its bytes are taken, not when they are on the disk: a power cut costs what has
 * come since the last mark (shelf.h), and the offset says so. An upload is an image when its state
 * says ready. */
#ifndef BOARD_BOX_WEB_API_LIBRARY_H
#define BOARD_BOX_WEB_API_LIBRARY_H

#include "board/box/library/library.h"
#include "net/web/route.h"

struct api_library;

/* Hangs the routes in. Keeps library and routes; NULL when there is no memory. */
struct api_library *api_library_open(struct library *, struct web_routes *);
/* After library_tick: answers who waits for a deletion. Safe on NULL. */
void api_library_tick(struct api_library *);
/* When no call can come any more. Safe on NULL. */
void api_library_close(struct api_library *);

#endif
