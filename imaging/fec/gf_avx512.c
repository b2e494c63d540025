/* AVX-512 with the Galois field instructions: a whole unit in one register, low bytes in its lower
 * half. */
#include "imaging/fec/gf_affine.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define GF_TARGET __attribute__((target("avx512f,avx512bw,gfni")))
#define GF_FN static inline __attribute__((always_inline)) GF_TARGET
#define GF_STEP 32
#define GF_ENTRY 32
#define GF_FUSE 1
#define GF_NAME "avx512"
#define GF_KERNELS gf_avx512

typedef __m512i vec;

typedef struct {
    __m512i straight, across; /* a half to itself: own, sum; to the other half: cross, other */
} constant;

static bool usable(void)
{
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("gfni");
}

static void pack(uint8_t *entry, const gf_element column[16])
{
    gf_pack_affine(entry, column);
}

GF_FN vec vec_zero(void)
{
    return _mm512_setzero_si512();
}

GF_FN vec vec_load(const uint8_t *p)
{
    return _mm512_loadu_si512(p);
}

GF_FN void vec_store(uint8_t *p, vec v)
{
    _mm512_storeu_si512(p, v);
}

GF_FN vec vec_add(vec u, vec v)
{
    return _mm512_xor_si512(u, v);
}

GF_FN constant constant_load(const uint8_t *entry, bool sub)
{
    (void)sub;
    __m512i four = _mm512_castsi256_si512(_mm256_loadu_si256((const __m256i_u *)entry));

    return (constant){_mm512_permutexvar_epi64(_mm512_set_epi64(1, 1, 1, 1, 0, 0, 0, 0), four),
                      _mm512_permutexvar_epi64(_mm512_set_epi64(3, 3, 3, 3, 2, 2, 2, 2), four)};
}

GF_FN vec multiply_any(vec s, const constant *c, vec v)
{
    __m512i swapped = _mm512_shuffle_i64x2(v, v, _MM_SHUFFLE(1, 0, 3, 2));
    __m512i stays = _mm512_gf2p8affine_epi64_epi8(v, c->straight, 0);
    __m512i crosses = _mm512_gf2p8affine_epi64_epi8(swapped, c->across, 0);

    return _mm512_ternarylogic_epi64(s, stays, crosses, 0x96);
}

GF_FN vec multiply_sub(vec s, const constant *c, vec v)
{
    return _mm512_xor_si512(s, _mm512_gf2p8affine_epi64_epi8(v, c->straight, 0));
}

#include "imaging/fec/gf_loops.h"
#endif
