#include "net/http/server/codec.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "net/wire/must.h"

void http_head_init(struct http_head_parser *p)
{
    memset(p, 0, offsetof(struct http_head_parser, lines));
    http_lines_init(&p->lines);
}

/* ---- the request line ---- */

/* "/path?query", or the same behind "http://host". */
static int take_target(struct http_head *h, char *target)
{
    int n;

    if (strncasecmp(target, "http://", 7) == 0) {
        target = strchr(target + 7, '/');
        if (!target)
            return 400;
    }
    if (*target != '/')
        return 400;
    n = http_decode(target);
    if (n < 0)
        return 400;
    h->home = n == 1;
    h->named = content_name(target, (size_t)n, h->name) == 0;
    return 0;
}

static int take_request(void *ctx, const char *method, char *target)
{
    struct http_head_parser *p = ctx;

    p->head.head_only = strcmp(method, "HEAD") == 0;
    if (!p->head.head_only && strcmp(method, "GET") != 0)
        return 405;
    return take_target(&p->head, target);
}

/* ---- header lines ---- */

/* "bytes=0-99", "bytes=100-", "bytes=-500". Anything else, several ranges too, is answered as if it
 * were not there. */
static void take_range(struct http_head_parser *p, const char *value)
{
    struct http_head *h = &p->head;
    const char *at = value + 6;

    h->range = HTTP_WHOLE;
    if (p->ranged || strncasecmp(value, "bytes=", 6) != 0)
        return;
    if (*at == '-') {
        at = http_number(at + 1, &h->last);
        h->range = at && !*at ? HTTP_LAST : HTTP_WHOLE;
        return;
    }
    at = http_number(at, &h->first);
    h->last = UINT64_MAX;
    if (!at || *at != '-' || (at[1] && (!(at = http_number(at + 1, &h->last)) || *at)) ||
        h->last < h->first)
        return;
    h->range = HTTP_FROM_TO;
}

static int take_header(void *ctx, const char *name, char *value)
{
    struct http_head_parser *p = ctx;

    if (strcasecmp(name, "Range") == 0) {
        take_range(p, value);
        p->ranged = true;
    } else if (strcasecmp(name, "If-Range") == 0) {
        p->if_range = true; /* we name no versions, so it cannot be the one that is meant */
    }
    return 0;
}

int http_head_feed(struct http_head_parser *p, const uint8_t *bytes, size_t n, size_t *used)
{
    static const struct http_lines_user user = {.request = take_request, .header = take_header};
    int rc = http_lines_feed(&p->lines, &user, p, bytes, n, used);

    if (rc == 1) {
        p->head.keep_alive = p->lines.keep_alive;
        p->head.range = p->if_range ? HTTP_WHOLE : p->head.range;
    }
    return rc;
}

/* ---- answers ---- */

void http_head_range(const struct http_head *h, uint64_t size, struct http_reply *r)
{
    r->status = h->range == HTTP_WHOLE ? 200 : 206;
    r->size = size;
    r->from = 0;
    r->to = size;
    if (h->range == HTTP_FROM_TO) {
        r->from = h->first;
        r->to = h->last < size ? h->last + 1 : size;
    } else if (h->range == HTTP_LAST) {
        r->from = h->last < size ? size - h->last : 0;
    }
    if (r->status == 206 && r->from >= r->to)
        r->status = 416;
}

size_t http_reply_write(const struct http_reply *r, char out[HTTP_REPLY_MAX])
{
    const char *text = http_status_text(r->status);
    bool refused = r->status >= 300;
    unsigned long long length = refused ? strlen(text) + 1 : r->to - r->from;
    char more[80] = "";
    int n;

    if (r->status == 206)
        snprintf(more, sizeof more, "Content-Range: bytes %llu-%llu/%llu\r\n",
                 (unsigned long long)r->from, (unsigned long long)r->to - 1,
                 (unsigned long long)r->size);
    else if (r->status == 416)
        snprintf(more, sizeof more, "Content-Range: bytes */%llu\r\n", (unsigned long long)r->size);
    else if (r->status == 303)
        snprintf(more, sizeof more, "Location: %s\r\n", r->location);
    else if (r->status == 405)
        snprintf(more, sizeof more, "Allow: GET, HEAD\r\n");
    n = snprintf(out, HTTP_REPLY_MAX,
                 "HTTP/1.1 %u %s\r\nContent-Type: %s\r\nContent-Length: %llu\r\nAccept-Ranges: "
                 "bytes\r\n%sConnection: %s\r\n\r\n",
                 r->status, text, refused ? "text/plain" : r->type, length, more,
                 r->keep_alive ? "keep-alive" : "close");
    MUST(n > 0 && n < HTTP_REPLY_MAX - 64);
    if (refused && !r->head_only)
        n += snprintf(out + n, HTTP_REPLY_MAX - (size_t)n, "%s\n", text);
    return (size_t)n;
}
