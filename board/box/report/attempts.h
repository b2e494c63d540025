/* Every attempt to image a machine, one row each: who, what, when, how it ended. The rows outlive
 * the core and a power cut (the box journals what `store` is given), and are what the report is
 * made of. Pure: time is an argument, memory the caller's.
 *
 * An attempt begins when a machine joins a session and ends with PASS, FAIL, its leaving, or its
 * silence. A machine that is heard again with the same receiver id goes on with the same row, also
 * over a restart of the box; one that joins under a new id has started anew: its row before is
 * lost. PASS and FAIL are final.
 *
 * A hello costs a stranger nothing, so a row counts, is journalled and told only from the first
 * beacon on, which takes the session's key; one who never sends one is lost after a minute, has no
 * number, and is forgotten with the core. When there is no room the oldest of those goes first,
 * then the oldest that has ended, then the oldest; attempts_dropped counts those with a number.
 *
 * At most ATTEMPT_STORES rows a second are stored, whoever causes them; the others wait for a later
 * tick. So machines that somebody invents do not wear the disk out.
 *
 * Times: a box whose clock has lost its battery still orders: each time says how often the core had
 * been started by then and how long the machine was up (seconds), and the date only when the clock
 * can be believed. */
#ifndef BOARD_BOX_REPORT_ATTEMPTS_H
#define BOARD_BOX_REPORT_ATTEMPTS_H

#include "board/box/store/told.h"
#include "imaging/image/image.h"
#include "net/session/server.h"

#define ATTEMPTS_MAX 8192
/* bytes of name, serial and the like; longer ones are cut between characters */
#define ATTEMPT_TEXT_MAX 64
#define ATTEMPT_KEY_BYTES 2
#define ATTEMPT_STORES 20
#define ATTEMPT_VALUE_MAX 768
/* 2026-01-01: no box is older, so a clock before that was lost */
#define ATTEMPT_CLOCK_LEAST UINT64_C(1767225600)

struct attempt_clock {
    uint64_t unix_s; /* 0: not to be believed */
    uint32_t up_s;   /* never goes back while the core runs */
};

struct attempt_time {
    uint64_t unix_s; /* 0: not known */
    uint32_t run;    /* 1: the first start of the core; 0: no time at all */
    uint32_t up_s;
};

enum attempt_result {
    ATTEMPT_RUNNING,
    ATTEMPT_PASS,
    ATTEMPT_FAIL, /* `error` says why */
    ATTEMPT_LEFT, /* stopped on request */
    ATTEMPT_LOST, /* `loss` says how */
    ATTEMPT_RESULTS
};

enum attempt_loss {
    ATTEMPT_SILENT,    /* fell silent */
    ATTEMPT_ANEW,      /* the machine was started anew and joined again */
    ATTEMPT_MUTE,      /* joined and was never heard of */
    ATTEMPT_RESTARTED, /* the box was started anew, and it did not come back */
    ATTEMPT_LOSSES
};

#define ATTEMPT_UNKNOWN UINT32_MAX

struct attempt {
    uint32_t number; /* from 1, in the order they began to count; 0: not counted yet */
    /* waits: to be stored; orphan: of an earlier run of the core, not heard of in this one */
    bool used, waits, orphan;
    uint8_t result, loss;
    bool unread; /* it was told not to read back what it writes */
    uint8_t mac[6], id[SESSION_ID_BYTES];
    struct attempt_time start, end; /* end.run 0 while it runs */
    uint64_t bytes;                 /* of the image's content on the disk */
    uint32_t heard, missed;         /* packets; missed: lost on the way */
    /* packets that arrived and that the machine dropped itself; ATTEMPT_UNKNOWN in a row of before
     */
    uint32_t dropped;
    uint32_t repaired; /* symbols that repair symbols stood in for */
    int32_t error;
    uint32_t session; /* its number (plan.h); 0: none, or of a row of before */
    uint8_t root[IMG_HASH_BYTES];
    /* Plain UTF-8 whatever came: control characters and what is no UTF-8 became U+FFFD. */
    char name[ATTEMPT_TEXT_MAX + 1], asset[ATTEMPT_TEXT_MAX + 1], position[ATTEMPT_TEXT_MAX + 1];
    char machine_serial[ATTEMPT_TEXT_MAX + 1], disk_model[ATTEMPT_TEXT_MAX + 1],
        disk_serial[ATTEMPT_TEXT_MAX + 1];
    char image[SESSION_NAME_MAX + 1], version[IMG_LABEL_MAX + 1];
    /* private */
    uint32_t touched;    /* up_s of its last event, in this run */
    uint16_t next, live; /* 1 + row with the same hash; where it stands among those that run */
};

