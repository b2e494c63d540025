/* Bounded reader over foreign bytes. It borrows the buffer and never reads past its end: a read
 * that does not fit sets `bad`, returns 0 and moves nothing; every later read fails too, so a
 * decoder checks once at the end. All integers are big-endian (network order) unless the name says
 * le. */
#ifndef NET_WIRE_READER_H
#define NET_WIRE_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct reader {
    const uint8_t *at;
    size_t left;
    bool bad; /* sticky: something did not fit */
};

static inline struct reader reader_on(const void *bytes, size_t n)
{
    return (struct reader){.at = bytes, .left = n, .bad = false};
}

/* n bytes in place, borrowed from the underlying buffer; NULL when they do not fit. */
static inline const uint8_t *rd_bytes(struct reader *r, size_t n)
{
    const uint8_t *p = r->at;

    if (r->bad || n > r->left) {
        r->bad = true;
        return NULL;
    }
    r->at += n;
    r->left -= n;
    return p;
}

static inline uint64_t rd_be(struct reader *r, size_t n)
{
    const uint8_t *p = rd_bytes(r, n);
    uint64_t v = 0;

    for (size_t i = 0; p && i < n; i++)
        v = v << 8 | p[i];
    return v;
}

static inline uint64_t rd_le(struct reader *r, size_t n)
{
    const uint8_t *p = rd_bytes(r, n);
    uint64_t v = 0;

    for (size_t i = n; p && i-- > 0;)
        v = v << 8 | p[i];
    return v;
}

static inline uint8_t rd_u8(struct reader *r)
{
    return (uint8_t)rd_be(r, 1);
}

static inline uint16_t rd_u16(struct reader *r)
{
    return (uint16_t)rd_be(r, 2);
}

static inline uint32_t rd_u24(struct reader *r)
{
    return (uint32_t)rd_be(r, 3);
}

static inline uint32_t rd_u32(struct reader *r)
{
    return (uint32_t)rd_be(r, 4);
}

static inline uint64_t rd_u64(struct reader *r)
{
    return rd_be(r, 8);
}

/* Copies n bytes out; zeroes `to` when they do not fit. */
static inline void rd_copy(struct reader *r, void *to, size_t n)
{
    const uint8_t *p = rd_bytes(r, n);

    if (p)
        memcpy(to, p, n);
    else
        memset(to, 0, n);
}

/* Cuts the next n bytes out as a reader of their own, so that the value's parser cannot leave it.
 */
static inline struct reader rd_sub(struct reader *r, size_t n)
{
    const uint8_t *p = rd_bytes(r, n);

    return (struct reader){.at = p, .left = p ? n : 0, .bad = !p};
}

/* True when everything fitted and nothing is left over. */
static inline bool rd_done(const struct reader *r)
{
    return !r->bad && r->left == 0;
}

#endif
