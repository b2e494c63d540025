#include "board/box/web/plain_page.h"

#include "net/status/plain.h"

#define PAGE_BYTES (1u << 20) /* some 2000 machines, unless all of them have much to say */

struct place {
    const struct room_snapshot *room;
};

static void show(void *ctx, struct web_call *c)
{
    static char text[PAGE_BYTES];
    const struct place *p = ctx;
    size_t n = c->user ? plain_write(p->room, text, sizeof text) : plain_door(text, sizeof text);

    web_text(c, 200, PLAIN_TYPE, text, n);
}

void plain_page_routes(const struct room_snapshot *room, struct web_routes *routes)
{
    static const struct web_route mine[] = {{WEB_GET, "/plain", WEB_ANYONE, show, NULL}};
    static struct place place;

    place.room = room;
    web_routes_add(routes, mine, 1, &place);
}
