#include "board/box/web/portal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "board/box/store/journal.h"
#include "board/core/exit.h"
#include "board/log/log.h"
#include "net/os/random.h"
#include "net/tls/bind.h"
#include "net/web/account.h"
#include "net/web/www.h"

_Static_assert(WEB_SEATS == TLS_SEATS, "a connection's seat is the same in both");

#define PATH_TEXT 4096
#define PORTAL_CLOSED 500
/* between two slices of a password's judgement: half of the thread's time stays for others */
#define JUDGING_MS 4

struct portal {
    struct portal_needs needs;
    struct auth auth;
    struct account account;
    struct web_routes routes, closed_routes;
    char closed[PORTAL_CLOSED]; /* why; "": it is open */
    struct web_server *server;
    struct tls_identity identity;
    bool has_identity;
    struct tls_bind *tls; /* NULL: not open */
    struct mono log_free; /* when the log takes the next line of strangers' doing */
};

/* ---- TLS below, web above ---- */

static void on_open(void *ctx, unsigned seat, const struct wire_stream *stream, uint32_t address,
                    struct mono now)
{
    struct portal *p = ctx;

    web_open(p->server, seat, stream, address, now);
}

static bool on_step(void *ctx, unsigned seat, struct mono now)
{
    struct portal *p = ctx;

    return web_step(p->server, seat, now);
}

static void on_close(void *ctx, unsigned seat)
{
    struct portal *p = ctx;

    web_close(p->server, seat);
}

static enum tls_standing standing(void *ctx, unsigned seat)
{
    struct portal *p = ctx;

    if (!web_known(p->server, seat))
        return TLS_STRANGER;
    return web_rests(p->server, seat) ? TLS_RESTING : TLS_BUSY;
}

/* ---- what is kept ---- */

static void store_password(void *ctx, const uint8_t *record, size_t n)
{
    struct portal *p = ctx;

    p->needs.store(p->needs.ctx, JOURNAL_PASSWORD, (const uint8_t *)"web", 3, record, n);
}

static void store_token(void *ctx, const uint8_t hash[32], const char *name, size_t n)
{
    struct portal *p = ctx;

    p->needs.store(p->needs.ctx, JOURNAL_TOKEN, hash, 32, (const uint8_t *)name, n);
}

enum told portal_restore(struct portal *p, uint8_t kind, const uint8_t *key, size_t nkey,
                         const uint8_t *value, size_t nvalue)
{
    char name[AUTH_TOKEN_NAME_MAX + 1];

    if (kind == JOURNAL_PASSWORD)
        return auth_restore_password(&p->auth, value, nvalue) ? TOLD_KNOWN : TOLD_BROKEN;
    if (kind != JOURNAL_TOKEN || nkey != 32 || nvalue >= sizeof name)
        return TOLD_BROKEN;
    memcpy(name, value, nvalue);
    name[nvalue] = 0;
    return auth_restore_token(&p->auth, key, name) ? TOLD_KNOWN : TOLD_BROKEN;
}

/* A person at the box wants to get in again: the certificate that kept the page closed is put
 * aside. */
static void open_again(struct portal *p)
{
    char path[PATH_TEXT + 40], aside[PATH_TEXT + 40];
    struct err err = {0};

    snprintf(path, sizeof path, "%.4000s/tls/identity", p->needs.data);
    snprintf(aside, sizeof aside, "%.4000s/tls/identity.damaged", p->needs.data);
    if (rename(path, aside) && errno != ENOENT) {
        log_line("page: %s cannot be put aside: %s", path, strerror(errno));
        return;
    }
    tls_bind_close(p->tls);
    p->tls = NULL;
    if (p->has_identity)
        tls_identity_close(&p->identity);
    p->has_identity = false;
    p->closed[0] = 0;
    web_server_init(p->server, p->needs.config->name, &p->auth, &p->routes);
    if (portal_open(p, &err))
        log_line("there is no page: %s (%d)", err.text, err.code);
}

