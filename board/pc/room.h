/* Orders for the room, from wherever they come (page, API, keys of the box, ringcast.conf): one struct in, a code and a sentence out.
 * On the control thread; nothing here waits.
 *
 *   order ──> room_order ──> plan, machines, expected, wol ──> journal
 *                                └──> session server: streams held or let go, machines taken or refused
 */
#ifndef BOARD_PC_ROOM_H
#define BOARD_PC_ROOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "board/pc/expected.h"
#include "board/pc/plan.h"

#define ROOM_TEXT 256

enum room_order_kind {
    ROOM_CREATE,   /* wish -> session's number */
    ROOM_START,    /* session: at once, whatever its rule */
    ROOM_STOP,     /* session: for good */
    ROOM_SUSPEND,  /* session */
    ROOM_RESUME,   /* session */
    ROOM_ARM,      /* mac: imaged again at its next boot */
    ROOM_IDENTIFY, /* mac, on: its screen flashes */
    ROOM_WAKE,     /* macs, n_macs */
    ROOM_WAKE_EXPECTED,
    ROOM_EXPECTED, /* text, n: the list of expected machines as CSV (expected.h) takes the place of the present one */
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
    int code;            /* 0, or negative: errors.h, plan_errors.h */
    uint32_t session;    /* of ROOM_CREATE */
    unsigned n;          /* machines woken or listed */
    char text[ROOM_TEXT]; /* a sentence: what was done, or why not */
};

struct room;

/* Returns the answer's code. */
int room_order(struct room *, const struct room_order *, struct room_answer *);
/* For those who show it. */
struct plan *room_plan(struct room *);
const struct expected *room_expected(const struct room *);
struct plan_time room_now(const struct room *);

#endif
