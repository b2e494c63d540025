/* On hold: the box serves addresses, page and files, and offers nothing that erases, until a person
 * decides at the page or the screen. A set of reasons, each with one sentence. Pure.
 *
 * A box is on hold when its memory cannot be trusted: then it does not know which machines have
 * passed, and a machine that netboots would be erased because the box forgot. No configuration
 * lifts a hold.
 *
 * Durable: hold_encode gives the value that the journal keeps for a reason, hold_restore takes it
 * back. A loss that was found once stays a reason over restarts until it is lifted; after that the
 * next loss is a reason again. What is found anew at each start (records that cannot be read) is no
 * reason again after a person has agreed, as long as its sentence is the same. */
#ifndef BOARD_BOX_STORE_HOLD_H
#define BOARD_BOX_STORE_HOLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HOLD_TEXT 240     /* bytes of a reason's sentence with its end */
#define HOLD_SENTENCE 480 /* of what a person reads */
#define HOLD_VALUE_MAX (2 + HOLD_TEXT)

/* X(NAME, word of the API, found anew at each start). The numbers are in the journal: never reuse
 * one. */
#define HOLD_REASONS(X)                                                                            \
    X(LOST, "memory-lost", false) /* the journal is gone, empty, or on a fresh file system */      \
    X(DAMAGED, "memory-damaged", false) /* some of what was on the disk cannot be read any more */ \
    X(UNREAD, "memory-unread", true)    /* records of a newer version, or that make no sense */    \
    X(UNKEPT, "memory-unkept", true)    /* the disk does not take what is to be remembered */      \
    X(DATA, "data-unreadable", true)    /* the data partition cannot be used */                    \
    X(CONFIG, "configuration", true)    /* ringcast.conf is there and cannot be read */

#define X(name, word, anew) HOLD_##name,
enum hold_reason { HOLD_REASONS(X) HOLD_REASON_COUNT };
#undef X

struct hold {
    struct {
        bool holds, agreed; /* agreed: a person has read `text` and goes on */
        char text[HOLD_TEXT];
    } why[HOLD_REASON_COUNT];
};

/* The box is on hold for that reason, if it is not already, and if nobody has agreed to this very
 * sentence. True when that is news. */
bool hold_add(struct hold *, enum hold_reason, const char *text);
bool hold_is(const struct hold *);
/* A person has decided: nothing holds any more. False when nothing did. */
bool hold_lift(struct hold *);
/* Why, for a person; "" while nothing holds. */
const char *hold_sentence(const struct hold *, char buf[HOLD_SENTENCE]);
/* "memory-lost" */
const char *hold_word(enum hold_reason);

/* What the journal keeps for the reason: bytes in `value`, 0: nothing. */
size_t hold_encode(const struct hold *, enum hold_reason, uint8_t value[HOLD_VALUE_MAX]);
/* A kept value; false: it is not understood, and nothing was taken. */
bool hold_restore(struct hold *, unsigned reason, const uint8_t *value, size_t n);

#endif
