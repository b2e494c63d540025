#include "net/http/bind.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "net/http/secure.h"
#include "net/ip/tcp.h"
#include "net/os/clock.h"

#define TRIES 5 /* connections in a row that bring nothing, */
/* each after a pause that is longer by this: 5 s for a server that restarts */
#define PAUSE_MS 500
#define READ_OVER (256 * 1024) /* a gap that is cheaper to read than to ask anew */

struct http_file {
    struct ip_stack *stack;
    struct http_url url;
    uint32_t address;
    int idle_ms;
    uint64_t total;
    char etag[HTTP_ETAG_MAX + 1];
    /* the connection */
    struct tcp_pcb *pcb; /* NULL: none, or gone */
    bool connected, ended;
    struct mono heard;
    struct http_parser parser;
    bool in_content;
    uint64_t at, end; /* next content byte of the connection, and where its content ends */
    /* what has come and nobody has read: the window bounds it */
    struct pbuf *queue[PBUF_POOL_SIZE];
    unsigned first, n;
    size_t taken; /* bytes of queue[first] that are read */
    size_t request_n;
    char request[HTTP_REQUEST_MAX];
    struct http_trust trust;
    bool trusts;                /* https is possible */
    struct http_secure *secure; /* NULL: not needed so far */
    bool met;                   /* a connection to this host has been begun */
    unsigned redirects;
    bool found; /* the address is known */
    /* of http_look */
    int tries;         /* connections in a row that brought nothing */
    struct mono again; /* when the next one is made; 0: there is one */
};

/* ---- what lwIP calls ---- */

static err_t on_bytes(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err)
{
    struct http_file *f = arg;

    (void)pcb;
    (void)err;
    f->heard = ip_stack_now(f->stack);
    if (!p) {
        f->ended = true;
        return ERR_OK;
    }
    if (f->n == PBUF_POOL_SIZE)
        return ERR_MEM; /* lwIP keeps it and asks again */
    f->queue[(f->first + f->n++) % PBUF_POOL_SIZE] = p;
    return ERR_OK;
}

static void on_error(void *arg, err_t err)
{
    struct http_file *f = arg;

    (void)err;
    f->pcb = NULL; /* lwIP has freed it */
    f->ended = true;
}

static err_t on_connected(void *arg, struct tcp_pcb *pcb, err_t err)
{
    struct http_file *f = arg;

    (void)err;
    f->connected = true;
    f->heard = ip_stack_now(f->stack);
    if (f->url.tls)
        return ERR_OK; /* its handshake comes first: pump() */
    if (tcp_write(pcb, f->request, (u16_t)f->request_n, TCP_WRITE_FLAG_COPY) == ERR_OK)
        tcp_output(pcb);
    return ERR_OK; /* an unsent request is a silent server: tried again */
}

/* ---- what waits ---- */

/* The bytes that have come, in one piece; 0 when there are none. */
static size_t raw_peek(const struct http_file *f, const uint8_t **bytes)
{
    const struct pbuf *p;
    size_t skip = f->taken;

    if (!f->n)
        return 0;
    for (p = f->queue[f->first]; skip >= p->len; p = p->next)
        skip -= p->len;
    *bytes = (const uint8_t *)p->payload + skip;
    return p->len - skip;
}

/* n of them are read: the server may send as many more. */
static void raw_consume(struct http_file *f, size_t n)
{
    f->taken += n;
    if (f->pcb)
        tcp_recved(f->pcb, (u16_t)n);
    if (f->taken < f->queue[f->first]->tot_len)
        return;
    pbuf_free(f->queue[f->first]);
    f->first = (f->first + 1) % PBUF_POOL_SIZE;
    f->n--;
    f->taken = 0;
}

/* TCP as the stream below TLS. */
static int stream_read(void *ctx, void *to, size_t n)
{
    struct http_file *f = ctx;
    const uint8_t *bytes = NULL;
    size_t got = 0, now;

    while (got < n && (now = raw_peek(f, &bytes)) > 0) {
        now = now < n - got ? now : n - got;
        memcpy((uint8_t *)to + got, bytes, now);
        raw_consume(f, now);
        got += now;
    }
    return got ? (int)got : f->ended || !f->pcb ? STREAM_END : 0;
}

static int stream_write(void *ctx, const void *from, size_t n)
{
    struct http_file *f = ctx;

    if (!f->pcb)
        return STREAM_END;
    n = n < tcp_sndbuf(f->pcb) ? n : tcp_sndbuf(f->pcb);
    if (n == 0 || tcp_write(f->pcb, from, (u16_t)n, TCP_WRITE_FLAG_COPY) != ERR_OK)
        return 0;
    tcp_output(f->pcb);
    return (int)n;
}

