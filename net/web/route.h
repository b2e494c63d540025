/* What hangs at which address, and how it answers: all that the writer of a handler needs.
 *
 *     static void list(void *ctx, struct web_call *c)               // GET, small POST: the whole
 *                                                                   body is in c->body
 *     {
 *         struct json j = web_json(c);
 *         ...
 *         web_json_send(c, 200, &j);
 *     }
 *     static const struct web_route routes[] = {
 *         {WEB_GET, "/api/v1/images", WEB_USER, list, NULL},
 *         {WEB_DELETE, "/api/v1/images/:name", WEB_USER, remove_image, NULL},       // c->param[0]
 *         {WEB_PUT, "/api/v1/uploads/:id", WEB_USER, upload, upload_bytes},         // body as it
 *         comes
 *     };
 *     web_routes_add(routes, n, ctx)
 *
 * Everything runs on the control thread: a handler returns within milliseconds. One that cannot
 * know its answer yet returns without one, keeps the call, and answers in a later tick; until then
 * `gone` tells it when the client has left. A route of WEB_GET answers HEAD too (the server leaves
 * the content away). Before a handler of WEB_USER is called, cookie or token and, where it matters,
 * the CSRF header have been checked.
 *
 * A route without `take` gets its whole body at once, at most WEB_BODY_MAX (WEB_BODY_ANYONE with
 * WEB_ANYONE); more is refused before the handler hears of it. One with `take` is told in three
 * steps: `handle` when the header has come (c->length says how many bytes follow; it may refuse at
 * once by answering), `take` for each piece, and `take` with n = 0 behind the last: then, or later,
 * it answers. */
#ifndef NET_WEB_ROUTE_H
#define NET_WEB_ROUTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/web/errors.h"
#include "net/wire/json.h"
#include "net/wire/mono.h"

#define WEB_PATH_MAX 1024
#define WEB_PARAMS_MAX 4
#define WEB_BODY_MAX (256u << 10)  /* of a body that is handed over whole */
#define WEB_BODY_ANYONE (4u << 10) /* the same of a stranger */
#define WEB_ANSWER_MAX (2u << 20)  /* of JSON and text: what web_json has room for */
#define WEB_HEADERS_MAX 512        /* bytes of a handler's own header lines */

enum web_method { WEB_GET, WEB_POST, WEB_PUT, WEB_DELETE };
enum web_needs { WEB_USER, WEB_ANYONE };

struct web_call {
    enum web_method method;
    const char *path; /* decoded, without the query */
    /* what stood for the pattern's ":words", decoded: a foreign text, never empty, without '/' but
     * for "+word" */
    const char *param[WEB_PARAMS_MAX];
    const char *query; /* behind '?', as it came; "" */
    const char *type;  /* Content-Type without its parameters, lower case; "" */
    uint64_t length;   /* of the body */
    bool has_offset;
    uint64_t offset;     /* Upload-Offset */
    const uint8_t *body; /* the whole body, without `take` */
    size_t n_body;
    uint32_t address; /* of the client */
    struct mono now;  /* when the handler was called */
    bool user;        /* cookie or token were right */
    /* The handler's own: */
    void *state; /* NULL at first */
    /* called once when all is over: answered to the end, or the client left; may be NULL */
    void (*gone)(void *ctx, struct web_call *);
};

struct web_route {
    enum web_method method;
    const char *pattern; /* "/a/:b/c"; "/a/:b/+c": c is the rest of the path, with its slashes */
    enum web_needs needs;
    void (*handle)(void *ctx, struct web_call *);
    /* Returns how many bytes it took; what is left is offered again within 20 ms. n = 0: the end;
     * the return value is ignored. */
    size_t (*take)(void *ctx, struct web_call *, const uint8_t *bytes, size_t n);
};

/* ---- answers: one a call; all but web_static copy what they are given ---- */

/* A header line of the handler's own, before the answer. Neither may hold a foreign byte that was
 * not checked: control characters in `value` break an invariant. A Content-Security-Policy takes
 * the place of the server's. */
void web_header(struct web_call *, const char *name, const char *value);
/* A writer of WEB_ANSWER_MAX bytes. There is one: begin and send within one call of a handler. */
struct json web_json(struct web_call *);
void web_json_send(struct web_call *, unsigned status, struct json *);
/* Any content; with status 204 there is none. */
void web_text(struct web_call *, unsigned status, const char *type, const void *bytes, size_t n);
void web_empty(struct web_call *, unsigned status);
/* Bytes that stay for ever; `encoding` is "gzip" or NULL. */
void web_static(struct web_call *, unsigned status, const char *type, const char *encoding,
                const void *bytes, size_t n);
/* RFC 9457: {"type":"about:blank","title":..,"status":..,"detail":..,"code":..}. `code` is a room's
 * error code (0: none); the sentence is the detail. Control characters and quotes in it are
 * harmless. */
void web_problem(struct web_call *, unsigned status, int code, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* Content that is made while it is sent. `pull` fills at most n bytes and returns how many: 0:
 * nothing at this moment, ask again within 20 ms; WEB_PULL_END: there is no more; WEB_PULL_BROKEN:
 * there should be, and the client shall notice. `size`: what it will be in all, WEB_UNKNOWN when
 * nobody knows yet. Events ("text/event-stream") are such a stream: it may be silent for as long as
 * it likes, and says a line (":\n\n") now and then so that a dead client is noticed. */
#define WEB_UNKNOWN UINT64_MAX
#define WEB_PULL_END (-1)
#define WEB_PULL_BROKEN (-2)
typedef int web_pull(void *ctx, struct web_call *, uint8_t *to, size_t n);
void web_stream(struct web_call *, unsigned status, const char *type, uint64_t size, web_pull *);

/* ---- the table ---- */

#define WEB_TABLES_MAX 32

struct web_routes {
    unsigned n;
    struct web_table {
        const struct web_route *route; /* borrowed for ever */
        size_t n;
        void *ctx;
    } table[WEB_TABLES_MAX];
};

void web_routes_add(struct web_routes *, const struct web_route *, size_t n, void *ctx);

struct web_match {
    const struct web_route *route; /* NULL: none */
    void *ctx;
    bool other_method; /* the address is known, the method is not */
    char *param[WEB_PARAMS_MAX];
};

/* Finds the route of a path. Patterns are looked at in the order they were added. The parameters'
 * slashes become NUL: `path` is used up when a route has been found. */
struct web_match web_routes_find(const struct web_routes *, enum web_method, char *path);

#endif
