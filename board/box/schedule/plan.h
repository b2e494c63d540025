/* The plan: which image goes to which machines, from when to when. A session of the plan is one
 * image's stream between a start and an end; several images have their sessions at once, one image
 * has one at a time. Pure: time is an argument, memory the caller's; what changes is told to
 * callbacks, which journal it and hold or let go the stream.
 *
 *   wish ──> waiting ──rule met, or `start`──> running <──suspend, resume──> suspended
 *               └──────────── stop, arming over ──┴──> stopped              running ──> done
 *
 * What is stopped or done does not come back: machines that were in the middle of it are told that
 * it was stopped, end as FAIL with a disk that looks empty, and join the next session of theirs as
 * machines do that have just booted. Those that had all of it finish. A suspended session keeps its
 * machines where they are.
 *
 * A session for all machines ends by itself when for `idle_min` minutes no machine has needed it:
 * nobody who netboots days later is erased by a session that was forgotten. The time counts anew
 * after a restart of the core; that the box was off for longer ends it, where the clock tells.
 *
 * No session means that no machine is erased: only an armed session takes machines that boot from
 * the network.
 *
 * Start rules: now; when N machines are ready (they wait in the session and send beacons); at HH:MM
 * of the box's clock, the next time it shows that, or so many seconds after the order, which
 * whoever gives it reckoned from a clock of his own (at_min is what that one will show then, for
 * people; the box's may be wrong); M minutes after the last machine has joined. The clock may be
 * wrong or be set meanwhile: a jump of it finds the next HH:MM anew, and the sentence says what the
 * clock shows. The other rules and the arming count on a clock that cannot be set; it goes on over
 * a restart of the core. How long the box was switched off only its clock can tell: a start in so
 * many seconds that it cannot tell, or that went by more than an hour ago, is stopped and says so.
 *
 * Arming: a session takes newcomers for `arm_min` minutes. Then a waiting one is stopped, a running
 * one finishes those it has. What was left of it when the box restarts is reckoned from the box's
 * clock; one that went back meanwhile ends it, because the safe side is not to erase. */
#ifndef BOARD_BOX_SCHEDULE_PLAN_H
#define BOARD_BOX_SCHEDULE_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "board/box/store/told.h"
#include "board/errors/schedule.h"
#include "net/session/proto.h"
#include "net/wire/err.h"
#include "net/wire/mono.h"

#define PLAN_SESSIONS_MAX 16 /* those that are over make room for new ones */
#define PLAN_READY_MAX 4096
#define PLAN_QUIET_MAX (24 * 60)    /* minutes */
#define PLAN_IN_MAX (7u * 86400)    /* seconds */
#define PLAN_ARM_MAX (30 * 24 * 60) /* minutes */
#define PLAN_IDLE_MIN 240           /* minutes, unless said */
#define PLAN_IDLE_MAX (7 * 24 * 60)
#define PLAN_VALUE_MAX 192 /* bytes of a session in the journal */
#define PLAN_KEY_BYTES 4
#define PLAN_SENTENCE 512

enum plan_start { PLAN_NOW, PLAN_READY, PLAN_AT, PLAN_QUIET, PLAN_STARTS };
enum plan_targets { PLAN_ALL, PLAN_EXPECTED, PLAN_NAMED, PLAN_TARGETS };
enum plan_state {
    PLAN_WAITING = 1,
    PLAN_RUNNING,
    PLAN_SUSPENDED,
    PLAN_STOPPED,
    PLAN_DONE,
    PLAN_STATES
};
enum plan_end {
    PLAN_END_NONE,
    PLAN_END_ORDER,
    PLAN_END_EXPIRED,
    PLAN_END_COMPLETE,
    PLAN_END_MISSED,
    PLAN_END_IDLE,
    PLAN_ENDS
};

struct plan_wish {
    char image[SESSION_NAME_MAX + 1];
    /* all machines that boot, those of the list, or those whose line of it names this image */
    enum plan_targets targets;
    bool include; /* also machines that have this image already */
    enum plan_start start;
    uint16_t ready;  /* with PLAN_READY: 1 .. PLAN_READY_MAX machines */
    uint16_t at_min; /* with PLAN_AT: minute of the day, 0 .. 1439 */
    /* with PLAN_AT: so many seconds after the order, at most PLAN_IN_MAX; 0: by the box's clock */
    uint32_t in_s;
    uint16_t quiet_min; /* with PLAN_QUIET: 1 .. PLAN_QUIET_MAX */
    uint32_t arm_min;   /* 0: does not expire; at most PLAN_ARM_MAX */
    /* with PLAN_ALL: it ends after so long without a machine that needs it; 0: PLAN_IDLE_MIN */
    uint16_t idle_min;
    uint64_t rate; /* bytes per second on the wire; 0: auto */
};

