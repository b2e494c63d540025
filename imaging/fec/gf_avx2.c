/* AVX2: 32 elements at a time, products by byte shuffles. */
#include "imaging/fec/gf_nibbles.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define GF_TARGET __attribute__((target("avx2")))
#define GF_FN static inline __attribute__((always_inline)) GF_TARGET
#define GF_STEP 32
#define GF_ENTRY 96
#define GF_FUSE 0
#define GF_NAME "avx2"
#define GF_KERNELS gf_avx2

typedef struct {
    __m256i lo, hi;
} vec;

typedef struct {
    __m256i t[GF_TABLES];
} constant;

static bool usable(void)
{
    return __builtin_cpu_supports("avx2");
}

static void pack(uint8_t *entry, const gf_element column[16])
{
    gf_pack_nibbles(entry, column);
}

GF_FN vec vec_zero(void)
{
    return (vec){_mm256_setzero_si256(), _mm256_setzero_si256()};
}

GF_FN vec vec_load(const uint8_t *p)
{
    return (vec){_mm256_loadu_si256((const __m256i_u *)p),
                 _mm256_loadu_si256((const __m256i_u *)(p + 32))};
}

GF_FN void vec_store(uint8_t *p, vec v)
{
    _mm256_storeu_si256((__m256i_u *)p, v.lo);
    _mm256_storeu_si256((__m256i_u *)(p + 32), v.hi);
}

GF_FN vec vec_add(vec u, vec v)
{
    return (vec){_mm256_xor_si256(u.lo, v.lo), _mm256_xor_si256(u.hi, v.hi)};
}

GF_FN __m256i table(const uint8_t *entry, unsigned i)
{
    return _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i_u *)(entry + 16 * i)));
}

GF_FN constant constant_load(const uint8_t *entry, bool sub)
{
    (void)sub;
    return (constant){{table(entry, 0), table(entry, 1), table(entry, 2), table(entry, 3),
                       table(entry, 4), table(entry, 5)}};
}

GF_FN __m256i low_nibbles(__m256i v)
{
    return _mm256_and_si256(v, _mm256_set1_epi8(15));
}

GF_FN __m256i high_nibbles(__m256i v)
{
    return _mm256_and_si256(_mm256_srli_epi64(v, 4), _mm256_set1_epi8(15));
}

/* s + the map t of the byte with nibbles n0, n1 */
GF_FN __m256i map_add(__m256i s, const __m256i t[2], __m256i n0, __m256i n1)
{
    return _mm256_xor_si256(_mm256_xor_si256(s, _mm256_shuffle_epi8(t[0], n0)),
                            _mm256_shuffle_epi8(t[1], n1));
}

GF_FN vec multiply_any(vec s, const constant *c, vec v)
{
    __m256i l0 = low_nibbles(v.lo), l1 = high_nibbles(v.lo), h0 = low_nibbles(v.hi),
            h1 = high_nibbles(v.hi);
    __m256i own = _mm256_xor_si256(_mm256_shuffle_epi8(c->t[GF_OWN], l0),
                                   _mm256_shuffle_epi8(c->t[GF_OWN + 1], l1));

    s.lo = map_add(_mm256_xor_si256(s.lo, own), c->t + GF_CROSS, h0, h1);
    s.hi = map_add(_mm256_xor_si256(s.hi, own), c->t + GF_SUM, _mm256_xor_si256(l0, h0),
                   _mm256_xor_si256(l1, h1));
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
