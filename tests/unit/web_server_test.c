/* The web server over memory: requests in any pieces, who may do what, bodies, streams, and who is too slow. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "net/wire/rng.h"
#include "tests/unit/web_memory.h"

static struct rng rng = {7};

static void chance(void *ctx, void *to, size_t n)
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

static void store_password(void *ctx, const uint8_t *record, size_t n)
{
    (void)ctx;
    (void)record;
    stored += n == AUTH_PASSWORD_RECORD;
}

static void store_token(void *ctx, const uint8_t hash[32], const char *name, size_t n)
{
    (void)ctx;
    (void)hash;
    (void)name;
    (void)n;
}

static void tell(void *ctx, const char *what, uint32_t address)
{
    (void)ctx;
    (void)what;
    (void)address;
}

static void count_gone(void *ctx, struct web_call *c)
{
    (void)ctx;
    (void)c;
    gone++;
}

static void hello(void *ctx, struct web_call *c)
{
    (void)ctx;
    web_text(c, 200, "text/plain", "hello", 5);
}

static void echo(void *ctx, struct web_call *c)
{
    (void)ctx;
    web_text(c, 200, "text/plain", c->body, c->n_body);
}

static void named(void *ctx, struct web_call *c)
{
    (void)ctx;
    web_text(c, 200, "text/plain", c->param[0], strlen(c->param[0]));
}

static void wait_for_it(void *ctx, struct web_call *c)
{
    (void)ctx;
    later = c;
    c->gone = count_gone;
}

static void large(void *ctx, struct web_call *c)
{
    struct json j = web_json(c);

    (void)ctx;
    json_open(&j, NULL, '[');
    for (unsigned i = 0; i < 100000; i++)
        json_u64(&j, NULL, i);
    json_close(&j);
    web_json_send(c, 200, &j);
}

static void upload(void *ctx, struct web_call *c)
{
    (void)ctx;
    taken = 0;
    c->gone = count_gone;
    if (c->has_offset && c->offset != 5)
        web_problem(c, 409, 0, "expected offset 5");
}

static size_t upload_bytes(void *ctx, struct web_call *c, const uint8_t *bytes, size_t n)
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

static int pull_some(void *ctx, struct web_call *c, uint8_t *to, size_t n)
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

static void streamed(void *ctx, struct web_call *c)
{
    (void)ctx;
    c->gone = count_gone;
    web_stream(c, 200, "text/event-stream", WEB_UNKNOWN, pull_some);
}

static void promised(void *ctx, struct web_call *c)
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

static void sit_down(unsigned seat)
{
    struct wire_stream s = client_stream(&client);

    web_open(server, seat, &s, 0x0A000002, now);
}

static int set_up(void **state)
{
    struct auth_session *s;

    (void)state;
    now = (struct mono){1000 * MONO_S};
    server = malloc(web_server_bytes());
    memset(&routes, 0, sizeof routes);
    auth_init(&auth, (struct auth_chance){.fill = chance}, now);
    web_server_init(server, "ringcast", &auth, &routes);
    account = (struct account){.auth = &auth, .server = server, .store_password = store_password, .store_token = store_token, .tell = tell};
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

static int tear_down(void **state)
{
    (void)state;
    web_close(server, 0);
    free(server);
    return 0;
}

/* Sends a request (and a body) with Host and whatever headers; the answer is in client.out. */
static bool say(const char *line, const char *headers, const char *body)
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

static bool user_says(const char *line, const char *body)
{
    char headers[400];

    snprintf(headers, sizeof headers, "Cookie: a=b; __Host-ringcast=%s\r\nX-Ringcast-CSRF: %s\r\nContent-Type: application/json\r\n", cookie, csrf);
    return say(line, headers, body);
}

static unsigned status(void)
{
    return client.out_n > 12 ? (unsigned)atoi(client.out + 9) : 0;
}

