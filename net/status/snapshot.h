/* Everything the box knows about its room at one moment, in one struct: what the page, the API, the screens, the report and the
 * metrics show. It is built from what the servers say and read by everybody else, who never reach into servers. Pure.
 *
 *   session server's rows ──> snapshot_receiver ─┐
 *   streams, plan ──────────> snapshot_session ──┤
 *   boot servers ───────────> snapshot_booting ──┼──> snapshot_end ──> json.h, metrics.h, report
 *   list of expected ones ──> snapshot_named ────┘
 *
 * One refresh is snapshot_begin, then any number of the calls above, then snapshot_end; snapshot_booting, _about and _identify may
 * come at any time between refreshes as well. What is read is consistent after snapshot_end. `seq` grows by one a refresh; each
 * row says in `fresh` which of its fields are others than one refresh before.
 *
 * A machine is its Ethernet address. Of several runs of one machine the last counts. Texts come from firmware, lists and
 * strangers: what enters is UTF-8 without control characters, cut at its field's end; quotes, '=', '<' and the like stay,
 * and whoever writes a format escapes for it. */
#ifndef NET_STATUS_SNAPSHOT_H
#define NET_STATUS_SNAPSHOT_H

#include "net/session/server.h"

#define ROOM_MACHINES_MAX 2048
/* of them, that only booted or said hello: what costs a stranger nothing must not fill the table */
#define ROOM_INVENTED_MAX 1024
#define ROOM_SESSIONS_MAX 32
#define ROOM_GONE_MAX 256     /* a refresh */
#define ROOM_NAME_MAX 63      /* name: a host name's label, or what a list says */
#define ROOM_LABEL_MAX 32     /* asset tag, position */
#define ROOM_SERIAL_MAX SESSION_INFO_MAX
#define ROOM_CAUSE_MAX 191
#define ROOM_SENTENCE_MAX 255

/* X(NAME, word of the API) in the order in which a machine goes through them. */
#define ROOM_STATES(X)                                                                             \
    X(BOOTING, "booting")     /* asks the boot servers, has not joined a session */                \
    X(JOINED, "joined")       /* said hello */                                                     \
    X(MANIFEST, "manifest")                                                                        \
    X(RECEIVING, "receiving")                                                                      \
    X(VERIFYING, "verifying")                                                                      \
    X(PASS, "pass")                                                                                \
    X(FAIL, "fail")                                                                                \
    X(LEFT, "left")           /* stopped by a person at the machine */                             \
    X(LOST, "lost")           /* silent for too long */

#define X(name, word) ROOM_##name,
enum room_state { ROOM_STATES(X) ROOM_STATE_COUNT };
#undef X
const char *room_state_word(enum room_state);

/* What keeps a machine from being quicker, or what ended it; the sentence is in `cause`. */
enum room_culprit {
    ROOM_NOBODY,
    ROOM_CABLE,   /* the link is slower than the stream */
    ROOM_DISK,
    ROOM_NETWORK, /* packets lost on the way */
    ROOM_MACHINE, /* packets lost in its own ring: processor or memory */
    ROOM_SILENCE,
    ROOM_ERROR    /* it failed: `error` */
};

/* Fields, as bits of `fresh`: X(NAME, name in the API). */
#define ROOM_FIELDS(X)                                                                             \
    X(NUMBER, "number") X(NAME, "name") X(ASSET, "asset") X(POSITION, "position") X(SERIAL, "serial") \
    X(ADDRESS, "address") X(SESSION, "session") X(STATE, "state") X(PERCENT, "percent")            \
    X(RATE, "rate_bits_s") X(LOSS, "loss_ppm") X(DROPPED, "dropped_ppm") X(DISK_RATE, "disk_bytes_s") X(LINK, "link_mbps")   \
    X(ETA, "eta_s") X(CAUSE, "cause") X(DISK, "disk") X(DISK_SERIAL, "disk_serial") X(IDENTIFY, "identify")

