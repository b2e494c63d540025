/* HMAC-SHA-256 (RFC 2104). Pure. */
#ifndef IMAGING_HASH_HMAC_H
#define IMAGING_HASH_HMAC_H

#include <stddef.h>
#include <stdint.h>

#include "mbedtls/sha256.h"

#define HMAC_BYTES 32

/* A key, made ready once for many messages. A copy of the struct is a copy of the key. */
struct hmac_key {
    mbedtls_sha256_context inner, outer;
};

void hmac_key_set(struct hmac_key *, const void *key, size_t n);
/* `out` may be `bytes`. */
void hmac_with(const struct hmac_key *, const void *bytes, size_t n, uint8_t out[HMAC_BYTES]);
/* The two in one, for a key that is used once. */
void hmac(const void *key, size_t key_n, const void *bytes, size_t n, uint8_t out[HMAC_BYTES]);

#endif