static const char *content(void)
{
    const char *at = strstr(client.out, "\r\n\r\n");

    return at ? at + 4 : "";
}

/* ---- tests ---- */

static void a_request_in_any_pieces(void **state)
{
    (void)state;
    for (size_t piece = 0; piece < 60; piece++) {
        client.piece = piece;
        assert_true(say("GET /", "Accept: */*\r\n", NULL));
        assert_int_equal(status(), 200);
        assert_string_equal(content(), "hello");
    }
    assert_non_null(strstr(client.out, "Connection: keep-alive"));
}

static void every_answer_is_guarded(void **state)
{
    static const char *const lines[] = {"GET /", "GET /nothing", "GET /api/v1/echo", "POST /api/v1/echo", "BREW /"};
    static const char *const want[] = {"Content-Security-Policy: default-src 'none'; script-src 'self';", "frame-ancestors 'none'",
                                       "X-Content-Type-Options: nosniff", "X-Frame-Options: DENY", "Referrer-Policy: no-referrer",
                                       "Cache-Control: no-store"};

    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        say(lines[i], "", NULL);
        for (size_t k = 0; k < sizeof want / sizeof *want; k++)
            assert_non_null(strstr(client.out, want[k]));
        tear_down(state);
        set_up(state);
    }
}

static void without_a_token_nothing_is_told(void **state)
{
    static const char *const open[] = {"GET /", "GET /api/v1/health", "POST /api/v1/open-echo", "POST /api/v1/setup", "POST /api/v1/login"};
    static const char *const names[] = {"GET", "POST", "PUT", "DELETE", "HEAD"};

    (void)state;
    for (unsigned t = 0; t < routes.n; t++)
        for (size_t i = 0; i < routes.table[t].n; i++)
            for (size_t m = 0; m < 5; m++) {
                char line[200];
                bool is_open = false;

                snprintf(line, sizeof line, "%s %s", names[m], routes.table[t].route[i].pattern);
                for (size_t k = 0; k < sizeof open / sizeof *open; k++)
                    is_open |= strcmp(line, open[k]) == 0 || (m == 4 && strcmp(line + 1, open[k]) == 0);
                if (is_open || strncmp(routes.table[t].route[i].pattern, "/api", 4) != 0 || m == 4)
                    continue;
                assert_true(say(line, "Cookie: __Host-ringcast=00\r\nAuthorization: Bearer 00\r\n", NULL));
                if (status() != 401 && routes.table[t].route[i].needs != WEB_ANYONE)
                    fail_msg("expected 401 for %s, got %u", line, status());
            }
    say("GET /api/v2/secret", "", NULL);
    assert_int_equal(status(), 401);
    say("GET /metrics", "", NULL);
    assert_int_equal(status(), 401);
    say("GET /secret", "", NULL);
    assert_int_equal(status(), 404);
    assert_non_null(strstr(client.out, "application/problem+json"));
}

static void a_cookie_needs_its_csrf(void **state)
{
    char headers[300];

    (void)state;
    snprintf(headers, sizeof headers, "Cookie: __Host-ringcast=%s\r\n", cookie);
    assert_true(say("GET /api/v1/named/a%20b", headers, NULL));
    assert_int_equal(status(), 200);
    assert_string_equal(content(), "a b");
    assert_true(say("POST /api/v1/echo", headers, "x"));
    assert_int_equal(status(), 403);
    assert_non_null(strstr(client.out, "Connection: close"));
    tear_down(state);
    set_up(state);
    assert_true(user_says("POST /api/v1/echo", "x"));
    assert_int_equal(status(), 200);
    snprintf(headers, sizeof headers, "Cookie: __Host-ringcast=%s\r\nX-Ringcast-CSRF: %s\r\nOrigin: https://evil.example\r\n", cookie, csrf);
    say("POST /api/v1/echo", headers, "x");
    assert_int_equal(status(), 403);
    tear_down(state);
    set_up(state);
    snprintf(headers, sizeof headers, "Cookie: __Host-ringcast=%s\r\nX-Ringcast-CSRF: %s\r\nOrigin: https://10.77.0.1\r\n", cookie, csrf);
    say("POST /api/v1/echo", headers, "x");
    assert_int_equal(status(), 200);
}

