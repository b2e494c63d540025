/* The sending stages of one session, joined in reading order:
 *
 *   carousel: which symbol next? ── source: its bytes (stored rows, the body, repair made here)
 *        ── slot of the sink: header, symbol, tag ── pacer: how many now?
 *
 * One thread, the caller's, calls send_step for ever. Two threads of the sender's own work ahead of
 * it: one has the rows to come read into the kernel's memory, so that a slow disk does not stall
 * the wire; one encodes, when a visit's repair is not the one stored in the image, while that
 * visit's source rows go out. Everything else (start, suspend, rate, reports) comes from a control
 * thread through a mailbox of atomics: those calls never wait.
 *
 * Nothing of the image is mapped: what has been read is sent only if the file is still the one that
 * was opened. It allocates nothing per packet. A packet of repair that is not stored in the image
 * takes the encoder's lock, for a look at its state. fec_init must have been called. */
#ifndef IMAGING_SEND_SEND_H
#define IMAGING_SEND_SEND_H

#include <stdbool.h>
#include <stdint.h>

#include "imaging/carousel/carousel.h"
#include "imaging/image/file.h"
#include "imaging/send/body.h"
#include "imaging/send/errors.h"
#include "net/wire/err.h"
#include "net/wire/frames.h"
#include "net/wire/mono.h"

#define SEND_AHEAD_DEFAULT (UINT64_C(64) << 20)
/* T = 2048 for windows of 128 blocks: enough for 10 % loss. */
#define SEND_MEMORY_DEFAULT (UINT64_C(512) << 20)

enum send_event {
    SEND_LOOP, /* a pass begins: log `Starting stream` with the date */
    SEND_STALL /* disk or encoder were late and the wire waited; at most once a second */
};

struct send_config {
    const struct img_file *image; /* borrowed until send_close */
    /* of the image, opened already: taken over; NULL: it is opened here */
    struct send_body *body;
    struct frame_sink sink; /* borrowed until send_close */
    uint16_t tsi;           /* not 0 */
    uint8_t key[16];        /* the session's group key */
    uint64_t rate;          /* wire bytes a second; 0: no limit (PACE_UNLIMITED) */
    uint64_t ahead;         /* bytes to read ahead; 0: SEND_AHEAD_DEFAULT */
    /* For repair made here, touched when needed: it sets the largest T. 0: SEND_MEMORY_DEFAULT. */
    uint64_t memory;
    bool fixed; /* always the default repair, whatever is reported */
    struct mono (*clock)(void);
    /* On the sending thread; may be NULL. value: the number of the pass; ns stalled. */
    void (*tell)(void *ctx, enum send_event what, uint64_t value);
    void *ctx;
};

struct send;

/* Makes a suspended sender. Without a body it reads and encodes that here (body.h). */
int send_open(struct send **out, const struct send_config *config, struct err *err);
void send_close(struct send *s);

/* ---- the sending thread ---- */

/* Sends what may leave now, at most a few hundred packets, and returns how many that were; then
 * sleep until *wake, which may be past. Negative: SEND_ERR_READ, with the sentence in *err, which
 * does not pass (but send_finish is still done); or the sink's error, which may: nothing is lost,
 * call again later. */
int send_step(struct send *s, struct mono *wake, struct err *err);

/* ---- the control thread; all of these return at once ---- */

/* Begins with the body and window 0; nothing when it runs. */
void send_start(struct send *s);
void send_suspend(struct send *s);
/* Suspends, and says on the wire that the session ends. The last thing to ask for; send_finished
 * tells when it is done. */
void send_finish(struct send *s);
bool send_finished(const struct send *s);
void send_set_rate(struct send *s, uint64_t rate);
/* As carousel_want_body and carousel_report. */
void send_want_body(struct send *s, bool joined);
void send_report(struct send *s, const struct steer_report *r);

struct send_stats {
    uint64_t packets;     /* all */
    uint64_t bytes;       /* of them on the wire, preamble and gap included */
    uint64_t body;        /* packets of the body (TOI 0) */
    uint64_t repair;      /* repair packets of the stream */
    uint64_t computed;    /* of these, not stored but made here */
    uint64_t stalls;      /* times the wire waited for disk or encoder */
    uint64_t stall_ns;    /* and how long in all */
    uint64_t full;        /* times the sink had no room */
    uint64_t rate;        /* set, wire bytes a second */
    uint32_t pass;        /* passes begun */
    uint32_t window, sbn; /* being sent */
    uint16_t row, rows;   /* of that window */
    uint8_t lg_t;         /* of this visit */
    uint8_t lg_t_max;     /* the largest the memory allows */
    bool running;
};

/* From any thread; each figure is exact, together they may be of neighbouring moments. */
void send_stats(const struct send *s, struct send_stats *out);

#endif
