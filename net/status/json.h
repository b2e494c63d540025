/* The snapshot as the API gives it out: all of it, and what the last refresh changed. Pure.
 *
 *     {"seq":17,"box":{..},"totals":{..},"sessions":[..],"machines":[..]}
 *     status_json_whole
 *     {"seq":18,"box":{..},"totals":{..},"sessions":[..],"machines":[..],"gone":["52:54:.."]}
 *     status_json_change
 *
 * A change is to be laid over what was there: its sessions are whole, its machines carry "mac" and
 * "number" and besides only fields whose value is another; "gone" never names one that is there. A
 * session that is no more cannot be said that way: then (lost_session of the snapshot) all of it is
 * sent instead. Times are RFC 3339 in UTC; null stands for what is not known or does not apply.
 * Foreign texts are escaped by net/wire/json.h. */
#ifndef NET_STATUS_JSON_H
#define NET_STATUS_JSON_H

#include "net/status/snapshot.h"
#include "net/wire/json.h"

/* Enough for any snapshot: what enters it is free of control characters, so a byte of text becomes
 * two at most. */
#define STATUS_JSON_MACHINE_MAX 1344
#define STATUS_JSON_SESSION_MAX 2048
#define STATUS_JSON_MAX                                                                            \
    (8192 + ROOM_SESSIONS_MAX * STATUS_JSON_SESSION_MAX +                                          \
     (size_t)ROOM_MACHINES_MAX * STATUS_JSON_MACHINE_MAX + ROOM_GONE_MAX * 20)

/* Into buf of cap bytes; the length of the text, which ends with NUL; 0: it does not fit (never
 * with STATUS_JSON_MAX). */
size_t status_json_whole(const struct room_snapshot *, char *buf, size_t cap);
size_t status_json_change(const struct room_snapshot *, char *buf, size_t cap);

/* "sessions":[..] and one machine, for handlers that answer with these alone. */
void status_json_sessions(struct json *, const struct room_snapshot *);
void status_json_machine(struct json *, const struct room_machine *);

/* "52:54:00:00:00:01" */
#define STATUS_MAC_TEXT 18
const char *status_mac_text(char to[STATUS_MAC_TEXT], const uint8_t mac[6]);
/* "2026-11-22T11:50:00Z" */
#define STATUS_TIME_TEXT 24
const char *status_time_text(char to[STATUS_TIME_TEXT], uint64_t unix_s);

#endif
