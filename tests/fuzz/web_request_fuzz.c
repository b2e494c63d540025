/* Any bytes on a connection of the web server, in pieces: it stays within its memory, and every
 * answer begins as one. The first byte says how the rest is cut; a second later each piece. */
#include <stdlib.h>
#include <string.h>

#include "net/web/account.h"
#include "net/wire/must.h"

struct line {
    const uint8_t *bytes;
    size_t n, piece;
    size_t said; /* bytes of the answer */
    char begin[9];
};

static int line_read(void *ctx, void *to, size_t n)
{
    struct line *l = ctx;

    n = n < l->n ? n : l->n;
    n = n < l->piece ? n : l->piece;
    if (n == 0)
        return l->n ? 0 : STREAM_END;
    memcpy(to, l->bytes, n);
    l->bytes += n;
    l->n -= n;
    return (int)n;
}

static int line_write(void *ctx, const void *from, size_t n)
{
    struct line *l = ctx;

    for (size_t i = 0; i < n && l->said + i < sizeof l->begin; i++)
        l->begin[l->said + i] = ((const char *)from)[i];
    l->said += n;
    return (int)n;
}

static void chance(void *ctx, void *to, size_t n)
{
    (void)ctx;
    memset(to, 0, n); /* the set-up code is 22222222: within a fuzzer's reach */
}

static void echo(void *ctx, struct web_call *c)
{
    (void)ctx;
    web_text(c, 200, "text/plain", c->body, c->n_body);
}

static void begin(void *ctx, struct web_call *c)
{
    (void)ctx;
    (void)c;
}

static size_t take(void *ctx, struct web_call *c, const uint8_t *bytes, size_t n)
{
    (void)ctx;
    (void)bytes;
    if (n == 0)
        web_empty(c, 204);
    return n > 3 ? n - 3 : n;
}

static void keep_password(void *ctx, const uint8_t *record, size_t n)
{
    (void)ctx;
    (void)record;
    (void)n;
}

static void keep_token(void *ctx, const uint8_t hash[32], const char *name, size_t n)
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

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static const struct web_route table[] = {
        {WEB_GET, "/a/:b", WEB_ANYONE, echo, NULL},
        {WEB_POST, "/echo", WEB_ANYONE, echo, NULL},
        {WEB_PUT, "/take/:id", WEB_ANYONE, begin, take},
    };
    static struct web_server *server;
    static struct auth auth;
    static struct web_routes routes;
    static struct account account = {.auth = &auth,
                                     .store_password = keep_password,
                                     .store_token = keep_token,
                                     .tell = tell};
    struct mono now = {MONO_S};
    struct line line = {.bytes = bytes + 1, .n = n - 1, .piece = n ? (size_t)bytes[0] + 1 : 1};
    const struct wire_stream stream = {.read = line_read, .write = line_write, .ctx = &line};

    if (!n)
        return 0;
    if (!server) {
        server = malloc(web_server_bytes());
        web_server_init(server, "ringcast", &auth, &routes);
        account.server = server;
        account_routes(&account, &routes);
        web_routes_add(&routes, table, sizeof table / sizeof *table, NULL);
    }
    auth_init(&auth, (struct auth_chance){.fill = chance}, now);
    web_open(server, 0, &stream, 0x0A000002, now);
    for (int i = 0; i < 300 && web_step(server, 0, now); i++)
        now = mono_add(now, MONO_S);
    MUST(line.said == 0 || (line.said > 12 && memcmp(line.begin, "HTTP/1.1 ", 9) == 0));
    web_close(server, 0);
    MUST(!auth_busy(&auth));
    return 0;
}
