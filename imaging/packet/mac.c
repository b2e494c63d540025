#include "imaging/packet/mac.h"

#include <string.h>

#include "imaging/packet/mac_paths.h"
#include "imaging/packet/packet.h"
#include "net/wire/must.h"

/* GHASH works in GF(2)[x] / (x^128 + x^7 + x^2 + x + 1) and writes the coefficient of x^0 into the
 * top bit of the first byte. Read as a big-endian number, an element is bit-reversed: multiplying
 * by x shifts it right, and the carry-less product of two such numbers comes out one bit too low.
 */
typedef unsigned __int128 element;

#define AAD_BITS ((PACKET_BYTES - MAC_TAG_BYTES) * 8)
#define TAIL_OFFSET (PACKET_TAG_OFFSET + MAC_TAG_BYTES)
_Static_assert(MAC_BLOCKS == (PACKET_BYTES - MAC_TAG_BYTES + 15) / 16 + 1, "blocks and length");

static uint64_t load_be(const uint8_t *p)
{
    uint64_t v;

    memcpy(&v, p, 8);
    return __builtin_bswap64(v);
}

static element load_element(const uint8_t *p)
{
    return (element)load_be(p) << 64 | load_be(p + 8);
}

/* A factor thinned out: part i holds its bits i, i + 5, i + 10 … */
struct parts {
    uint64_t p[5];
};

static inline struct parts parts_of(uint64_t v)
{
    return (struct parts){{v & 0x1084210842108421, v & 0x2108421084210842, v & 0x4210842108421084,
                           v & 0x8421084210842108, v & 0x0842108421084210}};
}

/* Carry-less product by ordinary multiplication: of two parts at most 13 bits meet in a column, and
 * every fifth column counts, so that no carry reaches a column that does. Constant time. */
static inline element clmul64(struct parts a, struct parts b)
{
    const element fifth = (element)0x2108421084210842 << 64 | 0x1084210842108421;
    element out = 0;

#define TERM(i, j) ((element)a.p[i] * b.p[j])
#define COLUMN(r, a0, a1, a2, a3, a4)                                                              \
    out |= (TERM(0, a0) ^ TERM(1, a1) ^ TERM(2, a2) ^ TERM(3, a3) ^ TERM(4, a4)) & fifth << r
    COLUMN(0, 0, 4, 3, 2, 1);
    COLUMN(1, 1, 0, 4, 3, 2);
    COLUMN(2, 2, 1, 0, 4, 3);
    COLUMN(3, 3, 2, 1, 0, 4);
    COLUMN(4, 4, 3, 2, 1, 0);
#undef COLUMN
#undef TERM
    return out;
}

static struct mac_wide wide_product(element a, element b)
{
    uint64_t al = (uint64_t)a, ah = (uint64_t)(a >> 64), bl = (uint64_t)b, bh = (uint64_t)(b >> 64);
    element lo = clmul64(parts_of(al), parts_of(bl)), hi = clmul64(parts_of(ah), parts_of(bh));
    element mid = clmul64(parts_of(al ^ ah), parts_of(bl ^ bh)) ^ lo ^ hi;

    lo ^= mid << 64;
    hi ^= mid >> 64;
    return (struct mac_wide){
        {(uint64_t)lo, (uint64_t)(lo >> 64), (uint64_t)hi, (uint64_t)(hi >> 64)}};
}

/* x^128 · e as an element with its own overflow in *over: times (1 + x + x^2 + x^7). */
static element fold(element e, element *over)
{
    *over = e << 127 ^ e << 126 ^ e << 121;
    return e ^ e >> 1 ^ e >> 2 ^ e >> 7;
}

static element wide_reduce(struct mac_wide v)
{
    element lo = (element)v.w[1] << 64 | v.w[0];
    element hi = (element)v.w[3] << 64 | v.w[2];
    element over, none;

    hi = hi << 1 | lo >> 127; /* the one bit that the product is too low */
    hi ^= fold(lo << 1, &over);
    return hi ^ fold(over, &none);
}

static element multiply(element a, element b)
{
    return wide_reduce(wide_product(a, b));
}

/* Horner over the blocks, as the standard writes it. */
static element ghash_portable(element h, const uint8_t *d)
{
    element y = multiply(load_element(d), h);
    const uint8_t *p = d + TAIL_OFFSET;

    for (int i = 1; i < MAC_BLOCKS - 2; i++, p += 16)
        y = multiply(y ^ load_element(p), h);
    y = multiply(y ^ (element)load_be(p) << 64, h);
    return multiply(y ^ (element)AAD_BITS << 64, h);
}

