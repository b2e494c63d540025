/* The library's folder on the disk. Each image has a number, and up to four files named after it:
 *
 *   N.meta  its record (record.h)                      first to come, last to go
 *   N.part  what has come of an upload
 *           ──> N.ring or N.raw, by renaming, when it is whole
 *   N.mark  how far N.part is known to be on the disk
 *   N.raw   a whole raw disk that waits to be packed   ──> N.ring, made beside it
 *   N.ring  the image
 *
 * Names of images are never names of files. An image is there when N.ring is, or N.raw; each is on
 * the disk in full before it has that name. Whatever instant the power goes at: shelf_scan
 * afterwards finds what was whole, offers an upload again from its mark on, and removes what
 * belongs to nothing. A record that is missing, cannot be read or is not understood is a doubt: its
 * files stay. All calls block; every path to the disk in the library is in shelf.c or in
 * imaging/image. */
#ifndef BOARD_BOX_LIBRARY_SHELF_H
#define BOARD_BOX_LIBRARY_SHELF_H

#include <mbedtls/sha256.h>

#include "board/box/library/record.h"

#define SHELF_PATH_MAX 512
/* An upload is brought onto the disk each time so much has come: what a power cut costs. */
#define SHELF_MARK_BYTES (UINT64_C(16) << 20)

struct shelf {
    uint64_t mark_bytes; /* SHELF_MARK_BYTES, or what a test sets */
    /* of the disk: bytes of images leave so much free, for what the box learns (its journal) */
    uint64_t reserve;
    char folder[SHELF_PATH_MAX - 32];
};

/* Makes the folder when it is not there. */
int shelf_open(struct shelf *, const char *folder, struct err *);
/* The path of a file of image `id`; kind is "ring", "raw" … */
const char *shelf_path(const struct shelf *, uint32_t id, const char *kind,
                       char to[SHELF_PATH_MAX]);

enum shelf_kind { SHELF_PART, SHELF_RAW, SHELF_RING };

struct shelf_found {
    uint32_t id;
    enum shelf_kind kind;
    bool packed; /* SHELF_RING: the raw disk it was packed from is there still */
    uint64_t at; /* SHELF_PART: where it goes on */
    struct record record;
    /* code != 0: the record, or where the upload stands, cannot be read. Nothing of it is changed
     * or removed. */
    struct err why;
};

/* Puts the folder in order, then tells of each image and upload, by number. On an error it has told
 * of nothing, and numbers may be in use that nobody knows. */
int shelf_scan(const struct shelf *, void (*each)(void *ctx, const struct shelf_found *), void *ctx,
               struct err *);

/* The record of what is there already, as it is from now on: the old one or the new one is on the
 * disk, whole. */
int shelf_note(const struct shelf *, uint32_t id, const struct record *, struct err *);

/* An upload that is being written. */
struct shelf_intake {
    int fd; /* -1: closed */
    uint32_t id;
    uint64_t at, marked;
    mbedtls_sha256_context hash;
};

/* A new upload. Its record is on the disk when this returns. */
int shelf_begin(const struct shelf *, uint32_t id, const struct record *, struct err *);
/* Opens it where its mark stands; what lies behind is cut off. */
int shelf_intake_open(const struct shelf *, uint32_t id, struct shelf_intake *, struct err *);
/* Writes n bytes at in->at. On an error in->at stays, and the same call may be tried again.
 * LIBRARY_ESPACE: the disk is full, or only the reserve is free. */
int shelf_write(const struct shelf *, struct shelf_intake *, const void *bytes, size_t n,
                struct err *);
/* All has come: it is on the disk in full, `sha256` is its hash. Closes the intake, in any case. */
int shelf_finish(const struct shelf *, struct shelf_intake *, uint8_t sha256[IMG_HASH_BYTES],
                 struct err *);
/* It goes on in another run: all that has come is on the disk. Closes the intake. */
void shelf_intake_pause(const struct shelf *, struct shelf_intake *);
void shelf_intake_close(struct shelf_intake *);
/* The upload, on the disk in full, becomes an image: SHELF_RAW or SHELF_RING. */
int shelf_settle(const struct shelf *, uint32_t id, enum shelf_kind, struct err *);
/* N.ring has been made from N.raw: the latter goes. */
int shelf_packed(const struct shelf *, uint32_t id, struct err *);
/* Removes all of it. */
int shelf_drop(const struct shelf *, uint32_t id, struct err *);
/* A file that is not on the shelf is gone for good. One that is not there is. */
int shelf_unlink(const char *path, struct err *);
/* Bytes that can still be written. */
/* Without the reserve. */
bool shelf_has_room(const struct shelf *, uint64_t bytes);
uint64_t shelf_free(const struct shelf *);

#endif