static void a_token_needs_nothing_else(void **state)
{
    char text[65], headers[200];
    uint8_t hash[32];

    (void)state;
    assert_int_equal(auth_token_make(&auth, "script", text, hash), 0);
    snprintf(headers, sizeof headers, "Authorization: bearer %s\r\n", text);
    assert_true(say("POST /api/v1/echo", headers, "data"));
    assert_int_equal(status(), 200);
    assert_true(web_known(server, 0));
    assert_true(auth_token_remove(&auth, "script", hash));
    assert_true(say("POST /api/v1/echo", headers, "data"));
    assert_int_equal(status(), 401);
}

static void other_hosts_are_turned_away(void **state)
{
    static const char *const ours[] = {"10.77.0.1", "10.77.0.1:443", "ringcast", "Ringcast.local", "localhost:8443", "127.0.0.1"};
    static const char *const others[] = {"evil.example", "ringcast.evil.example", "10.77.0.1.evil.example", "", "[::1]", "ringcast.localx",
                                         "ringcast.local@evil.example"};

    (void)state;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        char text[300];

        client.out_n = 0;
        snprintf(text, sizeof text, "GET / HTTP/1.1\r\nHost: %s\r\n\r\n", others[i]);
        client_send(&client, text, strlen(text));
        assert_true(web_step(server, 0, now));
        assert_int_equal(status(), 421);
    }
    for (size_t i = 0; i < 6; i++) {
        char text[300];

        client.out_n = 0;
        snprintf(text, sizeof text, "GET / HTTP/1.1\r\nHost: %s\r\n\r\n", ours[i]);
        client_send(&client, text, strlen(text));
        assert_true(web_step(server, 0, now));
        assert_int_equal(status(), 200);
    }
}

static void bodies_have_limits(void **state)
{
    char headers[500];

    (void)state;
    assert_true(say("POST /api/v1/open-echo", "", "abc"));
    assert_string_equal(content(), "abc");
    say("POST /api/v1/open-echo", "Content-Length: 4097\r\n", NULL);
    assert_int_equal(status(), 413);
    tear_down(state);
    set_up(state);
    snprintf(headers, sizeof headers, "Cookie: __Host-ringcast=%s\r\nX-Ringcast-CSRF: %s\r\nContent-Length: %u\r\n", cookie, csrf, WEB_BODY_MAX);
    assert_true(say("POST /api/v1/echo", headers, NULL));
    memset(client.in + client.in_n, 'x', WEB_BODY_MAX);
    client.in_n += WEB_BODY_MAX;
    assert_true(web_step(server, 0, now));
    assert_int_equal(status(), 200);
    assert_int_equal(strlen(content()), WEB_BODY_MAX);
    snprintf(headers, sizeof headers, "Cookie: __Host-ringcast=%s\r\nX-Ringcast-CSRF: %s\r\nContent-Length: %u\r\n", cookie, csrf, WEB_BODY_MAX + 1);
    say("POST /api/v1/echo", headers, NULL);
    assert_int_equal(status(), 413);
    assert_non_null(strstr(client.out, "Connection: close"));
    tear_down(state);
    set_up(state);
    say("POST /api/v1/open-echo", "Transfer-Encoding: chunked\r\n", NULL);
    assert_int_equal(status(), 411);
}

