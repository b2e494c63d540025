#include "net/web/request.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "net/wire/utf8.h"

void web_parser_init(struct web_parser *p)
{
    memset(&p->r, 0, sizeof p->r);
    http_lines_init(&p->lines);
}

/* ---- the request line ---- */

static int take_method(struct web_request *r, const char *method)
{
    static const char *const names[] = {
        [WEB_GET] = "GET", [WEB_POST] = "POST", [WEB_PUT] = "PUT", [WEB_DELETE] = "DELETE"};

    r->head_only = strcmp(method, "HEAD") == 0;
    if (r->head_only)
        return 0;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(method, names[i]) == 0) {
            r->method = (enum web_method)i;
            return 0;
        }
    return 405;
}

/* "." and ".." mean other places to browsers than to us. */
static bool has_dots(const char *path)
{
    for (const char *at = strchr(path, '/'); at; at = strchr(at + 1, '/')) {
        size_t n = strcspn(at + 1, "/");

        if ((n == 1 && at[1] == '.') || (n == 2 && at[1] == '.' && at[2] == '.'))
            return true;
    }
    return false;
}

static unsigned slashes(const char *text, size_t n)
{
    unsigned found = 0;

    for (size_t i = 0; i < n; i++)
        found += text[i] == '/';
    return found;
}

static int take_target(struct web_request *r, char *target)
{
    char *query = strchr(target, '?');
    unsigned before;
    int n;

    if (*target != '/' || strlen(target) > WEB_PATH_MAX)
        return *target == '/' ? 414 : 400;
    if (query) {
        *query++ = 0;
        memcpy(r->query, query, strlen(query) + 1);
    }
    before = slashes(target, strlen(target));
    n = http_decode(target);
    if (n < 0 || slashes(target, (size_t)n) != before || !utf8_is_plain(target, (size_t)n))
        return 400;
    memcpy(r->path, target, (size_t)n);
    r->path[n] = 0;
    return has_dots(r->path) ? 400 : 0;
}

static int take_request(void *ctx, const char *method, char *target)
{
    struct web_request *r = &((struct web_parser *)ctx)->r;
    int rc = take_method(r, method);

    return rc ? rc : take_target(r, target);
}

/* ---- header lines ---- */

/* What fits; longer ones are not there. */
static void copy_text(char *to, size_t cap, const char *from, size_t n)
{
    if (n >= cap)
        n = 0;
    memcpy(to, from, n);
    to[n] = 0;
}

static void lower(char *text)
{
    for (; *text; text++)
        if (*text >= 'A' && *text <= 'Z')
            *text = (char)(*text - 'A' + 'a');
}

/* "host:port" without its port, which a forwarder may have changed. Too long or empty: "?". */
static void copy_host(char *to, size_t cap, const char *from)
{
    size_t n = strcspn(from, ":");

    copy_text(to, cap, from, n);
    lower(to);
    if (!*to)
        memcpy(to, "?", 2);
}

static void take_origin(struct web_request *r, const char *value)
{
    bool https = strncasecmp(value, "https://", 8) == 0;

    copy_host(r->origin, sizeof r->origin, https ? value + 8 : "");
}

/* "a=b; c=d". */
static void take_cookie(struct web_request *r, const char *value)
{
    size_t name = strlen(WEB_COOKIE);

    while (*value) {
        size_t n = strcspn(value, ";");

        if (n > name && strncmp(value, WEB_COOKIE "=", name + 1) == 0)
            copy_text(r->cookie, sizeof r->cookie, value + name + 1, n - name - 1);
        value += n;
        value += strspn(value, "; ");
    }
}

static void take_authorization(struct web_request *r, const char *value)
{
    if (strncasecmp(value, "Bearer ", 7) != 0)
        return;
    value += 7;
    value += strspn(value, " ");
    copy_text(r->bearer, sizeof r->bearer, value, strlen(value));
}

static void take_type(struct web_request *r, const char *value)
{
    copy_text(r->type, sizeof r->type, value, strcspn(value, "; \t"));
    lower(r->type);
}

static int take_offset(struct web_request *r, const char *value)
{
    const char *end = http_number(value, &r->offset);

    if (r->has_offset || !end || *end)
        return 400;
    r->has_offset = true;
    return 0;
}

static int take_header(void *ctx, const char *name, char *value)
{
    struct web_request *r = &((struct web_parser *)ctx)->r;

    if (strcasecmp(name, "Host") == 0)
        copy_host(r->host, sizeof r->host, value);
    else if (strcasecmp(name, "Origin") == 0)
        take_origin(r, value);
    else if (strcasecmp(name, "Cookie") == 0)
        take_cookie(r, value);
    else if (strcasecmp(name, "Authorization") == 0)
        take_authorization(r, value);
    else if (strcasecmp(name, "X-Ringcast-CSRF") == 0)
        copy_text(r->csrf, sizeof r->csrf, value, strlen(value));
    else if (strcasecmp(name, "Content-Type") == 0)
        take_type(r, value);
    else if (strcasecmp(name, "Upload-Offset") == 0)
        return take_offset(r, value);
    else if (strcasecmp(name, "Expect") == 0)
        r->expects = strcasecmp(value, "100-continue") == 0;
    return 0;
}

int web_parser_feed(struct web_parser *p, const uint8_t *bytes, size_t n, size_t *used)
{
    static const struct http_lines_user user = {.request = take_request,
                                                .header = take_header,
                                                .bodies = true};
    int rc = http_lines_feed(&p->lines, &user, p, bytes, n, used);

    if (rc == 1) {
        p->r.keep_alive = p->lines.keep_alive;
        p->r.length = p->lines.length;
    }
    return rc;
}

/* ---- hosts ---- */

static bool is_figures(const char *host)
{
    return *host && strspn(host, "0123456789.") == strlen(host);
}

bool web_host_ours(const char *host, const char *name)
{
    size_t n = strlen(name);

    if (is_figures(host) || strcmp(host, "localhost") == 0)
        return true;
    return strncasecmp(host, name, n) == 0 &&
           (!host[n] || strcmp(host + n, ".local") == 0 || strcmp(host + n, ".local.") == 0);
}
