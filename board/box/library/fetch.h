/* Where an image comes from that the box gets by itself, whatever is at the other end: whoever
 * takes it looks what has come, takes what there is room for, and never waits. */
#ifndef BOARD_BOX_LIBRARY_FETCH_H
#define BOARD_BOX_LIBRARY_FETCH_H

#include <stddef.h>
#include <stdint.h>

#include "net/http/bind.h"
#include "net/wire/err.h"

/* As http_size, http_look, http_took and http_close say (net/http/bind.h). */
struct fetch_kind {
    uint64_t (*size)(const void *file);
    long (*look)(void *file, const uint8_t **bytes, struct err *);
    void (*took)(void *file, size_t n);
    void (*close)(void *file);
};

struct fetch {
    const struct fetch_kind *kind; /* NULL: nothing is fetched */
    void *file;
};

/* A file of a web server; taken over. */
struct fetch fetch_http(struct http_file *);

/* Of the whole file; 0: not known yet. */
static inline uint64_t fetch_size(const struct fetch *f)
{
    return f->kind->size(f->file);
}

static inline long fetch_look(const struct fetch *f, const uint8_t **bytes, struct err *err)
{
    return f->kind->look(f->file, bytes, err);
}

static inline void fetch_took(const struct fetch *f, size_t n)
{
    f->kind->took(f->file, n);
}

/* Nothing is fetched any more. Safe when nothing was. */
static inline void fetch_close(struct fetch *f)
{
    if (f->kind)
        f->kind->close(f->file);
    f->kind = NULL;
}

#endif
