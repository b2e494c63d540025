#include "imaging/image/sign.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <mbedtls/ecdsa.h>
#include <mbedtls/pk.h>
#include <mbedtls/platform_util.h>

#include "imaging/hash/sha256.h"
#include "net/os/file.h"
#include "net/os/random.h"
#include "net/os/serving.h"
#include "net/wire/must.h"

#define PEM_MAX 4096

/* ---- keys ---- */

static int from_keypair(struct sign_key *key, const mbedtls_ecp_keypair *pair)
{
    size_t n = 0;
    int bad = mbedtls_ecp_keypair_get_group_id(pair) != MBEDTLS_ECP_DP_SECP256R1;

    bad = bad || mbedtls_ecp_write_key_ext(pair, &n, key->secret, sizeof key->secret) != 0 ||
          n != sizeof key->secret;
    bad = bad ||
          mbedtls_ecp_write_public_key(pair, MBEDTLS_ECP_PF_UNCOMPRESSED, &n, key->pub,
                                       sizeof key->pub) != 0 ||
          n != sizeof key->pub;
    return bad ? IMG_EKEY : 0;
}

int sign_key_make(struct sign_key *key, struct err *e)
{
    mbedtls_ecp_keypair pair;
    int rc;

    mbedtls_ecp_keypair_init(&pair);
    rc = mbedtls_ecp_gen_key(MBEDTLS_ECP_DP_SECP256R1, &pair, random_mbedtls, NULL)
             ? IMG_EKEY
             : from_keypair(key, &pair);
    mbedtls_ecp_keypair_free(&pair);
    return rc ? err_set(e, rc, "a new key could not be made: the system gave no random numbers")
              : 0;
}

/* A key pair as mbedTLS's PEM writers want it; the public half alone serves them too. */
static int to_pk(mbedtls_pk_context *pk, const struct sign_key *key)
{
    mbedtls_ecp_keypair *pair;

    if (mbedtls_pk_setup(pk, mbedtls_pk_info_from_type(MBEDTLS_PK_ECKEY)) != 0)
        return IMG_EKEY;
    pair = mbedtls_pk_ec(*pk);
    if (mbedtls_ecp_read_key(MBEDTLS_ECP_DP_SECP256R1, pair, key->secret, sizeof key->secret) !=
            0 ||
        mbedtls_ecp_keypair_calc_public(pair, random_mbedtls, NULL) != 0)
        return IMG_EKEY;
    return 0;
}

/* Writes all of text into a file that did not exist; leaves none behind on error. */
static int write_new(const char *path, mode_t mode, const char *text, struct err *e)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    bool ok;

    if (fd < 0)
        return err_set(e, errno == EEXIST ? IMG_EEXISTS : IMG_EKEY, "%s cannot be made: %s", path,
                       strerror(errno));
    ok = file_write(fd, text, strlen(text)) == 0 && fchmod(fd, mode) == 0 && fsync(fd) == 0;
    ok = close(fd) == 0 && ok;
    if (ok)
        return 0;
    unlink(path);
    return err_set(e, IMG_EKEY, "%s cannot be written: %s", path, strerror(errno));
}

int sign_pub_text(const struct sign_key *key, char text[SIGN_PUB_TEXT])
{
    mbedtls_pk_context pk;
    int rc;

    mbedtls_pk_init(&pk);
    rc = to_pk(&pk, key);
    if (rc == 0 && mbedtls_pk_write_pubkey_pem(&pk, (unsigned char *)text, SIGN_PUB_TEXT) != 0)
        rc = IMG_EKEY;
    mbedtls_pk_free(&pk);
    return rc;
}

int sign_key_write(const struct sign_key *key, const char *key_path, const char *pub_path,
                   struct err *e)
{
    mbedtls_pk_context pk;
    unsigned char secret[PEM_MAX], pub[PEM_MAX];
    int rc;

    mbedtls_pk_init(&pk);
    rc = to_pk(&pk, key);
    if (rc || mbedtls_pk_write_key_pem(&pk, secret, sizeof secret) != 0 ||
        mbedtls_pk_write_pubkey_pem(&pk, pub, sizeof pub) != 0)
        rc = err_set(e, IMG_EKEY, "the key could not be put into PEM form");
    mbedtls_pk_free(&pk);
    if (rc == 0)
        rc = write_new(key_path, 0600, (const char *)secret, e);
    if (rc == 0) {
        rc = write_new(pub_path, 0644, (const char *)pub, e);
        if (rc)
            unlink(key_path);
    }
    mbedtls_platform_zeroize(secret, sizeof secret);
    return rc;
}

/* The whole file with a final NUL, of less than PEM_MAX bytes. */
static int read_text(char text[PEM_MAX], size_t *n, const char *path, struct err *e)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = -1;

    if (fd < 0)
        return err_set(e, IMG_EKEY, "the key %s cannot be opened: %s", path, strerror(errno));
    for (*n = 0; *n < PEM_MAX && (got = read(fd, text + *n, PEM_MAX - *n)) > 0;)
        *n += (size_t)got;
    if (got < 0)
        err_set(e, IMG_EKEY, "the key %s cannot be read: %s", path, strerror(errno));
    close(fd);
    if (got < 0)
        return IMG_EKEY;
    if (*n == PEM_MAX)
        return err_set(e, IMG_EKEY, "%s is too long for a key", path);
    text[*n] = 0;
    return 0;
}

