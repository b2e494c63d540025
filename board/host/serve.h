/* `serve` without its command line: the control thread that ties the IP stack, the sessions and the streams together. */
#ifndef BOARD_HOST_SERVE_H
#define BOARD_HOST_SERVE_H

#include <signal.h>

#include "board/host/stream.h"
#include "net/session/bind.h"

struct serve {
    struct config config;
    struct ip_stack *stack;
    struct session_server server;
    struct session_bind *bind;
    struct stream *streams; /* config.n_images of them, in the server's order */
    unsigned n_streams;
    uint64_t floor, ceiling; /* of each stream, bytes/s on the wire */
    bool offload, advertised;
    struct mono began, ended;
};

/* Brings everything up; nothing is sent yet. Keeps a copy of the configuration, which has been checked. On error what
 * is up already is still to be closed. */
int serve_open(struct serve *, const struct config *, struct err *);
/* Until *stop is set, or nothing works any more: then a negative code. Ends the sessions in good order. */
int serve_run(struct serve *, const volatile sig_atomic_t *stop, struct err *);
void serve_close(struct serve *);
/* Over all images. */
struct session_tally serve_tally(const struct serve *);

#endif
