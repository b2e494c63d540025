/* The HTTP server over lwIP: the only file of this room that knows it. All calls on the stack's
 * owner thread. */
#ifndef NET_HTTP_SERVER_BIND_H
#define NET_HTTP_SERVER_BIND_H

#include "net/http/errors.h"
#include "net/http/server/server.h"
#include "net/ip/stack.h"

/* Connections at once. When all are taken, whose address holds most of them loses one to a
 * newcomer. */
#define HTTP_SEATS 256
#define HTTP_PORT 80

struct http_event {
    uint32_t address;
    const char *name; /* "" when the request had none; printable */
    unsigned status;
    bool cut;       /* the connection ended before the answer was through */
    uint64_t bytes; /* of the content that were handed to TCP */
};

struct http_counts {
    /* refused: of the answers, those with a status of 400 and up */
    uint64_t connections, answers, refused, cut;
    uint64_t cleared; /* seats cleared for newcomers */
    uint64_t late;    /* ended because nothing came, or nothing was taken */
    uint64_t bytes;
};

struct http_bind;

struct http_bind_config {
    struct content_source source;
    /* Which machine has this address? NULL, or false: as ARP says. */
    bool (*mac_of)(void *ctx, uint32_t address, uint8_t mac[6]);
    void (*tell)(void *ctx, const struct http_event *); /* may be NULL */
    const char *home; /* where "/" sends a browser; NULL: nowhere; borrowed */
    void *ctx;        /* of both */
};

/* Listens on TCP `port`. Keeps the stack. 0, HTTP_EBIND or HTTP_EMEMORY. */
int http_bind_open(struct http_bind **, struct ip_stack *, const struct http_bind_config *,
                   uint16_t port, struct err *);
/* Call after every ip_stack_step, and at least every http_bind_pause milliseconds. */
void http_bind_tick(struct http_bind *, struct mono now);
/* 20 while there are connections, else 1000. */
int http_bind_pause(const struct http_bind *);
const struct http_counts *http_bind_counts(const struct http_bind *);
void http_bind_close(struct http_bind *);

#endif
