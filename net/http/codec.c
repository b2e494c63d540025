#include "net/http/codec.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* ---- URL ---- */

static bool host_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '-';
}

/* Decimal digits at `at`, at most `digits` of them; returns what follows, NULL when there are none
 * or too many. */
static const char *number(const char *at, unsigned digits, uint64_t *out)
{
    uint64_t v = 0;
    unsigned n = 0;

    for (; at[n] >= '0' && at[n] <= '9'; n++) {
        if (n == digits)
            return NULL;
        v = v * 10 + (uint64_t)(at[n] - '0');
    }
    *out = v;
    return n ? at + n : NULL;
}

static int url_error(struct err *err, const char *expected, const char *text)
{
    return err_set(err, HTTP_EURL, "expected %s, got \"%.120s\"", expected, text);
}

int http_url_parse(const char *text, struct http_url *u, struct err *err)
{
    bool tls = strncasecmp(text, "https://", 8) == 0;
    const char *at = text + (tls ? 8 : 7);
    uint64_t port = tls ? 443 : 80;
    size_t n = 0;

    memset(u, 0, sizeof *u);
    if (!tls && strncasecmp(text, "http://", 7) != 0)
        return url_error(err, "a URL of the form http(s)://host[:port]/path", text);
    u->tls = tls;
    while (host_char(at[n]))
        n++;
    if (n == 0 || n > HTTP_HOST_MAX)
        return url_error(err, "a host name or an IPv4 address after http(s)://", text);
    memcpy(u->host, at, n);
    at += n;
    if (*at == ':') {
        at = number(at + 1, 5, &port);
        if (!at || port < 1 || port > 65535)
            return url_error(err, "a port of 1 to 65535 after the host", text);
    }
    u->port = (uint16_t)port;
    if (*at && *at != '/')
        return url_error(err, "a port or a path after the host", text);
    for (n = 0; at[n]; n++)
        if (at[n] <= ' ' || at[n] > '~' || at[n] == '#')
            return url_error(err, "a path of printable ASCII without '#' (others as %XX)", text);
    if (n > HTTP_PATH_MAX)
        return url_error(err, "a path of at most 2048 characters", text);
    memcpy(u->path, n ? at : "/", n ? n : 1);
    return 0;
}

/* What a reference without a scheme is beside: the scheme, the host, or the folder of the path. */
static int beside(const struct http_url *u, const char *reference, char out[HTTP_URL_TEXT])
{
    const char *scheme = u->tls ? "https:" : "http:";
    size_t path = strcspn(u->path, "?");

    if (strncmp(reference, "//", 2) == 0)
        return snprintf(out, HTTP_URL_TEXT, "%s%s", scheme, reference);
    if (reference[0] == '/')
        path = 0;
    else if (reference[0] != '?')
        while (path > 1 && u->path[path - 1] != '/')
            path--;
    return snprintf(out, HTTP_URL_TEXT, "%s//%s:%u%.*s%s", scheme, u->host, u->port, (int)path,
                    u->path, reference);
}

/* RFC 3986 section 3.1: letters, digits, + - . up to a colon. */
static bool has_scheme(const char *text)
{
    size_t n = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+-.");

    return n && text[n] == ':';
}

int http_redirect(const struct http_url *from, const char *location, struct http_url *to,
                  struct err *err)
{
    char reference[HTTP_URL_TEXT], text[HTTP_URL_TEXT];
    int n = snprintf(reference, sizeof reference, "%s", location);

    if (n > 0 && (size_t)n < sizeof reference) {
        reference[strcspn(reference, "#")] = 0;
        n = has_scheme(reference) ? snprintf(text, sizeof text, "%s", reference)
                                  : beside(from, reference, text);
    }
    if (n <= 0 || (size_t)n >= sizeof text)
        return err_set(err, HTTP_EREDIRECT,
                       "expected a redirect to an address of at most %d characters, got \"%.100s\"",
                       HTTP_URL_TEXT - 1, location);
    if (http_url_parse(text, to, err))
        return HTTP_EURL;
    if (from->tls && !to->tls)
        return err_set(err, HTTP_EREDIRECT,
                       "expected https:// to stay https://, got a redirect to \"%.120s\"", text);
    return 0;
}

