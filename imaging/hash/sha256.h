/* SHA-256 in bulk, for hashing whole disks on machines with and without SHA instructions.
 *
 * Three ways, byte-identical: the CPU's SHA instructions with two messages interleaved, eight
 * messages side by side in AVX2 registers, and the portable code of mbedTLS. The best the CPU has
 * is chosen once, before main; calls are safe from any thread and keep no state. */
#ifndef IMAGING_HASH_SHA256_H
#define IMAGING_HASH_SHA256_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SHA256_BYTES 32
#define IMG_SEGMENT_BYTES 16384 /* SPEC section 6 */

/* SHA-256 of n bytes; data may be NULL when n is 0. One message alone cannot use the eight lanes of
 * AVX2: without SHA instructions this is as fast as mbedTLS. */
void sha256(uint8_t out[SHA256_BYTES], const void *data, size_t n);

/* The chunk hash of SPEC section 6: SHA-256 of the segment hashes of the chunk's raw content, n = 1
 * .. 131072. */
void chunk_hash(uint8_t out[SHA256_BYTES], const uint8_t *raw, size_t n);

enum sha256_path { SHA256_PORTABLE, SHA256_AVX2, SHA256_SHANI, SHA256_PATHS };

/* The way in use, and its name for a bench or a log. */
enum sha256_path sha256_path(void);
const char *sha256_path_name(enum sha256_path);
/* For tests and benches: uses `p` from now on; false when this CPU cannot. Not while other threads
 * hash. */
bool sha256_force(enum sha256_path p);

#endif
