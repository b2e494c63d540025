/* The room's own view of itself, for its files: room.c (orders, streams, the session of
 * ringcast.conf), room_whom.c (which machine is let in), room_own.c (what is its own), room_count.c
 * (how machines stand to sessions), room_visitors.c (who reads the page), room_left.c (who boots
 * and is left out) and room_list.c (the list of
 * expected machines). */
#ifndef BOARD_BOX_ORDERS_ROOM_INSIDE_H
#define BOARD_BOX_ORDERS_ROOM_INSIDE_H

#include "board/box/orders/room.h"
#include "board/core/job.h"
#include "net/wol/wol.h"

#define ROOM_IDENTIFY_MAX 64
#define ROOM_VISITORS_MAX 64
#define ROOM_LEFT_MAX 256 /* tiles; a session's sentence counts all */

struct room {
    struct room_needs needs;
    struct ip_stack *stack;
    struct jobs *jobs;
    struct room_owns *owns;
    struct plan plan;
    struct expected *list, *other; /* the one that counts, and room for the next */
    struct expected half[2];
    unsigned counts;   /* which half of the journal does */
    unsigned kept[2];  /* places that each half has there */
    uint32_t file_crc; /* of the machines.csv that was read last; 0: none */
    struct wol wol;
    uint8_t identified[ROOM_IDENTIFY_MAX][6];
    unsigned n_identified;
    uint8_t visitor[ROOM_VISITORS_MAX][6];
    unsigned n_visitors;
    struct left {
        uint8_t mac[6];
        uint32_t session;
    } left[ROOM_LEFT_MAX];
    unsigned n_left;
    struct mono stepped;
    char csv[EXPECTED_CSV_MAX + 1]; /* one more than may be: a larger file is refused, not cut */
};

/* Into the journal, where there is one. False: the disk does not take it. */
bool room_keep(struct room *, uint8_t kind, const void *key, size_t nkey, const void *value,
               size_t nvalue);
/* The stream of that image; n_streams: none. */
unsigned room_stream_of(const struct room *, const char *image);
/* The image of those for whom nothing is named: the configured one, else the first. */
const char *room_preferred(const struct room *);
/* The image that the machine is in the middle of; n_streams: none. */
unsigned room_in_hand(const struct room *, const uint8_t mac[6]);
/* How a machine stands to a session that may be for it. */
enum standing {
    STANDS_WANTED, /* the session erases it */
    STANDS_PASSED, /* it has passed in this session */
    /* it passed before, and is left out: it has this image, or nobody knows which, or ringcast.conf
       made the session */
    STANDS_HAS,
    STANDS_VISITS, /* it has read the page, and no list and no order names it */
    STANDS_UNKNOWN /* it is new to a table that has no room for it */
};
enum standing room_standing(const struct room *, const struct plan_session *, const uint8_t mac[6]);
/* Fills what the plan wants to know of lists and machines. */
void room_count(struct room *, const struct plan_session *, struct plan_facts *);
/* The active session that would want the same machines as this one, with that list; NULL: none. */
const struct plan_session *room_clash(const struct room *, const struct plan_wish *,
                                      const struct expected *);
/* Whether some machines on the list would be wanted by two active sessions; fills the error. */
int room_list_clash(const struct room *, const struct expected *, struct err *);
bool room_is_visitor(const struct room *, const uint8_t mac[6]);
enum told room_restore_visitor(struct room *, const uint8_t *key, size_t nkey, const uint8_t *value,
                               size_t n);
/* As room_left_out, and which session it is. */
const char *room_left_out_of(struct room *, const uint8_t mac[6], uint32_t *session);
enum told room_restore_left(struct room *, const uint8_t *key, size_t nkey, const uint8_t *value,
                            size_t n);
/* The places of those who ask what is their own. NULL: out of memory. */
struct room_owns *room_owns_make(void);
/* 0: it is here; SESSION_EWAIT: it is being made; another code fills the error. */
int room_own_answer(struct room *, const struct session_ask *, struct session_own *, struct err *);
/* Why no session erases the machine now: 0 or a code and the sentence. */
int room_why_not(struct room *, const uint8_t mac[6], char *why);
/* The path of what lies beside ringcast.conf. */
void room_beside(const struct room *, const char *name, char *path, size_t cap);

/* The list: CSV takes its place, or machines.csv does when it is another than last time. */
int room_take_list(struct room *, const char *text, size_t n, struct err *);
void room_read_list(struct room *);
/* What an earlier run wrote. */
enum told room_restore_row(struct room *, const uint8_t *key, size_t nkey, const uint8_t *value,
                           size_t n);
enum told room_restore_list(struct room *, const uint8_t *value, size_t n);

/* Whether the image is here and not given out, and why: as library_withheld. */
int room_withholds(struct room *, const char *image, char *to, size_t cap);

#endif
