/* The server's side of sessions as pure steps: which receivers have joined, live, need the stream.
 *
 *   TCP message ──> session_server_message ──> the reply
 *   beacon ───────> session_server_datagram ─> its ack, the receiver's row brought up to date
 *   time ─────────> session_server_tick ─────> silent receivers are gone, streams start and suspend
 *   stream ───────> session_image_loop, session_image_at
 *
 * One server offers several images; each is a session of its own (TSI, group, key, receivers).
 * Memory is the caller's, time an argument, everything bounded. What happened is told to one
 * callback, for logs and reports.
 *
 * Loop Suspend, after Apple's asr: a stream starts when the first receiver joins, then loops; after
 * `loop_suspend` whole loops in which nobody needed it, it is suspended until somebody does.
 * SESSION_SUSPEND_NEVER is asr's 0; SESSION_SUSPEND_AUTO suspends as soon as nobody needs it.
 *
 * A stream may be stopped for good: whoever still needs it is told so in acks and ends; who joins
 * later is in another session of the same stream, and not concerned. A receiver of which the server
 * has no info is only held: it may know nothing of the word.
 *
 * A stream may be held: receivers are let in, send beacons and hear that it is suspended (rate 0 in
 * acks), until it is let go. A stream that is held and stopped has no session: then it is sent for
 * those alone whom persons ordered at their machines. `choose` decides which image a machine gets,
 * or none. */
#ifndef NET_SESSION_SERVER_H
#define NET_SESSION_SERVER_H

#include "net/session/codec.h"
#include "net/session/rate.h"
#include "net/session/ration.h"
#include "net/wire/mono.h"

#define SESSION_RECEIVERS_MAX 4096
#define SESSION_IMAGES_MAX SESSION_LIST_MAX
#define SESSION_SUSPEND_NEVER 0
#define SESSION_SUSPEND_AUTO UINT32_MAX
/* Silent for more than three beacon intervals, and for at least this long: gone. */
#define SESSION_SILENT_NS (15 * MONO_S)

/* One receiver's row. */
struct session_receiver {
    uint8_t id[SESSION_ID_BYTES], mac[6];
    uint32_t address; /* of its last beacon or hello */
    uint32_t counter; /* of its last beacon */
    uint8_t revision; /* of its info; 0: it has told none */
    struct mono joined, heard;
    struct session_facts facts; /* of the last beacon; state SESSION_JOINED before the first */
    bool used;
    bool gone;   /* silent for too long */
    bool person; /* a person ordered it at the machine */
    /* such a one, let in while no session gave out the image: no session's hold or end concerns it
     */
    bool alone;
    /* the session it was in is over: it is told so, and does not count among those who need the
     * stream */
    bool stopped;
    /* missed between its last two beacons that were far enough apart: what the rate follows */
    uint32_t recent_ppm;
    uint32_t loss_ppm, drop_ppm; /* of these: lost on the way; lost by its own ring */
    uint32_t base_heard, base_missed, base_drops; /* its counts at the first of these */
    uint32_t next;                                /* row with the same hash, private */
};

enum session_happening {
    SESSION_CAME,    /* a new receiver: it is owed the image's body */
    SESSION_BODY,    /* a receiver says that it still lacks the body */
    SESSION_STATE,   /* a receiver's state changed */
    SESSION_GONE,    /* a receiver fell silent before it had finished */
    SESSION_BACK,    /* one that was gone is heard again */
    SESSION_START,   /* the stream is needed, for the first time */
    SESSION_RESUME,  /* the stream is needed again */
    SESSION_SUSPEND, /* nobody needs the stream */
    SESSION_TOLD     /* a receiver says what it is: `info` */
};

struct session_event {
    enum session_happening what;
    unsigned image;                          /* index */
    const struct session_receiver *receiver; /* NULL for the stream's own; lent for the call */
    enum session_state before;               /* with SESSION_STATE */
    const struct session_info *info;         /* with SESSION_TOLD; lent for the call */
};

struct session_tally {
    uint32_t passed, failed;
    uint32_t lost;       /* gone or left before they had finished */
    uint32_t unfinished; /* still at it */
};

struct session_image {
    /* set by the caller before session_server_add, then read-only */
    struct session_welcome welcome; /* rate, beacon_ms and sbn are kept up to date here */
    char name[SESSION_NAME_MAX + 1];
    uint64_t raw_bytes;
    uint32_t loop_suspend;
    struct session_receiver *rows; /* kept, caller's: n_rows of them, zeroed */
    uint32_t n_rows;               /* 1 .. SESSION_RECEIVERS_MAX */
    /* kept by the server */
    uint32_t used, live, needing; /* rows */
    bool ever, running;
    bool leaving; /* session_image_leave */
    /* by session_server_hold: nothing is sent, but to those who are alone while it is stopped */
    bool held;
    bool stopped;        /* by session_server_stop: nobody who is in it now gets to the end */
    bool wanted_in_loop; /* somebody needed the stream since the loop began */
    uint32_t idle_loops;
    struct session_tally evicted; /* of rows given to newcomers for lack of room */
    uint32_t buckets[SESSION_RECEIVERS_MAX / 4];
};

