#include "net/http/server/lines.h"

#include <string.h>
#include <strings.h>

#include "net/wire/must.h"

void http_lines_init(struct http_lines *p)
{
    memset(p, 0, offsetof(struct http_lines, line));
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

const char *http_number(const char *at, uint64_t *out)
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
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

int http_decode(char *at)
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

/* "GET /path HTTP/1.1" */
static int request_line(struct http_lines *p, const struct http_lines_user *user, void *ctx)
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
    if (version[0] < '0' || version[0] > '9' || version[1] != '.' || version[2] < '0' ||
        version[2] > '9' || version[3])
        return 400;
    if (version[0] != '1')
        return 505;
    p->http_1_0 = version[2] == '0';
    p->line[method] = 0;
    return user->request(ctx, p->line, target);
}

/* ---- header lines ---- */

/* "close", "keep-alive", and others that are none of our business; separated by commas. */
static void take_connection(struct http_lines *p, const char *value)
{
    while (*value) {
        size_t n = strcspn(value, ", \t");

        p->close |= n == 5 && strncasecmp(value, "close", 5) == 0;
        p->keep |= n == 10 && strncasecmp(value, "keep-alive", 10) == 0;
        value += n;
        value += strspn(value, ", \t");
    }
}

static int take_length(struct http_lines *p, const char *value, bool bodies)
{
    const char *end = http_number(value, &p->length);

    if (p->has_length || !end || *end || (p->length && !bodies))
        return 400;
    p->has_length = true;
    return 0;
}

static int take_header(struct http_lines *p, const char *name, const char *value, bool bodies)
{
    if (strcasecmp(name, "Host") == 0) {
        if (p->hosted)
            return 400;
        p->hosted = true;
    } else if (strcasecmp(name, "Content-Length") == 0) {
        return take_length(p, value, bodies);
    } else if (strcasecmp(name, "Transfer-Encoding") == 0) {
        return bodies ? 411 : 400;
    } else if (strcasecmp(name, "Connection") == 0) {
        take_connection(p, value);
    }
    return 0;
}

/* "Name: value" */
static int header_line(struct http_lines *p, const struct http_lines_user *user, void *ctx)
{
    size_t name = token(p->line);
    char *value = p->line + name + 1, *end = p->line + p->n;
    int rc;

    if (name == 0 || p->line[name] != ':')
        return 400;
    p->line[name] = 0;
    value += strspn(value, " \t");
    while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
        *--end = 0;
    rc = take_header(p, p->line, value, user->bodies);
    return rc ? rc : user->header(ctx, p->line, value);
}

/* The empty line: is it a request that we understand? */
static int finish(struct http_lines *p)
{
    if (!p->http_1_0 && !p->hosted)
        return 400;
    p->keep_alive = !p->close && (!p->http_1_0 || p->keep);
    return 1;
}

/* ---- bytes ---- */

/* A line without its end, p->n bytes. */
static int take_line(struct http_lines *p, const struct http_lines_user *user, void *ctx)
{
    int rc;

    p->line[p->n] = 0;
    if (++p->lines > HTTP_HEAD_LINES_MAX)
        return 431;
    if (!p->started && p->n == 0)
        return 0; /* RFC 9112 section 2.2: some send one too many before a request */
    if (p->started)
        rc = p->n ? header_line(p, user, ctx) : finish(p);
    else
        rc = request_line(p, user, ctx);
    p->started = true;
    p->n = 0;
    return rc;
}

int http_lines_feed(struct http_lines *p, const struct http_lines_user *user, void *ctx,
                    const uint8_t *bytes, size_t n, size_t *used)
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
            rc = take_line(p, user, ctx);
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

const char *http_status_text(unsigned status)
{
    static const struct {
        unsigned status;
        const char *text;
    } texts[] = {{100, "Continue"},
                 {200, "OK"},
                 {201, "Created"},
                 {202, "Accepted"},
                 {204, "No Content"},
                 {206, "Partial Content"},
                 {301, "Moved Permanently"},
                 {303, "See Other"},
                 {304, "Not Modified"},
                 {400, "Bad Request"},
                 {401, "Unauthorized"},
                 {403, "Forbidden"},
                 {404, "Not Found"},
                 {405, "Method Not Allowed"},
                 {408, "Request Timeout"},
                 {409, "Conflict"},
                 {411, "Length Required"},
                 {413, "Content Too Large"},
                 {414, "URI Too Long"},
                 {415, "Unsupported Media Type"},
                 {416, "Range Not Satisfiable"},
                 {421, "Misdirected Request"},
                 {422, "Unprocessable Content"},
                 {429, "Too Many Requests"},
                 {431, "Request Header Fields Too Large"},
                 {500, "Internal Server Error"},
                 {502, "Bad Gateway"},
                 {503, "Service Unavailable"},
                 {505, "HTTP Version Not Supported"},
                 {507, "Insufficient Storage"}};

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (texts[i].status == status)
            return texts[i].text;
    MUST(!"a status of ours");
    return NULL;
}