/* The bytes of header and content that wait, in one piece; 0 when there are none. */
static size_t peek(struct http_file *f, const uint8_t **bytes)
{
    long n;

    if (!f->url.tls)
        return raw_peek(f, bytes);
    n = f->connected ? secure_look(f->secure, bytes) : 0;
    f->ended |= n < 0;
    return n > 0 ? (size_t)n : 0;
}

static void consume(struct http_file *f, size_t n)
{
    if (f->url.tls)
        secure_took(f->secure, n);
    else
        raw_consume(f, n);
}

/* The next part of what TLS does before content comes: 1 there is more of it, 0 not now, or an
 * error for good. */
static int pump(struct http_file *f, struct err *err)
{
    const struct tls_wanted wanted = {.host = f->url.host,
                                      .pin = f->trust.pinned ? f->trust.pin : NULL,
                                      .now = time(NULL)};
    int rc;

    if (!f->url.tls || !f->connected)
        return 0;
    rc = secure_step(f->secure, f->trust.authorities, &wanted, f->request, f->request_n, err);
    f->ended |= rc == SECURE_END;
    return rc == SECURE_END ? 0 : rc;
}

/* ---- the connection ---- */

static void hang_up(struct http_file *f)
{
    for (; f->n; f->n--) {
        pbuf_free(f->queue[f->first]);
        f->first = (f->first + 1) % PBUF_POOL_SIZE;
    }
    f->taken = 0;
    ip_tcp_abort(&f->pcb);
}

static int begin_secure(struct http_file *f, struct err *err)
{
    const struct wire_stream below = {.read = stream_read, .write = stream_write, .ctx = f};
    bool again = f->secure && f->met;
    int rc = f->secure ? 0 : secure_open(&f->secure, err);

    f->met = true;
    return rc ? rc : secure_begin(f->secure, &below, f->url.host, again, err);
}

static int dial(struct http_file *f, uint64_t from, struct err *err)
{
    ip_addr_t address = {lwip_htonl(f->address)};
    int rc;

    hang_up(f);
    rc = f->url.tls ? begin_secure(f, err) : 0;
    if (rc)
        return rc;
    http_parser_init(&f->parser);
    f->request_n = http_request(&f->url, from, HTTP_TO_END, f->request);
    f->connected = f->ended = f->in_content = false;
    f->at = f->end = from;
    f->heard = clock_now();
    f->pcb = tcp_new();
    if (!f->pcb)
        return err_set(err, HTTP_EMEMORY, "out of memory for a connection");
    tcp_arg(f->pcb, f);
    tcp_recv(f->pcb, on_bytes);
    tcp_err(f->pcb, on_error);
    if (tcp_connect(f->pcb, &address, f->url.port, on_connected) != ERR_OK)
        f->ended = true;
    return 0;
}

/* Waits for bytes: 1 there are some, 0 the connection brings no more, negative: an error. */
static int wait_bytes(struct http_file *f, struct err *err)
{
    const uint8_t *bytes;

    for (;;) {
        int rc = pump(f, err);

        if (rc < 0)
            return rc;
        if (rc > 0)
            continue;
        if (peek(f, &bytes))
            return 1;
        if (f->ended || mono_sub(clock_now(), f->heard) > f->idle_ms * MONO_MS)
            return 0;
        rc = ip_stack_block(f->stack, 100);
        if (rc)
            return ip_stack_failed(rc, err);
    }
}

/* The file is elsewhere: the next connection goes there. */
static int follow(struct http_file *f, struct err *err)
{
    const char *location = f->parser.answer.location;
    struct http_url to;
    int rc;

    if (++f->redirects > HTTP_REDIRECTS)
        return err_set(err, HTTP_EREDIRECT,
                       "expected the file after at most %d redirects, got one more, to \"%.120s\"",
                       HTTP_REDIRECTS, location);
    rc = http_redirect(&f->url, location, &to, err);
    if (rc == 0 && to.tls && !f->trusts)
        rc = err_set(err, HTTP_ETRUST, "expected http://, got a redirect to \"%.120s\"", location);
    if (rc)
        return rc;
    hang_up(f);
    f->url = to;
    f->found = f->ended = f->connected = f->met = false;
    f->heard = clock_now();
    return ip_stack_lookup_begin(f->stack, f->url.host, err);
}

