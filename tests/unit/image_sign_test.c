/* Keys and signatures: pairs survive their files, signatures hold and break as they must. */
#include "imaging/image/sign.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "tests/unit/image_support.h"

static struct model model;
static struct img_head head;
static char dir[64], key_path[128], pub_path[128];

static int start(void **state)
{
    struct rng r = {3};
    size_t n;

    (void)state;
    model_random(&model, &r, 100);
    free(model_body(&model, &head, &n));
    strcpy(dir, "/tmp/image_sign_test.XXXXXX");
    if (!mkdtemp(dir))
        return -1;
    snprintf(key_path, sizeof key_path, "%s/a.key", dir);
    snprintf(pub_path, sizeof pub_path, "%s/a.pub", dir);
    return 0;
}

static int end(void **state)
{
    (void)state;
    unlink(key_path);
    unlink(pub_path);
    return rmdir(dir);
}

static void a_pair_survives_its_files(void **state)
{
    struct sign_key key, back;
    uint8_t pub[IMG_PUBKEY_BYTES];
    struct stat st;

    (void)state;
    assert_int_equal(sign_key_make(&key, NULL), 0);
    assert_int_equal(sign_key_write(&key, key_path, pub_path, NULL), 0);
    assert_int_equal(stat(key_path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(sign_key_read(&back, key_path, NULL), 0);
    assert_memory_equal(&key, &back, sizeof key);
    assert_int_equal(sign_pub_read(pub, pub_path, NULL), 0);
    assert_memory_equal(pub, key.pub, sizeof pub);
    assert_int_equal(sign_key_write(&key, key_path, pub_path, NULL), IMG_EEXISTS);
    assert_int_equal(sign_key_read(&back, pub_path, NULL), IMG_EKEY);
    assert_int_equal(sign_pub_read(pub, key_path, NULL), IMG_EKEY);
    assert_int_equal(sign_pub_read(pub, dir, NULL), IMG_EKEY);
}

static void half_a_pair_is_not_left(void **state)
{
    struct sign_key key;

    (void)state;
    unlink(key_path); /* the public half of the test before stays in the way */
    assert_int_equal(sign_key_make(&key, NULL), 0);
    assert_int_equal(sign_key_write(&key, key_path, pub_path, NULL), IMG_EEXISTS);
    assert_int_not_equal(access(key_path, F_OK), 0);
}

static void a_signature_holds_for_its_head_alone(void **state)
{
    struct sign_key key, other;
    struct img_head h = head;
    struct err e = {0};

    (void)state;
    assert_int_equal(sign_key_make(&key, NULL), 0);
    assert_int_equal(sign_key_make(&other, NULL), 0);
    assert_int_equal(img_signature_check(&h, NULL), IMG_EUNTRUSTED);
    assert_int_equal(img_sign(&h, &key, NULL), 0);
    assert_int_equal(img_signature_check(&h, &e), 0);
    assert_int_equal(img_trust_check(&h, key.pub, NULL), 0);
    assert_int_equal(img_trust_check(&h, other.pub, &e), IMG_EUNTRUSTED);
    h.created++;
    assert_int_equal(img_signature_check(&h, NULL), IMG_ESIGNATURE);
    h.created--;
    memcpy(h.signer, other.pub, sizeof h.signer);
    assert_int_equal(img_signature_check(&h, NULL), IMG_ESIGNATURE);
    memset(h.signer + 1, 0xFF, 64); /* no point of the curve */
    assert_int_equal(img_signature_check(&h, NULL), IMG_ESIGNATURE);
}

static void zeros_are_no_signature(void **state)
{
    struct sign_key key;
    struct img_head h = head;

    (void)state;
    assert_int_equal(sign_key_make(&key, NULL), 0);
    memcpy(h.signer, key.pub, sizeof h.signer);
    memset(h.signature, 0, sizeof h.signature);
    assert_int_equal(img_signature_check(&h, NULL), IMG_ESIGNATURE);
}

static void signing_twice_gives_one_signature(void **state)
{
    struct sign_key key;
    struct img_head a = head, b = head;

    (void)state;
    assert_int_equal(sign_key_make(&key, NULL), 0);
    assert_int_equal(img_sign(&a, &key, NULL), 0);
    assert_int_equal(img_sign(&b, &key, NULL), 0);
    assert_memory_equal(a.signature, b.signature, sizeof a.signature);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pair_survives_its_files),
        cmocka_unit_test(half_a_pair_is_not_left),
        cmocka_unit_test(a_signature_holds_for_its_head_alone),
        cmocka_unit_test(zeros_are_no_signature),
        cmocka_unit_test(signing_twice_gives_one_signature),
    };

    return cmocka_run_group_tests(tests, start, end);
}
