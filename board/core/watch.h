/* While a restore runs: what a person sees on stderr and what the sender hears in beacons, four
 * times a second. */
#ifndef BOARD_CORE_WATCH_H
#define BOARD_CORE_WATCH_H

#include "board/core/limit.h"
#include "board/core/loss.h"
#include "board/core/progress.h"
#include "board/core/source.h"

/* How it stands, for who shows it. */
struct watch_view {
    const struct img_head *head;
    enum session_state state;
    /* bytes of the disk that hold data: there, and in all; total 0 until the body is there */
    uint64_t done, total;
    unsigned proven; /* of them, read back: permille */
    uint64_t rate;   /* done in the last seconds, bytes/s */
    int64_t left_ns; /* at that rate; negative: not known yet */
    bool waits;      /* the sender holds the stream */
    const struct session_facts *facts;
    /* what the box says of this machine: its number, and whether somebody looks for it */
    struct session_label label;
};

/* Who shows it: called from the watch's thread four times a second. A NULL function: a line or bar
 * on stderr. */
struct watch_show {
    void (*show)(void *ctx, const struct watch_view *);
    void *ctx;
};

/* Packets that arrived and that the machine dropped itself, of all since the start, parts per
 * million. */
uint32_t watch_dropped_ppm(const struct session_facts *);

struct watch {
    struct source *source;
    struct receive_counts *counts; /* may change once, by watch_receiving */
    const struct img_body *body;   /* NULL until it is there */
    struct receive *receive;       /* to be stopped by an interrupt; NULL until it is there */
    _Atomic int state;             /* enum session_state */
    bool end;                      /* guarded by lock */
    struct session_facts facts;    /* the latest; read it after watch_stop */
    struct session_label label;
    /* the watch's own */
    pthread_t thread;
    bool running;
    pthread_mutex_t lock; /* guards counts and body */
    pthread_cond_t news;  /* the end, or another state: not to wait for the next look */
    struct progress progress;
    struct loss loss;
    struct limit limit;
    struct watch_show to;
    struct mono rated; /* when `rate` was last reckoned, and from how much */
    uint64_t rated_done, rate;
};

/* Starts with state SESSION_MANIFEST. Borrows source and counts, copies `to`. 0 or RECEIVE_ETHREAD.
 */
int watch_start(struct watch *w, struct source *source, struct receive_counts *counts,
                const struct watch_show *to, struct err *err);
/* From now on chunks are counted, and an interrupt stops the receiver at whatever it is. It lives
 * until watch_stop. unread: what is written will not be read back. */
void watch_receiving(struct watch *w, struct receive *receive, const struct img_body *body,
                     bool unread);
void watch_state(struct watch *w, enum session_state state);
/* Ends the thread; facts are filled once more, with this state and error. */
void watch_stop(struct watch *w, enum session_state state, int error);

#endif
