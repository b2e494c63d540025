/* What the box remembers: small values under small keys, in one file that only grows (tape.h),
 * until it is written anew.
 *
 * The last record of a kind and key counts; one without a value removes it. Writing anew goes to a
 * second file that takes the first one's name when it is whole and on the disk, so that at every
 * instant one of the two is there. A thread of the journal does that; the caller never waits for
 * the disk. The space of both files is reserved: a full partition takes nothing from the journal.
 *
 * Reading fails closed. Every record that can be read is read, whatever stands at the beginning of
 * the file or between. Bytes that had been on the disk and cannot be read now are a loss, which
 * journal_found tells; half a record at the end, which was never reported to be kept, is none. A
 * file of a newer version is not touched. A file that is damaged is kept beside the new one as
 * NAME.damaged.
 *
 * journal_put hands the record to the kernel: it survives the end of the program. The thread brings
 * it to the disk within a second, because nobody's lease shall wait for a slow disk; journal_kept
 * says whether it is there. After the disk has refused something the thread writes the file anew,
 * at first after a second, then at growing intervals of up to a minute. One thread calls. */
#ifndef BOARD_BOX_STORE_JOURNAL_H
#define BOARD_BOX_STORE_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "board/box/store/told.h"
#include "board/errors/box.h"
#include "net/wire/err.h"

#define JOURNAL_KEY_MAX 255
#define JOURNAL_VALUE_MAX 1024
#define JOURNAL_FILE_MAX (16u << 20) /* the file, and its copy in memory */
#define JOURNAL_RECORDS_MAX 65536    /* different keys at once */

/* Who keeps what: never reuse a number. Below 240. */
enum journal_kind {
    JOURNAL_LEASE = 1,     /* net/dhcp */
    JOURNAL_BINDING = 2,   /* net/bsdp */
    JOURNAL_MACHINE = 3,   /* machines.h */
    JOURNAL_SESSION = 4,   /* ring sessions: image id -> TSI and group key */
    JOURNAL_PLAN = 16,     /* plan.h: a session's number -> the session */
    JOURNAL_EXPECTED = 17, /* room.h: half and place in the list -> a machine */
    JOURNAL_LIST = 18,     /* room.h: which half counts, how many machines, of which file */
    JOURNAL_VISITOR = 19,  /* room.h: a computer that has read the page */
    JOURNAL_LEFT = 20,     /* room.h: a machine that a session leaves out -> the session's number */
    JOURNAL_ATTEMPT = 24,  /* attempts.h: a row; the number of the core's start */
    JOURNAL_DISKS = 25,    /* disks.h: a machine's MAC -> its disks */
    JOURNAL_PASSWORD = 32, /* portal.h: "web" -> the password's hash */
    JOURNAL_TOKEN = 33,    /* portal.h: a token's hash -> its name */
    JOURNAL_HOLD = 40,     /* memory.h: a reason -> why the box is on hold */
};

enum journal_was {
    JOURNAL_INTACT,
    JOURNAL_NEW,     /* there is no file */
    JOURNAL_DAMAGED, /* some of it is lost */
    JOURNAL_LOST,    /* the file is there, and no record in it can be read */
};

struct journal_found {
    enum journal_was was;
    size_t lost; /* bytes that had been on the disk and cannot be read */
};

struct journal;
/* A record that counts. Key and value are lent for the call. */
typedef enum told journal_each(void *ctx, uint8_t kind, const uint8_t *key, size_t nkey,
                               const uint8_t *value, size_t nvalue);

/* Reads the file, which nobody else may have open, and changes nothing on the disk. PC_EJOURNAL: it
 * cannot be read; PC_ENEWER: it is of a newer version. */
int journal_open(struct journal **, const char *path, struct err *);
struct journal_found journal_found(const struct journal *);
/* Tells every record that counts, in the order they were last written. */
void journal_tell(struct journal *, journal_each *, void *ctx);
/* From here on what is put goes to the file. What was put before stands in it from the first: a
 * file that was missing or damaged is made anew now, and is on the disk when this returns 0. */
int journal_begin(struct journal *, struct err *);
/* Starts the thread that brings to the disk what was put. Without it journal_close does. */
void journal_run(struct journal *);
/* 0, or PC_EJOURNAL, PC_EFULL: then nothing has changed, and the value is known to its owner alone.
 * nkey 1 .. 255. */
int journal_put(struct journal *, uint8_t kind, const void *key, size_t nkey, const void *value,
                size_t nvalue);
/* Whether the key has a value and a power cut would not take it away. If it would, the disk is
 * asked at once. */
bool journal_kept(struct journal *, uint8_t kind, const void *key, size_t nkey);
/* False while the disk refuses what was put. */
bool journal_works(struct journal *);
/* Everything is on the disk when it returns, if the disk takes it. Safe on NULL. */
void journal_close(struct journal *);

#endif
