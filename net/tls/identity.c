#include "net/tls/identity.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mbedtls/ecp.h"
#include "mbedtls/oid.h"
#include "mbedtls/platform_util.h"
#include "mbedtls/sha256.h"
#include "net/os/file.h"
#include "net/os/random.h"
#include "net/tls/trust.h"
#include "net/wire/must.h"

#define DER_MAX 1024

static void fingerprint(struct tls_identity *id)
{
    uint8_t hash[32];

    MUST(mbedtls_sha256(id->certificate.raw.p, id->certificate.raw.len, hash, 0) == 0);
    tls_hex_text(id->fingerprint, hash, sizeof hash);
}

static void begin(struct tls_identity *id)
{
    memset(id, 0, sizeof *id);
    mbedtls_pk_init(&id->key);
    mbedtls_x509_crt_init(&id->certificate);
}

void tls_identity_close(struct tls_identity *id)
{
    mbedtls_pk_free(&id->key);
    mbedtls_x509_crt_free(&id->certificate);
}

/* ---- making ---- */

static int make_key(mbedtls_pk_context *key)
{
    int rc = mbedtls_pk_setup(key, mbedtls_pk_info_from_type(MBEDTLS_PK_ECKEY));

    return rc ? rc
              : mbedtls_ecp_gen_key(MBEDTLS_ECP_DP_SECP256R1, mbedtls_pk_ec(*key), random_mbedtls,
                                    NULL);
}

static int set_names(mbedtls_x509write_cert *w, const char *name, uint32_t address)
{
    uint8_t bytes[4] = {(uint8_t)(address >> 24), (uint8_t)(address >> 16), (uint8_t)(address >> 8),
                        (uint8_t)address};
    char subject[80], local[80];
    mbedtls_x509_san_list list[3];
    int rc;

    snprintf(subject, sizeof subject, "CN=%.63s", name);
    snprintf(local, sizeof local, "%.63s.local", name);
    memset(list, 0, sizeof list);
    list[0].node.type = list[1].node.type = MBEDTLS_X509_SAN_DNS_NAME;
    list[0].node.san.unstructured_name =
        (mbedtls_x509_buf){.p = (unsigned char *)local, .len = strlen(local)};
    list[1].node.san.unstructured_name =
        (mbedtls_x509_buf){.p = (unsigned char *)local, .len = strlen(local) - 6};
    list[2].node.type = MBEDTLS_X509_SAN_IP_ADDRESS;
    list[2].node.san.unstructured_name = (mbedtls_x509_buf){.p = bytes, .len = sizeof bytes};
    list[0].next = &list[1];
    list[1].next = &list[2];
    rc = mbedtls_x509write_crt_set_subject_name(w, subject);
    if (rc == 0)
        rc = mbedtls_x509write_crt_set_issuer_name(w, subject);
    return rc ? rc : mbedtls_x509write_crt_set_subject_alternative_name(w, list);
}

/* A browser takes a server's certificate only with this extension. */
static int set_usage(mbedtls_x509write_cert *w)
{
    static const char server[] = MBEDTLS_OID_SERVER_AUTH;
    mbedtls_asn1_sequence usage = {.buf = {.tag = MBEDTLS_ASN1_OID, .len = sizeof server - 1}};

    usage.buf.p = (unsigned char *)(uintptr_t)server;
    return mbedtls_x509write_crt_set_ext_key_usage(w, &usage);
}

static int write_certificate(mbedtls_x509write_cert *w, struct tls_identity *id, const char *name,
                             uint32_t address)
{
    uint8_t der[DER_MAX], serial[16];
    int rc;

    random_fill(serial, sizeof serial);
    serial[0] = (serial[0] & 0x7f) | 0x40; /* positive, and of full length */
    mbedtls_x509write_crt_set_version(w, MBEDTLS_X509_CRT_VERSION_3);
    mbedtls_x509write_crt_set_md_alg(w, MBEDTLS_MD_SHA256);
    mbedtls_x509write_crt_set_subject_key(w, &id->key);
    mbedtls_x509write_crt_set_issuer_key(w, &id->key);
    rc = mbedtls_x509write_crt_set_serial_raw(w, serial, sizeof serial);
    if (rc == 0)
        rc = mbedtls_x509write_crt_set_validity(w, "20200101000000", "20991231235959");
    if (rc == 0)
        rc = set_names(w, name, address);
    if (rc == 0)
        rc = mbedtls_x509write_crt_set_basic_constraints(w, 0, -1);
    if (rc == 0)
        rc = set_usage(w);
    if (rc == 0)
        /* at the buffer's end; its length */
        rc = mbedtls_x509write_crt_der(w, der, sizeof der, random_mbedtls, NULL);
    return rc < 0 ? rc
                  : mbedtls_x509_crt_parse_der(&id->certificate, der + sizeof der - rc, (size_t)rc);
}