static element h_of(const struct mac_key *key)
{
    const uint64_t *h = key->powers[MAC_BLOCKS - 2];

    return (element)h[1] << 64 | h[0];
}

static element ghash(const struct mac_key *key, const uint8_t *datagram)
{
    switch (key->path) {
    case MAC_CLMUL:
        return wide_reduce(mac_clmul_sum(key, datagram));
    case MAC_VCLMUL:
        return wide_reduce(mac_vclmul_sum(key, datagram));
    case MAC_PORTABLE:
        break;
    }
    return ghash_portable(h_of(key), datagram);
}

static void aes_block(const struct mac_key *key, const uint8_t in[16], uint8_t out[16])
{
    if (key->path != MAC_PORTABLE) {
        mac_x86_aes(key->rounds, in, out);
    } else {
        mbedtls_aes_context aes = key->aes; /* not const in mbedTLS' interface; we share keys */

        MUST(mbedtls_aes_crypt_ecb(&aes, MBEDTLS_AES_ENCRYPT, in, out) == 0);
    }
}

/* powers[i] belongs to block i + 1, the last entry to block 0: so that after block 0 blocks and
 * powers run side by side. */
static void powers_fill(struct mac_key *key, element h)
{
    element p = h;

    for (int i = MAC_BLOCKS - 2; i >= 0; i--, p = multiply(p, h)) {
        key->powers[i][0] = (uint64_t)p;
        key->powers[i][1] = (uint64_t)(p >> 64);
    }
    key->powers[MAC_BLOCKS - 1][0] = (uint64_t)p;
    key->powers[MAC_BLOCKS - 1][1] = (uint64_t)(p >> 64);
}

bool mac_key_init_path(struct mac_key *key, const uint8_t secret[MAC_KEY_BYTES], enum mac_path path)
{
    uint8_t h[16] = {0};

    if (path != MAC_PORTABLE && !mac_x86_has(path))
        return false;
    memset(key, 0, sizeof *key);
    key->path = path;
    mbedtls_aes_init(&key->aes);
    if (path == MAC_PORTABLE)
        MUST(mbedtls_aes_setkey_enc(&key->aes, secret, MAC_KEY_BYTES * 8) == 0);
    else
        mac_x86_rounds(secret, key->rounds);
    aes_block(key, h, h);
    powers_fill(key, load_element(h));
    return true;
}

void mac_key_init(struct mac_key *key, const uint8_t secret[MAC_KEY_BYTES])
{
    (void)(mac_key_init_path(key, secret, MAC_VCLMUL) ||
           mac_key_init_path(key, secret, MAC_CLMUL) ||
           mac_key_init_path(key, secret, MAC_PORTABLE));
}

void mac_key_wipe(struct mac_key *key)
{
    mbedtls_aes_free(&key->aes);
    memset(key, 0, sizeof *key);
    __asm__ volatile("" : : "r"(key) : "memory"); /* keep the stores */
}

/* SPEC section 4: CCI ‖ SBN ‖ ESI ‖ header byte 1 ‖ TOI and codepoint, and GCM's block counter 1.
 */
static void nonce_block(const uint8_t *d, uint8_t out[16])
{
    memcpy(out, d + 4, 4);
    memcpy(out + 4, d + 24, 4);
    memcpy(out + 8, d + 30, 2);
    out[10] = d[1];
    out[11] = (uint8_t)(d[11] << 4 | d[3]);
    memcpy(out + 12, (const uint8_t[4]){0, 0, 0, 1}, 4);
}

void mac_tag(const struct mac_key *key, const uint8_t *datagram, uint8_t tag[MAC_TAG_BYTES])
{
    uint8_t block[16];
    uint64_t s = (uint64_t)(ghash(key, datagram) >> 64);

    nonce_block(datagram, block);
    aes_block(key, block, block);
    s ^= load_be(block);
    s = __builtin_bswap64(s);
    memcpy(tag, &s, MAC_TAG_BYTES);
}

void mac_seal(const struct mac_key *key, uint8_t *datagram)
{
    mac_tag(key, datagram, datagram + PACKET_TAG_OFFSET);
}

bool mac_check(const struct mac_key *key, const uint8_t *datagram)
{
    uint8_t tag[MAC_TAG_BYTES];
    uint64_t want, got;

    mac_tag(key, datagram, tag);
    memcpy(&want, tag, 8);
    memcpy(&got, datagram + PACKET_TAG_OFFSET, 8);
    return (want ^ got) == 0; /* one comparison of the whole tag: no early exit to time */
}
