/* A web server over memory with a table of routes, for programs of tests: one includes this once.
 */
#ifndef TESTS_UNIT_WEB_ROOM_H
#define TESTS_UNIT_WEB_ROOM_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "net/wire/rng.h"
#include "tests/unit/web_memory.h"

static struct rng rng = {7};

static inline void chance(void *ctx, void *to, size_t n)
{
    (void)ctx;
    for (size_t i = 0; i < n; i++)
        ((uint8_t *)to)[i] = (uint8_t)rng_u64(&rng);
}

/* ---- the server under test ---- */

static struct web_server *server;
static struct auth auth;
static struct account account;
static struct web_routes routes;
static struct client client;
static struct mono now;
static char csrf[65], cookie[65];
static unsigned gone, stored;
static struct web_call *later;
static uint64_t taken;
static size_t takes_most;
static unsigned pulls;

static inline void store_password(void *ctx, const uint8_t *record, size_t n)
{
    (void)ctx;
    (void)record;
    stored += n == AUTH_PASSWORD_RECORD;
}

static inline void store_token(void *ctx, const uint8_t hash[32], const char *name, size_t n)
{
    (void)ctx;
    (void)hash;
    (void)name;
    (void)n;
}

static inline void tell(void *ctx, const char *what, uint32_t address)
{
    (void)ctx;
    (void)what;
    (void)address;
}

static inline void count_gone(void *ctx, struct web_call *c)
{
    (void)ctx;
    (void)c;
    gone++;
}

static inline void hello(void *ctx, struct web_call *c)
{
    (void)ctx;
    web_text(c, 200, "text/plain", "hello", 5);
}

static inline void echo(void *ctx, struct web_call *c)
{
    (void)ctx;
    web_text(c, 200, "text/plain", c->body, c->n_body);
}

static inline void named(void *ctx, struct web_call *c)
{
    (void)ctx;
    web_text(c, 200, "text/plain", c->param[0], strlen(c->param[0]));
}

static inline void wait_for_it(void *ctx, struct web_call *c)
{
    (void)ctx;
    later = c;
    c->gone = count_gone;
}

static inline void large(void *ctx, struct web_call *c)
{
    struct json j = web_json(c);

    (void)ctx;
    json_open(&j, NULL, '[');
    for (unsigned i = 0; i < 100000; i++)
        json_u64(&j, NULL, i);
    json_close(&j);
    web_json_send(c, 200, &j);
}

static inline void upload(void *ctx, struct web_call *c)
{
    (void)ctx;
    taken = 0;
    c->gone = count_gone;
    if (c->has_offset && c->offset != 5)
        web_problem(c, 409, 0, "expected offset 5");
}

static inline size_t upload_bytes(void *ctx, struct web_call *c, const uint8_t *bytes, size_t n)
{
    (void)ctx;
    (void)bytes;
    if (n == 0) {
        web_empty(c, 204);
        return 0;
    }
    n = n < takes_most ? n : takes_most;
    taken += n;
    if (taken > 200000)
        web_problem(c, 507, 0, "the disk is full");
    return n;
}

static inline int pull_some(void *ctx, struct web_call *c, uint8_t *to, size_t n)
{
    (void)ctx;
    (void)c;
    (void)n;
    if (pulls == 0)
        return WEB_PULL_END;
    if (pulls == 1000)
        return WEB_PULL_BROKEN;
    if (pulls == 2000 || pulls-- % 2)
        return 0;
    memcpy(to, "data\n", 5);
    return 5;
}

static inline void streamed(void *ctx, struct web_call *c)
{
    (void)ctx;
    c->gone = count_gone;
    web_stream(c, 200, "text/event-stream", WEB_UNKNOWN, pull_some);
}

static inline void promised(void *ctx, struct web_call *c)
{
    (void)ctx;
    web_stream(c, 200, "text/csv", 10, pull_some);
}

static const struct web_route table[] = {
    {WEB_GET, "/", WEB_ANYONE, hello, NULL},
    {WEB_GET, "/api/v1/health", WEB_ANYONE, hello, NULL},
    {WEB_POST, "/api/v1/open-echo", WEB_ANYONE, echo, NULL},
    {WEB_POST, "/api/v1/echo", WEB_USER, echo, NULL},
    {WEB_GET, "/api/v1/named/:x", WEB_USER, named, NULL},
    {WEB_GET, "/api/v1/later", WEB_USER, wait_for_it, NULL},
    {WEB_GET, "/api/v1/large", WEB_USER, large, NULL},
    {WEB_PUT, "/api/v1/uploads/:id", WEB_USER, upload, upload_bytes},
    {WEB_GET, "/api/v1/events", WEB_USER, streamed, NULL},
    {WEB_GET, "/api/v1/promised", WEB_USER, promised, NULL},
    {WEB_GET, "/metrics", WEB_USER, hello, NULL},
};

static inline void sit_down(unsigned seat)
{
    struct wire_stream s = client_stream(&client);

    web_open(server, seat, &s, 0x0A000002, now);
}

static inline int set_up(void **state)
{
    struct auth_session *s;

    (void)state;
    now = (struct mono){1000 * MONO_S};
    server = malloc(web_server_bytes());
    memset(&routes, 0, sizeof routes);
    auth_init(&auth, (struct auth_chance){.fill = chance}, now);
    web_server_init(server, "ringcast", &auth, &routes);
    account = (struct account){.auth = &auth,
                               .server = server,
                               .store_password = store_password,
                               .store_token = store_token,
                               .tell = tell};
    account_routes(&account, &routes);
    web_routes_add(&routes, table, sizeof table / sizeof *table, NULL);
    s = &auth.session[0];
    *s = (struct auth_session){.used = true, .began = now, .last = now};
    memset(s->secret, 0xab, sizeof s->secret);
    memset(s->csrf, 0xcd, sizeof s->csrf);
    for (int i = 0; i < 32; i++) {
        snprintf(cookie + 2 * i, 3, "ab");
        snprintf(csrf + 2 * i, 3, "cd");
    }
    gone = stored = 0;
    later = NULL;
    takes_most = SIZE_MAX;
    sit_down(0);
    return 0;
}

static inline int tear_down(void **state)
{
    (void)state;
    web_close(server, 0);
    free(server);
    return 0;
}

/* Sends a request (and a body) with Host and whatever headers; the answer is in client.out. */
static inline bool say(const char *line, const char *headers, const char *body)
{
    char text[16384];
    int n;

    n = snprintf(text, sizeof text, "%s HTTP/1.1\r\nHost: 10.77.0.1\r\n%s", line, headers);
    if (body)
        n += snprintf(text + n, sizeof text - (size_t)n, "Content-Length: %zu\r\n", strlen(body));
    n += snprintf(text + n, sizeof text - (size_t)n, "\r\n%s", body ? body : "");
    client.out_n = 0;
    client_send(&client, text, (size_t)n);
    return web_step(server, 0, now);
}

static inline bool user_says(const char *line, const char *body)
{
    char headers[400];

    snprintf(headers, sizeof headers,
             "Cookie: a=b; __Host-ringcast=%s\r\nX-Ringcast-CSRF: %s\r\nContent-Type: "
             "application/json\r\n",
             cookie, csrf);
    return say(line, headers, body);
}

static inline unsigned status(void)
{
    return client.out_n > 12 ? (unsigned)atoi(client.out + 9) : 0;
}

static inline const char *content(void)
{
    const char *at = strstr(client.out, "\r\n\r\n");

    return at ? at + 4 : "";
}

/* ---- tests ---- */

#endif