struct session_server {
    /* kept, caller's; an empty place has an image without a name */
    struct session_image *images[SESSION_IMAGES_MAX];
    unsigned n; /* places, empty ones among them: the index of an image never changes */
    /* set by the caller: 1 + index of the image for those who name none; 0: they get the list */
    unsigned preferred;
    bool closing; /* set by the caller: hellos are refused, acks say so */
    /* Set by the caller; may be NULL. Which image this hello is for: 0, and *image as found here
     * (n: none), may be changed; or not 0, and `why` (SESSION_SENTENCE_MAX + 1 bytes) is the
     * sentence of a refusal. */
    int (*choose)(void *ctx, const struct session_hello *, unsigned *image, char *why);
    /* Set by the caller; may be NULL. What is a machine's own (SPEC section 7): 0 and *own filled;
     * SESSION_EWAIT: it is being made, ask again; or another code and `why` as above. */
    int (*own)(void *ctx, const struct session_ask *, struct session_own *own, char *why);
    void (*tell)(void *ctx, const struct session_event *);          /* may be NULL */
    struct session_label (*label)(void *ctx, const uint8_t mac[6]); /* may be NULL */
    /* Set by the caller; NULL: always. Whether a power cut here would not make this machine's PASS
     * forgotten: only then it is acked. */
    bool (*kept)(void *ctx, unsigned image, const struct session_receiver *);
    void *ctx;
    struct session_ration asks; /* kept by the server */
    uint64_t refused; /* datagrams and messages dropped: not ours, forged, replayed, out of range */
};

/* Adds an image in the first empty place; its TSI and its name must be new. 0 or SESSION_EFULL. */
int session_server_add(struct session_server *, struct session_image *);
/* Where session_server_add puts the next one. */
unsigned session_server_place(const struct session_server *);
/* The image is on its way out: who asks for it is refused, acks say that the session ends, its
 * stream is not started again. */
void session_image_leave(struct session_server *, unsigned image);
/* Forgets it: its rows are the caller's again and what it holds becomes zeros, the memory of the
 * image itself stays with the server until the place is taken again or lies at the end. */
void session_server_remove(struct session_server *, unsigned image);
static inline bool session_image_there(const struct session_server *s, unsigned image)
{
    return image < s->n && s->images[image]->name[0];
}

/* A whole message of n bytes from `from`. True: `reply` is to be sent, whatever came. False: the
 * answer is being made, and is to be asked for with the same bytes by session_server_again, which
 * returns the same. */
bool session_server_message(struct session_server *, const uint8_t *bytes, size_t n, uint32_t from,
                            struct mono now, struct session_message *reply);
bool session_server_again(struct session_server *, const uint8_t *bytes, size_t n,
                          struct session_message *reply);
/* A beacon or an info from `from`. 1: `ack` is to be sent back; 0: taken, no ack; negative: dropped
 * and counted. */
int session_server_datagram(struct session_server *, const uint8_t *bytes, size_t n, uint32_t from,
                            struct mono now, uint8_t ack[SESSION_ACK_BYTES]);
/* Call about every 200 ms. */
void session_server_tick(struct session_server *, struct mono now);

/* Holds an image's stream, or lets it go. */
void session_server_hold(struct session_server *, unsigned image, bool held);

/* The session in which the image is given out is over (true), or there is one (false). Who is
 * stopped stays so. Also of receivers that a server that was started anew learns of by their
 * beacons. */
void session_server_stop(struct session_server *, unsigned image, bool stopped);

/* A whole loop of the image's stream has ended. */
void session_image_loop(struct session_server *, unsigned image);
/* Where the stream is and how fast it goes: handed on to receivers. */
void session_image_at(struct session_server *, unsigned image, uint32_t sbn, uint64_t rate);
/* Whether the stream is to run now. */
static inline bool session_image_running(const struct session_server *s, unsigned image)
{
    return s->images[image]->running;
}

/* What the rate and the repair are steered by: a sample of each live receiver that needs the stream
 * and has sent a beacon. Returns how many, at most `max`. */
unsigned session_image_samples(const struct session_server *, unsigned image,
                               struct rate_sample *out, unsigned max);

/* Machines (by MAC) that are there, have sent a beacon and need the stream; *joined: when the last
 * one of those that need it joined (ns 0: nobody). */
unsigned session_image_ready(const struct session_server *, unsigned image, struct mono *joined);
/* Whether any receiver that is there has something of the image on its disk, and not yet said how
 * it ended. */
bool session_image_has_begun(const struct session_image *);
/* Whether a machine is in the middle of the image. */
bool session_image_has(const struct session_server *, unsigned image, const uint8_t mac[6]);

/* How it ended. Of several runs of one machine (MAC) only the last counts. */
struct session_tally session_image_tally(const struct session_server *, unsigned image);
/* True when a later run of the same machine followed this row. */
bool session_image_superseded(const struct session_image *, const struct session_receiver *);

#endif
