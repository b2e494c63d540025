/* The group tag of a datagram (SPEC.md section 4): AES-128-GMAC cut to 8 bytes, over everything but
 * the tag itself. Three implementations give the same bytes; the best the CPU has is chosen when a
 * key is made. All memory is the caller's, a key is read-only after mac_key_init and may be shared
 * by threads.
 *
 * How it is fast: a datagram is always the same 93 GHASH blocks, so the key holds H^1 … H^93 and
 * each block is multiplied by its own power; the products are summed unreduced and reduced once. */
#ifndef IMAGING_PACKET_MAC_H
#define IMAGING_PACKET_MAC_H

#include <stdbool.h>
#include <stdint.h>

#include <mbedtls/aes.h>

#define MAC_KEY_BYTES 16
#define MAC_TAG_BYTES 8
#define MAC_BLOCKS 93 /* 1464 bytes of associated data in 16-byte blocks, and the length block */

enum mac_path {
    MAC_PORTABLE, /* plain C, constant time, and mbedTLS' AES */
    MAC_CLMUL,    /* AES-NI, PCLMULQDQ */
    MAC_VCLMUL    /* AES-NI, AVX-512, VPCLMULQDQ: four blocks an instruction */
};

/* Private to mac*.c. A field element is a 128-bit number whose top bit is the coefficient of x^0,
 * low half first. */
struct mac_key {
    /* H^92 … H^1 for blocks 1 … 92; last H^93, for block 0 */
    _Alignas(64) uint64_t powers[MAC_BLOCKS][2];
    uint8_t rounds[11][16];  /* AES-128 round keys: CPU's AES */
    mbedtls_aes_context aes; /* portable AES */
    enum mac_path path;
};

/* Prepares a key for the fastest path of this CPU. */
void mac_key_init(struct mac_key *key, const uint8_t secret[MAC_KEY_BYTES]);

/* The same for one path: for tests and benchmarks. False, and no key, when the CPU lacks it. */
bool mac_key_init_path(struct mac_key *key, const uint8_t secret[MAC_KEY_BYTES],
                       enum mac_path path);

/* Overwrites a key that is no longer needed. */
void mac_key_wipe(struct mac_key *key);

/* Tag of a datagram of PACKET_BYTES; the 8 bytes at PACKET_TAG_OFFSET are not read. */
void mac_tag(const struct mac_key *key, const uint8_t *datagram, uint8_t tag[MAC_TAG_BYTES]);

/* Writes the tag into its place: the last step before a datagram leaves. */
void mac_seal(const struct mac_key *key, uint8_t *datagram);

/* True when the datagram of PACKET_BYTES carries its right tag; compares in constant time. */
bool mac_check(const struct mac_key *key, const uint8_t *datagram);

#endif
