#include "imaging/hash/sha256_lanes.h"

const uint32_t sha256_init[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

_Alignas(64) const uint32_t sha256_k[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

#if defined(__x86_64__)

#include <cpuid.h>
#include <immintrin.h>

/* Leaf 7 is read by hand: the compilers in use do not all know "sha" in __builtin_cpu_supports. */
bool sha256_cpu_has_shani(void)
{
    unsigned a, b, c, d;

    return __builtin_cpu_supports("sse4.1") && __get_cpuid_count(7, 0, &a, &b, &c, &d) &&
           (b >> 29 & 1);
}

bool sha256_cpu_has_avx2(void)
{
    return __builtin_cpu_supports("avx2");
}

/* ---- SHA instructions. They keep the state as ABEF and CDGH and do four rounds on four words of
 * W; the two messages of the second form fill each other's latencies. ---- */

#define SHANI __attribute__((target("sha,sse4.1"), always_inline)) static inline

struct shani {
    __m128i abef, cdgh, w[4];
};

SHANI void shani_load(struct shani *s, const uint32_t state[8])
{
    __m128i dcba = _mm_loadu_si128((const __m128i *)(const void *)state);
    __m128i hgfe = _mm_loadu_si128((const __m128i *)(const void *)(state + 4));
    __m128i cdab = _mm_shuffle_epi32(dcba, 0xB1), efgh = _mm_shuffle_epi32(hgfe, 0x1B);

    s->abef = _mm_alignr_epi8(cdab, efgh, 8);
    s->cdgh = _mm_blend_epi16(efgh, cdab, 0xF0);
}

SHANI void shani_store(uint32_t state[8], const struct shani *s)
{
    __m128i feba = _mm_shuffle_epi32(s->abef, 0x1B), dchg = _mm_shuffle_epi32(s->cdgh, 0xB1);

    _mm_storeu_si128((__m128i *)(void *)state, _mm_blend_epi16(feba, dchg, 0xF0));
    _mm_storeu_si128((__m128i *)(void *)(state + 4), _mm_alignr_epi8(dchg, feba, 8));
}

SHANI void shani_words(struct shani *s, const uint8_t *block)
{
    const __m128i big_endian = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);

    for (int i = 0; i < 4; i++)
        s->w[i] = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(const void *)(block + 16 * i)),
                                   big_endian);
}

/* Rounds 4g .. 4g+3, and the four words of W that replace the ones used up. */
SHANI void shani_rounds(struct shani *s, int g)
{
    __m128i *w = s->w, now = w[g & 3];
    __m128i wk =
        _mm_add_epi32(now, _mm_load_si128((const __m128i *)(const void *)(sha256_k + 4 * g)));

    s->cdgh = _mm_sha256rnds2_epu32(s->cdgh, s->abef, wk);
    s->abef = _mm_sha256rnds2_epu32(s->abef, s->cdgh, _mm_shuffle_epi32(wk, 0x0E));
    if (g >= 3 && g < 15) {
        __m128i *next = &w[(g + 1) & 3];
        __m128i sum = _mm_sha256msg1_epu32(*next, w[(g + 2) & 3]);

        sum = _mm_add_epi32(sum, _mm_alignr_epi8(now, w[(g + 3) & 3], 4));
        *next = _mm_sha256msg2_epu32(sum, now);
    }
}

__attribute__((target("sha,sse4.1"))) void sha256_shani_1(uint32_t state[8], const uint8_t *in,
                                                          size_t blocks)
{
    struct shani s;

    shani_load(&s, state);
    for (; blocks; blocks--, in += 64) {
        __m128i abef = s.abef, cdgh = s.cdgh;

        shani_words(&s, in);
#pragma GCC unroll 16
        for (int g = 0; g < 16; g++)
            shani_rounds(&s, g);
        s.abef = _mm_add_epi32(s.abef, abef);
        s.cdgh = _mm_add_epi32(s.cdgh, cdgh);
    }
    shani_store(state, &s);
}

__attribute__((target("sha,sse4.1"))) void sha256_shani_2(uint32_t state[2][8],
                                                          const uint8_t *const in[2], size_t blocks)
{
    struct shani a, b;

    shani_load(&a, state[0]);
    shani_load(&b, state[1]);
    for (size_t n = 0; n < blocks; n++) {
        __m128i a0 = a.abef, a1 = a.cdgh, b0 = b.abef, b1 = b.cdgh;

        shani_words(&a, in[0] + 64 * n);
        shani_words(&b, in[1] + 64 * n);
#pragma GCC unroll 16
        for (int g = 0; g < 16; g++) {
            shani_rounds(&a, g);
            shani_rounds(&b, g);
        }
        a.abef = _mm_add_epi32(a.abef, a0);
        a.cdgh = _mm_add_epi32(a.cdgh, a1);
        b.abef = _mm_add_epi32(b.abef, b0);
        b.cdgh = _mm_add_epi32(b.cdgh, b1);
    }
    shani_store(state[0], &a);
    shani_store(state[1], &b);
}

/* ---- Eight messages in the eight 32-bit lanes of AVX2 registers, each doing what FIPS 180-4 says.
 * ---- */

#define AVX2 __attribute__((target("avx2"), always_inline)) static inline

typedef __m256i v8;

AVX2 v8 rotr(v8 x, int n)
{
    return _mm256_or_si256(_mm256_srli_epi32(x, n), _mm256_slli_epi32(x, 32 - n));
}