static void an_upload_comes_in_pieces(void **state)
{
    char headers[500];

    (void)state;
    snprintf(headers, sizeof headers,
             "Cookie: __Host-ringcast=%s\r\nX-Ringcast-CSRF: %s\r\nUpload-Offset: 5\r\nContent-Length: 100000\r\nExpect: 100-continue\r\n", cookie,
             csrf);
    takes_most = 700;
    assert_true(say("PUT /api/v1/uploads/1", headers, NULL));
    assert_string_equal(client.out, "HTTP/1.1 100 Continue\r\n\r\n");
    memset(client.in + client.in_n, 'x', 100000);
    client.in_n += 100000;
    assert_true(web_step(server, 0, now));
    assert_int_equal(taken, 100000);
    assert_non_null(strstr(client.out, "HTTP/1.1 204"));
    assert_int_equal(gone, 1);
    assert_true(say("GET /", "", NULL)); /* the connection goes on */
    assert_int_equal(status(), 200);
}

static void an_upload_waits_for_its_handler(void **state)
{
    char headers[500];

    (void)state;
    snprintf(headers, sizeof headers, "Cookie: __Host-ringcast=%s\r\nX-Ringcast-CSRF: %s\r\nContent-Length: 10000\r\n", cookie, csrf);
    takes_most = 0;
    say("PUT /api/v1/uploads/1", headers, NULL);
    memset(client.in + client.in_n, 'x', 10000);
    client.in_n += 10000;
    for (int i = 0; i < 100; i++) { /* a slow disk makes nobody late */
        now = mono_add(now, MONO_S);
        assert_true(web_step(server, 0, now));
    }
    assert_int_equal(taken, 0);
    takes_most = SIZE_MAX;
    assert_true(web_step(server, 0, now));
    assert_int_equal(status(), 204);
}

static void an_upload_can_be_refused_early(void **state)
{
    char headers[500];

    (void)state;
    snprintf(headers, sizeof headers, "Cookie: __Host-ringcast=%s\r\nX-Ringcast-CSRF: %s\r\nUpload-Offset: 6\r\nContent-Length: 300000\r\n", cookie,
             csrf);
    assert_true(say("PUT /api/v1/uploads/1", headers, NULL));
    assert_int_equal(status(), 409);
    assert_non_null(strstr(client.out, "Connection: close"));
    memset(client.in + client.in_n, 'x', 300000);
    client.in_n += 300000;
    assert_true(web_step(server, 0, now)); /* thrown away, so that the answer is read */
    assert_int_equal(client.in_at, client.in_n);
    assert_int_equal(taken, 0);
    client.closed = true;
    assert_false(web_step(server, 0, now));
    tear_down(state);
    set_up(state);
    snprintf(headers, sizeof headers, "Cookie: __Host-ringcast=%s\r\nX-Ringcast-CSRF: %s\r\nContent-Length: 300000\r\n", cookie, csrf);
    say("PUT /api/v1/uploads/1", headers, NULL);
    memset(client.in + client.in_n, 'x', 300000);
    client.in_n += 300000;
    assert_true(web_step(server, 0, now));
    assert_int_equal(status(), 507); /* in the middle */
    now = mono_add(now, WEB_LINGER_NS + 1);
    web_step(server, 0, now);
    assert_false(web_step(server, 0, mono_add(now, WEB_LINGER_NS + 1)));
    assert_int_equal(gone, 1);
}

/* A client that wants no more than this answer reads to the end of the connection: it comes with the answer, and not two seconds later. */
static void a_last_answer_ends_the_connection(void **state)
{
    (void)state;
    assert_false(say("GET /api/v1/health", "Connection: close\r\n", NULL));
    assert_int_equal(status(), 200);
    assert_non_null(strstr(client.out, "Connection: close"));
    tear_down(state);
    set_up(state);
    assert_false(say("POST /api/v1/open-echo", "Connection: close\r\n", "{}"));
    tear_down(state);
    set_up(state);
    assert_true(say("POST /api/v1/nothing", "Connection: close\r\nContent-Length: 3\r\n", NULL)); /* something still comes */
}

