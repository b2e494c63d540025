#include "board/box/web/api_status.h"

#include <stdlib.h>
#include <string.h>

#include "net/status/metrics.h"
#include "net/web/openapi.h"

#define PAGES_MAX 64 /* that read at once: no more connections are let in */

struct page {
    bool used;
    struct feed_reader reader;
};

struct api_status {
    struct status *status;
    struct page page[PAGES_MAX];
    char metrics[WEB_ANSWER_MAX];
};

/* ---- whole and events ---- */

static struct page *page_of(struct api_status *a)
{
    for (unsigned i = 0; i < PAGES_MAX; i++)
        if (!a->page[i].used)
            return &a->page[i];
    return NULL;
}

static void leave(void *ctx, struct web_call *c)
{
    struct api_status *a = ctx;
    struct page *p = c->state;

    feed_close(status_feed(a->status), &p->reader);
    p->used = false;
}

static void begin(struct api_status *a, struct web_call *c, const char *type, web_pull *pull)
{
    struct page *p = page_of(a);

    if (!p) {
        web_problem(c, 503, 0, "expected at most %d pages at once", PAGES_MAX);
        return;
    }
    status_reader(a->status, c->address);
    p->used = true;
    feed_open(&p->reader);
    c->state = p;
    c->gone = leave;
    web_stream(c, 200, type, WEB_UNKNOWN, pull);
}

static int pull(struct api_status *a, struct page *p, const char *bytes, int got, uint8_t *to,
                size_t n)
{
    n = (size_t)got < n ? (size_t)got : n;
    memcpy(to, bytes, n);
    feed_take(status_feed(a->status), &p->reader, n);
    return (int)n;
}

static int pull_events(void *ctx, struct web_call *c, uint8_t *to, size_t n)
{
    struct api_status *a = ctx;
    struct page *p = c->state;
    const char *bytes;
    int got = feed_next(status_feed(a->status), &p->reader, &bytes);

    if (got < 0)
        return WEB_PULL_BROKEN; /* it is too far behind: the page connects anew */
    return got ? pull(a, p, bytes, got, to, n) : 0;
}

static int pull_whole(void *ctx, struct web_call *c, uint8_t *to, size_t n)
{
    struct api_status *a = ctx;
    struct page *p = c->state;
    const char *bytes;
    int got = feed_json(status_feed(a->status), &p->reader, &bytes);

    if (got < 0)
        return WEB_PULL_END;
    return got ? pull(a, p, bytes, got, to, n) : 0;
}

static void events(void *ctx, struct web_call *c)
{
    begin(ctx, c, "text/event-stream", pull_events);
}

static void whole(void *ctx, struct web_call *c)
{
    begin(ctx, c, "application/json", pull_whole);
}

/* ---- for machines ---- */

static void metrics(void *ctx, struct web_call *c)
{
    struct api_status *a = ctx;
    size_t n = metrics_write(status_room(a->status), status_steps(a->status), a->metrics,
                             sizeof a->metrics);

    if (n)
        web_text(c, 200, METRICS_TYPE, a->metrics, n);
    else
        web_problem(c, 503, 0,
                    "the room is too large for one answer: its metrics need more than %u bytes",
                    WEB_ANSWER_MAX);
}

static void describe(void *ctx, struct web_call *c)
{
    (void)ctx;
    web_static(c, 200, "application/json", NULL, web_openapi, web_openapi_n);
}

struct api_status *api_status_make(struct status *status, struct web_routes *routes)
{
    static const struct web_route mine[] = {
        {WEB_GET, "/api/v1/status", WEB_USER, whole, NULL},
        {WEB_GET, "/api/v1/events", WEB_USER, events, NULL},
        {WEB_GET, "/api/v1/openapi.json", WEB_USER, describe, NULL},
        {WEB_GET, "/metrics", WEB_USER, metrics, NULL},
    };
    struct api_status *a = calloc(1, sizeof *a);

    if (!a)
        return NULL;
    a->status = status;
    web_routes_add(routes, mine, sizeof mine / sizeof *mine, a);
    return a;
}

void api_status_close(struct api_status *a)
{
    free(a);
}
