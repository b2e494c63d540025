/* The routes of the plan: sessions, the list of expected machines, orders for one machine, waking.
 * Each makes an order (room.h) of what came; net/web/openapi.json says what is taken and answered.
 */
#ifndef BOARD_BOX_WEB_API_PLAN_H
#define BOARD_BOX_WEB_API_PLAN_H

#include "board/box/orders/room.h"
#include "net/web/route.h"

void api_plan_routes(struct room *, struct web_routes *);

#endif
