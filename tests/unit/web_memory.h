/* A client of the web server in memory: bytes both ways, without sockets or TLS. */
#ifndef TESTS_UNIT_WEB_MEMORY_H
#define TESTS_UNIT_WEB_MEMORY_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/web/account.h"

struct client {
    char in[1 << 19]; /* to the server */
    size_t in_at, in_n;
    char out[1 << 22]; /* from it */
    size_t out_n;
    size_t room;  /* how much more the line takes */
    size_t piece; /* how many bytes come at once; 0: all */
    bool closed;
};

static inline int client_read(void *ctx, void *to, size_t n)
{
    struct client *c = ctx;
    size_t left = c->in_n - c->in_at;

    if (c->piece && n > c->piece)
        n = c->piece;
    n = left < n ? left : n;
    if (n == 0)
        return c->closed ? STREAM_END : 0;
    memcpy(to, c->in + c->in_at, n);
    c->in_at += n;
    return (int)n;
}

static inline int client_write(void *ctx, const void *from, size_t n)
{
    struct client *c = ctx;

    if (n > c->room)
        n = c->room;
    if (n > sizeof c->out - 1 - c->out_n)
        abort();
    memcpy(c->out + c->out_n, from, n);
    c->out_n += n;
    c->out[c->out_n] = 0;
    c->room -= n;
    return (int)n;
}

static inline struct wire_stream client_stream(struct client *c)
{
    memset(c, 0, sizeof *c);
    c->room = SIZE_MAX;
    return (struct wire_stream){.read = client_read, .write = client_write, .ctx = c};
}

static inline void client_send(struct client *c, const char *text, size_t n)
{
    memcpy(c->in + c->in_n, text, n);
    c->in_n += n;
}

#endif