#define X(name, word) ROOM_BIT_##name,
enum room_field { ROOM_FIELDS(X) ROOM_FIELD_COUNT };
#undef X

struct room_machine {
    uint8_t mac[6];
    /* 1 and up in the order in which machines appeared; its own while the row exists */
    uint16_t number;
    enum room_state state;
    uint32_t session;   /* id; 0: none */
    uint32_t address;   /* IPv4, host order; 0: not known */
    uint16_t done;      /* hundredths of a per cent */
    uint64_t rate;      /* of the stream as it hears it: bits per second on the wire */
    uint32_t loss_ppm;  /* lost on the way lately */
    uint32_t drop_ppm;  /* lost by its own ring lately */
    uint64_t disk_rate; /* bytes per second written */
    uint32_t link_mbps; /* 0: not known */
    int32_t eta_s;      /* -1: not known */
    int32_t error;      /* with ROOM_FAIL: the negative code */
    uint64_t wanted;    /* stream its disk could take, bits per second; 0: no wish */
    bool disk_limited, machine_limited, identify;
    /* the box remembers or leaves it out: no receiver of this run of the core stands behind it */
    bool recalled;
    bool again;         /* recalled, in this refresh */
    bool proven;        /* a beacon of it came: somebody holds the session's key */
    enum room_culprit culprit;
    char cause[ROOM_CAUSE_MAX + 1]; /* cause.h; "" */
    char name[ROOM_NAME_MAX + 1], asset[ROOM_LABEL_MAX + 1], position[ROOM_LABEL_MAX + 1];
    char serial[ROOM_SERIAL_MAX + 1], disk[ROOM_SERIAL_MAX + 1], disk_serial[ROOM_SERIAL_MAX + 1];
    struct mono heard;  /* last sign of life */
    uint32_t fresh;     /* 1 << enum room_field: changed in the last refresh */
    /* snapshot.c's own */
    uint32_t pending, base_heard;
    struct mono joined, booted, base_at, done_at;
    uint16_t base_done;
    double pace; /* hundredths of a per cent a second, smoothed */
};

enum room_session_state { ROOM_SESSION_WAITING, ROOM_SESSION_RUNNING, ROOM_SESSION_SUSPENDED, ROOM_SESSION_STOPPED, ROOM_SESSION_DONE };
enum room_start { ROOM_START_NOW, ROOM_START_READY, ROOM_START_AT, ROOM_START_QUIET };

struct room_session {
    uint32_t id; /* not 0 */
    bool planned; /* somebody ordered it, and can stop it; else it is what the box does by itself */
    char image[SESSION_NAME_MAX + 1], version[ROOM_LABEL_MAX + 1];
    enum room_session_state state;
    enum room_start rule;
    uint32_t ready_n;       /* ROOM_START_READY */
    uint32_t at_minute;     /* ROOM_START_AT: of the day, 0 .. 1439 */
    uint32_t quiet_minutes; /* ROOM_START_QUIET: after the last join */
    char sentence[ROOM_SENTENCE_MAX + 1]; /* what it does or waits for, for a person */
    uint64_t rate;          /* bits per second on the wire; 0: suspended */
    bool rate_fixed;
    char rate_reason[ROOM_LABEL_MAX * 3];
    uint32_t repair_ppm;
    uint64_t started, armed_until; /* seconds since 1970; 0: not, for ever */
    /* counted by snapshot_end; of a session that is over it stays what it was when its machines leave the board */
    uint32_t machines, passed, failed;
    int32_t eta_s; /* of the slowest that is still at it; -1: not known */
    bool fresh;
};

enum room_guard { ROOM_GUARD_SERVING, ROOM_GUARD_LISTENING, ROOM_GUARD_SILENT };