/* ---- request ---- */

size_t http_request(const struct http_url *u, uint64_t from, uint64_t to, char *out)
{
    char last[24] = "", port[8] = "";
    int n;

    if (to != HTTP_TO_END)
        snprintf(last, sizeof last, "%llu", (unsigned long long)(to - 1));
    if (u->port != (u->tls ? 443 : 80))
        snprintf(port, sizeof port, ":%u", u->port);
    n = snprintf(
        out, HTTP_REQUEST_MAX,
        "GET %s HTTP/1.1\r\nHost: %s%s\r\nUser-Agent: ringcast\r\nAccept-Encoding: identity\r\n"
        "Connection: close\r\nRange: bytes=%llu-%s\r\n\r\n",
        u->path, u->host, port, (unsigned long long)from, last);
    return (size_t)n;
}

/* ---- the answer's header ---- */

void http_parser_init(struct http_parser *p)
{
    memset(&p->answer, 0, sizeof p->answer);
    p->total = p->n = 0;
    p->started = false;
}

/* "HTTP/1.1 206 Partial Content" */
static int status_line(struct http_answer *a, const char *line)
{
    uint64_t status;
    const char *at = line + 9;

    if (strncmp(line, "HTTP/1.", 7) != 0 || (line[7] != '0' && line[7] != '1') || line[8] != ' ')
        return HTTP_ESTATUSLINE;
    at = number(at, 3, &status);
    if (!at || (*at && *at != ' ') || status < 100 || status > 599)
        return HTTP_ESTATUSLINE;
    a->status = (unsigned)status;
    return 0;
}

static int take_length(struct http_answer *a, const char *value)
{
    const char *end = number(value, 18, &a->length);

    if (!end || *end || a->has_length)
        return HTTP_ELENGTH;
    a->has_length = true;
    return 0;
}

/* "bytes 0-499/1234", "bytes 0-499/" and a star, or "bytes" star "/1234" when there is no such
 * range. */
static int take_range(struct http_answer *a, const char *value)
{
    const char *at;

    if (strncasecmp(value, "bytes ", 6) != 0 || a->has_range)
        return HTTP_ERANGE;
    if (value[6] == '*')
        return 0;
    at = number(value + 6, 18, &a->first);
    if (at && *at == '-')
        at = number(at + 1, 18, &a->last);
    if (!at || *at != '/' || a->last < a->first)
        return HTTP_ERANGE;
    a->total = HTTP_TO_END;
    at = at[1] == '*' ? at + 2 : number(at + 1, 18, &a->total);
    if (!at || *at || a->total <= a->last)
        return HTTP_ERANGE;
    a->has_range = true;
    return 0;
}

static int header_value(struct http_answer *a, const char *name, const char *value)
{
    if (strcasecmp(name, "Content-Length") == 0)
        return take_length(a, value);
    if (strcasecmp(name, "Content-Range") == 0)
        return take_range(a, value);
    if (strcasecmp(name, "Transfer-Encoding") == 0)
        a->chunked = strcasecmp(value, "identity") != 0;
    if (strcasecmp(name, "ETag") == 0 && strlen(value) <= HTTP_ETAG_MAX)
        memcpy(a->etag, value, strlen(value) + 1);
    if (strcasecmp(name, "Location") == 0 && strlen(value) < sizeof a->location)
        memcpy(a->location, value, strlen(value) + 1);
    return 0;
}

/* RFC 9110 section 5.6.2 */
static bool token_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c && strchr("!#$%&'*+-.^_`|~", c));
}

/* "Name: value" in place. A line that begins with a blank would continue the one before: obsolete
 * and refused. */
