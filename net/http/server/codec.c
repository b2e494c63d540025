#include "net/http/server/codec.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "net/wire/must.h"

void http_head_init(struct http_head_parser *p)
{
    memset(p, 0, offsetof(struct http_head_parser, line));
}

/* RFC 9110 section 5.6.2 */
static bool token_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c && strchr("!#$%&'*+-.^_`|~", c));
}

/* A token at `at`; its length. */
static size_t token(const char *at)
{
    size_t n = 0;

    while (token_char(at[n]))
        n++;
    return n;
}

/* Up to 18 decimal digits; what follows them, NULL when there are none or more. */
static const char *number(const char *at, uint64_t *out)
{
    uint64_t v = 0;
    unsigned n = 0;

    for (; at[n] >= '0' && at[n] <= '9'; n++) {
        if (n == 18)
            return NULL;
        v = v * 10 + (uint64_t)(at[n] - '0');
    }
    *out = v;
    return n ? at + n : NULL;
}

/* ---- the request line ---- */

static int hex(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* %XX as the byte it stands for, in place; the query is cut off. The new length, or -1. */
static int decode(char *at)
{
    char *to = at, *from = at;

    while (*from && *from != '?') {
        if (*from == '#')
            return -1;
        if (*from != '%') {
            *to++ = *from++;
            continue;
        }
        if (hex(from[1]) < 0 || hex(from[2]) < 0)
            return -1;
        *to++ = (char)(hex(from[1]) << 4 | hex(from[2]));
        from += 3;
    }
    return (int)(to - at);
}

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
    n = decode(target);
    if (n < 0)
        return 400;
    h->named = content_name(target, (size_t)n, h->name) == 0;
    return 0;
}

/* "GET /path HTTP/1.1" */
static int request_line(struct http_head_parser *p)
{
    size_t method = token(p->line);
    char *target = p->line + method + 1, *version;

    if (method == 0 || p->line[method] != ' ')
        return 400;
    version = strchr(target, ' ');
    if (!version || strncmp(version, " HTTP/", 6) != 0)
        return 400;
    *version = 0;
    version += 6;
    if (version[0] < '0' || version[0] > '9' || version[1] != '.' || version[2] < '0' || version[2] > '9' || version[3])
        return 400;
    if (version[0] != '1')
        return 505;
    p->http_1_0 = version[2] == '0';
    if (method == 4 && memcmp(p->line, "HEAD", 4) == 0)
        p->head.head_only = true;
    else if (method != 3 || memcmp(p->line, "GET", 3) != 0)
        return 405;
    return take_target(&p->head, target);
}

/* ---- header lines ---- */

/* "close", "keep-alive", and others that are none of our business; separated by commas. */
static void take_connection(struct http_head_parser *p, const char *value)
{
    while (*value) {
        size_t n = strcspn(value, ", \t");

        p->close |= n == 5 && strncasecmp(value, "close", 5) == 0;
        p->keep |= n == 10 && strncasecmp(value, "keep-alive", 10) == 0;
        value += n;
        value += strspn(value, ", \t");
    }
}

/* "bytes=0-99", "bytes=100-", "bytes=-500". Anything else, several ranges too, is answered as if it were not there. */
static void take_range(struct http_head_parser *p, const char *value)
{
    struct http_head *h = &p->head;
    const char *at = value + 6;

    h->range = HTTP_WHOLE;
    if (p->ranged || strncasecmp(value, "bytes=", 6) != 0)
        return;
    if (*at == '-') {
        at = number(at + 1, &h->last);
        h->range = at && !*at ? HTTP_LAST : HTTP_WHOLE;
        return;
    }
    at = number(at, &h->first);
    h->last = UINT64_MAX;
    if (!at || *at != '-' || (at[1] && (!(at = number(at + 1, &h->last)) || *at)) || h->last < h->first)
        return;
    h->range = HTTP_FROM_TO;
}

static int take_header(struct http_head_parser *p, const char *name, const char *value)
{
    uint64_t length;
    const char *end;

    if (strcasecmp(name, "Host") == 0) {
        if (p->hosted)
            return 400;
        p->hosted = true;
    } else if (strcasecmp(name, "Content-Length") == 0) {
        end = number(value, &length);
        if (p->length || !end || *end || length)
            return 400;
        p->length = true;
    } else if (strcasecmp(name, "Transfer-Encoding") == 0) {
        return 400;
    } else if (strcasecmp(name, "Connection") == 0) {
        take_connection(p, value);
    } else if (strcasecmp(name, "Range") == 0) {
        take_range(p, value);
        p->ranged = true;
    } else if (strcasecmp(name, "If-Range") == 0) {
        p->if_range = true; /* we name no versions, so it cannot be the one that is meant */
    }
    return 0;
}