static void answers_may_come_later(void **state)
{
    (void)state;
    assert_true(user_says("GET /api/v1/later", NULL));
    assert_int_equal(client.out_n, 0);
    assert_non_null(later);
    web_text(later, 200, "text/plain", "now", 3);
    assert_true(web_step(server, 0, now));
    assert_string_equal(content(), "now");
    assert_int_equal(gone, 1);
    assert_true(user_says("GET /api/v1/later", NULL));
    client.closed = true;
    assert_false(web_step(server, 0, now)); /* nobody waits any more */
}

static void large_answers_go_out_as_there_is_room(void **state)
{
    size_t before = 0;

    (void)state;
    client.room = 0;
    assert_true(user_says("GET /api/v1/large", NULL));
    for (int i = 0; i < 2000; i++) {
        client.room = 777;
        now = mono_add(now, MONO_S);
        assert_true(web_step(server, 0, now));
        if (client.out_n == before)
            break;
        before = client.out_n;
    }
    assert_int_equal(status(), 200);
    assert_true(strlen(content()) > 500000);
    assert_int_equal(content()[strlen(content()) - 1], ']');
    /* All blocks are back: as many answers as there were before. */
    for (int i = 0; i < 50; i++) {
        client.room = SIZE_MAX;
        assert_true(user_says("GET /api/v1/large", NULL));
        assert_int_equal(status(), 200);
    }
}

static void streams_are_chunked(void **state)
{
    (void)state;
    pulls = 5;
    assert_true(user_says("GET /api/v1/events", NULL));
    for (int i = 0; i < 10; i++)
        assert_true(web_step(server, 0, now));
    assert_string_equal(content(), "000005\r\ndata\n\r\n000005\r\ndata\n\r\n0\r\n\r\n");
    assert_int_equal(gone, 1);
    pulls = 1000;
    assert_false(user_says("GET /api/v1/events", NULL)); /* broken off, and it can be seen */
    assert_null(strstr(content(), "0\r\n\r\n"));
    tear_down(state);
    set_up(state);
    pulls = 2;
    user_says("GET /api/v1/promised", NULL);
    assert_non_null(strstr(client.out, "Content-Length: 10\r\n"));
    web_step(server, 0, now);
    assert_false(web_step(server, 0, now)); /* five of ten bytes, and no more to come */
}

static void listeners_may_be_silent(void **state)
{
    (void)state;
    pulls = 2000; /* nothing to say */
    user_says("GET /api/v1/events", NULL);
    for (int i = 0; i < 100; i++) {
        now = mono_add(now, MONO_S);
        assert_true(web_step(server, 0, now));
    }
    web_hang_up(server);
    assert_false(web_step(server, 0, now));
}

