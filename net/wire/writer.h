/* Bounded writer: a value that does not fit sets `bad` and writes nothing; every later write fails
 * too, so an encoder checks once at the end. It borrows the buffer. Integers are big-endian unless
 * the name says le. */
#ifndef NET_WIRE_WRITER_H
#define NET_WIRE_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct writer {
    uint8_t *at;
    size_t left;
    size_t done; /* bytes written so far */
    bool bad;    /* sticky: something did not fit, or a value was too large for its field */
};

static inline struct writer writer_on(void *bytes, size_t n)
{
    return (struct writer){.at = bytes, .left = n, .done = 0, .bad = false};
}

/* Room for n bytes, to be filled by the caller; NULL when it does not fit. */
static inline uint8_t *wr_room(struct writer *w, size_t n)
{
    uint8_t *p = w->at;

    if (w->bad || n > w->left) {
        w->bad = true;
        return NULL;
    }
    w->at += n;
    w->left -= n;
    w->done += n;
    return p;
}

static inline void wr_be(struct writer *w, uint64_t v, size_t n)
{
    uint8_t *p;

    if (n < 8 && v >> (8 * n))
        w->bad = true;
    p = wr_room(w, n);
    for (size_t i = 0; p && i < n; i++)
        p[i] = (uint8_t)(v >> (8 * (n - 1 - i)));
}

static inline void wr_u8(struct writer *w, uint64_t v)
{
    wr_be(w, v, 1);
}

static inline void wr_u16(struct writer *w, uint64_t v)
{
    wr_be(w, v, 2);
}

static inline void wr_u24(struct writer *w, uint64_t v)
{
    wr_be(w, v, 3);
}

static inline void wr_u32(struct writer *w, uint64_t v)
{
    wr_be(w, v, 4);
}

static inline void wr_u64(struct writer *w, uint64_t v)
{
    wr_be(w, v, 8);
}

static inline void wr_copy(struct writer *w, const void *from, size_t n)
{
    uint8_t *p = wr_room(w, n);

    if (p)
        memcpy(p, from, n);
}

static inline void wr_zero(struct writer *w, size_t n)
{
    uint8_t *p = wr_room(w, n);

    if (p)
        memset(p, 0, n);
}

#endif