AVX2 v8 xor3(v8 a, v8 b, v8 c)
{
    return _mm256_xor_si256(_mm256_xor_si256(a, b), c);
}

AVX2 v8 add(v8 a, v8 b)
{
    return _mm256_add_epi32(a, b);
}

/* Rows of eight words become columns. */
AVX2 void transpose(v8 r[8])
{
    v8 a[8], b[8];

    for (int i = 0; i < 8; i += 2) {
        a[i] = _mm256_unpacklo_epi32(r[i], r[i + 1]);
        a[i + 1] = _mm256_unpackhi_epi32(r[i], r[i + 1]);
    }
    for (int i = 0; i < 8; i += 4)
        for (int j = 0; j < 2; j++) {
            b[i + 2 * j] = _mm256_unpacklo_epi64(a[i + j], a[i + j + 2]);
            b[i + 2 * j + 1] = _mm256_unpackhi_epi64(a[i + j], a[i + j + 2]);
        }
    for (int i = 0; i < 4; i++) {
        r[i] = _mm256_permute2x128_si256(b[i], b[i + 4], 0x20);
        r[i + 4] = _mm256_permute2x128_si256(b[i], b[i + 4], 0x31);
    }
}

/* Words 8 * half .. 8 * half + 7 of the block at `at` of every lane. */
AVX2 void load_half(v8 w[8], const uint8_t *const in[8], size_t at)
{
    const v8 big_endian =
        _mm256_broadcastsi128_si256(_mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203));

    for (int l = 0; l < 8; l++)
        w[l] = _mm256_loadu_si256((const v8 *)(const void *)(in[l] + at));
    transpose(w);
    for (int i = 0; i < 8; i++)
        w[i] = _mm256_shuffle_epi8(w[i], big_endian);
}

/* One round on s[], whose roles turn with t instead of the words moving. */
AVX2 void avx2_round(v8 s[8], int t, v8 wk)
{
    v8 a = s[-t & 7], b = s[(1 - t) & 7], c = s[(2 - t) & 7], *d = &s[(3 - t) & 7];
    v8 e = s[(4 - t) & 7], f = s[(5 - t) & 7], g = s[(6 - t) & 7], *h = &s[(7 - t) & 7];
    v8 ch = _mm256_xor_si256(_mm256_and_si256(e, f), _mm256_andnot_si256(e, g));
    v8 maj = _mm256_or_si256(_mm256_and_si256(a, b), _mm256_and_si256(_mm256_or_si256(a, b), c));
    v8 t1 = add(add(*h, wk), add(xor3(rotr(e, 6), rotr(e, 11), rotr(e, 25)), ch));

    *d = add(*d, t1);
    *h = add(add(t1, maj), xor3(rotr(a, 2), rotr(a, 13), rotr(a, 22)));
}

AVX2 v8 next_word(const v8 w[16], int t)
{
    v8 w15 = w[(t + 1) & 15], w2 = w[(t + 14) & 15];
    v8 s0 = xor3(rotr(w15, 7), rotr(w15, 18), _mm256_srli_epi32(w15, 3));
    v8 s1 = xor3(rotr(w2, 17), rotr(w2, 19), _mm256_srli_epi32(w2, 10));

    return add(add(w[t & 15], s0), add(w[(t + 9) & 15], s1));
}

AVX2 void avx2_block(v8 s[8], v8 w[16])
{
#pragma GCC unroll 16
    for (int t = 0; t < 16; t++)
        avx2_round(s, t, add(w[t], _mm256_set1_epi32((int)sha256_k[t])));
    for (int base = 16; base < 64; base += 16) {
#pragma GCC unroll 16
        for (int t = 0; t < 16; t++) {
            w[t] = next_word(w, t);
            avx2_round(s, t, add(w[t], _mm256_set1_epi32((int)sha256_k[base + t])));
        }
    }
}

__attribute__((target("avx2"))) void sha256_avx2_8(uint32_t state[8][8], const uint8_t *const in[8],
                                                   size_t blocks)
{
    v8 s[8], before[8], w[16];

    for (int l = 0; l < 8; l++)
        s[l] = _mm256_loadu_si256((const v8 *)(const void *)state[l]);
    transpose(s);
    for (size_t n = 0; n < blocks; n++) {
        for (int i = 0; i < 8; i++)
            before[i] = s[i];
        load_half(w, in, 64 * n);
        load_half(w + 8, in, 64 * n + 32);
        avx2_block(s, w);
        for (int i = 0; i < 8; i++)
            s[i] = add(s[i], before[i]);
    }
    transpose(s);
    for (int l = 0; l < 8; l++)
        _mm256_storeu_si256((v8 *)(void *)state[l], s[l]);
}

#else

bool sha256_cpu_has_shani(void)
{
    return false;
}

bool sha256_cpu_has_avx2(void)
{
    return false;
}

void sha256_shani_1(uint32_t state[8], const uint8_t *in, size_t blocks)
{
    (void)state, (void)in, (void)blocks;
}

void sha256_shani_2(uint32_t state[2][8], const uint8_t *const in[2], size_t blocks)
{
    (void)state, (void)in, (void)blocks;
}

void sha256_avx2_8(uint32_t state[8][8], const uint8_t *const in[8], size_t blocks)
{
    (void)state, (void)in, (void)blocks;
}

#endif
