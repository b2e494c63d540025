#include "imaging/hash/sha256.h"

#include <string.h>

#include <mbedtls/sha256.h>

#include "imaging/hash/sha256_lanes.h"
#include "net/wire/must.h"

#define SEGMENTS 8
#define SEGMENT_BLOCKS (IMG_SEGMENT_BYTES / 64)

static enum sha256_path path = SHA256_PORTABLE;

static bool can(enum sha256_path p)
{
    switch (p) {
    case SHA256_PORTABLE:
        return true;
    case SHA256_AVX2:
        return sha256_cpu_has_avx2();
    case SHA256_SHANI:
        return sha256_cpu_has_shani();
    case SHA256_PATHS:
        break;
    }
    return false;
}

/* Before main, so that no call has to ask whether the choice is made. */
__attribute__((constructor)) static void choose(void)
{
    for (enum sha256_path p = SHA256_PORTABLE; p < SHA256_PATHS; p++)
        sha256_force(p);
}

enum sha256_path sha256_path(void)
{
    return path;
}

bool sha256_force(enum sha256_path p)
{
    if (!can(p))
        return false;
    path = p;
    return true;
}

const char *sha256_path_name(enum sha256_path p)
{
    static const char *const name[SHA256_PATHS] = {"portable", "avx2", "sha-ni"};

    return p < SHA256_PATHS ? name[p] : "none";
}

static void put_be32(uint8_t out[SHA256_BYTES], const uint32_t state[8])
{
    for (int i = 0; i < SHA256_BYTES; i++)
        out[i] = (uint8_t)(state[i / 4] >> (24 - 8 * (i % 4)));
}

/* The last blocks of a message of n bytes whose rest after whole blocks is `rest` (n % 64 bytes):
 * those bytes, a one bit, zeros, the length in bits. Returns how many blocks, 1 or 2. */
static size_t pad(uint8_t tail[128], const uint8_t *rest, size_t n)
{
    size_t k = n % 64, blocks = k < 56 ? 1 : 2;
    uint64_t bits = (uint64_t)n * 8;

    memset(tail, 0, 128);
    if (k)
        memcpy(tail, rest, k);
    tail[k] = 0x80;
    for (int i = 0; i < 8; i++)
        tail[64 * blocks - 1 - (size_t)i] = (uint8_t)(bits >> (8 * i));
    return blocks;
}

static void shani_one(uint8_t out[SHA256_BYTES], const uint8_t *data, size_t n)
{
    uint32_t state[8];
    uint8_t tail[128];
    size_t whole = n / 64, more = pad(tail, n % 64 ? data + 64 * whole : NULL, n);

    memcpy(state, sha256_init, sizeof state);
    sha256_shani_1(state, data, whole);
    sha256_shani_1(state, tail, more);
    put_be32(out, state);
}

void sha256(uint8_t out[SHA256_BYTES], const void *data, size_t n)
{
    if (path == SHA256_SHANI)
        shani_one(out, data, n);
    else
        MUST(mbedtls_sha256(data, n, out, 0) == 0);
}

/* Whole segments, several at once; their padding is one block and the same for all. */
static void segments_shani(uint8_t out[][SHA256_BYTES], const uint8_t *raw, size_t pairs)
{
    uint8_t tail[128];

    pad(tail, NULL, IMG_SEGMENT_BYTES);
    for (size_t i = 0; i < pairs; i++) {
        const uint8_t *in[2] = {raw + 2 * i * IMG_SEGMENT_BYTES,
                                raw + (2 * i + 1) * IMG_SEGMENT_BYTES};
        const uint8_t *end[2] = {tail, tail};
        uint32_t state[2][8];

        memcpy(state[0], sha256_init, sizeof state[0]);
        memcpy(state[1], sha256_init, sizeof state[1]);
        sha256_shani_2(state, in, SEGMENT_BLOCKS);
        sha256_shani_2(state, end, 1);
        put_be32(out[2 * i], state[0]);
        put_be32(out[2 * i + 1], state[1]);
    }
}

static void segments_avx2(uint8_t out[SEGMENTS][SHA256_BYTES], const uint8_t *raw)
{
    uint8_t tail[128];
    const uint8_t *in[SEGMENTS], *end[SEGMENTS];
    uint32_t state[SEGMENTS][8];

    pad(tail, NULL, IMG_SEGMENT_BYTES);
    for (int l = 0; l < SEGMENTS; l++) {
        in[l] = raw + (size_t)l * IMG_SEGMENT_BYTES;
        end[l] = tail;
        memcpy(state[l], sha256_init, sizeof state[l]);
    }
    sha256_avx2_8(state, in, SEGMENT_BLOCKS);
    sha256_avx2_8(state, end, 1);
    for (int l = 0; l < SEGMENTS; l++)
        put_be32(out[l], state[l]);
}

void chunk_hash(uint8_t out[SHA256_BYTES], const uint8_t *raw, size_t n)
{
    uint8_t seg[SEGMENTS][SHA256_BYTES];
    size_t count = (n + IMG_SEGMENT_BYTES - 1) / IMG_SEGMENT_BYTES, done = 0;

    MUST(n > 0 && count <= SEGMENTS);
    if (path == SHA256_SHANI) {
        done = n / (2 * IMG_SEGMENT_BYTES) * 2;
        segments_shani(seg, raw, done / 2);
    } else if (path == SHA256_AVX2 && n == SEGMENTS * IMG_SEGMENT_BYTES) {
        segments_avx2(seg, raw);
        done = SEGMENTS;
    }
    for (; done < count; done++) {
        size_t at = done * IMG_SEGMENT_BYTES, left = n - at;

        sha256(seg[done], raw + at, left < IMG_SEGMENT_BYTES ? left : IMG_SEGMENT_BYTES);
    }
    sha256(out, seg, count * SHA256_BYTES);
}
