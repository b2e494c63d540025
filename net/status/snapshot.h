/* Everything the box knows about its room at one moment, in one struct: what the page, the API, the
 * screens, the report and the metrics show. It is built from what the servers say and read by
 * everybody else, who never reach into servers. Pure.
 *
 *   session server's rows ──> snapshot_receiver ─┐
 *   streams, plan ──────────> snapshot_session ──┤
 *   boot servers ───────────> snapshot_booting ──┼──> snapshot_end ──> json.h, metrics.h, report
 *   list of expected ones ──> snapshot_named ────┘
 *
 * One refresh is snapshot_begin, then any number of the calls above, then snapshot_end;
 * snapshot_booting, _about and _identify may come at any time between refreshes as well. What is
 * read is consistent after snapshot_end. `seq` grows by one a refresh; each row says in `fresh`
 * which of its fields are others than one refresh before.
 *
 * A machine is its Ethernet address. Of several runs of one machine the last counts. Texts come
 * from firmware, lists and strangers: what enters is UTF-8 without control characters, cut at its
 * field's end; quotes, '=', '<' and the like stay, and whoever writes a format escapes for it. */
#ifndef NET_STATUS_SNAPSHOT_H
#define NET_STATUS_SNAPSHOT_H

#include "net/status/room.h"

struct room_snapshot {
    uint64_t seq;
    struct mono now;
    struct room_box box;
    struct room_totals totals;
    unsigned n_sessions, n_machines;
    struct room_session session[ROOM_SESSIONS_MAX];
    struct room_machine machine[ROOM_MACHINES_MAX]; /* dense, in no order */
    bool lost_session; /* one of the refresh before is not there any more */
    unsigned n_gone;   /* rows that went in the last refresh and are not there again */
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
/* A receiver's row of session `id`, whose stream goes at `rate` (bytes per second on the wire).
 * `failure` is the sentence of its error code; NULL: none is known. */
void snapshot_receiver(struct room_snapshot *, uint32_t id, uint64_t rate,
                       const struct session_receiver *, const char *failure);
/* A machine of which no receiver is there: what it came to in session `id` before the core was
 * started anew (why ""; of ROOM_FAIL the sentence of its error code, NULL: none is known), or that
 * the session leaves it out (ROOM_PASS, id 0) and why. It stays for as long as every refresh tells
 * it; the first one that tells it counts. */
struct room_recall {
    uint32_t id;
    enum room_state state; /* ROOM_PASS, ROOM_FAIL or ROOM_LOST */
    int32_t error;
    const char *why;
};
void snapshot_recalled(struct room_snapshot *, const uint8_t mac[6], const struct room_recall *);
/* What that receiver came to belongs to an earlier session: its machine leaves the board, unless it
 * does something else by now. */
void snapshot_forget(struct room_snapshot *, const struct session_receiver *);
/* The list of expected machines: one of them; and its totals. */
void snapshot_named(struct room_snapshot *, const uint8_t mac[6], const char *name,
                    const char *asset, const char *position);
void snapshot_expected(struct room_snapshot *, uint32_t expected, uint32_t never_came);
void snapshot_end(struct room_snapshot *);

/* A boot server gives it what it boots from. */
void snapshot_booting(struct room_snapshot *, const uint8_t mac[6], uint32_t address,
                      struct mono now);
/* What it says of itself (net/session/SPEC.md section 5). */
void snapshot_about(struct room_snapshot *, const uint8_t mac[6], const struct session_info *);
/* "Find me". False when there is no such machine. */
bool snapshot_identify(struct room_snapshot *, const uint8_t mac[6], bool on);

/* NULL when it is not there. */
const struct room_machine *snapshot_find(const struct room_snapshot *, const uint8_t mac[6]);

#endif