static void who_is_slow_is_let_go(void **state)
{
    static const char half[] = "GET / HTTP/1.1\r\nHost:";
    char headers[300];

    (void)state;
    assert_true(web_step(server, 0, mono_add(now, WEB_IDLE_NS)));
    assert_false(web_step(server, 0, mono_add(now, WEB_IDLE_NS + 1)));
    tear_down(state);
    set_up(state);
    client.piece = 1;
    for (size_t i = 0; i < sizeof half - 1; i++) { /* a byte a second: not one second more for it */
        client_send(&client, half + i, 1);
        now = mono_add(now, MONO_S);
        if (!web_step(server, 0, now))
            break;
        assert_true(i <= 11);
    }
    assert_int_equal(web_server_counts(server)->late, 1);
    tear_down(state);
    set_up(state);
    user_says("POST /api/v1/echo", NULL);
    say("POST /api/v1/open-echo", "Content-Length: 4000\r\n", NULL);
    for (int i = 0; i < 40; i++) { /* a body byte by byte */
        client_send(&client, "x", 1);
        now = mono_add(now, MONO_S);
        if (!web_step(server, 0, now))
            break;
        assert_true(i <= 31);
    }
    assert_int_equal(web_server_counts(server)->late, 1);
    tear_down(state);
    set_up(state);
    snprintf(headers, sizeof headers, "Cookie: __Host-ringcast=%s\r\nX-Ringcast-CSRF: %s\r\nContent-Length: 100\r\n", cookie, csrf);
    assert_true(say("PUT /api/v1/uploads/1", headers, NULL)); /* an upload that stops */
    assert_false(web_rests(server, 0));
    client_send(&client, "x", 1);
    assert_true(web_step(server, 0, mono_add(now, WEB_BODY_NS)));
    assert_true(web_step(server, 0, mono_add(now, 2 * WEB_BODY_NS)));
    assert_false(web_step(server, 0, mono_add(now, 2 * WEB_BODY_NS + 1)));
    assert_int_equal(gone, 0); /* that comes with web_close */
    tear_down(state);
    assert_int_equal(gone, 1);
    set_up(state);
    client.room = 10;
    say("GET /", "", NULL); /* who does not read */
    assert_true(web_step(server, 0, mono_add(now, WEB_SENDING_NS)));
    assert_false(web_step(server, 0, mono_add(now, WEB_SENDING_NS + 1)));
}

