/* The tag with the CPU's AES and carry-less multiplication; which of it runs is decided at run
 * time. On other processors mac_x86_has says no and the rest is never called. */
#include "imaging/packet/mac_paths.h"

#include "imaging/packet/packet.h"
#include "net/wire/must.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define TAIL_OFFSET (PACKET_TAG_OFFSET + MAC_TAG_BYTES)
#define WHOLE_BLOCKS 90 /* blocks 1 … 90 are 16 bytes of the datagram; block 91 is its last 8 */
#define AAD_BITS ((PACKET_BYTES - MAC_TAG_BYTES) * 8)

#define AES __attribute__((target("sse4.1,aes")))
#define CLMUL __attribute__((target("sse4.1,ssse3,pclmul")))
#define VCLMUL __attribute__((target("avx512f,avx512bw,avx512vl,vpclmulqdq,pclmul")))

bool mac_x86_has(enum mac_path path)
{
    bool base = __builtin_cpu_supports("aes") && __builtin_cpu_supports("pclmul") &&
                __builtin_cpu_supports("sse4.1");

    if (path == MAC_VCLMUL)
        return base && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
               __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("vpclmulqdq");
    return base;
}

/* One step of the key schedule: the word transform comes from AESKEYGENASSIST, the running XOR of
 * the four words from three shifts. */
AES static __m128i schedule(__m128i key, __m128i assist)
{
    key = _mm_xor_si128(key, _mm_slli_si128(key, 4));
    key = _mm_xor_si128(key, _mm_slli_si128(key, 8));
    return _mm_xor_si128(key, _mm_shuffle_epi32(assist, 0xff));
}

AES void mac_x86_rounds(const uint8_t secret[MAC_KEY_BYTES], uint8_t rounds[11][16])
{
    __m128i k = _mm_loadu_si128((const __m128i *)secret);
    int i = 0;

    _mm_storeu_si128((__m128i *)rounds[i++], k);
#define STEP(constant)                                                                             \
    k = schedule(k, _mm_aeskeygenassist_si128(k, constant));                                       \
    _mm_storeu_si128((__m128i *)rounds[i++], k)
    STEP(0x01);
    STEP(0x02);
    STEP(0x04);
    STEP(0x08);
    STEP(0x10);
    STEP(0x20);
    STEP(0x40);
    STEP(0x80);
    STEP(0x1b);
    STEP(0x36);
#undef STEP
}

AES void mac_x86_aes(const uint8_t rounds[11][16], const uint8_t in[16], uint8_t out[16])
{
    const __m128i *k = (const __m128i *)rounds;
    __m128i b = _mm_xor_si128(_mm_loadu_si128((const __m128i *)in), _mm_loadu_si128(k));

    for (int i = 1; i < 10; i++)
        b = _mm_aesenc_si128(b, _mm_loadu_si128(k + i));
    b = _mm_aesenclast_si128(b, _mm_loadu_si128(k + 10));
    _mm_storeu_si128((__m128i *)out, b);
}

/* Sums of the three partial products of Karatsuba's scheme. */
struct sum128 {
    __m128i lo, mid, hi;
};

CLMUL static inline __m128i load_swapped(const uint8_t *p)
{
    const __m128i swap = _mm_set_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);

    return _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)p), swap);
}

CLMUL static inline void add_product(struct sum128 *s, __m128i block, const uint64_t *power)
{
    __m128i h = _mm_load_si128((const __m128i *)power);
    __m128i bx = _mm_xor_si128(block, _mm_shuffle_epi32(block, 0x4e));
    __m128i hx = _mm_xor_si128(h, _mm_shuffle_epi32(h, 0x4e));

    s->lo = _mm_xor_si128(s->lo, _mm_clmulepi64_si128(block, h, 0x00));
    s->hi = _mm_xor_si128(s->hi, _mm_clmulepi64_si128(block, h, 0x11));
    s->mid = _mm_xor_si128(s->mid, _mm_clmulepi64_si128(bx, hx, 0x00));
}

CLMUL static inline struct mac_wide wide_of(__m128i lo, __m128i mid, __m128i hi)
{
    struct mac_wide out;

    lo = _mm_xor_si128(lo, _mm_slli_si128(mid, 8));
    hi = _mm_xor_si128(hi, _mm_srli_si128(mid, 8));
    _mm_storeu_si128((__m128i *)out.w, lo);
    _mm_storeu_si128((__m128i *)(out.w + 2), hi);
    return out;
}

