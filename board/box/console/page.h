/* The box's pages on its screen: who it is and what it does (status), a tile a machine (wall
 * board), the log, and how to reach it (address). On the picture once a second; in lines for a
 * terminal when somebody asks there. */
#ifndef BOARD_BOX_CONSOLE_PAGE_H
#define BOARD_BOX_CONSOLE_PAGE_H

#include "board/box/boot/services.h"
#include "board/box/console/keyboard.h"
#include "board/box/library/library.h"
#include "board/box/orders/machines.h"
#include "board/core/serve.h"
#include "board/log/log.h"
#include "board/screen/screen.h"
#include "net/status/snapshot.h"

#define PAGE_TEXT 320
#define PAGE_LOG 40    /* lines */
#define PAGE_FINGERS 4 /* lines of a fingerprint */

struct page {
    const struct box_config *config;
    const struct serve *serve;
    struct library *library;
    const struct machines *machines;
    const struct services *services;
    const struct keys *keys;          /* which page, and what is asked */
    const struct room_snapshot *room; /* NULL: there is no wall board */
    const char *hold;                 /* why the box is on hold; NULL or "": it is not */
    const char *plan;                 /* what the plan says */
    const char *data;                 /* the folder whose free space is shown; NULL: none */
    /* How a browser reaches the box: each NULL or "" when there is nothing to say. */
    const char *url, *fingerprint, *setup_code;
};

/* What a page's texts are kept in while it is shown. */
struct page_memory {
    struct screen_page page;
    char address[PAGE_TEXT], dhcp[PAGE_TEXT], files[PAGE_TEXT], stream[PAGE_TEXT],
        machines[PAGE_TEXT], packing[PAGE_TEXT];
    char skipped[PAGE_TEXT], names[PAGE_TEXT], space[PAGE_TEXT], finger[PAGE_FINGERS][24], code[32];
    char log[PAGE_LOG][LOG_LINE];
    const char *log_line[PAGE_LOG];
    char totals[PAGE_TEXT];
    struct wall_tile tiles[ROOM_MACHINES_MAX];
    struct wall wall;
    unsigned shown; /* pages shown: where not all tiles fit, they take turns */
};

/* A tile for each machine of the room, in the order of their numbers. Returns how many. */
unsigned page_tiles(struct wall_tile tiles[ROOM_MACHINES_MAX], const struct room_snapshot *);
/* "200 machines: 180 imaging, 10 passed": only what there is. */
void page_totals(char *to, size_t n, const struct room_totals *);

/* The page as it is now, on the picture. */
void page_show(struct screen *, const struct page *, struct page_memory *);
/* The same in lines, for the terminal. */
void page_print(struct keyboard *, const struct page *, struct page_memory *);
/* A page of one word and one sentence, before there is more to say, or when there never will be.
 * `warns`: a person is needed. */
void page_say(struct screen *, const char *name, const char *sentence, bool warns);

#endif