static void hostile_requests_are_refused(void **state)
{
    static const struct {
        const char *text;
        unsigned status;
    } wrong[] = {
        {"GET /%00 HTTP/1.1\r\nHost: 10.0.0.1\r\n\r\n", 400},
        {"GET /a%2fb HTTP/1.1\r\nHost: 10.0.0.1\r\n\r\n", 400},
        {"GET /api/../x HTTP/1.1\r\nHost: 10.0.0.1\r\n\r\n", 400},
        {"GET /%ff HTTP/1.1\r\nHost: 10.0.0.1\r\n\r\n", 400},
        {"GET http://x/ HTTP/1.1\r\nHost: 10.0.0.1\r\n\r\n", 400},
        {"PATCH / HTTP/1.1\r\nHost: 10.0.0.1\r\n\r\n", 405},
        {"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\n\r\n", 400},
        {"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505},
        {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n", 400},
        {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -5\r\n\r\n", 400},
        {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", 411},
        {"GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a\n\r\n", 400},
        {"PUT /x HTTP/1.1\r\nHost: a\r\nUpload-Offset: 1\r\nUpload-Offset: 2\r\n\r\n", 400},
    };

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        client_send(&client, wrong[i].text, strlen(wrong[i].text));
        web_step(server, 0, now);
        if (status() != wrong[i].status)
            fail_msg("expected %u, got %u for %s", wrong[i].status, status(), wrong[i].text);
        assert_non_null(strstr(client.out, "Connection: close"));
        tear_down(state);
        set_up(state);
    }
}

static void every_truncation_is_no_request(void **state)
{
    static const char text[] = "POST /api/v1/open-echo?x HTTP/1.1\r\nHost: 10.77.0.1\r\nContent-Length: 3\r\nCookie: a\r\n\r\nabc";

    (void)state;
    for (size_t n = 0; n < sizeof text - 1; n++) {
        client_send(&client, text, n);
        assert_true(web_step(server, 0, now));
        assert_int_equal(client.out_n, 0);
        client.closed = true;
        assert_false(web_step(server, 0, now));
        tear_down(state);
        set_up(state);
    }
    client_send(&client, text, sizeof text - 1);
    web_step(server, 0, now);
    assert_int_equal(status(), 200);
}

/* ---- set-up and login ---- */

static bool judge(void)
{
    for (int i = 0; i < 1000 && client.out_n == 0; i++) {
        account_tick(&account, now);
        web_step(server, 0, now);
    }
    return client.out_n > 0;
}

/* What a browser without scripts sends from /plain. */
static void a_form_logs_in_as_well(void)
{
    static const char form[] = "Content-Type: application/x-www-form-urlencoded\r\n";
    static const char *const broken[] = {"password=%", "password=%4", "password=%zz", "passwort=x", "", "password=" /* and 200 more */};
    char body[256], long_text[201];

    memset(long_text, 'x', sizeof long_text);
    say("POST /plain/login", form, "password=correct+h%6Frse");
    assert_true(judge());
    assert_int_equal(status(), 303);
    assert_non_null(strstr(client.out, "Location: /plain\r\n"));
    assert_non_null(strstr(client.out, "__Host-ringcast="));
    say("POST /plain/login", form, "password=wrong");
    assert_true(judge());
    assert_int_equal(status(), 403);
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        snprintf(body, sizeof body, "%s%.*s", broken[i], i == 5 ? 200 : 0, long_text);
        say("POST /plain/login", form, body);
        assert_int_equal(status(), 400);
    }
}

static void a_password_is_set_and_logs_in(void **state)
{
    char body[200], old[AUTH_CODE_TEXT + 1], *at;

    (void)state;
    memcpy(old, auth.code, sizeof old);
    say("POST /api/v1/login", "Content-Type: application/json\r\n", "{\"password\":\"correct horse\"}");
    assert_int_equal(status(), 409);
    say("POST /api/v1/setup", "Content-Type: application/json\r\n", "{\"code\":\"22222222\",\"password\":\"correct horse\"}");
    assert_int_equal(status(), 403);
    snprintf(body, sizeof body, "{\"code\":\"%s\",\"password\":\"short\"}", auth.code);
    say("POST /api/v1/setup", "Content-Type: application/json\r\n", body);
    assert_int_equal(status(), 422);
    snprintf(body, sizeof body, "{\"code\":\"%.4s-%.4s\",\"password\":\"correct horse\"}", auth.code, auth.code + 4);
    say("POST /api/v1/setup", "Content-Type: text/plain\r\n", body);
    assert_int_equal(status(), 400); /* what a form of another site could send */
    say("POST /api/v1/setup", "Content-Type: application/json\r\n", body);
    assert_true(judge());
    assert_int_equal(status(), 200);
    assert_int_equal(stored, 1);
    assert_string_equal(auth.code, "");
    assert_non_null(strstr(client.out, "HttpOnly; SameSite=Strict"));
    snprintf(body, sizeof body, "{\"code\":\"%s\",\"password\":\"another horse\"}", old);
    say("POST /api/v1/setup", "Content-Type: application/json\r\n", body);
    assert_int_equal(status(), 409);
    say("POST /api/v1/login", "Content-Type: application/json\r\n", "{\"password\":\"wrong horse\"}");
    assert_true(judge());
    assert_int_equal(status(), 403);
    a_form_logs_in_as_well();
    say("POST /api/v1/login", "Content-Type: application/json\r\n", "{\"password\":\"correct horse\"}");
    assert_true(judge());
    assert_int_equal(status(), 200);
    at = strstr(client.out, "__Host-ringcast=");
    assert_non_null(at);
    memcpy(cookie, at + 16, 64);
    at = strstr(client.out, "\"csrf\":\"");
    memcpy(csrf, at + 8, 64);
    assert_true(user_says("POST /api/v1/echo", "hello"));
    assert_int_equal(status(), 200);
    assert_true(user_says("POST /api/v1/tokens", "{\"name\":\"script\"}"));
    assert_int_equal(status(), 201);
    user_says("POST /api/v1/tokens", "{\"name\":\"script\"}");
    assert_int_equal(status(), 409);
    user_says("DELETE /api/v1/tokens/script", NULL);
    assert_int_equal(status(), 204);
    assert_true(user_says("POST /api/v1/logout", ""));
    assert_int_equal(status(), 204);
    assert_true(user_says("POST /api/v1/echo", "hello"));
    assert_int_equal(status(), 401);
}

/* A name that no path can hold could never be removed. */
static void a_token_is_called_what_a_path_can_hold(void **state)
{
    (void)state;
    assert_true(user_says("POST /api/v1/tokens", "{\"name\":\"a/b\"}"));
    assert_int_equal(status(), 422);
    assert_true(user_says("POST /api/v1/tokens", "{\"name\":\"..\"}"));
    assert_int_equal(status(), 422);
    assert_true(user_says("POST /api/v1/tokens", "{\"name\":\".\"}"));
    assert_int_equal(status(), 422);
    assert_true(user_says("POST /api/v1/tokens", "{\"name\":\"..a b\"}"));
    assert_int_equal(status(), 201);
    user_says("DELETE /api/v1/tokens/..a%20b", NULL);
    assert_int_equal(status(), 204);
}

/* A token that is none does not stand in for the header that only our own page can send. */
static void a_wrong_token_excuses_no_cookie(void **state)
{
    char headers[400];

    (void)state;
    snprintf(headers, sizeof headers, "Cookie: __Host-ringcast=%s\r\nAuthorization: Bearer x\r\n", cookie);
    say("POST /api/v1/echo", headers, "hello");
    assert_int_equal(status(), 403);
}

/* One listens with a token; its removal is the end of that, too. */
static void a_token_that_is_removed_hears_no_more(void **state)
{
    static struct client listener;
    struct wire_stream s = client_stream(&listener);
    char text[65], request[200];
    uint8_t hash[32];

    (void)state;
    pulls = 2000; /* nothing to say */
    assert_int_equal(auth_token_make(&auth, "script", text, hash), 0);
    web_open(server, 1, &s, 0x0A000003, now);
    snprintf(request, sizeof request, "GET /api/v1/events HTTP/1.1\r\nHost: 10.77.0.1\r\nAuthorization: Bearer %s\r\n\r\n", text);
    client_send(&listener, request, strlen(request));
    assert_true(web_step(server, 1, now));
    assert_true(strncmp(listener.out, "HTTP/1.1 200", 12) == 0);
    assert_true(web_step(server, 1, now));
    assert_true(user_says("DELETE /api/v1/tokens/script", NULL));
    assert_int_equal(status(), 204);
    assert_false(web_step(server, 1, now));
    web_close(server, 1);
}

static void who_asks_and_leaves_frees_the_judge(void **state)
{
    struct wire_stream s;

    (void)state;
    auth.has_password = true;
    auth.rounds = AUTH_ROUNDS;
    say("POST /api/v1/login", "Content-Type: application/json\r\n", "{\"password\":\"some horse\"}");
    assert_true(auth_busy(&auth));
    client.closed = true;
    assert_false(web_step(server, 0, now));
    web_close(server, 0);
    assert_false(auth_busy(&auth));
    account_tick(&account, now);
    s = client_stream(&client);
    web_open(server, 0, &s, 0x0A000003, now);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(a_request_in_any_pieces),
        T(every_answer_is_guarded),
        T(without_a_token_nothing_is_told),
        T(a_cookie_needs_its_csrf),
        T(a_token_needs_nothing_else),
        T(other_hosts_are_turned_away),
        T(bodies_have_limits),
        T(an_upload_comes_in_pieces),
        T(an_upload_waits_for_its_handler),
        T(an_upload_can_be_refused_early),
        T(a_last_answer_ends_the_connection),
        T(answers_may_come_later),
        T(large_answers_go_out_as_there_is_room),
        T(streams_are_chunked),
        T(listeners_may_be_silent),
        T(who_is_slow_is_let_go),
        T(hostile_requests_are_refused),
        T(every_truncation_is_no_request),
        T(a_password_is_set_and_logs_in),
        T(a_token_is_called_what_a_path_can_hold),
        T(a_wrong_token_excuses_no_cookie),
        T(a_token_that_is_removed_hears_no_more),
        T(who_asks_and_leaves_frees_the_judge),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
