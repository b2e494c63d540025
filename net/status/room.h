/* What is known of a prep room at one moment, row by row: its machines, its sessions, its box. The
 * table itself is snapshot.h. */
#ifndef NET_STATUS_ROOM_H
#define NET_STATUS_ROOM_H

#include "net/session/server.h"

#define ROOM_MACHINES_MAX 2048
/* of them, that only booted or said hello: what costs a stranger nothing must not fill the table */
#define ROOM_INVENTED_MAX 1024
#define ROOM_SESSIONS_MAX 32
#define ROOM_GONE_MAX 256 /* a refresh */
#define ROOM_NAME_MAX 63  /* name: a host name's label, or what a list says */
#define ROOM_LABEL_MAX 32 /* asset tag, position */
#define ROOM_SERIAL_MAX SESSION_INFO_MAX
#define ROOM_CAUSE_MAX 191
#define ROOM_SENTENCE_MAX 255

/* X(NAME, word of the API) in the order in which a machine goes through them. */
#define ROOM_STATES(X)                                                                             \
    X(BOOTING, "booting") /* asks the boot servers, has not joined a session */                    \
    X(JOINED, "joined")   /* said hello */                                                         \
    X(MANIFEST, "manifest")                                                                        \
    X(RECEIVING, "receiving")                                                                      \
    X(VERIFYING, "verifying")                                                                      \
    X(PASS, "pass")                                                                                \
    X(FAIL, "fail")                                                                                \
    X(LEFT, "left") /* stopped by a person at the machine */                                       \
    X(LOST, "lost") /* silent for too long */

#define X(name, word) ROOM_##name,
enum room_state { ROOM_STATES(X) ROOM_STATE_COUNT };
#undef X
const char *room_state_word(enum room_state);

/* What keeps a machine from being quicker, or what ended it; the sentence is in `cause`. */
enum room_culprit {
    ROOM_NOBODY,
    ROOM_CABLE, /* the link is slower than the stream */
    ROOM_DISK,
    ROOM_NETWORK, /* packets lost on the way */
    ROOM_MACHINE, /* packets lost in its own ring: processor or memory */
    ROOM_SILENCE,
    ROOM_ERROR /* it failed: `error` */
};

/* Fields, as bits of `fresh`: X(NAME, name in the API). */
#define ROOM_FIELDS(X)                                                                             \
    X(NUMBER, "number")                                                                            \
    X(NAME, "name")                                                                                \
    X(ASSET, "asset")                                                                              \
    X(POSITION, "position")                                                                        \
    X(SERIAL, "serial")                                                                            \
    X(ADDRESS, "address")                                                                          \
    X(SESSION, "session")                                                                          \
    X(STATE, "state")                                                                              \
    X(PERCENT, "percent")                                                                          \
    X(RATE, "rate_bits_s")                                                                         \
    X(LOSS, "loss_ppm")                                                                            \
    X(DROPPED, "dropped_ppm")                                                                      \
    X(DISK_RATE, "disk_bytes_s")                                                                   \
    X(LINK, "link_mbps")                                                                           \
    X(ETA, "eta_s")                                                                                \
    X(CAUSE, "cause")                                                                              \
    X(DISK, "disk")                                                                                \
    X(DISK_SERIAL, "disk_serial")                                                                  \
    X(IDENTIFY, "identify")

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
    bool again;  /* recalled, in this refresh */
    bool proven; /* a beacon of it came: somebody holds the session's key */
    enum room_culprit culprit;
    char cause[ROOM_CAUSE_MAX + 1]; /* cause.h; "" */
    char name[ROOM_NAME_MAX + 1], asset[ROOM_LABEL_MAX + 1], position[ROOM_LABEL_MAX + 1];
    char serial[ROOM_SERIAL_MAX + 1], disk[ROOM_SERIAL_MAX + 1], disk_serial[ROOM_SERIAL_MAX + 1];
    struct mono heard; /* last sign of life */
    uint32_t fresh;    /* 1 << enum room_field: changed in the last refresh */
    /* snapshot.c's own */
    uint32_t pending, base_heard;
    struct mono joined, booted, base_at, done_at;
    uint16_t base_done;
    double pace; /* hundredths of a per cent a second, smoothed */
};

enum room_session_state {
    ROOM_SESSION_WAITING,
    ROOM_SESSION_RUNNING,
    ROOM_SESSION_SUSPENDED,
    ROOM_SESSION_STOPPED,
    ROOM_SESSION_DONE
};
enum room_start { ROOM_START_NOW, ROOM_START_READY, ROOM_START_AT, ROOM_START_QUIET };

struct room_session {
    uint32_t id;  /* not 0 */
    bool planned; /* somebody ordered it, and can stop it; else it is what the box does by itself */
    char image[SESSION_NAME_MAX + 1], version[ROOM_LABEL_MAX + 1];
    enum room_session_state state;
    enum room_start rule;
    uint32_t ready_n;                     /* ROOM_START_READY */
    uint32_t at_minute;                   /* ROOM_START_AT: of the day, 0 .. 1439 */
    uint32_t quiet_minutes;               /* ROOM_START_QUIET: after the last join */
    char sentence[ROOM_SENTENCE_MAX + 1]; /* what it does or waits for, for a person */
    uint64_t rate;                        /* bits per second on the wire; 0: suspended */
    bool rate_fixed;
    char rate_reason[ROOM_LABEL_MAX * 3];
    uint32_t repair_ppm;
    uint64_t started, armed_until; /* seconds since 1970; 0: not, for ever */
    /* counted by snapshot_end; of a session that is over it stays what it was when its machines
     * leave the board */
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
    uint64_t refused;                     /* datagrams and messages that were not ours */
};

struct room_totals {
    uint32_t machines; /* rows; the next six add up to it */
    uint32_t waiting, imaging, verifying, passed, failed, lost;
    uint32_t expected, never_came; /* of the list */
};

#endif
