/* AVX2: 32 elements at a time, products by byte shuffles. */
#include "imaging/fec/gf_nibbles.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define GF_TARGET __attribute__((target("avx2")))
#define GF_FN static inline __attribute__((always_inline)) GF_TARGET
#define GF_STEP 32
#define GF_ENTRY 128
#define GF_NAME "avx2"
#define GF_KERNELS gf_avx2

typedef struct {
    __m256i lo, hi;
} vec;

typedef struct {
    __m256i t[8];
} full;

typedef struct {
    __m256i t[2];
} half;

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
    return (vec){_mm256_loadu_si256((const __m256i_u *)p), _mm256_loadu_si256((const __m256i_u *)(p + 32))};
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

GF_FN full full_load(const uint8_t *entry)
{
    return (full){{table(entry, 0), table(entry, 1), table(entry, 2), table(entry, 3), table(entry, 4),
                   table(entry, 5), table(entry, 6), table(entry, 7)}};
}

GF_FN half half_load(const uint8_t *entry)
{
    return (half){{table(entry, 0), table(entry, 1)}};
}

GF_FN __m256i low_nibbles(__m256i v)
{
    return _mm256_and_si256(v, _mm256_set1_epi8(15));
}

GF_FN __m256i high_nibbles(__m256i v)
{
    return _mm256_and_si256(_mm256_srli_epi64(v, 4), _mm256_set1_epi8(15));
}

/* s + table[0][nibble 0] + table[1][nibble 1] */
GF_FN __m256i look_up(__m256i s, const __m256i t[2], __m256i n0, __m256i n1)
{
    return _mm256_xor_si256(_mm256_xor_si256(s, _mm256_shuffle_epi8(t[0], n0)), _mm256_shuffle_epi8(t[1], n1));
}

GF_FN vec full_add(vec s, full c, vec v)
{
    __m256i l0 = low_nibbles(v.lo), l1 = high_nibbles(v.lo), h0 = low_nibbles(v.hi), h1 = high_nibbles(v.hi);

    s.lo = look_up(look_up(s.lo, c.t, l0, l1), c.t + 4, h0, h1);
    s.hi = look_up(look_up(s.hi, c.t + 2, l0, l1), c.t + 6, h0, h1);
    return s;
}

GF_FN vec half_add(vec s, half c, vec v)
{
    s.lo = look_up(s.lo, c.t, low_nibbles(v.lo), high_nibbles(v.lo));
    s.hi = look_up(s.hi, c.t, low_nibbles(v.hi), high_nibbles(v.hi));
    return s;
}

#include "imaging/fec/gf_loops.h"
#endif
