/* SSSE3: 16 elements at a time, products by byte shuffles. */
#include "imaging/fec/gf_nibbles.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define GF_TARGET __attribute__((target("ssse3")))
#define GF_FN static inline __attribute__((always_inline)) GF_TARGET
#define GF_STEP 16
#define GF_ENTRY 96
#define GF_FUSE 0
#define GF_NAME "ssse3"
#define GF_KERNELS gf_ssse3

typedef struct {
    __m128i lo, hi;
} vec;

typedef struct {
    __m128i t[GF_TABLES];
} constant;

static bool usable(void)
{
    return __builtin_cpu_supports("ssse3");
}

static void pack(uint8_t *entry, const gf_element column[16])
{
    gf_pack_nibbles(entry, column);
}

GF_FN __m128i load16(const uint8_t *p)
{
    return _mm_loadu_si128((const __m128i_u *)p);
}

GF_FN vec vec_zero(void)
{
    return (vec){_mm_setzero_si128(), _mm_setzero_si128()};
}

GF_FN vec vec_load(const uint8_t *p)
{
    return (vec){load16(p), load16(p + 32)};
}

GF_FN void vec_store(uint8_t *p, vec v)
{
    _mm_storeu_si128((__m128i_u *)p, v.lo);
    _mm_storeu_si128((__m128i_u *)(p + 32), v.hi);
}

GF_FN vec vec_add(vec u, vec v)
{
    return (vec){_mm_xor_si128(u.lo, v.lo), _mm_xor_si128(u.hi, v.hi)};
}

GF_FN __m128i table(const uint8_t *entry, unsigned i)
{
    return load16(entry + 16 * i);
}

GF_FN constant constant_load(const uint8_t *entry, bool sub)
{
    (void)sub;
    return (constant){{table(entry, 0), table(entry, 1), table(entry, 2), table(entry, 3),
                       table(entry, 4), table(entry, 5)}};
}

GF_FN __m128i low_nibbles(__m128i v)
{
    return _mm_and_si128(v, _mm_set1_epi8(15));
}

GF_FN __m128i high_nibbles(__m128i v)
{
    return _mm_and_si128(_mm_srli_epi64(v, 4), _mm_set1_epi8(15));
}

/* s + the map t of the byte with nibbles n0, n1 */
GF_FN __m128i map_add(__m128i s, const __m128i t[2], __m128i n0, __m128i n1)
{
    return _mm_xor_si128(_mm_xor_si128(s, _mm_shuffle_epi8(t[0], n0)), _mm_shuffle_epi8(t[1], n1));
}

GF_FN vec multiply_any(vec s, const constant *c, vec v)
{
    __m128i l0 = low_nibbles(v.lo), l1 = high_nibbles(v.lo), h0 = low_nibbles(v.hi),
            h1 = high_nibbles(v.hi);
    __m128i own =
        _mm_xor_si128(_mm_shuffle_epi8(c->t[GF_OWN], l0), _mm_shuffle_epi8(c->t[GF_OWN + 1], l1));

    s.lo = map_add(_mm_xor_si128(s.lo, own), c->t + GF_CROSS, h0, h1);
    s.hi = map_add(_mm_xor_si128(s.hi, own), c->t + GF_SUM, _mm_xor_si128(l0, h0),
                   _mm_xor_si128(l1, h1));
    return s;
}

GF_FN vec multiply_sub(vec s, const constant *c, vec v)
{
    s.lo = map_add(s.lo, c->t + GF_OWN, low_nibbles(v.lo), high_nibbles(v.lo));
    s.hi = map_add(s.hi, c->t + GF_OWN, low_nibbles(v.hi), high_nibbles(v.hi));
    return s;
}

#include "imaging/fec/gf_loops.h"
#endif