int tls_identity_make(struct tls_identity *id, const char *name, uint32_t address, struct err *err)
{
    mbedtls_x509write_cert w;
    int rc;

    begin(id);
    mbedtls_x509write_crt_init(&w);
    rc = make_key(&id->key);
    if (rc == 0)
        rc = write_certificate(&w, id, name, address);
    mbedtls_x509write_crt_free(&w);
    if (rc) {
        tls_identity_close(id);
        return err_set(err, TLS_EKEY, "the page's certificate cannot be made: mbedTLS says -0x%04x",
                       (unsigned)-rc);
    }
    fingerprint(id);
    return 0;
}

/* ---- files ---- */

/* Its name in the folder above is on the disk, too, when this returns true. */
static bool make_folder(const char *path)
{
    char above[PATH_MAX];

    if (mkdir(path, 0700))
        return errno == EEXIST;
    snprintf(above, sizeof above, "%.4000s/..", path);
    return file_sync_folder(above) == 0;
}

/* Key and certificate in one file: two bytes of length, the key, the certificate. So they are there
 * together, or not. 0; 1: there is none; or an error. */
static int identity_read(struct tls_identity *id, const char *path, struct err *err)
{
    uint8_t file[2 * DER_MAX];
    ssize_t n = file_load(path, file, sizeof file);
    int key = n > 2 ? file[0] << 8 | file[1] : 0;
    bool right;

    if (n < 0 && errno == ENOENT)
        return 1;
    if (n < 0)
        return err_set(err, TLS_EFILE, "cannot read the page's certificate %s: %s", path,
                       strerror(errno));
    begin(id);
    right =
        n > 2 && n < (ssize_t)sizeof file && key <= n - 2 &&
        mbedtls_pk_parse_key(&id->key, file + 2, (size_t)key, NULL, 0, random_mbedtls, NULL) == 0 &&
        mbedtls_x509_crt_parse_der(&id->certificate, file + 2 + key, (size_t)n - 2 - (size_t)key) ==
            0 &&
        mbedtls_pk_check_pair(&id->certificate.pk, &id->key, random_mbedtls, NULL) == 0;
    mbedtls_platform_zeroize(file, sizeof file);
    if (right)
        fingerprint(id);
    else
        tls_identity_close(id);
    return right ? 0 : err_set(err, TLS_EFILE, "the page's certificate %s is damaged", path);
}

static bool identity_write(struct tls_identity *id, const char *path)
{
    uint8_t file[2 * DER_MAX];
    char fresh[PATH_MAX];
    int key = mbedtls_pk_write_key_der(&id->key, file, DER_MAX); /* at the buffer's end */
    size_t n = id->certificate.raw.len;
    bool done;

    if (key <= 0 || n > DER_MAX - 2)
        return false;
    memmove(file + 2, file + DER_MAX - key, (size_t)key);
    file[0] = (uint8_t)(key >> 8);
    file[1] = (uint8_t)key;
    memcpy(file + 2 + key, id->certificate.raw.p, n);
    snprintf(fresh, sizeof fresh, "%.4000s.new", path);
    unlink(fresh);
    done = file_replace(path, fresh, file, 2 + (size_t)key + n, 0600) == 0;
    mbedtls_platform_zeroize(file, sizeof file);
    return done;
}

int tls_identity_open(struct tls_identity *id, const char *folder, const char *name,
                      uint32_t address, struct err *err)
{
    char path[PATH_MAX];
    int rc;

    snprintf(path, sizeof path, "%.4000s/identity", folder);
    rc = identity_read(id, path, err);
    if (rc <= 0)
        return rc;
    rc = tls_identity_make(id, name, address, err);
    if (rc)
        return rc;
    if (make_folder(folder) && identity_write(id, path))
        return 0;
    rc = err_set(err, TLS_EFILE, "cannot write %s: %s", path, strerror(errno));
    tls_identity_close(id);
    return rc;
}
