/* The fault campaign: what its scenarios share.
 *
 * A point is a scenario, a seed, and one trouble or two, each at a call to a file. `prepare` makes
 * what an earlier life has left, on an honest disk; `act` lives with the trouble; `judge` lives
 * again on an honest disk and says whether what was promised holds. A scenario whose judge asserts
 * something wrong ends the campaign with the line that runs the point again. */
#ifndef TESTS_CAMPAIGN_FAULTS_H
#define TESTS_CAMPAIGN_FAULTS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "net/wire/rng.h"

/* X(name, word) */
#define TROUBLES(X)                                                                                \
    X(NONE, "none")                                                                                \
    X(EIO, "eio")                                                                                  \
    X(FULL, "enospc")                                                                              \
    X(HANDLES, "emfile")                                                                           \
    X(SHORT, "short")   /* half of what was to be read or written */                               \
    X(LOST, "lost")     /* a write that is said to be done, and is not */                          \
    X(TORN, "torn")     /* of which half is */                                                     \
    X(ASTRAY, "astray") /* that lands in another place of the file */                              \
    X(POWER, "power")   /* goes before the call, or when all is done: each sector that was not     \
                           synced may be there or not */                                           \
    X(ROOM, "room")     /* so many blocks are really free on the disk */

#define X(name, word) TROUBLE_##name,
enum trouble { TROUBLES(X) TROUBLE_COUNT };
#undef X

struct trouble_at {
    enum trouble what;
    unsigned at; /* the call's number */
    bool sticky; /* from there on */
};

struct place {
    char data[64]; /* the folder DATA */
    struct rng rng;
    unsigned struck; /* troubles that came */
    unsigned lies;   /* of them: those of which no call said anything */
    /* those that a call returned an errno for; a disk that is really full is one */
    unsigned errors;
    bool power; /* it went */
};

/* Whatever came is no reason to fail: half of what was read or written is gone on with. */
static inline bool place_is_fine(const struct place *p)
{
    return p->lies + p->errors == 0 && !p->power;
}

/* The disk has not done what it said, and what would show that is gone, too: nobody can find out.
 */
static inline bool place_is_hopeless(const struct place *p)
{
    return p->lies > 1 || (p->lies && p->power);
}

struct scenario {
    /* part: the folder below DATA whose files a power cut tears; "": DATA itself */
    const char *name, *part;
    void (*prepare)(struct place *), (*act)(struct place *), (*judge)(struct place *);
    /* without a night's time only every n-th call fails; it lies, or is the last one, at each */
    unsigned every;
    bool no_room; /* it is not tried on a disk that is really full */
};

/* a last one without a name */
extern const struct scenario faults_memory[], faults_files[], faults_library[], faults_target[];

/* Once in each process, before all else. */
void faults_library_begin(void);
void faults_target_begin(void);
void faults_target_end(void);
/* A file with these bytes, made so that the layer sees it. */
void faults_put_file(const char *path, const void *bytes, size_t n);
/* Its bytes, at most cap, past the layer; -1: it is not there. */
long faults_get_file(const char *path, void *to, size_t cap);

/* ---- the layer ---- */

/* From here on calls to files below `root` are seen, and what is done in the folder `torn` is
 * written down. */
void layer_begin(const char *root, const char *torn);
/* All of it is on the disk. */
void layer_settle(void);
/* Two troubles. */
void layer_arm(const struct trouble_at *t, unsigned astray);
/* Fills what has struck. */
void layer_disarm(struct place *);
/* After a power cut the folder is laid out as a disk might hold it. */
void layer_end(unsigned luck);
/* Calls that were made while it was armed, and whether the trouble can be had by the one of that
 * number. */
unsigned layer_calls(void);
bool layer_can(enum trouble, unsigned call);
/* Whether it was to bring something to the disk. */
bool layer_syncs(unsigned call);

#endif
