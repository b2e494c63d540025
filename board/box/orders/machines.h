/* The machines the box has imaged, by MAC, and what was chosen for them. Pure: time is an argument,
 * memory the caller's; what changes is told to a callback, which journals it.
 *
 * A machine nobody knows is armed: it is imaged when it boots from the network. After its PASS it
 * is done: the next time it is told to boot its disk, until it is armed again. Who merely asks for
 * an address makes no row.
 *
 * Anybody in the room can say PASS for any address. What cannot be invented so cheaply is proof:
 * the station has loaded the receiver from this box, in this or an earlier run. So a row that says
 * done is never given away for a machine without proof:
 *
 *   the row says              given away to
 *   proof, and nothing else   anybody
 *   done, without proof       a machine with proof; to one without when the box has known it for a
 *                             week of running
 *   done with proof, an order, a choice   nobody
 *
 * Of several the one goes that changed longest ago, by a counter, not by the clock. There are at
 * most MACHINES_CLAIMED rows without proof, and beacons make at most four a minute for one address
 * and one a second in all, after the first MACHINES_BURST. A machine that finds no row is not
 * remembered, its PASS is not confirmed, and when the table is full of rows that nobody gets,
 * machines without a row are not imaged. */
#ifndef BOARD_BOX_ORDERS_MACHINES_H
#define BOARD_BOX_ORDERS_MACHINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "board/box/store/told.h"

#define MACHINES_MAX 32768
#define MACHINES_CLAIMED 4096
#define MACHINES_BURST 256
#define MACHINES_STATIONS 256
#define MACHINES_WEEK_S (7u * 86400)
#define MACHINE_ENTRY_MAX 31 /* bytes of a boot entry's name */
#define MACHINE_KEY_BYTES 6
#define MACHINE_IMAGE_BYTES 8
#define MACHINE_VALUE_MAX (1 + 8 + 4 + MACHINE_IMAGE_BYTES + MACHINE_ENTRY_MAX)

/* What a machine got when it passed. */
struct machine_got {
    uint32_t session;                   /* its number (plan.h); 0: by none, or not known */
    uint8_t image[MACHINE_IMAGE_BYTES]; /* the first bytes of its table's hash; zeros: not known */
};

struct machine {
    bool used, done;
    bool named;  /* an order has armed it since it passed last */
    bool proven; /* it has loaded the receiver from this box */
    uint8_t mac[6];
    struct machine_got got;            /* when it passed last */
    uint64_t order;                    /* grows with every change of any row */
    uint32_t born;                     /* up_s when this run of the box came to know it */
    char entry[MACHINE_ENTRY_MAX + 1]; /* chosen for it; "": none */
};

struct machines {
    bool rearm; /* every machine is always armed */
    unsigned done;
    uint32_t refused; /* machines that found no row */
    /* The row's new value; n 0: there is no row any more. May be NULL. */
    void (*store)(void *ctx, const uint8_t mac[6], const uint8_t *value, size_t n);
    void *ctx;
    struct machine row[MACHINES_MAX]; /* open addressing by MAC */
    unsigned n;
    /* private */
    unsigned of_worth[3];
    uint64_t order;
    struct machine_ration {
        uint32_t who, since, n; /* address, up_s, rows */
    } ration[MACHINES_STATIONS + 1];
};

/* Zeroes, keeps the callback. */
void machines_init(struct machines *, bool rearm,
                   void (*store)(void *, const uint8_t *, const uint8_t *, size_t), void *ctx);
/* A stored value of an earlier run. */
enum told machines_restore(struct machines *, const uint8_t *key, size_t nkey, const uint8_t *value,
                           size_t nvalue);

/* Whether it is to be imaged when it boots from the network. */
bool machine_wants_imaging(const struct machines *, const uint8_t mac[6]);
/* Whether there is a row for it. */
bool machine_known(const struct machines *, const uint8_t mac[6]);
/* Its row; NULL: there is none. */
const struct machine *machine_look(const struct machines *, const uint8_t mac[6]);
/* Every row is taken by a machine that is to be remembered: those without a row are not imaged. */
bool machines_are_full(const struct machines *);
/* It has loaded the receiver: the proof that it is a machine. */
void machine_prove(struct machines *, const uint8_t mac[6], uint32_t up_s);
/* Whether a beacon from this address may change what is remembered of the machine; `up_s`: how long
 * the box has been running. Counts. */
bool machine_may_claim(struct machines *, const uint8_t mac[6], uint32_t from, uint32_t up_s);
/* It has said PASS after it got that. True when that is news; false also when it found no row. */
bool machine_done(struct machines *, const uint8_t mac[6], const struct machine_got *,
                  uint32_t up_s);
/* Tells `store` its row once more, where it may not have been kept. */
void machine_again(struct machines *, const uint8_t mac[6]);
/* An order names it: it is to be imaged (again), until it passes. False: the table is full. */
bool machine_arm(struct machines *, const uint8_t mac[6], uint32_t up_s);
/* The boot entry chosen for it ("": none), at most MACHINE_ENTRY_MAX bytes. */
void machine_choose(struct machines *, const uint8_t mac[6], const char *entry, uint32_t up_s);
const char *machine_entry(const struct machines *, const uint8_t mac[6]);

#endif