/* What is known of machine and image besides what its receiver says in its beacons. Lent; NULL:
 * nothing new. */
struct attempt_what {
    const char *name, *asset, *position, *image, *version;
    const uint8_t *root; /* IMG_HASH_BYTES */
    uint64_t data_bytes; /* of the whole image */
    uint32_t session;    /* 0: nothing new */
};

struct attempts {
    struct attempt row[ATTEMPTS_MAX];
    uint32_t last; /* number given last */
    uint32_t run;
    /* A row's new value under its key; may be NULL. */
    void (*store)(void *ctx, const uint8_t *key, size_t nkey, const uint8_t *value, size_t n);
    /* It counts from now on (result ATTEMPT_RUNNING), or has ended; may be NULL. */
    void (*tell)(void *ctx, const struct attempt *);
    void *ctx;
    /* private */
    /* since the last tick; rows that wait, where to look for them */
    unsigned stores, n_waiting, next_waiting;
    /* rows; of them with a number; where a free one may be; that run */
    unsigned used, numbered, hint, n_live;
    uint16_t live[ATTEMPTS_MAX];
    uint16_t bucket[ATTEMPTS_MAX / 4];
};

/* Large (5 MB): taken once. Zeroes, then restore what was stored, then begin. Callbacks may be set
 * any time. */
void attempts_init(struct attempts *);
/* A stored value of an earlier run. */
enum told attempts_restore(struct attempts *, const uint8_t *key, size_t nkey, const uint8_t *value,
                           size_t n);
/* The core has started: counts and stores that. */
void attempts_begin(struct attempts *, struct attempt_clock now);

void attempts_event(struct attempts *, const struct session_event *, const struct attempt_what *,
                    struct attempt_clock now);
/* What a machine says of itself; NULL: nothing new. */
void attempts_told(struct attempts *, const uint8_t id[SESSION_ID_BYTES],
                   const char *machine_serial, const char *disk_model, const char *disk_serial);
/* The receiver's latest facts, between events, for those who look at rows that still run. At least
 * once a minute for all who are not gone, because a session that is taken away takes its receivers
 * along without a word. */
void attempts_refresh(struct attempts *, const struct session_receiver *,
                      const struct attempt_what *, struct attempt_clock now);
/* Call about every second: those who were never heard of, or not again, are lost. */
void attempts_tick(struct attempts *, struct attempt_clock now);

/* Whether what is known of this receiver's attempt was given to `store`, and its key.
 * ATTEMPT_NO_ROW: it does not count, or went for lack of room. */
enum attempt_stored { ATTEMPT_NO_ROW, ATTEMPT_WAITS, ATTEMPT_STORED };
enum attempt_stored attempts_stored(struct attempts *, const uint8_t id[SESSION_ID_BYTES],
                                    uint8_t key[ATTEMPT_KEY_BYTES]);

/* Parts per million of the packets that should have come; ATTEMPT_UNKNOWN before any did. */
uint32_t attempt_loss_ppm(const struct attempt *);
/* Of the same packets, those that the machine dropped itself; ATTEMPT_UNKNOWN also in rows of a
 * version that did not keep it. */
uint32_t attempt_dropped_ppm(const struct attempt *);
/* Whether what it wrote was read back and found right. */
static inline bool attempt_read_back(const struct attempt *a)
{
    return a->result == ATTEMPT_PASS && !a->unread;
}
/* "running", "pass", "fail", "left", "lost" */
const char *attempt_result_name(unsigned result);
/* How many had a number and went for lack of room. */
static inline uint32_t attempts_dropped(const struct attempts *s)
{
    return s->last - s->numbered;
}
/* The rows of a report by number, those that never counted last; returns how many. */
unsigned attempts_list(const struct attempts *, uint16_t rows[ATTEMPTS_MAX]);

/* Tells of each machine the newest attempt that has a number. */
void attempts_recall(const struct attempts *, void (*tell)(void *ctx, const struct attempt *),
                     void *ctx);

/* `text` (NULL: empty) as plain UTF-8 of less than cap bytes: what is not plain becomes U+FFFD. */
void attempt_text(char *to, size_t cap, const char *text);

#endif
