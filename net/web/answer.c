/* Answers: their header, and where their content comes from. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "net/web/connection.h"
#include "net/wire/must.h"
#include "net/wire/utf8.h"

/* Nothing but our own scripts and styles runs, nobody frames us, nothing is kept by a browser that
 * another user may ask. */
static const char policy[] = "Content-Security-Policy: default-src 'none'; script-src 'self'; "
                             "style-src 'self'; connect-src 'self'; img-src 'self' data:; "
                             "form-action 'self'; base-uri 'none'; frame-ancestors 'none'\r\n";
static const char security[] = "X-Content-Type-Options: nosniff\r\n"
                               "X-Frame-Options: DENY\r\n"
                               "Referrer-Policy: no-referrer\r\n"
                               "Cross-Origin-Opener-Policy: same-origin\r\n"
                               "Cross-Origin-Resource-Policy: same-origin\r\n";

static struct web_connection *of(struct web_call *c)
{
    return (struct web_connection *)(void *)c; /* its first member */
}

/* ---- blocks ---- */

static struct web_block *block_take(struct web_server *s)
{
    struct web_block *b = s->free;

    if (b) {
        s->free = b->next;
        b->next = NULL;
        b->n = 0;
    }
    return b;
}

static void chain_free(struct web_server *s, struct web_block *b)
{
    while (b) {
        struct web_block *next = b->next;

        b->next = s->free;
        s->free = b;
        b = next;
    }
}

/* NULL: there are not enough blocks. */
static struct web_block *chain_of(struct web_server *s, const uint8_t *bytes, size_t n)
{
    struct web_block *first = NULL, **end = &first;

    while (n) {
        struct web_block *b = *end = block_take(s);

        if (!b) {
            chain_free(s, first);
            return NULL;
        }
        b->n = (uint32_t)(n < WEB_BLOCK_BYTES ? n : WEB_BLOCK_BYTES);
        memcpy(b->bytes, bytes, b->n);
        bytes += b->n;
        n -= b->n;
        end = &b->next;
    }
    return first;
}

void web_answer_begin(struct web_connection *c)
{
    c->answered = c->last = c->head_only = c->chunked = c->made_all = false;
    c->kind = WEB_NOTHING;
    c->n_headers = c->head_at = c->head_n = c->out_at = c->out_n = 0;
    c->first = c->block = NULL;
    c->pull = NULL;
}

void web_answer_drop(struct web_connection *c)
{
    chain_free(c->server, c->first);
    c->first = c->block = NULL;
    c->kind = WEB_NOTHING;
}

/* ---- the header ---- */

