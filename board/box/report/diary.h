/* What the box keeps and tells of its attempts (attempts.h): the journal, the report of the API,
 * syslog, the webhook.
 *
 *   session events ──> diary_event ──> rows ──> journal
 *                                        ├─────> GET /api/v1/report.csv, .json, .html
 *                                                (api_report.c)
 *                                        ├─────> syslog: a line when an attempt begins and ends
 *                                        └─────> webhook
 *
 * The webhook's content: {"event":"attempt.began" or "attempt.ended","delivery":..,"box":..,
 * "time":..,"attempt":{..}}.
 *
 * Neither syslog nor webhook holds up anything, and the box runs without them when they cannot be
 * opened. On the control thread. */
#ifndef BOARD_BOX_REPORT_DIARY_H
#define BOARD_BOX_REPORT_DIARY_H

#include "board/box/config/box_config.h"
#include "board/box/report/report.h"
#include "board/box/store/memory.h"
#include "board/core/stream.h"
#include "net/ip/stack.h"
#include "net/web/route.h"

struct diary;

struct diary_needs {
    const struct box_config *config; /* kept */
    const struct sign_key *key;      /* kept */
    struct ip_stack *stack;
    /* Keeps a value under a key of one kind (journal.h) over restarts. */
    void (*store)(void *ctx, uint8_t kind, const uint8_t *key, size_t nkey, const uint8_t *value,
                  size_t nvalue);
    /* The list of expected machines; NULL: there is none. May be NULL. */
    const struct expected *(*expected)(void *ctx);
    /* The number of the session that gives out that image; 0: none. May be NULL. */
    uint32_t (*session)(void *ctx, const struct stream *);
    void *ctx;
};

/* Takes memory (6 MB). */
int diary_make(struct diary **, const struct diary_needs *, struct err *);
/* A value of JOURNAL_ATTEMPT that `store` was given in an earlier run. */
enum told diary_restore(struct diary *, const uint8_t *key, size_t nkey, const uint8_t *value,
                        size_t nvalue);
/* Everything is restored: the core's start is counted, syslog and webhook begin. */
void diary_open(struct diary *);

/* `stream` is the event's image. */
void diary_event(struct diary *, const struct session_event *, const struct stream *);
/* Whether a power cut would leave that receiver's row as it is; one that has no row has nothing to
 * lose. */
bool diary_kept(struct diary *, const uint8_t id[SESSION_ID_BYTES], struct memory *);
/* The latest facts of all that receive it, every few seconds. */
void diary_refresh(struct diary *, const struct stream *);
/* Often. */
void diary_tick(struct diary *, struct mono now);

/* As attempts_recall. */
void diary_recall(const struct diary *, void (*tell)(void *ctx, const struct attempt *), void *ctx);

/* What a report of this moment is made from. */
struct report_about diary_about(const struct diary *);
/* Hangs the report in (api_report.c). */
void api_report_routes(struct diary *, struct web_routes *);

/* Safe on NULL. What the webhook has not heard is lost. */
void diary_close(struct diary *);

#endif
