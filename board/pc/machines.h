/* The machines the box has imaged, by MAC, and what was chosen for them. Pure: time is an argument, memory the caller's; what
 * changes is told to a callback, which journals it.
 *
 * A machine nobody knows is armed: it is imaged when it boots from the network. After its PASS it is done: the next time it is told
 * to boot its disk, until it is armed again. Only a PASS, a choice or an order makes a row, and those who merely ask for an
 * address make none, so invented MACs cannot push anybody out. When all rows are taken the one that changed longest ago
 * goes: that machine would be imaged again. */
#ifndef BOARD_PC_MACHINES_H
#define BOARD_PC_MACHINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "board/pc/told.h"

#define MACHINES_MAX 8192
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
    bool named; /* an order has armed it since it passed last */
    uint8_t mac[6];
    struct machine_got got; /* when it passed last */
    uint64_t changed; /* seconds since 1970, by the box's clock */
    char entry[MACHINE_ENTRY_MAX + 1]; /* chosen for it; "": none */
};

struct machines {
    bool rearm; /* every machine is always armed */
    unsigned done;
    /* The row's new value; n 0: there is no row any more. May be NULL. */
    void (*store)(void *ctx, const uint8_t mac[6], const uint8_t *value, size_t n);
    void *ctx;
    struct machine row[MACHINES_MAX]; /* open addressing by MAC */
    unsigned n;
};

/* Zeroes, keeps the callback. */
void machines_init(struct machines *, bool rearm, void (*store)(void *, const uint8_t *, const uint8_t *, size_t), void *ctx);
/* A stored value of an earlier run. */
enum told machines_restore(struct machines *, const uint8_t *key, size_t nkey, const uint8_t *value, size_t nvalue);

/* Whether it is to be imaged when it boots from the network. */
bool machine_wants_imaging(const struct machines *, const uint8_t mac[6]);
/* Whether there is a row for it. */
bool machine_known(const struct machines *, const uint8_t mac[6]);
/* Its row; NULL: there is none. */
const struct machine *machine_look(const struct machines *, const uint8_t mac[6]);
/* It has said PASS after it got that. True when that is news. */
bool machine_done(struct machines *, const uint8_t mac[6], const struct machine_got *, uint64_t unix_now);
/* Tells `store` its row once more, where it may not have been kept. */
void machine_again(struct machines *, const uint8_t mac[6]);
/* An order names it: it is to be imaged (again), until it passes. */
void machine_arm(struct machines *, const uint8_t mac[6], uint64_t unix_now);
/* The boot entry chosen for it ("": none), at most MACHINE_ENTRY_MAX bytes. */
void machine_choose(struct machines *, const uint8_t mac[6], const char *entry, uint64_t unix_now);
const char *machine_entry(const struct machines *, const uint8_t mac[6]);

#endif
