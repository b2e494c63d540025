/* The head: what is legal survives the round trip, what is not is refused by name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/unit/image_support.h"

static struct model model;

static void good_head(uint8_t bytes[IMG_HEAD_BYTES])
{
    struct rng r = {7};
    struct img_head h;
    size_t n;

    do
        model_random(&model, &r, 200);
    while (model.ndata < 10);
    free(model_body(&model, &h, &n));
    h.created = 1700000000;
    h.table = IMG_TABLE_GPT;
    strcpy(h.name, "Pr\xC3\xBC"
                   "fstand");
    strcpy(h.label, "v1");
    img_head_encode(&h, bytes);
}

static int decode(const uint8_t bytes[IMG_HEAD_BYTES])
{
    struct img_head h;
    struct err e = {0};
    int rc = img_head_decode(bytes, &h, &e);

    assert_int_equal(rc, e.code);
    assert_int_equal(rc != 0, e.text[0] != 0);
    return rc;
}

/* Decodes the good head with n bytes at `at` replaced. */
static int altered(size_t at, const char *with, size_t n)
{
    uint8_t bytes[IMG_HEAD_BYTES];

    good_head(bytes);
    memcpy(bytes + at, with, n);
    return decode(bytes);
}

static void round_trip(void **state)
{
    uint8_t bytes[IMG_HEAD_BYTES], again[IMG_HEAD_BYTES];
    struct img_head h;

    (void)state;
    good_head(bytes);
    assert_int_equal(img_head_decode(bytes, &h, NULL), 0);
    assert_string_equal(h.label, "v1");
    assert_int_equal(h.created, 1700000000);
    img_head_encode(&h, again);
    assert_memory_equal(bytes, again, sizeof bytes);
}

static void each_bit_is_refused_or_comes_back(void **state)
{
    uint8_t bytes[IMG_HEAD_BYTES], again[IMG_HEAD_BYTES];
    struct img_head h;

    (void)state;
    good_head(bytes);
    for (size_t bit = 0; bit < 8 * IMG_HEAD_BYTES; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        if (decode(bytes) == 0) {
            assert_int_equal(img_head_decode(bytes, &h, NULL), 0);
            img_head_encode(&h, again);
            assert_memory_equal(bytes, again, sizeof bytes);
        }
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
}

static void names_the_cause(void **state)
{
    (void)state;
    assert_int_equal(altered(0, "r", 1), IMG_EMAGIC);
    assert_int_equal(altered(8, "\0\2", 2), IMG_EVERSION);
    assert_int_equal(altered(10, "\0\1", 2), IMG_EVERSION);
    assert_int_equal(altered(12, "\20", 1), IMG_EHEAD);
    assert_int_equal(altered(13, "\13", 1), IMG_EHEAD);
    assert_int_equal(altered(14, "\0\0", 2), IMG_EHEAD);
    assert_int_equal(altered(16, "\0\0\0\0\0\0\0\0", 8), IMG_EHEAD); /* no bytes */
    assert_int_equal(altered(16, "\377\377", 2), IMG_EHEAD);         /* above 2^48 */
    assert_int_equal(altered(24, "\1", 1), IMG_EHEAD);               /* min_target above raw */
    assert_int_equal(altered(56, "\377\377\377\377\377\377\377\377", 8), IMG_EHEAD);
    assert_int_equal(altered(64, "\377", 1), IMG_EHEAD);     /* chunks */
    assert_int_equal(altered(72, "\0\0\0\0", 4), IMG_EHEAD); /* data without windows */
    assert_int_equal(altered(152, "\n", 1), IMG_ETEXT);
    assert_int_equal(altered(152, "\0", 1), IMG_ETEXT); /* name empty, bytes behind it */
    assert_int_equal(altered(152, "\xC3\x28", 2), IMG_ETEXT);
    assert_int_equal(altered(216, "a\0b", 3), IMG_ETEXT); /* text behind the end of the label */
    assert_int_equal(altered(216,
                             "\xC2\x9B"
                             "0m",
                             4),
                     IMG_ETEXT); /* C1: moves a terminal's cursor */
    assert_int_equal(altered(248, "\3", 1), IMG_EHEAD);
    assert_int_equal(altered(265, "\1", 1), IMG_EHEAD);
    assert_int_equal(altered(382, "\1", 1), IMG_EHEAD);
    assert_int_equal(altered(383, "\3", 1), IMG_EHEAD); /* no uncompressed point */
    assert_int_equal(altered(448, "\1", 1), IMG_EHEAD); /* a signature without a signer */
}

/* What a later version says there must not keep this one from reading the image. */
static void information_is_kept(void **state)
{
    uint8_t bytes[IMG_HEAD_BYTES], again[IMG_HEAD_BYTES];
    struct img_head h;

    (void)state;
    good_head(bytes);
    for (size_t at = 249; at < 265; at++)
        bytes[at] = (uint8_t)at;
    assert_int_equal(img_head_decode(bytes, &h, NULL), 0);
    img_head_encode(&h, again);
    assert_memory_equal(bytes, again, sizeof bytes);
    assert_int_equal(img_head_sector(&h), 512); /* of the table */
    h.table = IMG_TABLE_NONE;
    assert_int_equal(img_head_sector(&h), 0);
    h.info[IMG_INFO_SECTOR] = 1;
    h.sector_log2 = 12;
    assert_int_equal(img_head_sector(&h), 4096);
}

static void names_may_fill_their_fields(void **state)
{
    uint8_t bytes[IMG_HEAD_BYTES];
    struct img_head h;

    (void)state;
    good_head(bytes);
    memset(bytes + 152, 'n', IMG_NAME_MAX);
    memset(bytes + 216, 'l', IMG_LABEL_MAX);
    assert_int_equal(img_head_decode(bytes, &h, NULL), 0);
    assert_int_equal(strlen(h.name), IMG_NAME_MAX);
    assert_int_equal(strlen(h.label), IMG_LABEL_MAX);
}

static void id_covers_all_but_the_signature(void **state)
{
    uint8_t bytes[IMG_HEAD_BYTES], a[32], b[32];
    struct img_head h;

    (void)state;
    good_head(bytes);
    assert_int_equal(img_head_decode(bytes, &h, NULL), 0);
    img_head_id(&h, a);
    h.signature[3] ^= 1;
    img_head_id(&h, b);
    assert_memory_equal(a, b, 32);
    h.created++;
    img_head_id(&h, b);
    assert_memory_not_equal(a, b, 32);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(round_trip),
        cmocka_unit_test(each_bit_is_refused_or_comes_back),
        cmocka_unit_test(names_the_cause),
        cmocka_unit_test(information_is_kept),
        cmocka_unit_test(names_may_fill_their_fields),
        cmocka_unit_test(id_covers_all_but_the_signature),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
