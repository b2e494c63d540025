/* The box's memory: the journal, and what the box makes of one that cannot be trusted (hold.h).
 *
 *   file missing, empty or unreadable where there was one     on hold: memory-lost
 *   bytes lost that had been on the disk                      on hold: memory-damaged
 *   records of a newer version, or that make no sense         on hold: memory-unread; they stay in
 *                                                             the file
 *   what is to be remembered is not taken by the disk         on hold: memory-unkept
 *
 * There was one when the box's key is in the folder, or when PID 1 says that the data partition is
 * not new. A first boot makes the journal before the key, so that a power cut between the two is a
 * first boot again. The reasons are in the journal themselves: a new file begins with them, and
 * they stay over restarts until a person lifts the hold. */
#ifndef BOARD_BOX_STORE_MEMORY_H
#define BOARD_BOX_STORE_MEMORY_H

#include "board/box/store/hold.h"
#include "board/box/store/journal.h"

struct memory {
    struct journal *journal; /* NULL: nothing is remembered */
    struct hold hold;
    /* while records are told */
    journal_each *each;
    void *ctx;
    unsigned newer, broken;
    uint32_t mark;
};

/* Whether the box's key is in the folder: anything but a plain "there is none" counts as there. */
bool memory_had_key(const char *data);
/* Opens DATA/journal, or makes it, before the key is made where there was none. What cannot be had
 * is a reason to hold, and said. */
void memory_open(struct memory *, const char *data, bool had_key, bool grown_before);
/* Tells every record to `each`, which says what it makes of it, and starts the thread that brings
 * news to the disk. */
void memory_tell(struct memory *, journal_each *each, void *ctx);
/* False: it is not kept. */
bool memory_put(struct memory *, uint8_t kind, const void *key, size_t nkey, const void *value,
                size_t nvalue);
/* journal_kept. A box that has no memory at all is on hold, or a person has decided that it goes on
 * without: then true. */
bool memory_kept(struct memory *, uint8_t kind, const void *key, size_t nkey);
/* About once a second. */
void memory_look(struct memory *);
/* A person has decided, at the "page" or the "screen". */
void memory_lift(struct memory *, const char *by);
void memory_close(struct memory *);

#endif