/* The header is complete: is it about the same file as before? */
static int header_taken(struct http_file *f, struct err *err)
{
    const struct http_answer *a = &f->parser.answer;
    uint64_t total;
    int rc;

    if (http_is_redirect(a))
        return follow(f, err);
    rc = http_answer_check(a, f->at, HTTP_TO_END, &f->end, &total, err);

    if (rc)
        return rc;
    if (f->total && (f->total != total || strcmp(f->etag, a->etag) != 0))
        return err_set(err, HTTP_ECHANGED, "the file changed on the server during the transfer");
    f->total = total;
    memcpy(f->etag, a->etag, sizeof f->etag);
    f->in_content = true;
    return 0;
}

/* The bytes that wait are of the header, or a part of them. 0, or an error for good. */
static int take_header(struct http_file *f, struct err *err)
{
    const uint8_t *bytes = NULL;
    size_t n = peek(f, &bytes), used;
    int rc = http_parser_feed(&f->parser, bytes, n, &used);

    consume(f, used);
    if (rc < 0)
        return err_set(err, rc, "the server's answer is not HTTP as it should be");
    return rc > 0 ? header_taken(f, err) : 0;
}

/* Header bytes until the content begins: 1 it does, 0 the connection ended before or the file is
 * elsewhere, or an error for good. */
static int read_header(struct http_file *f, struct err *err)
{
    while (!f->in_content && f->found) {
        int rc = wait_bytes(f, err);

        if (rc <= 0)
            return rc;
        rc = take_header(f, err);
        if (rc)
            return rc;
    }
    return f->found;
}

/* The connection brings no more: another one, that goes on at the same byte; at once, where the
 * file turned out to be elsewhere. */
static int redial(struct http_file *f, int *tries, struct err *err)
{
    struct mono until;
    int rc = 0;

    if (!f->found) {
        *tries = 0;
        rc = ip_stack_resolve(f->stack, f->url.host, f->idle_ms, &f->address, err);
        f->found = rc == 0;
    }
    until = mono_add(clock_now(), (int64_t)*tries * PAUSE_MS * MONO_MS);
    while (rc == 0 && mono_sub(until, clock_now()) > 0)
        if (ip_stack_block(f->stack, 50))
            break; /* seen again by whoever waits next */
    return rc ? rc : dial(f, f->at, err);
}

static int unreachable(const struct http_file *f, struct err *err)
{
    char text[IP_TEXT];

    ip_address_text(text, f->address);
    if (!f->connected)
        return err_set(err, HTTP_ECONNECT, "cannot reach the web server at %s port %u", text,
                       f->url.port);
    if (!f->ended)
        return err_set(err, HTTP_ETIMEOUT, "the web server at %s said nothing for %d s", text,
                       f->idle_ms / 1000);
    return err_set(err, HTTP_ECLOSED,
                   "the web server at %s closes the connection before the end, again and again",
                   text);
}

/* Content from f->at: how many bytes are at *bytes now, making connections anew as needed; or an
 * error. */
static int next_bytes(struct http_file *f, const uint8_t **bytes, size_t *n, struct err *err)
{
    for (int tries = 0;; tries++) {
        int rc = f->pcb || f->n ? read_header(f, err) : 0;

        if (rc > 0)
            rc = f->at < f->end ? wait_bytes(f, err) : 0;
        if (rc < 0)
            return rc;
        if (rc > 0) {
            *n = peek(f, bytes);
            if (*n > f->end - f->at)
                return err_set(err, HTTP_EEXTRA, "the server sent more than it announced");
            return 0;
        }
        if (tries == TRIES)
            return unreachable(f, err);
        rc = redial(f, &tries, err);
        if (rc)
            return rc;
    }
}

/* ---- the file ---- */

static int file_new(struct http_file **out, struct ip_stack *stack, const struct http_url *url,
                    const struct http_trust *trust, int idle_ms, struct err *err)
{
    struct http_file *f;

    *out = NULL;
    if (url->tls && !trust)
        return err_set(
            err, HTTP_ETRUST,
            "expected http://, got https://%.100s: nothing is there to judge its certificate by",
            url->host);
    if (!url->tls && trust && trust->pinned)
        return err_set(err, HTTP_ETRUST,
                       "expected https:// beside a fingerprint, got http://%.100s", url->host);
    f = *out = calloc(1, sizeof *f);
    if (!f)
        return err_set(err, HTTP_EMEMORY, "out of memory");
    f->stack = stack;
    f->url = *url;
    f->idle_ms = idle_ms;
    f->trusts = trust != NULL;
    if (trust)
        f->trust = *trust;
    return 0;
}