/* What the session server knows about an image's receivers. */
struct plan_facts {
    unsigned ready;   /* machines that are there and need the stream */
    unsigned needing; /* receivers that need it */
    /* of the list: machines this session is for, and those of them that it has still to image */
    unsigned listed, left;
    unsigned passed; /* of the list: machines that have passed in this session */
    /* machines that passed before it with this image; a session of ringcast.conf: with any image */
    unsigned have;
    struct mono joined; /* when the last one joined; ns 0: nobody yet */
};

struct plan_time {
    struct mono mono;
    uint64_t unix_s;  /* the box's clock */
    int32_t offset_s; /* local time is that much ahead of it */
};

struct plan_session {
    uint32_t id; /* from 1; 0: a free place */
    struct plan_wish wish;
    enum plan_state state;
    enum plan_end end; /* why it is over */
    bool of_config;    /* ringcast.conf made it, not a person */
    uint64_t boot;     /* in which run of the kernel, any number that tells them apart */
    uint64_t made, started, ended; /* by the box's clock; 0: not yet */
    uint64_t due;                  /* with PLAN_AT: when, by the box's clock */
    struct mono start;             /* with in_s: the same by the clock that cannot be set */
    /* nobody knows how long the box was off, or for too long: it is not started */
    bool missed;
    struct mono began;    /* when it was made; ns 0: by an earlier run of the core */
    uint64_t armed_until; /* by the box's clock; 0: does not expire */
    struct mono disarm;   /* the same by the clock that cannot be set; ns 0: does not expire */
    /* when a machine last needed it, within ten minutes, by the box's clock; 0: never */
    uint64_t busy;
    struct mono idle;        /* since when none has; ns 0: the next step says */
    struct plan_facts facts; /* of the last step */
};

struct plan {
    struct plan_session session[PLAN_SESSIONS_MAX];
    uint32_t last_id;
    uint64_t boot;         /* of this run of the kernel; set by the caller after plan_init */
    struct plan_time last; /* of the last step */
    bool quiet;            /* while `changed` is called: nothing that a person wants to read */
    /* The session is new or has changed: its stream is to be held or let go. n 0: it is forgotten.
     * `value` for the journal. */
    void (*changed)(void *ctx, const struct plan_session *, const uint8_t *value, size_t n);
    void *ctx;
};

/* Zeroes; `changed` may be NULL. */
void plan_init(struct plan *,
               void (*changed)(void *, const struct plan_session *, const uint8_t *, size_t),
               void *ctx);
/* A stored value of an earlier run. */
enum told plan_restore(struct plan *, const uint8_t *key, size_t nkey, const uint8_t *value,
                       size_t nvalue, const struct plan_time *now);

/* The session of that number, or the active one of an image (waiting, running or suspended); NULL:
 * none. */
struct plan_session *plan_find(struct plan *, uint32_t id);
struct plan_session *plan_of_image(struct plan *, const char *image);
bool plan_is_active(const struct plan_session *);
/* Whether it takes newcomers. */
bool plan_is_armed(const struct plan_session *, const struct plan_time *now);
/* The session that takes this machine; NULL: none. `listed`: it is on the list, which names `image`
 * ("": none) for it; `preferred` is the image of those for whom nothing is named. */
struct plan_session *plan_for(struct plan *, bool listed, const char *image, const char *preferred,
                              const struct plan_time *now);

/* ---- orders: 0, or a negative code and a sentence; then nothing has changed ---- */

int plan_create(struct plan *, const struct plan_wish *, bool of_config,
                const struct plan_time *now, uint32_t *id, struct err *);
int plan_start(struct plan *, uint32_t id, const struct plan_time *now, struct err *);
int plan_stop(struct plan *, uint32_t id, const struct plan_time *now, struct err *);
int plan_suspend(struct plan *, uint32_t id, const struct plan_time *now, struct err *);
int plan_resume(struct plan *, uint32_t id, const struct plan_time *now, struct err *);
/* Whether two say the same. */
bool plan_same(const struct plan_wish *, const struct plan_wish *);
/* "all" | "expected" | "named"; PLAN_TARGETS: none of them. */
enum plan_targets plan_targets_parse(const char *word);
const char *plan_targets_word(enum plan_targets);
/* "now" | "ready" | "at" | "quiet"; PLAN_STARTS: none of them. */
enum plan_start plan_start_parse(const char *word);
const char *plan_start_word(enum plan_start);
const char *plan_state_word(enum plan_state);
/* "22:00" -> minutes of the day; -1. */
int plan_clock_parse(const char *text);

/* ---- time: about once a second ---- */

/* `look` fills what is known about the image of an active session. */
void plan_step(struct plan *, const struct plan_time *now,
               void (*look)(void *, const struct plan_session *, struct plan_facts *), void *ctx);
/* One plain sentence: what the session waits for, or what it does to which machines. */
const char *plan_sentence(const struct plan_session *, const struct plan_time *now,
                          char buf[PLAN_SENTENCE]);
/* False when the clock shows a time before this program was made: nobody has set it. */
bool plan_clock_is_set(const struct plan_time *now);

#endif
