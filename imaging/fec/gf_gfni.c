/* AVX2 with the Galois field instructions: 32 elements at a time, products by bit matrices. Small
 * processors have this too (Gracemont and later). */
#include "imaging/fec/gf_affine.h"

#if defined(__x86_64__)
#include <immintrin.h>
#include <string.h>

#define GF_TARGET __attribute__((target("avx2,gfni")))
#define GF_FN static inline __attribute__((always_inline)) GF_TARGET
#define GF_STEP 32
#define GF_ENTRY 32
#define GF_FUSE 1
#define GF_NAME "gfni"
#define GF_KERNELS gf_gfni

typedef struct {
    __m256i lo, hi;
} vec;

typedef struct {
    __m256i own, sum, cross;
} constant;

static bool usable(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("gfni");
}

static void pack(uint8_t *entry, const gf_element column[16])
{
    gf_pack_affine(entry, column);
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

GF_FN __m256i matrix(const uint8_t *p)
{
    long long m;

    memcpy(&m, p, 8);
    return _mm256_set1_epi64x(m);
}

GF_FN constant constant_load(const uint8_t *entry, bool sub)
{
    (void)sub;
    return (constant){matrix(entry), matrix(entry + 8), matrix(entry + 16)};
}

/* s + m v, byte by byte */
GF_FN __m256i affine_add(__m256i s, __m256i m, __m256i v)
{
    return _mm256_xor_si256(s, _mm256_gf2p8affine_epi64_epi8(v, m, 0));
}

GF_FN vec multiply_any(vec s, const constant *c, vec v)
{
    __m256i own = _mm256_gf2p8affine_epi64_epi8(v.lo, c->own, 0);

    s.lo = affine_add(_mm256_xor_si256(s.lo, own), c->cross, v.hi);
    s.hi = affine_add(_mm256_xor_si256(s.hi, own), c->sum, _mm256_xor_si256(v.lo, v.hi));
    return s;
}

GF_FN vec multiply_sub(vec s, const constant *c, vec v)
{
    s.lo = affine_add(s.lo, c->own, v.lo);
    s.hi = affine_add(s.hi, c->own, v.hi);
    return s;
}

#include "imaging/fec/gf_loops.h"
#endif
