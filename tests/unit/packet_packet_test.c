/* The datagram's header: round trips, golden bytes, each rule of SPEC section 2 broken alone, every
 * truncation. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "imaging/packet/packet.h"
#include "net/wire/rng.h"

static const struct packet good = {.cci = 0x01020304,
                                   .sbn = 0x0a0b0c0d,
                                   .tsi = 0x1112,
                                   .toi = PACKET_TOI_STREAM,
                                   .k = 12288,
                                   .esi = 12543,
                                   .lg_t = 8};

static const uint8_t golden[PACKET_HEADER_BYTES] = {0x10, 0x10, 6,    8,    1,    2, 3,    4,
                                                    0x11, 0x12, 0,    1,    1,    3, 0,    0,
                                                    0,    0,    0,    0,    0,    0, 0,    0,
                                                    0x0a, 0x0b, 0x0c, 0x0d, 0x30, 0, 0x30, 0xff};

static void assert_same(const struct packet *a, const struct packet *b)
{
    assert_int_equal(a->cci, b->cci);
    assert_int_equal(a->sbn, b->sbn);
    assert_int_equal(a->tsi, b->tsi);
    assert_int_equal(a->toi, b->toi);
    assert_int_equal(a->k, b->k);
    assert_int_equal(a->esi, b->esi);
    assert_int_equal(a->lg_t, b->lg_t);
    assert_int_equal(a->close, b->close);
}

static void golden_header(void **state)
{
    uint8_t d[PACKET_BYTES] = {0};
    struct packet p;

    (void)state;
    packet_header_encode(&good, d);
    assert_memory_equal(d, golden, sizeof golden);
    assert_int_equal(packet_decode(d, sizeof d, &p), 0);
    assert_same(&p, &good);
    assert_ptr_equal(p.symbol, d + PACKET_HEADER_BYTES);
}

static void what_is_encoded_decodes_to_the_same(void **state)
{
    struct rng rng = {7};

    (void)state;
    for (int i = 0; i < 20000; i++) {
        uint8_t d[PACKET_BYTES];
        struct packet p, q;

        p.cci = (uint32_t)rng_u64(&rng);
        p.sbn = (uint32_t)rng_u64(&rng);
        p.tsi = (uint16_t)(1 + rng_below(&rng, 65535));
        p.toi = (uint16_t)rng_below(&rng, 2);
        p.k = (uint16_t)(1 + rng_below(&rng, PACKET_K_MAX));
        p.lg_t = (uint8_t)(8 + rng_below(&rng, 5));
        p.esi = (uint16_t)rng_below(&rng, p.k + (1u << p.lg_t));
        p.close = rng_below(&rng, 2);
        packet_header_encode(&p, d);
        assert_int_equal(packet_decode(d, sizeof d, &q), 0);
        assert_same(&p, &q);
    }
}

/* One field's bytes replaced: the error that must come. */
static void each_broken_rule_has_its_error(void **state)
{
    static const struct {
        int at, n;
        uint8_t bytes[4];
        int err;
    } t[] = {
        {0, 1, {0x00}, PACKET_ERR_FLAGS},
        {0, 1, {0x20}, PACKET_ERR_FLAGS},
        {0, 1, {0x14}, PACKET_ERR_FLAGS},
        {0, 1, {0x11}, PACKET_ERR_FLAGS},
        {1, 1, {0x11}, PACKET_ERR_FLAGS},
        {1, 1, {0x90}, PACKET_ERR_FLAGS},
        {1, 1, {0x00}, PACKET_ERR_FLAGS},
        {1, 1, {0x14}, PACKET_ERR_FLAGS},
        {2, 1, {5}, PACKET_ERR_HDR_LEN},
        {2, 1, {7}, PACKET_ERR_HDR_LEN},
        {2, 1, {0}, PACKET_ERR_HDR_LEN},
        {3, 1, {7}, PACKET_ERR_LG_T},
        {3, 1, {13}, PACKET_ERR_LG_T},
        {3, 1, {255}, PACKET_ERR_LG_T},
        {8, 2, {0, 0}, PACKET_ERR_TSI},
        {10, 2, {0, 2}, PACKET_ERR_TOI},
        {10, 2, {1, 0}, PACKET_ERR_TOI},
        {12, 1, {2}, PACKET_ERR_EXT},
        {13, 1, {4}, PACKET_ERR_EXT},
        {14, 1, {0x10}, PACKET_ERR_EXT},
        {15, 1, {1}, PACKET_ERR_EXT},
        {28, 2, {0, 0}, PACKET_ERR_K},
        {28, 2, {0x30, 1}, PACKET_ERR_K},
        {28, 2, {0xff, 0xff}, PACKET_ERR_K},
        {30, 2, {0x31, 0}, PACKET_ERR_ESI},
        {30, 2, {0xff, 0xff}, PACKET_ERR_ESI},
        {28, 4, {0, 1, 1, 1}, PACKET_ERR_ESI},
        {28, 4, {0, 1, 1, 0}, 0},
        {1, 1, {0x12}, 0},
        {3, 1, {12}, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
        uint8_t d[PACKET_BYTES] = {0};
        struct packet p = {.tsi = 99};

        memcpy(d, golden, sizeof golden);
        memcpy(d + t[i].at, t[i].bytes, (size_t)t[i].n);
        assert_int_equal(packet_decode(d, sizeof d, &p), t[i].err);
        if (t[i].err)
            assert_int_equal(p.tsi, 99);
    }
}

/* Exactly-sized heap blocks, so that the sanitizer sees a read past the end. */
static void every_other_length_is_refused(void **state)
{
    (void)state;
    for (size_t n = 0; n <= PACKET_BYTES + 40; n++) {
        uint8_t *d = calloc(1, n ? n : 1);
        struct packet p;

        assert_non_null(d);
        memcpy(d, golden, n < sizeof golden ? n : sizeof golden);
        assert_int_equal(packet_decode(d, n, &p), n == PACKET_BYTES ? 0 : PACKET_ERR_LENGTH);
        free(d);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden_header),
        cmocka_unit_test(what_is_encoded_decodes_to_the_same),
        cmocka_unit_test(each_broken_rule_has_its_error),
        cmocka_unit_test(every_other_length_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