int http_open(struct http_file **out, struct ip_stack *stack, const struct http_url *url,
              const struct http_trust *trust, int idle_ms, struct err *err)
{
    struct http_file *f;
    int rc = file_new(&f, stack, url, trust, idle_ms, err);

    *out = NULL;
    if (rc)
        return rc;
    for (int tries = 0; rc == 0 && tries < TRIES; tries++) {
        rc = redial(f, &tries, err);
        if (rc == 0)
            rc = read_header(f, err);
    }
    if (rc == 0)
        rc = unreachable(f, err);
    if (rc < 0) {
        http_close(f);
        return rc;
    }
    *out = f;
    return 0;
}

uint64_t http_size(const struct http_file *f)
{
    return f->total;
}

/* Moves the connection to `offset`. */
static int seek(struct http_file *f, uint64_t offset, struct err *err)
{
    while (offset != f->at) {
        const uint8_t *bytes;
        size_t n;
        int rc;

        if (offset < f->at || offset - f->at > READ_OVER)
            return dial(f, offset, err);
        rc = next_bytes(f, &bytes, &n, err);
        if (rc)
            return rc;
        if (n > offset - f->at)
            n = (size_t)(offset - f->at);
        consume(f, n);
        f->at += n;
    }
    return 0;
}

int http_read(struct http_file *f, uint64_t offset, uint8_t *buf, size_t n, struct err *err)
{
    int rc;

    if (offset > f->total || n > f->total - offset)
        return err_set(err, HTTP_ERANGE,
                       "the file on the server ends after %llu bytes, before byte %llu",
                       (unsigned long long)f->total, (unsigned long long)(offset + n));
    rc = seek(f, offset, err);
    while (rc == 0 && n) {
        const uint8_t *bytes;
        size_t now;

        rc = next_bytes(f, &bytes, &now, err);
        if (rc)
            break;
        if (now > n)
            now = n;
        memcpy(buf, bytes, now);
        consume(f, now);
        f->at += now;
        buf += now;
        n -= now;
    }
    return rc;
}

/* ---- as it comes ---- */

int http_begin(struct http_file **out, struct ip_stack *stack, const struct http_url *url,
               const struct http_trust *trust, int idle_ms, struct err *err)
{
    struct http_file *f;
    int rc = file_new(&f, stack, url, trust, idle_ms, err);

    *out = NULL;
    if (rc)
        return rc;
    f->heard = clock_now();
    rc = ip_stack_lookup_begin(stack, f->url.host, err);
    if (rc) {
        http_close(f);
        return rc;
    }
    *out = f;
    return 0;
}

/* Is there a connection, or one on its way? 1, 0 not yet, or an error. */
static int connection(struct http_file *f, struct err *err)
{
    int rc;

    if (!f->found) {
        rc = ip_stack_lookup(f->stack, f->url.host, &f->address, err);
        if (rc == 0 && mono_sub(clock_now(), f->heard) > f->idle_ms * MONO_MS)
            rc = err_set(err, HTTP_ETIMEOUT, "nobody answers to the name \"%s\"", f->url.host);
        if (rc <= 0)
            return rc;
        f->found = true;
        f->again = clock_now();
    }
    if (f->again.ns == 0)
        return 1;
    if (mono_sub(f->again, clock_now()) > 0)
        return 0;
    f->again.ns = 0;
    rc = dial(f, f->at, err);
    return rc ? rc : 1;
}

/* The connection brings no more: 0 and another one in a while, or that was the last. */
static int try_again(struct http_file *f, struct err *err)
{
    if (++f->tries > TRIES)
        return unreachable(f, err);
    hang_up(f);
    f->again = mono_add(clock_now(), (int64_t)f->tries * PAUSE_MS * MONO_MS);
    return 0;
}

long http_look(struct http_file *f, const uint8_t **bytes, struct err *err)
{
    int rc = connection(f, err), shaking = rc > 0 ? pump(f, err) : 0;
    size_t n = 0;

    if (shaking < 0)
        return shaking;
    while (rc > 0 && !f->in_content && peek(f, bytes)) {
        rc = take_header(f, err);
        rc = rc ? rc : 1;
    }
    if (rc <= 0 || (f->total && f->at == f->total))
        return rc < 0 ? rc : 0;
    if (f->in_content)
        n = peek(f, bytes);
    if (n > f->end - f->at)
        return err_set(err, HTTP_EEXTRA, "the server sent more than it announced");
    if (n) {
        f->tries = 0;
        return (long)n;
    }
    return f->ended || mono_sub(clock_now(), f->heard) > f->idle_ms * MONO_MS ? try_again(f, err)
                                                                              : 0;
}

void http_took(struct http_file *f, size_t n)
{
    if (!n)
        return;
    consume(f, n);
    f->at += n;
}

void http_close(struct http_file *f)
{
    if (!f)
        return;
    hang_up(f);
    secure_close(f->secure);
    free(f);
}
