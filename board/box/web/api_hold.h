/* The routes of the hold: why the box offers nothing that erases, and the decision of a person to
 * go on. */
#ifndef BOARD_BOX_WEB_API_HOLD_H
#define BOARD_BOX_WEB_API_HOLD_H

#include "board/box/store/hold.h"
#include "net/web/route.h"

struct hold_desk {
    const struct hold *hold;
    /* a person has decided, at the page or at the screen */
    void (*lift)(void *ctx, const char *by);
    void *ctx;
};

/* Keeps the desk. */
void api_hold_routes(const struct hold_desk *, struct web_routes *);

#endif