void portal_reset_password(struct portal *p)
{
    if (p->closed[0] && !p->needs.closed)
        open_again(p);
    account_reset(&p->account, ip_stack_now(p->needs.stack));
    log_line("page: the password was reset at the box");
}

/* ---- the box's own routes ---- */

/* At most a line a second: strangers cause them. */
static void tell(void *ctx, const char *what, uint32_t address)
{
    struct portal *p = ctx;
    struct mono now = ip_stack_now(p->needs.stack);
    char text[IP_TEXT];

    if (mono_sub(p->log_free, now) > 0)
        return;
    p->log_free = mono_add(now, MONO_S);
    log_line("page: %s %s", ip_address_text(text, address), what);
}

static void health(void *ctx, struct web_call *c)
{
    const struct portal *p = ctx;
    struct json j = web_json(c);

    json_open(&j, NULL, '{');
    json_bool(&j, "ok", true);
    json_str(&j, "version", RINGCAST_VERSION);
    json_bool(&j, "password_set", p->auth.has_password);
    json_close(&j);
    web_json_send(c, 200, &j);
}

static void own_routes(struct portal *p)
{
    static const struct web_route table[] = {
        {WEB_GET, "/api/v1/health", WEB_ANYONE, health, NULL},
    };

    account_routes(&p->account, &p->routes);
    www_routes(&p->routes);
    web_routes_add(&p->routes, table, sizeof table / sizeof *table, p);
}

/* ---- a closed page ---- */

static void put_escaped(char *to, size_t cap, size_t *n, const char *text)
{
    for (; *text && *n + 8 < cap; text++) {
        const char *as = *text == '<'   ? "&lt;"
                         : *text == '>' ? "&gt;"
                         : *text == '&' ? "&amp;"
                         : *text == '"' ? "&quot;"
                                        : NULL;

        if (as)
            *n += (size_t)snprintf(to + *n, cap - *n, "%s", as);
        else
            to[(*n)++] = *text;
    }
    to[*n] = 0;
}

static void closed_page(void *ctx, struct web_call *c)
{
    static const char head[] = "<!doctype html><meta charset=utf-8><meta name=viewport "
                               "content=\"width=device-width\"><title>",
                      tail[] = "</p>";
    const struct portal *p = ctx;
    char text[4000];
    size_t n = sizeof head - 1;

    memcpy(text, head, sizeof head);
    put_escaped(text, sizeof text - 100, &n, p->needs.config->name);
    n += (size_t)snprintf(text + n, sizeof text - n, "</title><h1>STOP</h1><p>");
    put_escaped(text, sizeof text - 100, &n, p->closed);
    n += (size_t)snprintf(text + n, sizeof text - n, "%s", tail);
    web_text(c, 503, "text/html; charset=utf-8", text, n);
}

static void closed_api(void *ctx, struct web_call *c)
{
    const struct portal *p = ctx;

    web_problem(c, 503, PC_EIDENTITY, "%s", p->closed);
}

/* From now on, and before anybody is connected. */
static void close_page(struct portal *p, const char *why)
{
    static const struct web_route table[] = {
        {WEB_GET, "/", WEB_ANYONE, closed_page, NULL},
        {WEB_GET, "/plain", WEB_ANYONE, closed_page, NULL},
        {WEB_GET, "/metrics", WEB_ANYONE, closed_api, NULL},
        {WEB_GET, "/api/v1/health", WEB_ANYONE, closed_api, NULL},
        {WEB_GET, "/api/v1/status", WEB_ANYONE, closed_api, NULL},
        {WEB_POST, "/api/v1/login", WEB_ANYONE, closed_api, NULL},
        {WEB_POST, "/api/v1/setup", WEB_ANYONE, closed_api, NULL},
    };

    snprintf(p->closed, sizeof p->closed, "%s", why);
    if (!p->closed_routes.n)
        web_routes_add(&p->closed_routes, table, sizeof table / sizeof *table, p);
    web_server_init(p->server, p->needs.config->name, &p->auth, &p->closed_routes);
}

