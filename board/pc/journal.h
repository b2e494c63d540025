/* What the box remembers: small values under small keys, in one file that only grows, until it is written anew.
 *
 *   file    "RCJOURN1", then records
 *   record  CRC-32 of the rest (4) | kind (1) | length of key (1) | length of value (2) | key | value
 *
 * Integers are big-endian. The last record of a kind and key counts; one without a value removes it. A power cut may leave a
 * record half written, a disk may lose a sector: what has no right checksum is passed over, at the end it is cut off. Writing anew goes
 * to a second file that takes the first one's name when it is whole and on the disk, so that at every instant one of the two
 * is there.
 *
 * journal_put hands the record to the kernel: it survives the end of the program. A thread brings it to the disk within a
 * second, because nobody's lease shall wait for a slow disk; journal_kept says whether it is there. After the disk has refused
 * something the file is written anew at the next call. One thread calls. */
#ifndef BOARD_PC_JOURNAL_H
#define BOARD_PC_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "board/pc/errors.h"
#include "net/wire/err.h"

#define JOURNAL_KEY_MAX 255
#define JOURNAL_VALUE_MAX 1024
#define JOURNAL_FILE_MAX (8u << 20) /* the file, and its copy in memory */
#define JOURNAL_RECORDS_MAX 32768   /* different keys at once */

/* Who keeps what: never reuse a number. */
enum journal_kind {
    JOURNAL_LEASE = 1,   /* net/dhcp */
    JOURNAL_BINDING = 2, /* net/bsdp */
    JOURNAL_MACHINE = 3, /* machines.h */
    JOURNAL_SESSION = 4, /* ring sessions: image id -> TSI and group key */
    JOURNAL_PLAN = 16,     /* plan.h: a session's number -> the session */
    JOURNAL_EXPECTED = 17, /* room.h: half and place in the list -> a machine */
    JOURNAL_LIST = 18,     /* room.h: which half counts, how many machines, of which file */
    JOURNAL_ATTEMPT = 24, /* attempts.h: a row; the number of the core's start */
    JOURNAL_PASSWORD = 32, /* portal.h: "web" -> the password's hash */
    JOURNAL_TOKEN = 33,    /* portal.h: a token's hash -> its name */
};

struct journal;
/* A record that counts. Key and value are lent for the call. */
typedef void journal_each(void *ctx, uint8_t kind, const uint8_t *key, size_t nkey, const uint8_t *value, size_t nvalue);

/* Opens or makes the file, which nobody else may have open, tells every record that counts, in the order they were last written. */
int journal_open(struct journal **, const char *path, journal_each *each, void *ctx, struct err *);
/* Bytes of the file that were damaged when it was opened, with records behind them that were not: what stood there is forgotten. */
size_t journal_lost(const struct journal *);
/* 0, or PC_EJOURNAL, PC_EFULL: then nothing has changed, and the value is known to its owner alone. nkey 1 .. 255. */
int journal_put(struct journal *, uint8_t kind, const void *key, size_t nkey, const void *value, size_t nvalue);
/* Whether the key has a value and a power cut would not take it away. If it would, the disk is asked at once. */
bool journal_kept(struct journal *, uint8_t kind, const void *key, size_t nkey);
/* Everything is on the disk when it returns. Safe on NULL. */
void journal_close(struct journal *);

#endif