static int header_line(struct http_answer *a, char *line)
{
    char *value = line, *end;

    while (token_char(*value))
        value++;
    if (value == line || *value != ':')
        return HTTP_EHEADER;
    *value++ = 0;
    value += strspn(value, " \t");
    for (end = value + strlen(value); end > value && (end[-1] == ' ' || end[-1] == '\t'); end--)
        ;
    *end = 0;
    return header_value(a, line, value);
}

/* A whole line without its end. 1: the header is complete. */
static int parser_line(struct http_parser *p)
{
    int rc = 0;

    if (p->n && p->line[p->n - 1] == '\r')
        p->n--;
    p->line[p->n] = 0;
    for (size_t i = 0; i < p->n; i++)
        if ((unsigned char)p->line[i] < ' ' && p->line[i] != '\t')
            return HTTP_EHEADER;
    if (!p->started)
        rc = status_line(&p->answer, p->line);
    else if (p->n)
        rc = header_line(&p->answer, p->line);
    else if (p->answer.status >= 200)
        return 1;
    if (p->started && p->n == 0) { /* an interim answer (100 Continue): the real one follows */
        memset(&p->answer, 0, sizeof p->answer);
        p->started = false;
    } else {
        p->started = true;
    }
    p->n = 0;
    return rc;
}

int http_parser_feed(struct http_parser *p, const uint8_t *bytes, size_t n, size_t *used)
{
    for (size_t i = 0; i < n; i++) {
        int rc;

        *used = i + 1;
        if (++p->total > HTTP_HEADER_MAX || p->n + 1 == sizeof p->line)
            return HTTP_ETOOLONG;
        if (bytes[i] != '\n') {
            p->line[p->n++] = (char)bytes[i];
            continue;
        }
        rc = parser_line(p);
        if (rc)
            return rc;
    }
    *used = n;
    return 0;
}

/* ---- is it what was asked for? ---- */

static int check_part(const struct http_answer *a, uint64_t from, uint64_t to, uint64_t *end,
                      struct err *err)
{
    if (!a->has_range || a->first != from || (to != HTTP_TO_END && a->last >= to) ||
        a->total == HTTP_TO_END)
        return err_set(err, HTTP_ERANGE, "the server did not send the range that was asked for");
    if (a->has_length && a->length != a->last - a->first + 1)
        return err_set(err, HTTP_ELENGTH,
                       "the server states two lengths that contradict each other");
    *end = a->last + 1;
    return 0;
}

static int check_whole(const struct http_answer *a, uint64_t from, uint64_t *end, struct err *err)
{
    if (from)
        return err_set(err, HTTP_ERANGE,
                       "the server cannot send a part of a file (it ignores ranges)");
    if (!a->has_length)
        return err_set(err, HTTP_ELENGTH, "the server does not say how long the file is");
    *end = a->length;
    return 0;
}

bool http_is_redirect(const struct http_answer *a)
{
    unsigned s = a->status;

    return (s == 301 || s == 302 || s == 303 || s == 307 || s == 308) && a->location[0];
}

int http_answer_check(const struct http_answer *a, uint64_t from, uint64_t to, uint64_t *end,
                      uint64_t *total, struct err *err)
{
    int rc;

    if (a->status == 416)
        return err_set(err, HTTP_ERANGE, "the file on the server ends before byte %llu",
                       (unsigned long long)from);
    if (a->status / 100 == 3)
        return err_set(err, HTTP_EREDIRECT,
                       "the server answers %u (the file is elsewhere), and does not say where",
                       a->status);
    if (a->status != 200 && a->status != 206)
        return err_set(err, HTTP_ESTATUS, "the server answers %u%s", a->status,
                       a->status == 404   ? " (no such file)"
                       : a->status == 403 ? " (not allowed)"
                                          : "");
    if (a->chunked)
        return err_set(err, HTTP_ECHUNKED,
                       "the server sends the file in chunks of unstated length");
    rc = a->status == 206 ? check_part(a, from, to, end, err) : check_whole(a, from, end, err);
    *total = a->status == 206 ? a->total : a->length;
    return rc;
}
