/* The room as a stream of server-sent events for any number of pages: each text is made once, and
 * all pages send the same bytes. Pure.
 *
 *   snapshot_end ──> feed_publish ──> change events ──> one log of bytes ──┐
 *                └──(when a page begins)──> status event ──> a slot ───────┴──> feed_next ──> page
 *
 * A page gets the whole first and then every change since. Slots are shared by the pages that begin
 * between two refreshes; one is used again when its last page has left it, so there are three: when
 * all are being sent, a newcomer waits for the next that is free. A page that is further behind
 * than the log reaches is given up (it connects anew and gets the whole): nobody waits for it, and
 * memory stays as it is. */
#ifndef NET_STATUS_FEED_H
#define NET_STATUS_FEED_H

#include "net/status/json.h"

#define FEED_EVENT_MAX (STATUS_JSON_MAX + 64)
#define FEED_LOG_BYTES (4u << 20) /* at least one event of the largest size */
#define FEED_SLOTS 3

struct feed {
    const struct room_snapshot *room; /* borrowed */
    /* bytes ever written to the log: it holds the last FEED_LOG_BYTES of them */
    uint64_t end;
    struct feed_slot {
        unsigned readers;
        uint64_t seq;   /* of the snapshot in it; 0: none */
        uint64_t after; /* where in the log the changes after it begin */
        size_t n, json; /* bytes; where the JSON begins: it ends two before n */
        char text[FEED_EVENT_MAX];
    } slot[FEED_SLOTS];
    char scratch[FEED_EVENT_MAX];
    char log[FEED_LOG_BYTES];
    uint64_t given_up; /* pages that fell behind */
};

struct feed_reader {
    int slot;          /* being sent; -1: none */
    size_t at;         /* of the slot's text */
    uint64_t position; /* in the log */
    bool whole;        /* it has had its slot */
};

/* Large (about 16 MB): taken once, all of it touched. */
void feed_init(struct feed *, const struct room_snapshot *);
/* The snapshot has been refreshed. */
void feed_publish(struct feed *);

void feed_open(struct feed_reader *);
/* What is to be sent now, in one piece: *bytes and their number; 0: nothing at this moment; -1: it
 * has fallen behind, end its connection. Lent until the next feed_publish or feed_take. */
int feed_next(struct feed *, struct feed_reader *, const char **bytes);
/* The same for who wants nothing but the JSON of the whole, once: -1 is its end. A reader is used
 * for one of the two. */
int feed_json(struct feed *, struct feed_reader *, const char **bytes);
/* n of them are sent. */
void feed_take(struct feed *, struct feed_reader *, size_t n);
void feed_close(struct feed *, struct feed_reader *);

#endif
