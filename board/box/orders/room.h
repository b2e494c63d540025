/* Orders for the room, from wherever they come (page, API, keys of the box, ringcast.conf): one
 * struct in, a code and a sentence out. On the control thread. What reads files or signs is a job
 * (board/core/job.h); machines.csv alone is read here, once, before the box serves.
 *
 *   order ──> room_order ──> plan, machines, expected, wol ──> journal
 *                                └──> session server: streams held or let go, machines taken
 *
 * The list of expected machines is in the journal twice over: a new one is written beside the old
 * one, then one record says that it counts, so a power cut leaves one of the two whole.
 * machines.csv beside ringcast.conf is read at start and takes the list's place when it is another
 * file than the one read last: what was changed by an order meanwhile is not undone. */
#ifndef BOARD_BOX_ORDERS_ROOM_H
#define BOARD_BOX_ORDERS_ROOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "board/box/config/box_config.h"
#include "board/box/orders/disks.h"
#include "board/box/orders/machines.h"
#include "board/box/schedule/expected.h"
#include "board/box/schedule/plan.h"
#include "board/core/job.h"
#include "board/box/store/hold.h"
#include "board/core/serve.h"

#define ROOM_TEXT PLAN_SENTENCE

enum room_order_kind {
    ROOM_CREATE,   /* wish -> session's number */
    ROOM_START,    /* session: at once, whatever its rule */
    ROOM_STOP,     /* session: for good; machines in the middle of it are told, and end */
    ROOM_SUSPEND,  /* session */
    ROOM_RESUME,   /* session */
    ROOM_ARM,      /* mac: imaged again at its next boot */
    ROOM_IDENTIFY, /* mac, on: its screen flashes */
    ROOM_WAKE,     /* macs, n_macs */
    ROOM_WAKE_EXPECTED,
    /* text, n: the list of expected machines as CSV (expected.h) takes the place of the present one
     */
    ROOM_EXPECTED,
};

struct room_order {
    enum room_order_kind kind;
    uint32_t session;
    struct plan_wish wish;
    uint8_t mac[6];
    bool on;
    const uint8_t (*macs)[6]; /* lent for the call, as is text */
    unsigned n_macs;
    const char *text;
    size_t n;
};

struct room_answer {
    int code;             /* 0, or negative: errors.h, plan_errors.h */
    uint32_t session;     /* of ROOM_CREATE */
    unsigned n;           /* machines woken or listed */
    char text[ROOM_TEXT]; /* a sentence: what was done, or why not */
};

struct room;

/* Returns the answer's code. */
int room_order(struct room *, const struct room_order *, struct room_answer *);

/* ---- for those who show it ---- */

struct plan *room_plan(struct room *);
/* The image of machines for which none is named; "": the box has none. */
const char *room_image(const struct room *);
const struct expected *room_expected(const struct room *);
struct plan_time room_now(const struct room *);
/* What the plan is about to do or does, for who stands before the box. */
const char *room_sentence(const struct room *, char buf[PLAN_SENTENCE]);
/* Whether the box remembers as many machines as it can: then unknown ones are not imaged. */
bool room_is_full(const struct room *);
/* Whether the machine's screen is to flash. */
bool room_identifies(const struct room *, const uint8_t mac[6]);

/* Somebody at that address has read the page or ordered something: his computer is not imaged by a
 * session for all machines. */
void room_visitor(struct room *, uint32_t address);
void room_visitor_mac(struct room *, const uint8_t mac[6]);
/* Tells the machines that have passed in the sessions that run, and in the last one if it is over,
 * as the table remembers them; also those that were armed since. */
void room_recall(struct room *, void (*passed)(void *ctx, const uint8_t mac[6], uint32_t session),
                 void *ctx);
/* Why a session leaves out a machine that boots, for a tile of it; NULL: none does, or no session
 * is there. */
const char *room_left_out(struct room *, const uint8_t mac[6]);
/* A machine boots. If a session leaves it out, that is kept until the session ends, and told again.
 */
void room_boots(struct room *, const uint8_t mac[6]);
void room_recall_left(struct room *, void (*tell)(void *ctx, const uint8_t mac[6], const char *why),
                      void *ctx);

/* ---- for the box ---- */

struct room_needs {
    const struct box_config *config;
    /* beside it machines.csv and the folder "personal" may lie; NULL: nowhere */
    const char *config_path;
    const struct sign_key *key;
    struct machines *machines;
    const struct hold *hold; /* NULL: never */
    struct serve *serve;
    struct disks *disks; /* NULL: nothing is remembered of disks */
    /* Keeps a value under a key of one kind (journal.h). False: the disk does not take it. */
    bool (*store)(void *ctx, uint8_t kind, const uint8_t *key, size_t nkey, const uint8_t *value,
                  size_t nvalue);
    /* May be NULL: the first image that is given out. As library_first (library.h). */
    const char *(*first)(void *ctx);
    /* May be NULL. As library_withheld (library.h). */
    int (*withheld)(void *ctx, const char *image, char *to, size_t cap);
    void *ctx;
};

/* Takes its memory (4 MB); NULL: there is none. Before the box gives up its rights. */
struct room *room_make(const struct room_needs *);
/* A value of an earlier run, of any kind that nobody else has: TOLD_NEWER where it is not of this
 * room either. */
enum told room_restore(struct room *, uint8_t kind, const uint8_t *key, size_t nkey,
                       const uint8_t *value, size_t nvalue);
/* Everything remembered has been told, the machines' too: reads machines.csv. Keeps `jobs`, which
 * end before room_close. */
void room_open(struct room *, struct ip_stack *, struct jobs *);
/* After each step of the stack. */
void room_step(struct room *, struct mono now);
/* For serve's `prepare`: an image that comes waits for its session. */
void room_prepare(struct room *, struct session_image *);
/* For the library: PLAN_EBUSY and a sentence while an active session gives out the image, else 0.
 */
int room_uses(struct room *, const char *image, struct err *);
/* What a machine that passes now has got from that stream. */
struct machine_got room_got(struct room *, unsigned image);
/* For serve's hooks. room_own: SESSION_EWAIT while the answer is being made. */
void room_event(struct room *, const struct session_event *);
int room_choose(struct room *, const struct session_hello *, unsigned *image, char *why);
int room_own(struct room *, const struct session_ask *, struct session_own *, char *why);
/* Whether it is to be imaged when it boots: an armed session takes it. Without a session no machine
 * is. */
bool room_wants_imaging(struct room *, const uint8_t mac[6]);
/* Safe on NULL. */
void room_close(struct room *);

#endif
