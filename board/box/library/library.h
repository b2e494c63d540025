/* The image library: what the box has to give, where it came from, and what is being done with it.
 *
 *   upload, pull, stick ──pieces──> blocks ──> writing thread ──> DATA/library/N.part ─┐ (shelf.h)
 *   DATA/images/, the configured folder: .ring, and raw images ────────────────────────┤
 *                                                                                      v
 *                                  serve <── ready <── working thread: check, pack, verify
 *
 * One thread calls everything here; none of it waits for the disk. Bytes go in bounded blocks to a
 * thread that writes and hashes them; a piece that finds no block free is taken in part, which is
 * what slows the sender down. Long work (checking an upload, packing, verifying) is done by a
 * second thread, one piece after the other. No upload is listed before all of it is on the disk
 * and, if it is a .ring, proven chunk by chunk; and nothing is given out that has not been read in
 * full since its file last changed (checked.h).
 *
 * An image that replaces another takes its place when no machine is in the middle of the older one:
 * until then both are listed, and the older is given out. The place changes hands under a session
 * too: machines that have not begun join the newer, and the session goes on.
 *
 * What lies in the two folders is looked at once, at the start. The configured folder is the FAT
 * partition of the box: the box does not write there, so its images are protected. Every image is
 * signed anew with the box's own key, in memory, because that is the key targets believe; who had
 * signed it is told beside it. */
#ifndef BOARD_BOX_LIBRARY_LIBRARY_H
#define BOARD_BOX_LIBRARY_LIBRARY_H

#include "board/box/library/shelf.h"
#include "board/box/library/sticks.h"
#include "board/core/serve.h"
#include "imaging/image/sign.h"

#define LIBRARY_MAX 32             /* images and uploads; CONFIG_IMAGES_MAX of them are served */
#define LIBRARY_BLOCK (128u << 10) /* what goes to the writing thread at once */
#define LIBRARY_BLOCKS 64          /* of all uploads */
#define LIBRARY_BLOCKS_EACH 32     /* of one */
#define LIBRARY_RESERVE (UINT64_C(16) << 20) /* of the disk, for what the box learns */

enum library_state {
    LIBRARY_ASKING,    /* a pull, before the server has answered */
    LIBRARY_RECEIVING, /* an upload or a pull */
    LIBRARY_CHECKING,  /* it is whole and is looked at */
    LIBRARY_FAILED,    /* an upload that will be no image: `cause` */
    /* from here on it is an image, and listed */
    LIBRARY_PACKING,
    LIBRARY_VERIFYING, /* read in full, before it is first given out or once more: see `served` */
    LIBRARY_READY,
    LIBRARY_BAD /* `cause` */
};

enum library_origin {
    LIBRARY_OWN,   /* DATA/library: uploaded or pulled */
    LIBRARY_LOCAL, /* DATA/images */
    LIBRARY_FOLDER /* the configured folder, read only */
};

/* What the image says of itself; zeros while it has not been looked at. */
struct library_facts {
    uint64_t bytes, raw_bytes, min_target_bytes, used_bytes;
    uint8_t root[IMG_HASH_BYTES], signer[IMG_PUBKEY_BYTES];
    bool is_signed, by_box; /* before the box signed it anew */
};

struct library_image {
    enum library_state state;
    enum library_origin origin;
    uint32_t id; /* of uploads; 0: none */
    struct record record;
    struct library_facts facts;
    uint64_t offset;  /* of an upload: what has been taken; may go back when the disk fails */
    unsigned percent; /* of what is being done */
    bool served;
    bool hashed; /* sha256 is of the bytes that came */
    uint8_t sha256[IMG_HASH_BYTES];
    char cause[300]; /* why it failed, is bad, is not served, or does not go on; "" */
};

struct library;

struct library_needs {
    const char *data;   /* DATA */
    const char *folder; /* may be NULL or missing */
    const struct sign_key *key;
    struct serve *serve;
    struct ip_stack *stack; /* for pulls; NULL: there are none */
    struct sticks *sticks;  /* NULL: there are none */
    /* their images are copied as soon as they are plugged in, those that the library has not by
     * name */
    bool take_sticks;
    /* for pulls by https; NULL: in nobody but whom a pull names by fingerprint */
    const struct tls_trust *trust;
    uint64_t mark_bytes; /* 0, or for tests: instead of SHELF_MARK_BYTES */
    /* May be NULL. Whether somebody still counts on the image of that name: then LIBRARY_EUSED and
     * the sentence that says who, else 0. */
    int (*used)(void *ctx, const char *name, struct err *);
    void *ctx;
};

