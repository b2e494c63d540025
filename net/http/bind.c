#include "net/http/bind.h"

#include <stdlib.h>
#include <string.h>

#include "net/ip/tcp.h"

#define TRIES 5                /* connections in a row that bring nothing, */
#define PAUSE_MS 500           /* each after a pause that is longer by this: 5 s for a server that restarts */
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
    /* of http_look */
    bool found;          /* the address is known */
    int tries;           /* connections in a row that brought nothing */
    struct mono again;   /* when the next one is made; 0: there is one */
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
    if (tcp_write(pcb, f->request, (u16_t)f->request_n, TCP_WRITE_FLAG_COPY) == ERR_OK)
        tcp_output(pcb);
    return ERR_OK; /* an unsent request is a silent server: tried again */
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

static int dial(struct http_file *f, uint64_t from, struct err *err)
{
    ip_addr_t address = {lwip_htonl(f->address)};

    hang_up(f);
    http_parser_init(&f->parser);
    f->request_n = http_request(&f->url, from, HTTP_TO_END, f->request);
    f->connected = f->ended = f->in_content = false;
    f->at = f->end = from;
    f->heard = ip_clock();
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

/* The bytes that wait, in one piece; 0 when there are none. */
static size_t peek(const struct http_file *f, const uint8_t **bytes)
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
static void consume(struct http_file *f, size_t n)
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

/* Waits for bytes: 1 there are some, 0 the connection brings no more, negative: an error of the stack. */
static int wait_bytes(struct http_file *f)
{
    const uint8_t *bytes;

    while (!peek(f, &bytes)) {
        int rc;

        if (f->ended || mono_sub(ip_clock(), f->heard) > f->idle_ms * MONO_MS)
            return 0;
        rc = ip_stack_block(f->stack, 100);
        if (rc)
            return rc;
    }
    return 1;
}

/* The header is complete: is it about the same file as before? */
static int header_taken(struct http_file *f, struct err *err)
{
    const struct http_answer *a = &f->parser.answer;
    uint64_t total;
    int rc = http_answer_check(a, f->at, HTTP_TO_END, &f->end, &total, err);

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

/* Header bytes until the content begins: 1 it does, 0 the connection ended before, or an error for good. */
static int read_header(struct http_file *f, struct err *err)
{
    while (!f->in_content) {
        int rc = wait_bytes(f);

        if (rc <= 0)
            return rc;
        rc = take_header(f, err);
        if (rc)
            return rc;
    }
    return 1;
}

/* The connection brings no more: another one, that goes on at the same byte. */
static int redial(struct http_file *f, int tries, struct err *err)
{
    struct mono until = mono_add(ip_clock(), (int64_t)tries * PAUSE_MS * MONO_MS);

    while (mono_sub(until, ip_clock()) > 0)
        if (ip_stack_block(f->stack, 50))
            break; /* seen again by whoever waits next */
    return dial(f, f->at, err);
}

static int unreachable(const struct http_file *f, struct err *err)
{
    char text[IP_TEXT];

    ip_address_text(text, f->address);
    if (!f->connected)
        return err_set(err, HTTP_ECONNECT, "cannot reach the web server at %s port %u", text, f->url.port);
    if (!f->ended)
        return err_set(err, HTTP_ETIMEOUT, "the web server at %s said nothing for %d s", text, f->idle_ms / 1000);
    return err_set(err, HTTP_ECLOSED, "the web server at %s closes the connection before the end, again and again", text);
}

/* Content from f->at: how many bytes are at *bytes now, making connections anew as needed; or an error. */
static int next_bytes(struct http_file *f, const uint8_t **bytes, size_t *n, struct err *err)
{
    for (int tries = 0;; tries++) {
        int rc = f->pcb || f->n ? read_header(f, err) : 0;

        if (rc > 0)
            rc = f->at < f->end ? wait_bytes(f) : 0;
        if (rc < 0)
            return ip_stack_failed(rc, err);
        if (rc > 0) {
            *n = peek(f, bytes);
            if (*n > f->end - f->at)
                return err_set(err, HTTP_EEXTRA, "the server sent more than it announced");
            return 0;
        }
        if (tries == TRIES)
            return unreachable(f, err);
        rc = redial(f, tries, err);
        if (rc)
            return rc;
    }
}

/* ---- the file ---- */

static struct http_file *file_new(struct ip_stack *stack, const struct http_url *url, int idle_ms)
{
    struct http_file *f = calloc(1, sizeof *f);

    if (!f)
        return NULL;
    f->stack = stack;
    f->url = *url;
    f->idle_ms = idle_ms;
    return f;
}

int http_open(struct http_file **out, struct ip_stack *stack, const struct http_url *url, int idle_ms, struct err *err)
{
    struct http_file *f = file_new(stack, url, idle_ms);
    int rc;

    *out = NULL;
    if (!f)
        return err_set(err, HTTP_EMEMORY, "out of memory");
    rc = ip_stack_resolve(stack, url->host, idle_ms, &f->address, err);
    for (int tries = 0; rc == 0 && tries < TRIES; tries++) {
        rc = redial(f, tries, err);
        if (rc == 0)
            rc = read_header(f, err);
    }
    if (rc == 0)
        rc = unreachable(f, err);
    if (rc < 0) {
        http_close(f);
        return ip_stack_failed(rc, err);
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
        return err_set(err, HTTP_ERANGE, "the file on the server ends after %llu bytes, before byte %llu",
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

int http_begin(struct http_file **out, struct ip_stack *stack, const struct http_url *url, int idle_ms, struct err *err)
{
    struct http_file *f = file_new(stack, url, idle_ms);
    int rc;

    *out = NULL;
    if (!f)
        return err_set(err, HTTP_EMEMORY, "out of memory");
    f->heard = ip_clock();
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
        if (rc == 0 && mono_sub(ip_clock(), f->heard) > f->idle_ms * MONO_MS)
            rc = err_set(err, HTTP_ETIMEOUT, "nobody answers to the name \"%s\"", f->url.host);
        if (rc <= 0)
            return rc;
        f->found = true;
        f->again = ip_clock();
    }
    if (f->again.ns == 0)
        return 1;
    if (mono_sub(f->again, ip_clock()) > 0)
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
    f->again = mono_add(ip_clock(), (int64_t)f->tries * PAUSE_MS * MONO_MS);
    return 0;
}

long http_look(struct http_file *f, const uint8_t **bytes, struct err *err)
{
    int rc = connection(f, err);
    size_t n = 0;

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
    return f->ended || mono_sub(ip_clock(), f->heard) > f->idle_ms * MONO_MS ? try_again(f, err) : 0;
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
    free(f);
}
