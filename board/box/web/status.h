/* Keeps the room's snapshot (net/status) up to date from what the box's servers know, and gives it
 * to whoever shows it.
 *
 *   serve (streams, receivers) ───────┐
 *   room (plan, list) ────────────────┼──> status_step ──> status_room
 *   services (guard, who boots) ──────┘          └──> feed ──> pages (api_status.h)
 *
 * A refresh takes some milliseconds with a thousand machines; there is one a second, and one every
 * two milliseconds a machine when the room is larger than 500: changes then are as many bytes a
 * second, whatever the number of machines. */
#ifndef BOARD_BOX_WEB_STATUS_H
#define BOARD_BOX_WEB_STATUS_H

#include "board/box/boot/services.h"
#include "board/box/config/box_config.h"
#include "board/box/orders/room.h"
#include "board/box/report/diary.h"
#include "board/box/store/hold.h"
#include "board/box/web/portal.h"
#include "board/core/serve.h"
#include "net/status/feed.h"
#include "net/status/steps.h"

struct status_needs {
    const struct box_config *config;
    const struct serve *serve;
    struct room *room;
    const struct diary *diary;
    const struct services *services;
    struct portal *portal;
    const struct hold *hold;   /* NULL: never */
    const struct steps *steps; /* of the control thread */
    const char *data;          /* whose free room is told */
};

struct status;

/* Takes its memory (about 20 MB, most of it untouched in a small room); NULL: there is none. */
struct status *status_make(const struct status_needs *, struct mono now);
/* After each step of the stack: refreshes when it is time. */
void status_step(struct status *, struct mono now);
/* As of the last refresh: valid until the next status_step. */
const struct room_snapshot *status_room(const struct status *);
struct feed *status_feed(struct status *);
const struct steps *status_steps(const struct status *);

/* For serve's and services' hooks. */
void status_event(struct status *, const struct session_event *);
struct session_label status_label(const struct status *, const uint8_t mac[6]);
void status_boots(struct status *, const uint8_t mac[6]);
/* Somebody at that address reads the page. */
void status_reader(struct status *, uint32_t address);
/* Safe on NULL. */
void status_close(struct status *);

#endif