struct room_box {
    /* of the TLS certificate, SHA-256; "" */
    char name[ROOM_NAME_MAX + 1], version[ROOM_LABEL_MAX + 1], fingerprint[96];
    uint32_t address;
    uint64_t unix_s, uptime_s, data_free_bytes;
    enum room_guard guard;
    char guard_text[ROOM_SENTENCE_MAX + 1];
    char hold[2 * ROOM_SENTENCE_MAX + 1]; /* why it offers nothing that erases; "" */
    uint64_t refused; /* datagrams and messages that were not ours */
};

struct room_totals {
    uint32_t machines; /* rows; the next six add up to it */
    uint32_t waiting, imaging, verifying, passed, failed, lost;
    uint32_t expected, never_came; /* of the list */
};

struct room_snapshot {
    uint64_t seq;
    struct mono now;
    struct room_box box;
    struct room_totals totals;
    unsigned n_sessions, n_machines;
    struct room_session session[ROOM_SESSIONS_MAX];
    struct room_machine machine[ROOM_MACHINES_MAX]; /* dense, in no order */
    bool lost_session; /* one of the refresh before is not there any more */
    unsigned n_gone; /* rows that went in the last refresh and are not there again */
    uint8_t gone[ROOM_GONE_MAX][6];
    uint64_t unseen; /* machines the table had no room for */
    /* snapshot.c's own */
    unsigned n_told, n_invented, n_leaving;
    uint32_t told[ROOM_SESSIONS_MAX]; /* ids of the last refresh */
    uint8_t leaving[ROOM_GONE_MAX][6];
    uint16_t last_number;
    uint16_t index[2 * ROOM_MACHINES_MAX]; /* open addressing by MAC: 1 + row */
};

/* Large (about 2 MB): taken once. */
void snapshot_init(struct room_snapshot *);

void snapshot_begin(struct room_snapshot *, const struct room_box *, struct mono now);
/* A session as it is now. Those not told in a refresh are no more. */
void snapshot_session(struct room_snapshot *, const struct room_session *);
/* A receiver's row of session `id`, whose stream goes at `rate` (bytes per second on the wire). `failure` is the sentence of its
 * error code; NULL: none is known. */
void snapshot_receiver(struct room_snapshot *, uint32_t id, uint64_t rate, const struct session_receiver *, const char *failure);
/* A machine of which no receiver is there: what it came to in session `id` before the core was started anew (why ""; of ROOM_FAIL the
 * sentence of its error code, NULL: none is known), or that the session leaves it out (ROOM_PASS, id 0) and why. It stays for as long as
 * every refresh tells it; the first one that tells it counts. */
struct room_recall {
    uint32_t id;
    enum room_state state; /* ROOM_PASS, ROOM_FAIL or ROOM_LOST */
    int32_t error;
    const char *why;
};
void snapshot_recalled(struct room_snapshot *, const uint8_t mac[6], const struct room_recall *);
/* What that receiver came to belongs to an earlier session: its machine leaves the board, unless it does something else by now. */
void snapshot_forget(struct room_snapshot *, const struct session_receiver *);
/* The list of expected machines: one of them; and its totals. */
void snapshot_named(struct room_snapshot *, const uint8_t mac[6], const char *name, const char *asset, const char *position);
void snapshot_expected(struct room_snapshot *, uint32_t expected, uint32_t never_came);
void snapshot_end(struct room_snapshot *);

/* A boot server gives it what it boots from. */
void snapshot_booting(struct room_snapshot *, const uint8_t mac[6], uint32_t address, struct mono now);
/* What it says of itself (net/session/SPEC.md section 5). */
void snapshot_about(struct room_snapshot *, const uint8_t mac[6], const struct session_info *);
/* "Find me". False when there is no such machine. */
bool snapshot_identify(struct room_snapshot *, const uint8_t mac[6], bool on);

/* NULL when it is not there. */
const struct room_machine *snapshot_find(const struct room_snapshot *, const uint8_t mac[6]);

#endif
