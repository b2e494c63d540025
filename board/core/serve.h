/* `serve` without its command line: the control thread that ties the IP stack, the sessions and the
 * streams together. The box uses the same core on a stack of its own, beside its other services:
 * serve_begin, serve_add, serve_step, serve_finish. */
#ifndef BOARD_CORE_SERVE_H
#define BOARD_CORE_SERVE_H

#include <stdatomic.h>

#include "board/core/stream.h"
#include "net/session/bind.h"

/* What somebody else wants to know and change. All may be NULL. */
struct serve_hooks {
    void *ctx;
    void (*prepare)(void *ctx, struct stream *); /* as in struct stream_options */
    void (*event)(void *ctx, const struct session_event *);
    /* Its image cannot be read any more, or the like: the stream ends as if its image were removed.
     */
    void (*failed)(void *ctx, const struct stream *, const struct err *why);
    /* The stream is about to be closed because its image was removed; nothing is sent any more. */
    void (*removed)(void *ctx, const struct stream *);
    /* as in struct session_server */
    int (*own)(void *ctx, const struct session_ask *, struct session_own *, char *why);
    int (*choose)(void *ctx, const struct session_hello *, unsigned *image, char *why);
    /* as in struct session_server */
    struct session_label (*label)(void *ctx, const uint8_t mac[6]);
    bool (*kept)(void *ctx, unsigned image, const struct session_receiver *); /* the same */
};

struct serve {
    struct config config;
    struct serve_hooks hooks;
    struct ip_stack *stack;
    bool owns_stack;
    bool shares; /* the streams that run share the ceiling among them; else each has its own */
    struct session_server server;
    struct session_bind *bind;
    /* room for CONFIG_IMAGES_MAX, in the server's order; in an empty place `send` is NULL and the
     * name "" */
    struct stream *streams;
    unsigned n_streams;      /* places: the index of a stream never changes */
    uint64_t floor, ceiling; /* of each stream, bytes/s on the wire */
    struct err failed;       /* why the first stream failed that did */
    bool offload, advertised;
    struct mono began, ended;
};

/* Brings everything up; nothing is sent yet. Keeps a copy of the configuration, which has been
 * checked. On error what is up already is still to be closed. */
int serve_open(struct serve *, const struct config *, struct err *);
/* Until *stop is set, or nothing works any more: then a negative code. Ends the sessions in good
 * order. */
int serve_run(struct serve *, const atomic_int *stop, struct err *);
void serve_close(struct serve *);
/* Over all images. */
struct session_tally serve_tally(const struct serve *);

/* ---- on somebody else's stack ---- */

/* No image yet; sessions are answered. Keeps the stack; the streams that run share the ceiling. */
int serve_begin(struct serve *, const struct config *, const struct serve_hooks *,
                struct ip_stack *, struct err *);
/* One more image; on error everything is as it was. `opened`: the file, opened by the caller
 * already, which is the stream's from here on, whatever comes; NULL: it is opened here. Waits for
 * no disk when the caller has opened the body, too. */
int serve_add(struct serve *, const char *path, struct stream_source *opened, struct err *);
/* Takes an image away while the others go on. Receivers are told on the wire and in acks that the
 * session ends; two seconds later at the latest the stream is closed, and until then nothing else
 * can have its name. False: there is none of that name. */
bool serve_remove(struct serve *, const char *name, struct mono now);
/* After each step of the stack. A stream that has failed is taken away, the others go on: 0 as long
 * as there is one, or none has failed. */
int serve_step(struct serve *, struct mono now, struct err *);
/* Says the end of each session on the wire, for up to two seconds. */
void serve_finish(struct serve *);

#endif