/* "Name: value" */
static int header_line(struct http_head_parser *p)
{
    size_t name = token(p->line);
    char *value = p->line + name + 1, *end = p->line + p->n;

    if (name == 0 || p->line[name] != ':')
        return 400;
    p->line[name] = 0;
    value += strspn(value, " \t");
    while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
        *--end = 0;
    return take_header(p, p->line, value);
}

/* The empty line: is it a request that we understand? */
static int finish(struct http_head_parser *p)
{
    if (!p->http_1_0 && !p->hosted)
        return 400;
    if (p->if_range)
        p->head.range = HTTP_WHOLE;
    p->head.keep_alive = !p->close && (!p->http_1_0 || p->keep);
    return 1;
}

/* ---- bytes ---- */

/* A line without its end, p->n bytes. */
static int take_line(struct http_head_parser *p)
{
    int rc;

    p->line[p->n] = 0;
    if (++p->lines > HTTP_HEAD_LINES_MAX)
        return 431;
    if (!p->started && p->n == 0)
        return 0; /* RFC 9112 section 2.2: some send one too many before a request */
    if (p->started)
        rc = p->n ? header_line(p) : finish(p);
    else
        rc = request_line(p);
    p->started = true;
    p->n = 0;
    return rc;
}

int http_head_feed(struct http_head_parser *p, const uint8_t *bytes, size_t n, size_t *used)
{
    for (size_t i = 0; i < n; i++) {
        char c = (char)bytes[i];
        int rc;

        *used = i + 1;
        if (++p->total > HTTP_HEAD_MAX)
            return 431;
        if (p->cr != (c == '\n'))
            return 400; /* a CR alone, or an LF alone */
        p->cr = c == '\r';
        if (p->cr)
            continue;
        if (c == '\n') {
            rc = take_line(p);
            if (rc)
                return rc;
            continue;
        }
        if (((unsigned char)c < ' ' && c != '\t') || c == 0x7f)
            return 400;
        if (p->n + 1 == sizeof p->line)
            return p->started ? 431 : 414;
        p->line[p->n++] = c;
    }
    *used = n;
    return 0;
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

const char *http_status_text(unsigned status)
{
    static const struct {
        unsigned status;
        const char *text;
    } texts[] = {{200, "OK"},
                 {206, "Partial Content"},
                 {400, "Bad Request"},
                 {404, "Not Found"},
                 {405, "Method Not Allowed"},
                 {414, "URI Too Long"},
                 {416, "Range Not Satisfiable"},
                 {431, "Request Header Fields Too Large"},
                 {500, "Internal Server Error"},
                 {503, "Service Unavailable"},
                 {505, "HTTP Version Not Supported"}};

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (texts[i].status == status)
            return texts[i].text;
    MUST(!"a status of ours");
    return NULL;
}

size_t http_reply_write(const struct http_reply *r, char out[HTTP_REPLY_MAX])
{
    const char *text = http_status_text(r->status);
    bool refused = r->status >= 400;
    unsigned long long length = refused ? strlen(text) + 1 : r->to - r->from;
    char more[80] = "";
    int n;

    if (r->status == 206)
        snprintf(more, sizeof more, "Content-Range: bytes %llu-%llu/%llu\r\n", (unsigned long long)r->from,
                 (unsigned long long)r->to - 1, (unsigned long long)r->size);
    else if (r->status == 416)
        snprintf(more, sizeof more, "Content-Range: bytes */%llu\r\n", (unsigned long long)r->size);
    else if (r->status == 405)
        snprintf(more, sizeof more, "Allow: GET, HEAD\r\n");
    n = snprintf(out, HTTP_REPLY_MAX,
                 "HTTP/1.1 %u %s\r\nContent-Type: %s\r\nContent-Length: %llu\r\nAccept-Ranges: bytes\r\n%sConnection: %s\r\n\r\n",
                 r->status, text, refused ? "text/plain" : r->type, length, more, r->keep_alive ? "keep-alive" : "close");
    MUST(n > 0 && n < HTTP_REPLY_MAX - 64);
    if (refused && !r->head_only)
        n += snprintf(out + n, HTTP_REPLY_MAX - (size_t)n, "%s\n", text);
    return (size_t)n;
}