CLMUL struct mac_wide mac_clmul_sum(const struct mac_key *key, const uint8_t *datagram)
{
    struct sum128 s = {_mm_setzero_si128(), _mm_setzero_si128(), _mm_setzero_si128()};
    const uint8_t *p = datagram + TAIL_OFFSET;
    __m128i last;

    add_product(&s, load_swapped(datagram), key->powers[MAC_BLOCKS - 1]);
    for (int i = 0; i < WHOLE_BLOCKS; i++, p += 16)
        add_product(&s, load_swapped(p), key->powers[i]);
    /* The last 8 bytes come as the second half of an earlier load, so nothing is read past the end.
     */
    last = _mm_slli_si128(load_swapped(p - 8), 8);
    add_product(&s, last, key->powers[WHOLE_BLOCKS]);
    add_product(&s, _mm_set_epi64x(AAD_BITS, 0), key->powers[WHOLE_BLOCKS + 1]);
    return wide_of(s.lo, _mm_xor_si128(s.mid, _mm_xor_si128(s.lo, s.hi)), s.hi);
}

/* The same, four blocks at once and without Karatsuba: here multiplications are the cheap part. */
struct sum512 {
    __m512i lo, mid, hi;
};

VCLMUL static inline void add_products(struct sum512 *s, __m512i blocks, __m512i h)
{
    enum { xor3 = 0x96 };

    s->lo = _mm512_xor_si512(s->lo, _mm512_clmulepi64_epi128(blocks, h, 0x00));
    s->hi = _mm512_xor_si512(s->hi, _mm512_clmulepi64_epi128(blocks, h, 0x11));
    s->mid = _mm512_ternarylogic_epi64(s->mid, _mm512_clmulepi64_epi128(blocks, h, 0x01),
                                       _mm512_clmulepi64_epi128(blocks, h, 0x10), xor3);
}

VCLMUL static inline __m128i fold_lanes(__m512i v)
{
    __m256i half = _mm256_xor_si256(_mm512_castsi512_si256(v), _mm512_extracti64x4_epi64(v, 1));

    return _mm_xor_si128(_mm256_castsi256_si128(half), _mm256_extracti128_si256(half, 1));
}

VCLMUL struct mac_wide mac_vclmul_sum(const struct mac_key *key, const uint8_t *datagram)
{
    const __m512i swap =
        _mm512_broadcast_i32x4(_mm_set_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15));
    const __m512i length = _mm512_set_epi64(AAD_BITS, 0, 0, 0, 0, 0, 0, 0);
    struct sum512 s = {_mm512_setzero_si512(), _mm512_setzero_si512(), _mm512_setzero_si512()};
    const uint8_t *p = datagram + TAIL_OFFSET;
    __m128i first = _mm_loadu_si128((const __m128i *)datagram);
    __m128i first_h = _mm_load_si128((const __m128i *)key->powers[MAC_BLOCKS - 1]);
    __m512i v;

    add_products(&s, _mm512_shuffle_epi8(_mm512_zextsi128_si512(first), swap),
                 _mm512_zextsi128_si512(first_h));
    for (int i = 0; i + 4 <= WHOLE_BLOCKS; i += 4, p += 64)
        add_products(&s, _mm512_shuffle_epi8(_mm512_loadu_si512(p), swap),
                     _mm512_load_si512(key->powers[i]));
    /* Two whole blocks, the half one, and the length: 40 bytes are left. */
    v = _mm512_shuffle_epi8(_mm512_maskz_loadu_epi8((UINT64_C(1) << 40) - 1, p), swap);
    add_products(&s, _mm512_or_si512(v, length), _mm512_load_si512(key->powers[WHOLE_BLOCKS - 2]));
    return wide_of(fold_lanes(s.lo), fold_lanes(s.mid), fold_lanes(s.hi));
}

#else

bool mac_x86_has(enum mac_path path)
{
    (void)path;
    return false;
}

void mac_x86_rounds(const uint8_t secret[MAC_KEY_BYTES], uint8_t rounds[11][16])
{
    (void)secret, (void)rounds;
    MUST(!"this CPU has the path");
}

void mac_x86_aes(const uint8_t rounds[11][16], const uint8_t in[16], uint8_t out[16])
{
    (void)rounds, (void)in, (void)out;
    MUST(!"this CPU has the path");
}

struct mac_wide mac_clmul_sum(const struct mac_key *key, const uint8_t *datagram)
{
    (void)key, (void)datagram;
    MUST(!"this CPU has the path");
    return (struct mac_wide){{0}};
}

struct mac_wide mac_vclmul_sum(const struct mac_key *key, const uint8_t *datagram)
{
    return mac_clmul_sum(key, datagram);
}

#endif
