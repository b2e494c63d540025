/* The room for who has no JavaScript: GET /plain, the table (net/status/plain.h), or a form for the
 * password where nobody has logged in; the form is answered by net/web/account.h. */
#ifndef BOARD_BOX_WEB_PLAIN_PAGE_H
#define BOARD_BOX_WEB_PLAIN_PAGE_H

#include "net/status/snapshot.h"
#include "net/web/route.h"

/* Keeps the snapshot, which is read whenever somebody asks. Once a program. */
void plain_page_routes(const struct room_snapshot *, struct web_routes *);

#endif
