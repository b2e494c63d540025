#include "imaging/hash/hmac.h"

#include <string.h>

#include "net/wire/must.h"

#define BLOCK_BYTES 64

static void pad_start(mbedtls_sha256_context *c, const uint8_t key[BLOCK_BYTES], uint8_t with)
{
    uint8_t pad[BLOCK_BYTES];

    for (size_t i = 0; i < BLOCK_BYTES; i++)
        pad[i] = key[i] ^ with;
    mbedtls_sha256_init(c);
    MUST(mbedtls_sha256_starts(c, 0) == 0 && mbedtls_sha256_update(c, pad, BLOCK_BYTES) == 0);
}

void hmac_key_set(struct hmac_key *k, const void *key, size_t n)
{
    uint8_t block[BLOCK_BYTES] = {0};

    if (n > BLOCK_BYTES)
        MUST(mbedtls_sha256(key, n, block, 0) == 0);
    else if (n)
        memcpy(block, key, n);
    pad_start(&k->inner, block, 0x36);
    pad_start(&k->outer, block, 0x5C);
}

static void hash_on(const mbedtls_sha256_context *start, const void *bytes, size_t n,
                    uint8_t out[HMAC_BYTES])
{
    mbedtls_sha256_context c;

    mbedtls_sha256_clone(&c, start);
    MUST(mbedtls_sha256_update(&c, bytes, n) == 0 && mbedtls_sha256_finish(&c, out) == 0);
}

void hmac_with(const struct hmac_key *k, const void *bytes, size_t n, uint8_t out[HMAC_BYTES])
{
    hash_on(&k->inner, bytes, n, out);
    hash_on(&k->outer, out, HMAC_BYTES, out);
}

void hmac(const void *key, size_t key_n, const void *bytes, size_t n, uint8_t out[HMAC_BYTES])
{
    struct hmac_key k;

    hmac_key_set(&k, key, key_n);
    hmac_with(&k, bytes, n, out);
}
