/* The routes of the room's status: the whole once, the whole and then every change as server-sent
 * events, metrics, and the API's own description. All of them send bytes that were made once for
 * everybody (net/status/feed.h). */
#ifndef BOARD_BOX_WEB_API_STATUS_H
#define BOARD_BOX_WEB_API_STATUS_H

#include "board/box/web/status.h"
#include "net/web/route.h"

struct api_status;

/* Takes its memory; NULL: there is none. Routes keep it. */
struct api_status *api_status_make(struct status *, struct web_routes *);
/* After the routes are gone. Safe on NULL. */
void api_status_close(struct api_status *);

#endif