static void put_head(struct web_connection *c, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static void put_head(struct web_connection *c, const char *fmt, ...)
{
    va_list args;
    int n;

    va_start(args, fmt);
    n = vsnprintf(c->head + c->head_n, sizeof c->head - c->head_n, fmt, args);
    va_end(args);
    MUST(n >= 0 && (size_t)n < sizeof c->head - c->head_n);
    c->head_n += (size_t)n;
}

/* A page that is made to be kept carries its own style, and a policy of its own for it. */
static bool has_policy(const struct web_connection *c)
{
    static const char name[] = "Content-Security-Policy: ";

    return memmem(c->headers, c->n_headers, name, sizeof name - 1) != NULL;
}

/* `size` WEB_UNKNOWN: in chunks. */
static void write_head(struct web_connection *c, unsigned status, const char *type, uint64_t size,
                       const char *more)
{
    MUST(!c->answered);
    c->answered = true;
    c->head_only = c->parser.r.head_only;
    c->chunked = size == WEB_UNKNOWN && !c->parser.lines.http_1_0;
    c->last = !c->parser.r.keep_alive || (size == WEB_UNKNOWN && !c->chunked);
    c->last |= c->parser.r.length > c->body_at; /* what still comes of the body is no request */
    c->server->counts.refused += status >= 400;
    put_head(c, "HTTP/1.1 %u %s\r\n", status, http_status_text(status));
    if (type)
        put_head(c, "Content-Type: %s\r\n", type);
    if (size != WEB_UNKNOWN && status != 204)
        put_head(c, "Content-Length: %llu\r\n", (unsigned long long)size);
    else if (c->chunked)
        put_head(c, "Transfer-Encoding: chunked\r\n");
    put_head(c, "Connection: %s\r\n%s%s%s%.*s\r\n", c->last ? "close" : "keep-alive", more,
             has_policy(c) ? "" : policy, security, (int)c->n_headers, c->headers);
    c->made_all = c->head_only;
    c->state = WEB_SENDING;
    c->since = c->server->now;
}

void web_header(struct web_call *call, const char *name, const char *value)
{
    struct web_connection *c = of(call);
    int n = snprintf(c->headers + c->n_headers, sizeof c->headers - c->n_headers, "%s: %s\r\n",
                     name, value);

    MUST(!c->answered && utf8_is_plain(value, strlen(value)));
    MUST(n > 0 && (size_t)n < sizeof c->headers - c->n_headers);
    c->n_headers += (size_t)n;
}

static const char no_store[] = "Cache-Control: no-store\r\n";

/* ---- content ---- */

static void send_memory(struct web_connection *c, const void *bytes, size_t n)
{
    c->kind = WEB_MEMORY;
    c->memory = bytes;
    c->left = n;
}

void web_text(struct web_call *call, unsigned status, const char *type, const void *bytes, size_t n)
{
    struct web_connection *c = of(call);
    struct web_block *chain = n > WEB_SMALL_BYTES ? chain_of(c->server, bytes, n) : NULL;

    if (n > WEB_SMALL_BYTES && !chain) {
        web_problem(call, 503, WEB_EBUSY, "too many answers are under way at this moment");
        return;
    }
    write_head(c, status, type, n, no_store);
    if (chain) {
        c->kind = WEB_CHAIN;
        c->first = c->block = chain;
        c->block_at = 0;
    } else if (n) {
        memcpy(c->small, bytes, n);
        send_memory(c, c->small, n);
    }
}

void web_empty(struct web_call *call, unsigned status)
{
    write_head(of(call), status, NULL, 0, no_store);
}

void web_static(struct web_call *call, unsigned status, const char *type, const char *encoding,
                const void *bytes, size_t n)
{
    char more[96];

    snprintf(more, sizeof more, "Cache-Control: no-cache\r\n%s%s%s",
             encoding ? "Content-Encoding: " : "", encoding ? encoding : "",
             encoding ? "\r\n" : "");
    write_head(of(call), status, type, n, more);
    send_memory(of(call), bytes, n);
}

struct json web_json(struct web_call *call)
{
    struct web_connection *c = of(call);

    return json_on(c->server->scratch, sizeof c->server->scratch);
}

void web_json_send(struct web_call *call, unsigned status, struct json *j)
{
    const char *text = json_text(j);

    if (text)
        web_text(call, status, "application/json", text, strlen(text));
    else
        web_problem(call, 500, WEB_EANSWER, "the answer is larger than %u bytes", WEB_ANSWER_MAX);
}

void web_problem(struct web_call *call, unsigned status, int code, const char *fmt, ...)
{
    char detail[400], text[WEB_SMALL_BYTES];
    struct json j = json_on(text, sizeof text);
    va_list args;

    va_start(args, fmt);
    vsnprintf(detail, sizeof detail, fmt, args);
    va_end(args);
    json_open(&j, NULL, '{');
    json_str(&j, "type", "about:blank");
    json_str(&j, "title", http_status_text(status));
    json_u64(&j, "status", status);
    json_str(&j, "detail", detail);
    if (code)
        json_i64(&j, "code", code);
    json_close(&j);
    if (!json_text(&j)) { /* control characters take six bytes each */
        web_problem(call, status, code, "%s", "what went wrong cannot be written down here");
        return;
    }
    if (status == 401)
        web_header(call, "WWW-Authenticate", "Bearer");
    web_text(call, status, "application/problem+json", text, strlen(text));
}

void web_stream(struct web_call *call, unsigned status, const char *type, uint64_t size,
                web_pull *pull)
{
    struct web_connection *c = of(call);

    write_head(c, status, type, size, no_store);
    c->kind = WEB_PULLED;
    c->pull = pull;
    c->left = size;
}

/* ---- sending ---- */

static int next_of_chain(struct web_connection *c, uint8_t *to, size_t n)
{
    struct web_block *b = c->block;

    if (!b)
        return WEB_PULL_END;
    n = b->n - c->block_at < n ? b->n - c->block_at : n;
    memcpy(to, b->bytes + c->block_at, n);
    c->block_at += n;
    if (c->block_at == b->n) {
        c->block = b->next;
        c->block_at = 0;
    }
    return (int)n;
}

static int next_of_memory(struct web_connection *c, uint8_t *to, size_t n)
{
    n = c->left < n ? (size_t)c->left : n;
    memcpy(to, c->memory, n);
    c->memory += n;
    c->left -= n;
    return n ? (int)n : WEB_PULL_END;
}

/* A handler that promised a length keeps it, or the client notices. */
static int next_pulled(struct web_connection *c, uint8_t *to, size_t n)
{
    int got;

    if (c->left == 0)
        return WEB_PULL_END;
    n = c->left < n ? (size_t)c->left : n;
    got = c->pull(c->ctx, &c->call, to, n);
    MUST(got < 0 || (size_t)got <= n);
    if (c->left != WEB_UNKNOWN)
        c->left -= got > 0 ? (uint64_t)got : 0;
    return got == WEB_PULL_END && c->left != WEB_UNKNOWN ? WEB_PULL_BROKEN : got;
}

static int next_content(struct web_connection *c, uint8_t *to, size_t n)
{
    switch (c->kind) {
    case WEB_MEMORY:
        return next_of_memory(c, to, n);
    case WEB_CHAIN:
        return next_of_chain(c, to, n);
    case WEB_PULLED:
        return next_pulled(c, to, n);
    default:
        return WEB_PULL_END;
    }
}

/* Fills `out` with what comes next, as a chunk where they are used. 0: nothing now. */
static int make_more(struct web_connection *c)
{
    size_t from = c->chunked ? 8 : 0; /* "xxxxxx\r\n" */
    int n = next_content(c, c->out + from, WEB_OUT_BYTES - 16);

    c->out_at = c->out_n = 0;
    if (n == WEB_PULL_BROKEN) {
        c->state = WEB_OVER;
        return 0;
    }
    if (n == WEB_PULL_END) {
        c->made_all = true;
        if (c->chunked) {
            memcpy(c->out, "0\r\n\r\n", 5);
            c->out_n = 5;
        }
        return 1;
    }
    if (n == 0)
        return 0;
    c->out_n = from + (size_t)n;
    if (c->chunked) {
        char size[9];

        snprintf(size, sizeof size, "%06x\r\n", (unsigned)n & 0xFFFFFF);
        memcpy(c->out, size, 8);
        memcpy(c->out + c->out_n, "\r\n", 2);
        c->out_n += 2;
    }
    return 1;
}

/* True: all of it is gone. */
static bool write_bytes(struct web_connection *c, const void *bytes, size_t *at, size_t n,
                        bool *moved)
{
    int took;

    if (*at == n)
        return true;
    took = c->stream.write(c->stream.ctx, (const uint8_t *)bytes + *at, n - *at);
    if (took == STREAM_END) {
        c->state = WEB_OVER;
        return false;
    }
    MUST(took >= 0 && (size_t)took <= n - *at);
    *moved |= took > 0;
    *at += (size_t)took;
    return *at == n;
}

bool web_answer_send(struct web_connection *c)
{
    bool moved = false;

    while (c->state == WEB_SENDING && write_bytes(c, c->head, &c->head_at, c->head_n, &moved) &&
           write_bytes(c, c->out, &c->out_at, c->out_n, &moved))
        if (c->made_all || !make_more(c))
            break;
    if (moved || (c->kind == WEB_PULLED && c->head_at == c->head_n && c->out_at == c->out_n))
        c->since = c->server->now; /* a client is not late when there is nothing for it */
    return moved;
}

bool web_answer_sent(const struct web_connection *c)
{
    return c->answered && c->head_at == c->head_n && c->made_all && c->out_at == c->out_n;
}
