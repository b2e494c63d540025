#include "board/box/web/api_hold.h"

static void json_hold(struct web_call *c, const struct hold *h)
{
    struct json j = web_json(c);

    json_open(&j, NULL, '{');
    json_bool(&j, "on_hold", hold_is(h));
    json_open(&j, "reasons", '[');
    for (unsigned i = 0; i < HOLD_REASON_COUNT; i++) {
        if (!h->why[i].holds)
            continue;
        json_open(&j, NULL, '{');
        json_str(&j, "reason", hold_word(i));
        json_str(&j, "sentence", h->why[i].text);
        json_close(&j);
    }
    json_close(&j);
    json_close(&j);
    web_json_send(c, 200, &j);
}

static void hold_get(void *ctx, struct web_call *c)
{
    const struct hold_desk *desk = ctx;

    json_hold(c, desk->hold);
}

static void hold_lift_now(void *ctx, struct web_call *c)
{
    const struct hold_desk *desk = ctx;

    desk->lift(desk->ctx, "page");
    json_hold(c, desk->hold);
}

void api_hold_routes(const struct hold_desk *desk, struct web_routes *routes)
{
    static const struct web_route table[] = {
        {WEB_GET, "/api/v1/hold", WEB_USER, hold_get, NULL},
        {WEB_POST, "/api/v1/hold/lift", WEB_USER, hold_lift_now, NULL},
    };

    web_routes_add(routes, table, sizeof table / sizeof *table, (void *)(uintptr_t)desk);
}