/* ---- all of it ---- */

static void fill_chance(void *ctx, void *to, size_t n)
{
    (void)ctx;
    random_fill(to, n);
}

int portal_make(struct portal **out, const struct portal_needs *needs, struct err *err)
{
    struct portal *p = *out = calloc(1, sizeof *p);

    if (p)
        p->server = malloc(web_server_bytes());
    if (!p || !p->server)
        return err_set(err, PC_EMEMORY, "out of memory");
    p->needs = *needs;
    p->log_free = ip_stack_now(needs->stack);
    auth_init(&p->auth, (struct auth_chance){.fill = fill_chance}, p->log_free);
    web_server_init(p->server, needs->config->name, &p->auth, &p->routes);
    p->account = (struct account){.auth = &p->auth,
                                  .server = p->server,
                                  .store_password = store_password,
                                  .store_token = store_token,
                                  .tell = tell,
                                  .ctx = p};
    own_routes(p);
    if (needs->closed)
        close_page(p, needs->closed);
    return 0;
}

struct web_routes *portal_routes(struct portal *p)
{
    return &p->routes;
}

/* Nobody enters a password under a certificate that the box does not keep. */
static int open_identity(struct portal *p, struct err *err)
{
    const struct box_config *c = p->needs.config;
    struct err why = {0};
    char folder[PATH_TEXT], text[PORTAL_CLOSED];
    int rc = TLS_EFILE;

    if (!p->closed[0]) {
        snprintf(folder, sizeof folder, "%.4000s/tls", p->needs.data);
        rc = tls_identity_open(&p->identity, folder, c->name, c->address, &why);
    }
    if (rc && !p->closed[0]) {
        snprintf(text, sizeof text,
                 "This page is closed: %.300s. The key R at the box makes a new certificate, and "
                 "forgets the password.",
                 why.text);
        log_line("%s (%d)", text, why.code);
        close_page(p, text);
    }
    if (rc)
        rc = tls_identity_make(&p->identity, c->name, c->address, err);
    p->has_identity = rc == 0;
    return rc;
}

int portal_open(struct portal *p, struct err *err)
{
    const struct tls_service service = {
        .open = on_open, .step = on_step, .close = on_close, .standing = standing, .ctx = p};
    char address[IP_TEXT];
    int rc = open_identity(p, err);

    if (rc == 0)
        rc = tls_bind_open(&p->tls, p->needs.stack, &p->identity, &service, TLS_PORT, err);
    if (rc)
        return rc;
    log_line("the page is at https://%s/, fingerprint %s",
             ip_address_text(address, p->needs.config->address), p->identity.fingerprint);
    /* for who sits at the box's own terminal: not through the log, which may be sent elsewhere */
    if (p->auth.code[0] && !p->closed[0])
        fprintf(stderr, "No password is set. The set-up code is %.4s-%s.\n", p->auth.code,
                p->auth.code + 4);
    return 0;
}

void portal_tick(struct portal *p, struct mono now)
{
    if (!p->tls)
        return;
    account_tick(&p->account, now);
    tls_bind_tick(p->tls, now);
}

int portal_pause(const struct portal *p)
{
    if (auth_busy(&p->auth))
        return JUDGING_MS;
    return p->tls ? tls_bind_pause(p->tls) : 1000;
}

const char *portal_setup_code(const struct portal *p)
{
    return p->closed[0] ? "" : p->auth.code;
}

const char *portal_fingerprint(const struct portal *p)
{
    return p->has_identity ? p->identity.fingerprint : "";
}

void portal_close(struct portal *p)
{
    if (!p)
        return;
    tls_bind_close(p->tls);
    if (p->has_identity)
        tls_identity_close(&p->identity);
    free(p->server);
    free(p);
}
