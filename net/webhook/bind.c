#include "net/webhook/bind.h"

#include <stdlib.h>
#include <string.h>

#include "net/ip/tcp.h"

struct webhook_bind {
    struct webhook_config config;
    struct webhook webhook;
    struct tcp_pcb *pcb; /* NULL: none, or gone */
    struct http_parser parser;
    bool ended;      /* the call's outcome is known: */
    unsigned status; /* 0: no answer */
    size_t n, at;    /* of the request: bytes, handed to lwIP */
    char request[WEBHOOK_REQUEST_MAX];
};

static void end_call(struct webhook_bind *b, unsigned status)
{
    if (!b->ended)
        b->status = status;
    b->ended = true;
}

/* As much of the request as lwIP takes now. */
static void push(struct webhook_bind *b)
{
    while (b->at < b->n) {
        size_t n = b->n - b->at, room = tcp_sndbuf(b->pcb);

        n = n < room ? n : room;
        if (n == 0 ||
            tcp_write(b->pcb, b->request + b->at, (u16_t)n, TCP_WRITE_FLAG_COPY) != ERR_OK)
            break; /* asked again when something was acknowledged */
        b->at += n;
    }
    tcp_output(b->pcb);
}

static err_t on_connected(void *arg, struct tcp_pcb *pcb, err_t err)
{
    (void)pcb;
    (void)err;
    push(arg);
    return ERR_OK;
}

static err_t on_sent(void *arg, struct tcp_pcb *pcb, u16_t n)
{
    (void)pcb;
    (void)n;
    push(arg);
    return ERR_OK;
}

static void on_error(void *arg, err_t err)
{
    struct webhook_bind *b = arg;

    (void)err;
    b->pcb = NULL; /* lwIP has freed it */
    end_call(b, 0);
}

/* The answer's header is all that matters; what comes behind it is not waited for. */
static err_t on_bytes(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err)
{
    struct webhook_bind *b = arg;

    (void)err;
    if (!p)
        end_call(b, 0);
    for (struct pbuf *q = p; q && !b->ended; q = q->next) {
        size_t used;
        int rc = http_parser_feed(&b->parser, q->payload, q->len, &used);

        if (rc)
            end_call(b, rc > 0 ? b->parser.answer.status : 0);
    }
    if (p) {
        tcp_recved(pcb, p->tot_len);
        pbuf_free(p);
    }
    return ERR_OK;
}

static void call(struct webhook_bind *b)
{
    const struct webhook_event *e = webhook_first(&b->webhook);
    ip_addr_t to = {lwip_htonl(b->config.address)};

    b->n =
        webhook_request(&b->config.url, b->config.secret, e->delivery, e->body, e->n, b->request);
    b->at = 0;
    b->ended = false;
    http_parser_init(&b->parser);
    b->pcb = tcp_new();
    if (!b->pcb) {
        end_call(b, 0);
        return;
    }
    tcp_arg(b->pcb, b);
    tcp_recv(b->pcb, on_bytes);
    tcp_sent(b->pcb, on_sent);
    tcp_err(b->pcb, on_error);
    if (tcp_connect(b->pcb, &to, b->config.url.port, on_connected) != ERR_OK)
        end_call(b, 0);
}

int webhook_bind_open(struct webhook_bind **out, const struct webhook_config *config,
                      struct err *err)
{
    struct webhook_bind *b = calloc(1, sizeof *b);

    *out = b;
    if (!b)
        return err_set(err, WEBHOOK_EMEMORY, "out of memory for the webhook");
    b->config = *config;
    webhook_init(&b->webhook);
    return 0;
}

void webhook_bind_put(struct webhook_bind *b, const char *delivery, const char *body, size_t n)
{
    webhook_put(&b->webhook, delivery, body, n);
}

static void hang_up(struct webhook_bind *b, const char *delivery, unsigned status)
{
    ip_tcp_abort(&b->pcb);
    if (b->config.tell)
        b->config.tell(b->config.ctx, delivery, status);
}

void webhook_bind_tick(struct webhook_bind *b, struct mono now)
{
    char delivery[WEBHOOK_DELIVERY_MAX + 1] = "";

    if (b->webhook.calling)
        memcpy(delivery, webhook_first(&b->webhook)->delivery, sizeof delivery);
    if (b->webhook.calling && b->ended) {
        webhook_answer(&b->webhook, b->status, now);
        hang_up(b, delivery, b->status);
    }
    switch (webhook_step(&b->webhook, now)) {
    case WEBHOOK_WAIT:
        break;
    case WEBHOOK_CALL:
        call(b);
        break;
    case WEBHOOK_GIVE_UP:
        hang_up(b, delivery, 0);
        break;
    }
}

const struct webhook_counts *webhook_bind_counts(const struct webhook_bind *b)
{
    return &b->webhook.counts;
}

void webhook_bind_close(struct webhook_bind *b)
{
    if (!b)
        return;
    ip_tcp_abort(&b->pcb);
    free(b);
}
