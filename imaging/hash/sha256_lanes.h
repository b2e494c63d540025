/* Inside of sha256.[ch]: the compression function of SHA-256 on several messages at once. Only
 * sha256.c includes this. */
#ifndef IMAGING_HASH_SHA256_LANES_H
#define IMAGING_HASH_SHA256_LANES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The round constants and the initial state (FIPS 180-4, 4.2.2 and 5.3.3). */
extern const uint32_t sha256_k[64];
extern const uint32_t sha256_init[8];

bool sha256_cpu_has_shani(void);
bool sha256_cpu_has_avx2(void);

/* Each feeds `blocks` blocks of 64 bytes from in[l] into state[l]; the number is that of the lanes.
 */
void sha256_shani_1(uint32_t state[8], const uint8_t *in, size_t blocks);
void sha256_shani_2(uint32_t state[2][8], const uint8_t *const in[2], size_t blocks);
void sha256_avx2_8(uint32_t state[8][8], const uint8_t *const in[8], size_t blocks);

#endif
