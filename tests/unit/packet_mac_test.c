/* The tag against an independent implementation (mbedTLS' GCM), all paths against each other, and
 * every way to alter a datagram refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <mbedtls/gcm.h>

#include "imaging/packet/mac.h"
#include "imaging/packet/packet.h"
#include "net/wire/rng.h"

static const enum mac_path paths[] = {MAC_PORTABLE, MAC_CLMUL, MAC_VCLMUL};

static void fill(struct rng *rng, uint8_t *to, size_t n)
{
    for (size_t i = 0; i < n; i++)
        to[i] = (uint8_t)rng_u64(rng);
}

/* SPEC section 4 written down a second time, on the whole of GCM. */
static void oracle(const uint8_t secret[16], const uint8_t *d, uint8_t tag[16])
{
    mbedtls_gcm_context gcm;
    uint8_t aad[PACKET_BYTES - 8], nonce[12];

    memcpy(aad, d, 16);
    memcpy(aad + 16, d + 24, PACKET_BYTES - 24);
    memcpy(nonce, d + 4, 4);
    memcpy(nonce + 4, d + 24, 4);
    memcpy(nonce + 8, d + 30, 2);
    nonce[10] = d[1];
    nonce[11] = (uint8_t)(d[11] << 4 | d[3]);
    mbedtls_gcm_init(&gcm);
    assert_int_equal(mbedtls_gcm_setkey(&gcm, MBEDTLS_CIPHER_ID_AES, secret, 128), 0);
    assert_int_equal(mbedtls_gcm_crypt_and_tag(&gcm, MBEDTLS_GCM_ENCRYPT, 0, nonce, sizeof nonce,
                                               aad, sizeof aad, NULL, NULL, 16, tag),
                     0);
    mbedtls_gcm_free(&gcm);
}

static void each_path_gives_the_standards_tag(void **state)
{
    struct rng rng = {1};
    struct mac_key key;
    uint8_t secret[16], d[PACKET_BYTES + 1], want[16], got[8];
    int run = 0;

    (void)state;
    for (int round = 0; round < 400; round++) {
        uint8_t *at = d + round % 2; /* also where nothing is aligned */

        fill(&rng, secret, sizeof secret);
        fill(&rng, d, sizeof d);
        if (round < 8)
            memset(d, round < 4 ? 0 : 0xff, sizeof d);
        oracle(secret, at, want);
        for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
            if (!mac_key_init_path(&key, secret, paths[i]))
                continue;
            mac_tag(&key, at, got);
            assert_memory_equal(got, want, 8);
            run++;
        }
    }
    print_message("%d tags\n", run);
}

/* SPEC section 5; the tags there were computed by tools/ringpacket.py. */
static void the_vectors_of_the_spec(void **state)
{
    static const uint8_t tags[2][8] = {{0xe5, 0x82, 0x7e, 0x99, 0x87, 0x6d, 0xcd, 0x25},
                                       {0xf2, 0x2c, 0x6f, 0x3d, 0xa2, 0xd4, 0xb8, 0xa7}};
    const struct packet p[2] = {
        {.cci = 0x01020304,
         .sbn = 0x0a0b0c0d,
         .tsi = 0x1112,
         .toi = 1,
         .k = 12288,
         .esi = 12543,
         .lg_t = 8},
        {.cci = 7, .tsi = 0x1112, .k = 100, .esi = 99, .lg_t = 12, .close = true}};
    uint8_t secret[16], d[PACKET_BYTES];
    struct mac_key key;

    (void)state;
    for (int i = 0; i < 16; i++)
        secret[i] = (uint8_t)i;
    mac_key_init(&key, secret);
    for (int n = 0; n < 2; n++) {
        for (int j = 0; j < PACKET_SYMBOL_BYTES; j++)
            d[PACKET_HEADER_BYTES + j] = n == 0 ? (uint8_t)(j % 251) : 0;
        packet_header_encode(&p[n], d);
        mac_seal(&key, d);
        assert_memory_equal(d + PACKET_TAG_OFFSET, tags[n], 8);
    }
}

/* The whole datagram's bits, the tag's included, each flipped alone. */
static void every_flipped_bit_is_refused(void **state)
{
    struct rng rng = {2};
    struct mac_key key;
    uint8_t secret[16], d[PACKET_BYTES];

    (void)state;
    fill(&rng, secret, sizeof secret);
    fill(&rng, d, sizeof d);
    mac_key_init(&key, secret);
    mac_seal(&key, d);
    assert_true(mac_check(&key, d));
    for (size_t bit = 0; bit < sizeof d * 8; bit++) {
        d[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_false(mac_check(&key, d));
        d[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    assert_true(mac_check(&key, d));
}

static void another_key_refuses(void **state)
{
    struct rng rng = {3};
    struct mac_key key;
    uint8_t secret[16], d[PACKET_BYTES];

    (void)state;
    fill(&rng, secret, sizeof secret);
    fill(&rng, d, sizeof d);
    mac_key_init(&key, secret);
    mac_seal(&key, d);
    for (int bit = 0; bit < 128; bit++) {
        secret[bit / 8] ^= (uint8_t)(1 << bit % 8);
        mac_key_init(&key, secret);
        assert_false(mac_check(&key, d));
        secret[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
}

static void a_wiped_key_holds_nothing(void **state)
{
    struct mac_key key, zero;

    (void)state;
    memset(&zero, 0, sizeof zero);
    mac_key_init(&key, (const uint8_t *)"sixteen byte key");
    assert_memory_not_equal(&key, &zero, sizeof key);
    mac_key_wipe(&key);
    assert_memory_equal(&key, &zero, sizeof key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_path_gives_the_standards_tag),
        cmocka_unit_test(the_vectors_of_the_spec),
        cmocka_unit_test(every_flipped_bit_is_refused),
        cmocka_unit_test(another_key_refuses),
        cmocka_unit_test(a_wiped_key_holds_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
