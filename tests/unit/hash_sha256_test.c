/* SHA-256 and the chunk hash: every path gives what mbedTLS gives, whatever the length. */
#include "imaging/hash/sha256.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <mbedtls/sha256.h>

#include "net/wire/rng.h"

#define CHUNK 131072

static uint8_t *data;

static int make_data(void **state)
{
    struct rng r = {1};

    (void)state;
    data = malloc(CHUNK + 64);
    for (size_t i = 0; data && i < CHUNK + 64; i++)
        data[i] = (uint8_t)rng_u64(&r);
    return data ? 0 : -1;
}

static int free_data(void **state)
{
    (void)state;
    free(data);
    return 0;
}

static void plain_chunk_hash(uint8_t out[32], const uint8_t *raw, size_t n)
{
    uint8_t seg[8 * 32];
    size_t count = 0;

    for (size_t at = 0; at < n; at += IMG_SEGMENT_BYTES, count++) {
        size_t len = n - at < IMG_SEGMENT_BYTES ? n - at : IMG_SEGMENT_BYTES;

        mbedtls_sha256(raw + at, len, seg + 32 * count, 0);
    }
    mbedtls_sha256(seg, 32 * count, out, 0);
}

static void knows_the_published_vectors(void **state)
{
    static const uint8_t empty[4] = {0xe3, 0xb0, 0xc4, 0x42}, abc[4] = {0xba, 0x78, 0x16, 0xbf};
    uint8_t out[32];

    (void)state;
    for (enum sha256_path p = SHA256_PORTABLE; p < SHA256_PATHS; p++) {
        if (!sha256_force(p))
            continue;
        sha256(out, NULL, 0);
        assert_memory_equal(out, empty, 4);
        sha256(out, "abc", 3);
        assert_memory_equal(out, abc, 4);
    }
}

static void every_length_to_300(void **state)
{
    uint8_t out[32], want[32];

    (void)state;
    for (enum sha256_path p = SHA256_PORTABLE; p < SHA256_PATHS; p++) {
        if (!sha256_force(p))
            continue;
        for (size_t n = 0; n <= 300; n++) {
            sha256(out, data + n % 3, n);
            mbedtls_sha256(data + n % 3, n, want, 0);
            assert_memory_equal(out, want, 32);
        }
    }
}

static void chunks_of_every_shape(void **state)
{
    static const size_t length[] = {1,     55,    64,    512,   16383,  16384, 16385,
                                    32768, 65536, 98304, 98305, 131071, CHUNK};
    uint8_t out[32], want[32];

    (void)state;
    for (enum sha256_path p = SHA256_PORTABLE; p < SHA256_PATHS; p++) {
        if (!sha256_force(p))
            continue;
        for (size_t i = 0; i < sizeof length / sizeof *length; i++) {
            chunk_hash(out, data + i, length[i]);
            plain_chunk_hash(want, data + i, length[i]);
            assert_memory_equal(out, want, 32);
        }
    }
}

static void takes_the_best_path_by_itself(void **state)
{
    enum sha256_path chosen = sha256_path();

    (void)state;
    for (enum sha256_path p = SHA256_PORTABLE; p < SHA256_PATHS; p++)
        if (sha256_force(p))
            assert_true(p <= chosen);
    assert_true(sha256_force(chosen));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_the_best_path_by_itself),
        cmocka_unit_test(knows_the_published_vectors),
        cmocka_unit_test(every_length_to_300),
        cmocka_unit_test(chunks_of_every_shape),
    };

    return cmocka_run_group_tests(tests, make_data, free_data);
}
