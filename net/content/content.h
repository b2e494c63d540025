/* What the box gives out, whatever protocol asks for it (net/tftp, net/http/server): named runs of
 * bytes.
 *
 *   packet ──> name, normal ──> source.open ──> content ──> read at offsets ──> close
 *
 * A name is looked up in tables made at start. No name out of a packet ever reaches the file
 * system: what is not in a table is not there. Sources compose: a table of fixed names, trees
 * (tree.h), mounts of sources below prefixes. One thread (the IP stack's). Reads may wait for a
 * disk: hot files are better loaded (content_load). */
#ifndef NET_CONTENT_CONTENT_H
#define NET_CONTENT_CONTENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/content/errors.h"
#include "net/wire/err.h"

#define CONTENT_NAME_MAX 255 /* bytes of a name, without the NUL */

/* One thing being read. A value: copying it does not open it twice. */
struct content {
    uint64_t size;
    const char *type; /* media type, for HTTP; a constant */
    /* all of it when it lies in memory, lent until close; NULL: there is `read` */
    const uint8_t *bytes;
    void *ctx;
    /* Exactly n bytes from `offset`, offset + n <= size. 0 or a negative code. */
    int (*read)(void *ctx, uint64_t offset, uint8_t *to, size_t n);
    /* May be NULL. Bytes in memory at `offset` < size, *n of them, lent until close; NULL: none
     * there, read them. */
    const uint8_t *(*lend)(void *ctx, uint64_t offset, size_t *n);
    /* NULL: nothing to close, and what is lent stays as long as the program */
    void (*close)(void *ctx);
};

/* Where names are looked up. */
struct content_source {
    void *ctx;
    /* `name` as content_name makes it. `mac` of the machine that asks, NULL when not known. 0 and
     * an open content, or CONTENT_ENAME, CONTENT_EBUSY, ... */
    int (*open)(void *ctx, const char *name, const uint8_t *mac, struct content *out);
};

/* A foreign name of n bytes as the tables know names: '\' is '/', no '/' in front, none doubled, no
 * "." between. 0; or CONTENT_ENAME when it is too long or empty or has "..", a NUL or a control
 * character in it. */
int content_name(const void *bytes, size_t n, char out[CONTENT_NAME_MAX + 1]);
/* By the name's ending. */
const char *content_type(const char *name);

/* n bytes from `offset`, however it is kept. 0 or a negative code; beyond the end is CONTENT_EREAD.
 */
int content_read(const struct content *, uint64_t offset, uint8_t *to, size_t n);
/* Safe on a zeroed or closed one. */
void content_close(struct content *);
/* Bytes in memory at `offset` < size, *n of them, at least one; NULL when they must be read. Lent
 * until close. */
const uint8_t *content_lend(const struct content *, uint64_t offset, size_t *n);

/* ---- made of ---- */

/* Bytes in memory. Keeps them. */
void content_memory(struct content *out, const void *bytes, size_t n, const char *type);

/* A file, open until it is closed. Keeps fd, and closes it. 0, or CONTENT_EOPEN when it is not a
 * regular file (fd is closed then too). */
int content_fd(struct content *out, int fd, const char *type);
/* By a path of our own, never of a packet's. */
int content_file(struct content *out, const char *path, const char *type, struct err *);
/* A whole file of at most `max` bytes, read into memory once. The bytes stay as long as the
 * program: there is no way to close it. */
int content_load(struct content *out, const char *path, size_t max, const char *type, struct err *);

/* Another content with some bytes replaced as they are read: `n` bytes at `at` (at + n <=
 * under.size). */
struct content_overlay {
    struct content under; /* kept; closed with the overlay */
    uint64_t at;
    const uint8_t *bytes; /* kept */
    size_t n;
};
/* Keeps the overlay, which is the caller's. */
void content_overlaid(struct content *out, struct content_overlay *);
/* Where `magic` begins in the content: *at, or CONTENT_EMAGIC unless it is there exactly once.
 * Reads all of it. */
int content_find(const struct content *, const void *magic, size_t n, uint64_t *at, struct err *);

/* ---- a fixed table of names ---- */

/* bytes of a text made for a client: a script of sixteen entries with the longest paths */
#define CONTENT_TEXT_MAX 32768
#define CONTENT_TEXTS_MAX 64 /* of them being read at once */

/* Texts made for one client when he opens them. */
struct content_texts {
    struct content_text {
        bool used;
        size_t n;
        uint8_t bytes[CONTENT_TEXT_MAX];
    } text[CONTENT_TEXTS_MAX];
};

struct content_entry {
    const char *name;       /* as content_name makes it; kept */
    struct content content; /* handed out to everybody: opens share it and do not close it */
    /* Or, when not NULL: writes a text of at most `cap` bytes and returns its length, or a negative
     * code. Its type is content.type. */
    int (*make)(void *ctx, const uint8_t *mac, uint8_t *out, size_t cap);
    void *ctx;
};

struct content_table {
    const struct content_entry *entries; /* kept */
    size_t n;
    struct content_texts *texts; /* kept; NULL when no entry makes one */
};
struct content_source content_table_source(struct content_table *);

/* ---- sources below prefixes ---- */

struct content_mount {
    const char *prefix; /* "" or ending in '/'; kept */
    struct content_source source;
};

/* A name is offered, without its prefix, to each mount whose prefix it has, in order, until one
 * knows it. */
struct content_mounts {
    const struct content_mount *mounts; /* kept */
    size_t n;
};
struct content_source content_mounts_source(struct content_mounts *);

#endif