int sign_key_read(struct sign_key *key, const char *key_path, struct err *e)
{
    mbedtls_pk_context pk;
    char text[PEM_MAX];
    size_t n;
    int rc = read_text(text, &n, key_path, e);

    if (rc)
        return rc;
    mbedtls_pk_init(&pk);
    rc = mbedtls_pk_parse_key(&pk, (unsigned char *)text, n + 1, NULL, 0, random_mbedtls, NULL)
             ? IMG_EKEY
             : 0;
    if (rc == 0)
        rc = mbedtls_pk_can_do(&pk, MBEDTLS_PK_ECDSA) ? from_keypair(key, mbedtls_pk_ec(pk))
                                                      : IMG_EKEY;
    mbedtls_pk_free(&pk);
    mbedtls_platform_zeroize(text, sizeof text);
    return rc ? err_set(e, rc, "%s is not a private P-256 key in PEM form", key_path) : 0;
}

static int parse_pub(uint8_t pub[IMG_PUBKEY_BYTES], const char *text, size_t with_nul)
{
    mbedtls_pk_context pk;
    size_t n = 0;
    int rc;

    mbedtls_pk_init(&pk);
    rc = mbedtls_pk_parse_public_key(&pk, (const unsigned char *)text, with_nul) ||
                 !mbedtls_pk_can_do(&pk, MBEDTLS_PK_ECDSA) ||
                 mbedtls_ecp_keypair_get_group_id(mbedtls_pk_ec(pk)) != MBEDTLS_ECP_DP_SECP256R1 ||
                 mbedtls_ecp_write_public_key(mbedtls_pk_ec(pk), MBEDTLS_ECP_PF_UNCOMPRESSED, &n,
                                              pub, IMG_PUBKEY_BYTES) ||
                 n != IMG_PUBKEY_BYTES
             ? IMG_EKEY
             : 0;
    mbedtls_pk_free(&pk);
    return rc;
}

int sign_pub_read(uint8_t pub[IMG_PUBKEY_BYTES], const char *pub_path, struct err *e)
{
    char text[PEM_MAX];
    size_t n;
    int rc = read_text(text, &n, pub_path, e);

    if (rc == 0 && parse_pub(pub, text, n + 1))
        rc = err_set(e, IMG_EKEY, "%s is not a public P-256 key in PEM form", pub_path);
    return rc;
}

/* ---- signatures ---- */

struct numbers {
    mbedtls_ecp_group group;
    mbedtls_ecp_point q;
    mbedtls_mpi d, r, s;
};

static int numbers_init(struct numbers *n)
{
    mbedtls_ecp_group_init(&n->group);
    mbedtls_ecp_point_init(&n->q);
    mbedtls_mpi_init(&n->d);
    mbedtls_mpi_init(&n->r);
    mbedtls_mpi_init(&n->s);
    return mbedtls_ecp_group_load(&n->group, MBEDTLS_ECP_DP_SECP256R1);
}

static void numbers_free(struct numbers *n)
{
    mbedtls_mpi_free(&n->s);
    mbedtls_mpi_free(&n->r);
    mbedtls_mpi_free(&n->d);
    mbedtls_ecp_point_free(&n->q);
    mbedtls_ecp_group_free(&n->group);
}

int sign_hash(const struct sign_key *key, const uint8_t hash[IMG_HASH_BYTES],
              uint8_t signature[IMG_SIGNATURE_BYTES], struct err *e)
{
    struct numbers n;
    int bad = numbers_init(&n);

    bad = bad || mbedtls_mpi_read_binary(&n.d, key->secret, sizeof key->secret) ||
          mbedtls_ecdsa_sign_det_ext(&n.group, &n.r, &n.s, &n.d, hash, IMG_HASH_BYTES,
                                     MBEDTLS_MD_SHA256, random_mbedtls, NULL) ||
          mbedtls_mpi_write_binary(&n.r, signature, 32) ||
          mbedtls_mpi_write_binary(&n.s, signature + 32, 32);
    numbers_free(&n);
    return bad ? err_set(e, IMG_EKEY, "no signature could be made with this key") : 0;
}

bool sign_hash_right(const uint8_t pub[IMG_PUBKEY_BYTES], const uint8_t hash[IMG_HASH_BYTES],
                     const uint8_t signature[IMG_SIGNATURE_BYTES])
{
    struct numbers n;
    int bad = numbers_init(&n);

    bad = bad || mbedtls_ecp_point_read_binary(&n.group, &n.q, pub, IMG_PUBKEY_BYTES) ||
          mbedtls_ecp_check_pubkey(&n.group, &n.q) ||
          mbedtls_mpi_read_binary(&n.r, signature, 32) ||
          mbedtls_mpi_read_binary(&n.s, signature + 32, 32) ||
          mbedtls_ecdsa_verify(&n.group, hash, IMG_HASH_BYTES, &n.q, &n.r, &n.s);
    numbers_free(&n);
    return !bad;
}

int img_sign(struct img_head *h, const struct sign_key *key, struct err *e)
{
    uint8_t id[IMG_HASH_BYTES];

    MUST_NOT_SERVE();
    memcpy(h->signer, key->pub, sizeof h->signer);
    img_head_id(h, id);
    return sign_hash(key, id, h->signature, e);
}

int img_signature_check(const struct img_head *h, struct err *e)
{
    uint8_t id[IMG_HASH_BYTES];

    if (!img_head_signed(h))
        return err_set(e, IMG_EUNTRUSTED, "the image is not signed");
    img_head_id(h, id);
    return sign_hash_right(h->signer, id, h->signature)
               ? 0
               : err_set(e, IMG_ESIGNATURE,
                         "the image's signature is wrong: the head was altered after signing");
}

int img_trust_check(const struct img_head *h, const uint8_t pub[IMG_PUBKEY_BYTES], struct err *e)
{
    int rc = img_signature_check(h, e);

    if (rc == 0 && memcmp(h->signer, pub, IMG_PUBKEY_BYTES) != 0)
        rc = err_set(e, IMG_EUNTRUSTED,
                     "the image is signed, but by another key than the trusted one");
    return rc;
}
