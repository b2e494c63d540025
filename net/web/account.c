#include "net/web/account.h"

#include <stdio.h>
#include <string.h>

#include "net/wire/json_read.h"
#include "net/wire/utf8.h"

/* ---- what is asked ---- */

static bool read_body(struct web_call *c, struct json_doc *doc)
{
    int rc = strcmp(c->type, "application/json") == 0 ? json_read(doc, c->body, c->n_body)
                                                      : JSON_ESYNTAX;

    if (rc == 0 && json_kind(doc, JSON_ROOT) == JSON_OBJECT)
        return true;
    web_problem(c, 400, WEB_EJSON, "expected an object of JSON (application/json)");
    return false;
}

/* The password is not left in memory. */
static void wipe(struct web_call *c, char *password, size_t n)
{
    volatile char *at = password;

    while (n--)
        *at++ = 0;
    c->n_body = 0;
}

static void say_limit(struct web_call *c, int code, unsigned wait_s)
{
    char text[12];

    snprintf(text, sizeof text, "%u", wait_s);
    web_header(c, "Retry-After", text);
    if (code == WEB_EBUSY)
        web_problem(c, 429, code, "another password is being checked: try again in a moment");
    else
        web_problem(c, 429, code, "there were too many attempts: try again in %u s", wait_s);
}

static void refuse(struct account *a, struct web_call *c, int code, unsigned wait_s)
{
    switch (code) {
    case WEB_EBUSY:
    case WEB_ELIMIT:
        say_limit(c, code, wait_s);
        return;
    case WEB_ESET:
        web_problem(c, 409, code, "a password has been set already: log in with it");
        return;
    case WEB_EUNSET:
        web_problem(c, 409, code,
                    "no password has been set yet: the box's screen shows the set-up code");
        return;
    case WEB_EWEAK:
        web_problem(c, 422, code, "expected a password of %d to %d bytes", AUTH_PASSWORD_MIN,
                    AUTH_PASSWORD_MAX);
        return;
    case WEB_ECODE:
        a->tell(a->ctx, "gave a wrong set-up code", c->address);
        web_problem(c, 403, code, "this is not the code that the box's screen shows");
        return;
    default:
        a->tell(a->ctx, "gave a wrong password", c->address);
        web_problem(c, 403, WEB_EPASSWORD, "the password is wrong");
    }
}

/* Who asked has left: nobody else shall wait for the end of it. */
static void asker_gone(void *ctx, struct web_call *c)
{
    struct account *a = ctx;

    if (a->waiting != c)
        return;
    a->waiting = NULL;
    auth_give_up(a->auth);
}

/* What auth_ask said: the judgement is under way, or is none. */
static void wait_for(struct account *a, struct web_call *c, int rc, unsigned wait_s)
{
    if (rc) {
        refuse(a, c, rc, wait_s);
        return;
    }
    a->waiting = c;
    c->gone = asker_gone;
}

static void ask(struct account *a, struct web_call *c, enum auth_question what)
{
    static struct json_doc doc;
    char password[AUTH_PASSWORD_MAX + 2], code[64];
    unsigned wait_s;
    int rc;

    if (!read_body(c, &doc))
        return;
    (void)json_get_str(&doc, JSON_ROOT, "code", code, sizeof code);
    (void)json_get_str(&doc, JSON_ROOT, "password", password, sizeof password);
    rc = auth_ask(a->auth, what, c->address, code, password, c->now, &wait_s);
    wipe(c, password, sizeof password);
    wait_for(a, c, rc, wait_s);
}

static void login(void *ctx, struct web_call *c)
{
    ask(ctx, c, AUTH_LOGIN);
}

static void set_up(void *ctx, struct web_call *c)
{
    ask(ctx, c, AUTH_SETUP);
}

/* ---- the same from a form ---- */

static int digit_of(uint8_t c)
{
    return c >= '0' && c <= '9'                 ? c - '0'
           : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10
                                                : -1;
}

/* "password=...", the form's only field, decoded. False: it is something else, or too long. */
static bool read_form(const struct web_call *c, char *to, size_t cap)
{
    static const char field[] = "password=";
    const uint8_t *at = c->body + sizeof field - 1, *end = c->body + c->n_body;

    if (strcmp(c->type, "application/x-www-form-urlencoded") != 0 || c->n_body < sizeof field ||
        memcmp(c->body, field, sizeof field - 1) != 0)
        return false;
    for (; at < end; at++) {
        if (--cap == 0)
            return false;
        if (*at == '%' && (end - at < 3 || digit_of(at[1]) < 0 || digit_of(at[2]) < 0))
            return false;
        *to++ = (char)(*at == '%'   ? digit_of(at[1]) << 4 | digit_of(at[2])
                       : *at == '+' ? ' '
                                    : *at);
        at += *at == '%' ? 2 : 0;
    }
    *to = 0;
    return true;
}

static void login_form(void *ctx, struct web_call *c)
{
    struct account *a = ctx;
    char password[AUTH_PASSWORD_MAX + 2];
    unsigned wait_s;
    int rc;

    if (!read_form(c, password, sizeof password)) {
        web_problem(c, 400, 0, "expected a form with the field password");
        return;
    }
    rc = auth_ask(a->auth, AUTH_LOGIN, c->address, "", password, c->now, &wait_s);
    wipe(c, password, sizeof password);
    wait_for(a, c, rc, wait_s);
}

static void answer_csrf(struct web_call *c, const char *csrf)
{
    struct json j = web_json(c);

    json_open(&j, NULL, '{');
    json_str(&j, "csrf", csrf);
    json_close(&j);
    web_json_send(c, 200, &j);
}

