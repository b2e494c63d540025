/* Plain C on the compiler's 16-byte vectors (SSE2, NEON, or words where there are none). Without a
 * byte shuffle a product is a sum over the input's bits: where bit b is set, add the constant's
 * column b. */
#include "imaging/fec/kernels.h"

#include <string.h>

#define GF_TARGET
#define GF_FN static inline __attribute__((always_inline))
#define GF_STEP 16
#define GF_ENTRY 32
#define GF_FUSE 0
#define GF_NAME "portable"
#define GF_KERNELS gf_portable

typedef uint8_t bytes16 __attribute__((vector_size(16)));

typedef struct {
    bytes16 lo, hi;
} vec;

typedef struct {
    bytes16 lo[16], hi[16]; /* columns, each byte repeated */
} constant;

static bool usable(void)
{
    return true;
}

/* The columns, little-endian. */
static void pack(uint8_t *entry, const gf_element column[16])
{
    for (unsigned b = 0; b < 16; b++) {
        entry[2 * b] = (uint8_t)column[b];
        entry[2 * b + 1] = (uint8_t)(column[b] >> 8);
    }
}

GF_FN vec vec_zero(void)
{
    return (vec){{0}, {0}};
}

GF_FN vec vec_load(const uint8_t *p)
{
    vec v;

    memcpy(&v.lo, p, 16);
    memcpy(&v.hi, p + 32, 16);
    return v;
}

GF_FN void vec_store(uint8_t *p, vec v)
{
    memcpy(p, &v.lo, 16);
    memcpy(p + 32, &v.hi, 16);
}

GF_FN vec vec_add(vec u, vec v)
{
    return (vec){u.lo ^ v.lo, u.hi ^ v.hi};
}

GF_FN constant constant_load(const uint8_t *entry, bool sub)
{
    constant c;

    for (unsigned b = 0; b < (sub ? 8 : 16); b++) {
        c.lo[b] = (bytes16){0} + entry[2 * b];
        c.hi[b] = (bytes16){0} + entry[2 * b + 1];
    }
    return c;
}

/* All ones in the bytes whose bit b is set. */
GF_FN bytes16 where_set(bytes16 v, unsigned b)
{
    return (bytes16)((v & (uint8_t)(1U << b)) == (uint8_t)(1U << b));
}

GF_FN vec multiply_any(vec s, const constant *c, vec v)
{
    for (unsigned b = 0; b < 8; b++) {
        bytes16 l = where_set(v.lo, b), h = where_set(v.hi, b);

        s.lo ^= (l & c->lo[b]) ^ (h & c->lo[b + 8]);
        s.hi ^= (l & c->hi[b]) ^ (h & c->hi[b + 8]);
    }
    return s;
}

GF_FN vec multiply_sub(vec s, const constant *c, vec v)
{
    for (unsigned b = 0; b < 8; b++) {
        s.lo ^= where_set(v.lo, b) & c->lo[b];
        s.hi ^= where_set(v.hi, b) & c->lo[b];
    }
    return s;
}

#include "imaging/fec/gf_loops.h"
