/* What the library remembers of an image beside its bytes, as text and bytes on the disk. Pure.
 *
 * A record is a text of lines "key=value" that begins with RECORD_MAGIC and ends with "end\n", so
 * that one that was cut is none. A mark says how far an upload is known to be on the disk, and what
 * its SHA-256 stands at there: after a restart hashing goes on without reading again what came
 * before. */
#ifndef BOARD_BOX_LIBRARY_RECORD_H
#define BOARD_BOX_LIBRARY_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "board/errors/library.h"
#include "imaging/image/image.h"
#include "net/wire/err.h"

#define RECORD_NOTE_MAX 500
#define RECORD_URL_MAX 1300
#define RECORD_TEXT_MAX 4096
#define MARK_BYTES 140

struct record {
    char name[IMG_NAME_MAX + 1];
    char version[IMG_LABEL_MAX + 1]; /* "" when there is none, as all that follows */
    char note[RECORD_NOTE_MAX + 1];
    char url[RECORD_URL_MAX + 1]; /* where it is pulled from */
    bool pinned;                  /* the server's certificate has the SHA-256 `pin` */
    uint8_t pin[IMG_HASH_BYTES];
    uint64_t bytes;   /* of the file that is uploaded */
    uint64_t created; /* seconds since 1970 */
    bool hashed;      /* sha256 was announced */
    uint8_t sha256[IMG_HASH_BYTES];
    bool whole; /* all has come, and `came` is the SHA-256 of it */
    uint8_t came[IMG_HASH_BYTES];
    bool replaces; /* an older image of the same name */
    bool protected;
};

/* A name for an image: 1 .. 64 bytes of UTF-8 that no terminal, path or eye takes for something
 * else: no control characters, no characters that are invisible or turn the direction of writing,
 * no '/' or '\', no blank at either end, not "." or "..". */
int record_name_check(const char *name, struct err *);
/* Version and note: at most so many bytes of such text; slashes and being empty are fine. */
int record_text_check(const char *what, const char *text, size_t most, struct err *);
/* All fields. */
int record_check(const struct record *, struct err *);

#define RECORD_LOOK 16
enum { RECORD_RING = 1, RECORD_RAW };

/* What a file of `size` bytes is that begins with these n (RECORD_LOOK or more, fewer when it is
 * shorter) and ends with these m (fewer, or 0, while the end is not there): RECORD_RING, RECORD_RAW
 * (a disk of whole sectors), or LIBRARY_EKIND: what is no disk would be packed as if it were one
 * (imaging/pack/container.h). */
int record_look(const uint8_t *head, size_t n, const uint8_t *tail, size_t m, uint64_t size,
                struct err *);

/* Writes the text into out; its length. The record has been checked. */
size_t record_encode(const struct record *, char out[RECORD_TEXT_MAX]);
/* 0 or LIBRARY_ERECORD. What is accepted encodes to the same bytes. */
int record_decode(const void *text, size_t n, struct record *);

struct mark {
    uint64_t at; /* so many bytes have come */
    uint32_t state[8];
    uint8_t rest[64]; /* bytes behind the last whole block of 64, zeros behind them */
};

void mark_encode(const struct mark *, uint8_t out[MARK_BYTES]);
int mark_decode(const void *bytes, size_t n, struct mark *);

#endif