/* Starts the threads, takes up what is there, goes on with what was not finished. Keeps key, serve
 * and stack. */
int library_open(struct library **, const struct library_needs *, struct err *);
/* Often: takes up what the threads have done, goes on with pulls. */
void library_tick(struct library *, struct mono now);
/* Stops the threads; uploads go on in the next run. Safe on NULL. */
void library_close(struct library *);
/* For serve's `failed`: the image of that name cannot be given out any more. */
void library_lost(struct library *, const char *name, const struct err *why);
/* Whether the image of that name ("": any, while none is given out) is here and not given out, and
 * why: 0 (no such image, or it is given out), LIBRARY_COMING (it is being checked or packed),
 * LIBRARY_REFUSED (it never will be as it is). */
enum { LIBRARY_COMING = 1, LIBRARY_REFUSED };
int library_withheld(struct library *, const char *name, char *to, size_t cap);

/* The name of the first image in the list: the same one before and after it has been checked. "":
 * there is none; its name is not known yet (that of a file in a folder stands in the file); it is
 * bad; or a folder or the shelf could not be read, so that another image may be the first. No other
 * image takes its place: machines for which no image is named would get one that nobody meant for
 * them. Lent. */
const char *library_first(const struct library *);

/* The i-th image or upload; NULL behind the last. What is lent is good until the next call. */
const struct library_image *library_at(struct library *, unsigned i);
static inline bool library_listed(const struct library_image *m)
{
    return m->state >= LIBRARY_PACKING;
}
/* A listed image by name; an upload, in any state, by its number. NULL: there is none. */
const struct library_image *library_named(struct library *, const char *name);
const struct library_image *library_upload(struct library *, uint32_t id);
/* What uploads may still fill: the disk without what uploads under way have been promised, and
 * without the room that raw images take while they are packed. The first raw one is taken when it
 * fits by itself: whether its packing fits, too, depends on what is in it. */
uint64_t library_free(const struct library *);
/* Whether there is room for so much, of an image or of anything else that comes to this disk. 0,
 * LIBRARY_ESPACE, EREQUEST (bytes 0). */
int library_check_space(struct library *, uint64_t bytes, struct err *);
/* Files of the folders that could not be served, and images that are bad. */
unsigned library_skipped(struct library *);

/* A new upload of record->bytes bytes. 0, LIBRARY_ENAME, ETEXT, EEXISTS, EPROTECTED, EFULL, ESPACE.
 */
int library_begin(struct library *, const struct record *, uint32_t *id, struct err *);
/* Bytes of it, which go on at `at`. Returns how many were taken, 0 .. n: the rest is to be offered
 * again; or LIBRARY_EUNKNOWN, EBUSY (nothing more is expected), EOFFSET, EKIND, or ESPACE and
 * EDISK: the disk failed and the offset went back. */
long library_put(struct library *, uint32_t id, uint64_t at, const void *bytes, size_t n,
                 struct err *);
/* No more bytes for now: the connection has ended. */
void library_pause(struct library *, uint32_t id);
/* Nothing of it is left. */
int library_abandon(struct library *, uint32_t id, struct err *);

/* http://… or https://…: the box fetches it itself, in the background; record->bytes is set by what
 * the server says. A pull that a restart cuts is begun anew. */
int library_pull(struct library *, const struct record *, uint32_t *id, struct err *);
/* A file of a stick is copied, in the background; record->url says which (library_import_url). It
 * must be in the stick's list; nothing of it is kept when the stick is pulled out, or the box
 * stops, before all has come. LIBRARY_ESTICK, or as library_begin. */
int library_import(struct library *, const struct record *, uint32_t *id, struct err *);
void library_import_url(struct record *, unsigned stick, const char *path);
/* What is plugged in; NULL: nothing. */
const struct stick *library_stick(const struct library *, unsigned place);
/* Bytes of sticks are coming: the next tick should be soon. */
bool library_copies(const struct library *);
/* Reads all of it again, or packs it again where that had failed. 0, LIBRARY_EUNKNOWN or EBUSY. */
int library_verify(struct library *, const char *name, struct err *);
/* It is gone from the list and from the wire at once, from the disk when library_leaving says no
 * more. 0, LIBRARY_EUNKNOWN, EPROTECTED, EUSED. */
int library_delete(struct library *, const char *name, struct err *);
/* Something of that name is still being removed. */
bool library_leaving(struct library *, const char *name);

#endif
