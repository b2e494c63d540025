/* Between mac.c and its implementations for one instruction set; nobody else's business. */
#ifndef IMAGING_PACKET_MAC_PATHS_H
#define IMAGING_PACKET_MAC_PATHS_H

#include <stdbool.h>
#include <stdint.h>

#include "imaging/packet/mac.h"

/* A product of two field elements before reduction, or a sum of such: 255 bits, low word first. */
struct mac_wide {
    uint64_t w[4];
};

/* Whether this program was built for, and runs on, a CPU with the path. */
bool mac_x86_has(enum mac_path path);

/* AES-128 with the CPU's instructions: key schedule and one block. */
void mac_x86_rounds(const uint8_t secret[MAC_KEY_BYTES], uint8_t rounds[11][16]);
void mac_x86_aes(const uint8_t rounds[11][16], const uint8_t in[16], uint8_t out[16]);

/* The sum of the datagram's 93 blocks times their powers, for MAC_CLMUL and MAC_VCLMUL. */
struct mac_wide mac_clmul_sum(const struct mac_key *key, const uint8_t *datagram);
struct mac_wide mac_vclmul_sum(const struct mac_key *key, const uint8_t *datagram);

#endif