static void set_cookie(struct web_call *c, const char *value, const char *more)
{
    char text[200];

    snprintf(text, sizeof text, "__Host-ringcast=%s; Path=/; Secure; HttpOnly; SameSite=Strict%s",
             value, more);
    web_header(c, "Set-Cookie", text);
}

void account_tick(struct account *a, struct mono now)
{
    char cookie[65], csrf[65];
    uint8_t record[AUTH_PASSWORD_RECORD];
    struct web_call *c = a->waiting;
    bool had = a->auth->has_password;
    int rc;

    if (!c || !auth_busy(a->auth))
        return;
    rc = auth_work(a->auth, now, cookie, csrf);
    if (rc == 1)
        return;
    a->waiting = NULL;
    if (rc) {
        refuse(a, c, rc, 0);
        return;
    }
    if (!had) {
        auth_password_record(a->auth, record);
        a->store_password(a->ctx, record, sizeof record);
    }
    a->tell(a->ctx, had ? "logged in" : "set the password", c->address);
    set_cookie(c, cookie, "");
    if (strcmp(c->path, "/plain/login") != 0) {
        answer_csrf(c, csrf);
        return;
    }
    web_header(c, "Location", "/plain");
    web_empty(c, 303);
}

void account_reset(struct account *a, struct mono now)
{
    struct web_call *c = a->waiting;

    a->waiting = NULL;
    for (unsigned i = 0; i < AUTH_TOKENS; i++)
        if (a->auth->token[i].used)
            a->store_token(a->ctx, a->auth->token[i].hash, NULL, 0);
    a->store_password(a->ctx, NULL, 0);
    auth_reset(a->auth, now);
    web_hang_up(a->server);
    if (c)
        refuse(a, c, WEB_EUNSET, 0);
}

/* ---- sessions ---- */

static void show_session(void *ctx, struct web_call *c)
{
    struct auth_session *s = web_call_session(c);
    char csrf[65] = "";

    (void)ctx;
    if (s)
        auth_csrf_text(s, csrf);
    answer_csrf(c, csrf);
}

static void logout(void *ctx, struct web_call *c)
{
    struct account *a = ctx;
    struct auth_session *s = web_call_session(c);

    if (s)
        auth_logout(s);
    web_hang_up(a->server); /* other users' pages come again by themselves */
    set_cookie(c, "", "; Max-Age=0");
    web_empty(c, 204);
}

/* ---- tokens ---- */

static void list_tokens(void *ctx, struct web_call *c)
{
    const struct account *a = ctx;
    struct json j = web_json(c);

    json_open(&j, NULL, '[');
    for (unsigned i = 0; i < AUTH_TOKENS; i++) {
        if (!a->auth->token[i].used)
            continue;
        json_open(&j, NULL, '{');
        json_str(&j, "name", a->auth->token[i].name);
        json_close(&j);
    }
    json_close(&j);
    web_json_send(c, 200, &j);
}

/* One that an address can hold as one of its parts: it is removed by its name. */
static bool is_token_name(const char *name)
{
    return name[0] && utf8_is_plain(name, strlen(name)) && !strchr(name, '/') &&
           strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

static void make_token(void *ctx, struct web_call *c)
{
    static struct json_doc doc;
    struct account *a = ctx;
    char name[AUTH_TOKEN_NAME_MAX + 1], text[65];
    uint8_t hash[32];
    struct json j;

    if (!read_body(c, &doc))
        return;
    if (json_get_str(&doc, JSON_ROOT, "name", name, sizeof name) <= 0 || !is_token_name(name)) {
        web_problem(c, 422, WEB_EJSON,
                    "expected a name of 1 to %d bytes, without slashes, not \".\" or \"..\"",
                    AUTH_TOKEN_NAME_MAX);
        return;
    }
    if (auth_token_make(a->auth, name, text, hash) != 0) {
        web_problem(c, 409, WEB_ETOKENS, "there is a token of this name, or there are %d tokens",
                    AUTH_TOKENS);
        return;
    }
    a->store_token(a->ctx, hash, name, strlen(name));
    a->tell(a->ctx, "made a token", c->address);
    j = web_json(c);
    json_open(&j, NULL, '{');
    json_str(&j, "name", name);
    json_str(&j, "token", text);
    json_close(&j);
    web_json_send(c, 201, &j);
}

static void remove_token(void *ctx, struct web_call *c)
{
    struct account *a = ctx;
    uint8_t hash[32];

    if (!auth_token_remove(a->auth, c->param[0], hash)) {
        web_problem(c, 404, WEB_EROUTE, "there is no token of this name");
        return;
    }
    a->store_token(a->ctx, hash, NULL, 0);
    /* who listens with it shall not listen on; others come again by themselves */
    web_hang_up(a->server);
    web_empty(c, 204);
}

void account_routes(struct account *a, struct web_routes *routes)
{
    static const struct web_route table[] = {
        {WEB_POST, "/api/v1/setup", WEB_ANYONE, set_up, NULL},
        {WEB_POST, "/api/v1/login", WEB_ANYONE, login, NULL},
        {WEB_POST, "/plain/login", WEB_ANYONE, login_form, NULL},
        {WEB_GET, "/api/v1/session", WEB_USER, show_session, NULL},
        {WEB_POST, "/api/v1/logout", WEB_USER, logout, NULL},
        {WEB_GET, "/api/v1/tokens", WEB_USER, list_tokens, NULL},
        {WEB_POST, "/api/v1/tokens", WEB_USER, make_token, NULL},
        {WEB_DELETE, "/api/v1/tokens/:name", WEB_USER, remove_token, NULL},
    };

    web_routes_add(routes, table, sizeof table / sizeof *table, a);
}
