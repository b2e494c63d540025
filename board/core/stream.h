/* One image being served: its file, its session's table of receivers, its sender with a thread of
 * its own, its rate.
 *
 *   session events ──> start, suspend, body wanted ──> sender ──> transmit ring
 *   beacons' samples ──> rate, repair ───────────────────┘
 *
 * All calls on the control thread; the sending thread is inside. */
#ifndef BOARD_CORE_STREAM_H
#define BOARD_CORE_STREAM_H

#include <pthread.h>
#include <stdatomic.h>

#include "board/core/config.h"
#include "imaging/image/file.h"
#include "imaging/send/send.h"
#include "net/ring/ring.h"
#include "net/session/server.h"

/* An image that is open and has been read so far as a sender needs it: made by a thread that may
 * wait for the disk. */
struct stream_source {
    struct img_file file;
    struct send_body body; /* not open: it is read here */
};

struct stream {
    struct img_file file;
    struct send_body body; /* until the sender has it */
    struct ring_tx *tx;
    struct send *send;
    struct session_image session;
    struct rate rate;
    bool steered;         /* --rate auto: `rate` decides */
    uint64_t fixed;       /* else this, */
    uint64_t floor;       /* and what the slowest client's disk takes, but not below this */
    uint64_t client_rate; /* 0: not told */
    uint32_t repair_ppm;  /* as in struct config */
    uint64_t share;       /* wire bytes/s that other streams leave it; 0: no matter */
    uint64_t set;         /* wire bytes/s the sender was last told */
    uint32_t pass_seen;
    bool fresh;       /* the pass that begins next follows a start, not a whole loop */
    bool report_soon; /* somebody new has figures: the carousel waits for them */
    struct mono reported;
    /* the sending thread */
    pthread_t thread;
    bool running;
    struct mono leaves; /* with session.leaving: when it goes at the latest */
    atomic_bool end;
    /* What it has to say is said by the control thread: no lock of the log holds up the wire. */
    /* the loop that was begun last; how many were; time that the wire waited for disk or encoder */
    _Atomic uint64_t loop, begun, waited_ns;
    atomic_bool down; /* the link is */
    struct stream_said {
        uint64_t begun, waited_ns;
        bool down;
    } said;             /* the control thread's */
    atomic_int failure; /* a negative code: the stream is over */
    struct err why;     /* written before `failure` */
};

struct stream_options {
    const struct config *config;
    uint64_t floor, ceiling;      /* resolved: neither is 0 */
    uint32_t source;              /* our address */
    unsigned number;              /* of the image, from 0: added to the group */
    struct stream_source *opened; /* taken over, and empty afterwards; NULL: `path` is opened */
    /* The session is filled in and nothing is sent yet: the last moment to change head, TSI or key.
     * May be NULL. */
    void (*prepare)(void *ctx, struct stream *);
    void *ctx;
};

/* Opens the image, its ring and its sender (suspended), starts the thread. `offload` says what
 * became of it. */
int stream_open(struct stream *, const char *path, const struct stream_options *, bool *offload,
                struct err *);
/* What a session event means for the sender. */
void stream_event(struct stream *, const struct session_event *, struct mono now);
/* Loops, rate, repair: call some ten times a second. Returns true when the advice on the rate
 * changed. */
bool stream_tick(struct stream *, struct session_server *, unsigned image, struct mono now);
/* Says on the wire that the session ends; stream_finished tells when that is done. */
void stream_finish(struct stream *);
bool stream_finished(struct stream *);
void stream_close(struct stream *);

#endif
