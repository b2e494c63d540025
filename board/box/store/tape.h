/* The bytes of the journal's file: records one behind the other, as they are written, found again
 * and moved together. Pure; of the journal alone (journal.h says what a record means).
 *
 *   file    "RCJOURN2", then records
 *   record  checksum (4) | kind (1) | length of key (1) | length of value (2) | key | value
 *   seed    a record of kind 255: key "seed", value version (1), nonce (8)
 *   mark    a record of kind 254: key "m", value position (4)
 *
 * Integers are big-endian. The checksum is CRC-32 over the nonce and what follows the checksum;
 * that of a seed is over what follows alone. The nonce is random and another one in every file, so
 * neither bytes that a machine of the room has chosen nor what an older file left in a sector pass
 * for a record. The seed stands at the beginning, again behind 512 and 4096 bytes, and from 64 KiB
 * on every 64 KiB: a lost sector does not take it along. A mark says that all bytes before its
 * position have been on the disk: damage there is a loss, damage behind it is what a power cut
 * leaves of what was never reported to be kept. */
#ifndef BOARD_BOX_STORE_TAPE_H
#define BOARD_BOX_STORE_TAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "board/box/store/journal.h"

#define TAPE_MAGIC_BYTES 8
#define TAPE_HEAD_BYTES 8
#define TAPE_NONCE_BYTES 8
#define TAPE_RECORD_MAX (TAPE_HEAD_BYTES + JOURNAL_KEY_MAX + JOURNAL_VALUE_MAX)
#define TAPE_OWN_KINDS 240     /* from here on: of the tape, not of the journal's owners */
#define TAPE_SPARE (64u << 10) /* removals and marks still find room when nothing else does */
#define TAPE_MAX (JOURNAL_FILE_MAX + TAPE_SPARE)

struct tape {
    uint8_t *bytes; /* TAPE_MAX, the caller's */
    size_t n;
    uint8_t nonce[TAPE_NONCE_BYTES];
    uint32_t start;  /* the checksum of the nonce */
    size_t seed_due; /* where the next copy of the seed is to stand */
};

struct tape_record {
    uint8_t kind;
    const uint8_t *key, *value;
    size_t nkey, nvalue, bytes;
};

/* An empty file under this nonce. */
void tape_begin(struct tape *, uint8_t *bytes, const uint8_t nonce[TAPE_NONCE_BYTES]);
/* Whether it still finds room; `limit` JOURNAL_FILE_MAX or TAPE_MAX. */
bool tape_has_room(const struct tape *, const struct tape_record *, size_t limit);
/* Appends; returns where the record begins. Before it a copy of the seed may have been written:
 * what is new begins at the former n. */
size_t tape_add(struct tape *, const struct tape_record *);
void tape_mark(struct tape *, size_t upto);
/* The record at `at` of bytes that are known to be right. False at the end. */
bool tape_at(const struct tape *, size_t at, struct tape_record *);

/* What a file was found to be. */
enum tape_find {
    TAPE_WHOLE, /* as it was written, to its last byte */
    /* what is missing was never reported to be kept; bytes beyond `end` are to be cut off */
    TAPE_TORN,
    /* records were moved together, or are of version 1: the file is another than what is in memory
     */
    TAPE_MOVED,
    TAPE_NEWER, /* of a newer version: not to be touched */
};

struct tape_found {
    enum tape_find what;
    size_t end;     /* of the last record in the file as it was */
    size_t lost;    /* bytes that had been on the disk and are not understood */
    bool head_lost; /* the beginning is none of ours */
};

/* Reads the n bytes in `bytes` (TAPE_MAX), which it may move. */
struct tape_found tape_load(struct tape *, uint8_t *bytes, size_t n);

#endif
