/* Whom a TLS client believes: authorities and chains made here, and everything that speaks against
 * one; texts in PEM and every cut of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "mbedtls/ecp.h"
#include "mbedtls/oid.h"
#include "mbedtls/pem.h"
#include "mbedtls/sha256.h"
#include "net/os/random.h"
#include "net/tls/trust.h"
#include "psa/crypto.h"

#define NOW INT64_C(1800000000) /* 2027-01-15 */

static int chance(void *ctx, unsigned char *to, size_t n)
{
    (void)ctx;
    random_fill(to, n);
    return 0;
}

/* ---- certificates ---- */

struct made {
    mbedtls_pk_context key;
    uint8_t der[1024];
    size_t n;
    char subject[64];
};

struct wish {
    const char *subject, *name; /* name: a SAN, NULL: none */
    uint32_t address;           /* another SAN */
    const char *from, *to;      /* NULL: always */
    bool authority, for_clients, weak;
};

static struct made root, middle, leaf, old, early, other, client, weak, alone;

static void set_names(mbedtls_x509write_cert *w, const struct wish *is)
{
    uint8_t bytes[4] = {(uint8_t)(is->address >> 24), (uint8_t)(is->address >> 16),
                        (uint8_t)(is->address >> 8), (uint8_t)is->address};
    mbedtls_x509_san_list list[2] = {{.next = is->address ? &list[1] : NULL}, {.next = NULL}};

    if (!is->name)
        return;
    list[0].node.type = MBEDTLS_X509_SAN_DNS_NAME;
    list[0].node.san.unstructured_name =
        (mbedtls_x509_buf){.p = (unsigned char *)(uintptr_t)is->name, .len = strlen(is->name)};
    list[1].node.type = MBEDTLS_X509_SAN_IP_ADDRESS;
    list[1].node.san.unstructured_name = (mbedtls_x509_buf){.p = bytes, .len = 4};
    assert_int_equal(mbedtls_x509write_crt_set_subject_alternative_name(w, list), 0);
}

static void make(struct made *out, const struct made *by, const struct wish *is)
{
    static const char server[] = MBEDTLS_OID_SERVER_AUTH, clients[] = MBEDTLS_OID_CLIENT_AUTH;
    mbedtls_asn1_sequence usage = {
        .buf = {.tag = MBEDTLS_ASN1_OID,
                .p = (unsigned char *)(uintptr_t)(is->for_clients ? clients : server),
                .len = sizeof server - 1}};
    mbedtls_x509write_cert w;
    uint8_t serial = 7, der[1024];
    int n;

    mbedtls_pk_init(&out->key);
    assert_int_equal(mbedtls_pk_setup(&out->key, mbedtls_pk_info_from_type(MBEDTLS_PK_ECKEY)), 0);
    assert_int_equal(mbedtls_ecp_gen_key(MBEDTLS_ECP_DP_SECP256R1, mbedtls_pk_ec(out->key), chance,
                                         NULL),
                     0);
    snprintf(out->subject, sizeof out->subject, "%s", is->subject);
    mbedtls_x509write_crt_init(&w);
    mbedtls_x509write_crt_set_version(&w, MBEDTLS_X509_CRT_VERSION_3);
    mbedtls_x509write_crt_set_md_alg(&w, is->weak ? MBEDTLS_MD_SHA1 : MBEDTLS_MD_SHA256);
    mbedtls_x509write_crt_set_subject_key(&w, &out->key);
    mbedtls_x509write_crt_set_issuer_key(&w, (mbedtls_pk_context *)(uintptr_t)(by ? &by->key
                                                                                  : &out->key));
    assert_int_equal(mbedtls_x509write_crt_set_serial_raw(&w, &serial, 1), 0);
    assert_int_equal(mbedtls_x509write_crt_set_validity(&w, is->from ? is->from : "20200101000000",
                                                        is->to ? is->to : "20991231235959"),
                     0);
    assert_int_equal(mbedtls_x509write_crt_set_subject_name(&w, out->subject), 0);
    assert_int_equal(mbedtls_x509write_crt_set_issuer_name(&w, by ? by->subject : out->subject), 0);
    assert_int_equal(mbedtls_x509write_crt_set_basic_constraints(&w, is->authority, -1), 0);
    set_names(&w, is);
    if (!is->authority)
        assert_int_equal(mbedtls_x509write_crt_set_ext_key_usage(&w, &usage), 0);
    n = mbedtls_x509write_crt_der(&w, der, sizeof der, chance, NULL);
    assert_true(n > 0);
    out->n = (size_t)n;
    memcpy(out->der, der + sizeof der - n, (size_t)n);
    mbedtls_x509write_crt_free(&w);
}

static int make_all(void **state)
{
    const char *name = "images.example";

    (void)state;
    assert_int_equal(psa_crypto_init(), PSA_SUCCESS);
    make(&root, NULL, &(struct wish){.subject = "CN=Root", .authority = true});
    make(&middle, &root, &(struct wish){.subject = "CN=Middle", .authority = true});
    make(&leaf, &middle, &(struct wish){.subject = "CN=x", .name = name, .address = 0x0A4E0005});
    make(&old, &root, &(struct wish){.subject = "CN=x", .name = name, .to = "20250101000000"});
    make(&early, &root, &(struct wish){.subject = "CN=x", .name = name, .from = "20300101000000"});
    make(&other, &root, &(struct wish){.subject = "CN=x", .name = "b\"ad\x01.example"});
    make(&client, &root, &(struct wish){.subject = "CN=x", .name = name, .for_clients = true});
    make(&weak, &root, &(struct wish){.subject = "CN=x", .name = name, .weak = true});
    make(&alone, NULL, &(struct wish){.subject = "CN=Alone", .name = name});
    return 0;
}

static int free_all(void **state)
{
    struct made *const all[] = {&root,  &middle, &leaf, &old,  &early,
                                &other, &client, &weak, &alone};

    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        mbedtls_pk_free(&all[i]->key);
    mbedtls_psa_crypto_free();
    return 0;
}

/* ---- judging ---- */

static void add(struct tls_trust *t, const struct made *m)
{
    uint8_t text[2048];
    size_t n;
    struct err err = {0};

    assert_int_equal(mbedtls_pem_write_buffer("-----BEGIN CERTIFICATE-----\n",
                                              "-----END CERTIFICATE-----\n", m->der, m->n, text,
                                              sizeof text, &n),
                     0);
    if (tls_trust_add(t, "f", (const char *)text, n - 1, true, &err))
        fail_msg("%s", err.text);
}

/* What is said of a chain of one or two by who trusts `of` (may be NULL). */
static int judge(const struct made *of, const struct made *first, const struct made *second,
                 const struct tls_wanted *w, struct err *err)
{
    struct tls_trust t = {0};
    mbedtls_x509_crt chain;
    int rc;

    *err = (struct err){0};
    if (of)
        add(&t, of);
    mbedtls_x509_crt_init(&chain);
    assert_int_equal(mbedtls_x509_crt_parse_der(&chain, first->der, first->n), 0);
    if (second)
        assert_int_equal(mbedtls_x509_crt_parse_der(&chain, second->der, second->n), 0);
    rc = tls_trust_judge(&t, &chain, w, err);
    assert_int_equal(rc, err->code);
    mbedtls_x509_crt_free(&chain);
    tls_trust_close(&t);
    return rc;
}

static void a_chain_to_an_authority_is_right(void **state)
{
    const struct tls_wanted by_name = {.host = "images.example", .now = NOW},
                            by_address = {.host = "10.78.0.5", .now = NOW};
    struct err err;

    (void)state;
    assert_int_equal(judge(&root, &leaf, &middle, &by_name, &err), 0);
    assert_int_equal(judge(&root, &leaf, &middle, &by_address, &err), 0);
    assert_int_equal(judge(&middle, &leaf, NULL, &by_name, &err), 0);
    /* a server's own certificate may be put there */
    assert_int_equal(judge(&alone, &alone, NULL, &by_name, &err), 0);
}

static void what_speaks_against_one_is_said(void **state)
{
    const struct tls_wanted right = {.host = "images.example", .now = NOW},
                            wrong = {.host = "other.example", .now = NOW},
                            address = {.host = "10.78.0.6", .now = NOW};
    char print[96], sentence[256];
    uint8_t hash[32];
    struct err err;

    (void)state;
    assert_int_equal(mbedtls_sha256(leaf.der, leaf.n, hash, 0), 0);
    snprintf(sentence, sizeof sentence,
             "no authority that is trusted here vouches for \"images.example\"; its certificate's "
             "fingerprint is %s",
             tls_hex_text(print, hash, sizeof hash));
    assert_int_equal(judge(NULL, &leaf, &middle, &right, &err), TLS_EAUTHORITY);
    assert_string_equal(err.text, sentence);
    /* the middle is missing */
    assert_int_equal(judge(&root, &leaf, NULL, &right, &err), TLS_EAUTHORITY);
    assert_int_equal(judge(&alone, &leaf, &middle, &right, &err), TLS_EAUTHORITY);
    assert_int_equal(judge(&root, &alone, NULL, &right, &err), TLS_EAUTHORITY);
    assert_int_equal(judge(&root, &leaf, &middle, &wrong, &err), TLS_ENAME);
    assert_string_equal(
        err.text, "expected a certificate for \"other.example\", got one for \"images.example\"");
    assert_int_equal(judge(&root, &leaf, &middle, &address, &err), TLS_ENAME);
    assert_int_equal(judge(&root, &other, NULL, &right, &err), TLS_ENAME);
    assert_string_equal(
        err.text, "expected a certificate for \"images.example\", got one for \"b?ad?.example\"");
    assert_int_equal(judge(&root, &old, NULL, &right, &err), TLS_EDATE);
    assert_string_equal(err.text, "expected a certificate of \"images.example\" that is good on "
                                  "2027-01-15, got one from 2020-01-01 to 2025-01-01");
    assert_int_equal(judge(&root, &early, NULL, &right, &err), TLS_EDATE);
    assert_int_equal(judge(&root, &client, NULL, &right, &err), TLS_EWEAK);
    assert_int_equal(judge(&root, &weak, NULL, &right, &err), TLS_EWEAK);
}

/* An authority's name is nothing without its key. */
static void who_only_calls_himself_an_authority_is_none(void **state)
{
    const struct tls_wanted right = {.host = "images.example", .now = NOW};
    struct made liar, forged;
    struct err err;

    (void)state;
    make(&liar, NULL, &(struct wish){.subject = "CN=Root", .authority = true});
    make(&forged, &liar, &(struct wish){.subject = "CN=x", .name = "images.example"});
    assert_int_equal(judge(&root, &forged, NULL, &right, &err), TLS_EAUTHORITY);
    assert_int_equal(judge(&root, &forged, &liar, &right, &err), TLS_EAUTHORITY);
    mbedtls_pk_free(&forged.key);
    /* and who has one is no authority by that */
    make(&forged, &leaf, &(struct wish){.subject = "CN=y", .name = "images.example"});
    assert_int_equal(judge(&middle, &forged, &leaf, &right, &err), TLS_EAUTHORITY);
    mbedtls_pk_free(&forged.key);
    mbedtls_pk_free(&liar.key);
}

static void a_clock_that_is_wrong_judges_no_dates(void **state)
{
    const struct tls_wanted lost = {.host = "images.example", .now = 100000},
                            barely = {.host = "images.example", .now = TLS_CLOCK_SINCE};
    struct err err;

    (void)state;
    assert_int_equal(judge(&root, &old, NULL, &lost, &err), 0);
    assert_int_equal(judge(&root, &early, NULL, &lost, &err), 0);
    assert_int_equal(judge(&root, &leaf, &middle, &lost, &err), 0);
    assert_int_equal(judge(&root, &old, NULL, &barely, &err), TLS_EDATE);
    assert_int_equal(judge(&root, &early, NULL, &barely, &err), TLS_EDATE);
}

static void a_fingerprint_decides_alone(void **state)
{
    struct tls_wanted w = {.host = "whatever.example", .now = NOW};
    uint8_t hash[32];
    struct err err;

    (void)state;
    w.pin = hash;
    assert_int_equal(mbedtls_sha256(old.der, old.n, hash, 0), 0);
    assert_int_equal(judge(NULL, &old, NULL, &w, &err), 0);
    w.host = "images.example";
    assert_int_equal(judge(&root, &leaf, &middle, &w, &err), TLS_EPIN);
    assert_non_null(strstr(err.text, "expected the fingerprint "));
    assert_int_equal(strlen(err.text), strlen("expected the fingerprint , got ") + 2 * 95);
    for (unsigned i = 0; i < 32; i++) {
        hash[i] ^= 1;
        assert_int_equal(judge(NULL, &old, NULL, &w, &err), TLS_EPIN);
        hash[i] ^= 1;
    }
}

/* ---- texts ---- */

static void a_text_is_taken_whole_or_not_at_all(void **state)
{
    static uint8_t text[8192];
    struct tls_trust t = {0};
    size_t n = 0, one, more;

    (void)state;
    memcpy(text, "# ours\r\n", 8);
    n = 8;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(mbedtls_pem_write_buffer("-----BEGIN CERTIFICATE-----\n",
                                                  "-----END CERTIFICATE-----\n",
                                                  i ? middle.der : root.der, i ? middle.n : root.n,
                                                  text + n, sizeof text - n, &more),
                         0);
        n += more - 1;
        one = i ? one : n;
    }
    assert_int_equal(tls_trust_add(&t, "f", (char *)text, n, true, NULL), 0);
    assert_int_equal(t.count, 2);
    assert_memory_equal(t.der + t.authority[1].at, middle.der, middle.n);
    for (size_t cut = 0; cut < n; cut++) {
        char *copy = malloc(cut + 1);
        unsigned before = t.count;
        int rc;

        memcpy(copy, text, cut);
        rc = tls_trust_add(&t, "f", copy, cut, true, NULL);
        assert_true(rc == 0 ? t.count == before + 1 + (cut == n - 1) && cut >= one - 1
                            : rc == TLS_ETRUST && t.count == before);
        if (rc == 0) {
            t.count = before;
            t.n = t.authority[before - 1].at + t.authority[before - 1].n;
        }
        free(copy);
    }
    memcpy(text + 36, "AAAA", 4); /* of no kind that is known */
    assert_int_equal(tls_trust_add(&t, "f", (char *)text, n, true, NULL), TLS_ETRUST);
    assert_int_equal(tls_trust_add(&t, "f", (char *)text, n, false, NULL), 0);
    assert_int_equal(t.count, 3);
    t.count = 2;
    text[200] = '*';
    assert_int_equal(tls_trust_add(&t, "f", (char *)text, n, false, NULL), TLS_ETRUST);
    assert_int_equal(tls_trust_add(&t, "f", (char *)text, n, true, NULL), TLS_ETRUST);
    assert_int_equal(t.count, 2);
    tls_trust_close(&t);
}

static void files_are_read_or_refused_in_words(void **state)
{
    struct tls_trust t = {0};
    struct err err = {0};
    char path[] = "/tmp/tls_trust_test.XXXXXX";
    int fd = mkstemp(path);

    (void)state;
    assert_int_equal(tls_trust_load(&t, "/nothing/here", true, &err), TLS_ETRUST);
    assert_string_equal(err.text, "cannot read /nothing/here: No such file or directory");
    err = (struct err){0};
    assert_int_equal(tls_trust_load(&t, path, true, &err), TLS_ETRUST);
    assert_non_null(strstr(err.text, "expected certificates in PEM, got none"));
    assert_int_equal(ftruncate(fd, TLS_TRUST_FILE_MAX + 1), 0);
    err = (struct err){0};
    assert_int_equal(tls_trust_load(&t, path, true, &err), TLS_ETRUST);
    assert_non_null(strstr(err.text, "expected at most 1 MiB"));
    close(fd);
    unlink(path);
    assert_int_equal(t.count, 0);
    tls_trust_close(&t);
}

/* The public authorities, where this system has them: mbedTLS can read each. */
static void the_systems_own_are_read(void **state)
{
    static const char path[] = "/etc/ssl/certs/ca-certificates.crt";
    struct tls_trust t = {0};
    struct err err = {0};

    (void)state;
    if (access(path, R_OK) != 0)
        return;
    if (tls_trust_load(&t, path, true, &err))
        fail_msg("%s", err.text);
    assert_true(t.count > 50);
    tls_trust_close(&t);
}

static void fingerprints_as_people_write_them(void **state)
{
    uint8_t pin[32];
    char text[100];

    (void)state;
    memset(pin, 0, sizeof pin);
    assert_true(
        tls_pin_parse("000102030405060708090a0b0c0d0e0f101112131415161718191a1B1C1D1E1F", pin));
    for (unsigned i = 0; i < 32; i++)
        assert_int_equal(pin[i], i);
    assert_true(tls_pin_parse(tls_hex_text(text, pin, 32), pin));
    assert_int_equal(pin[31], 31);
    strcat(text, ":");
    assert_false(tls_pin_parse(text, pin));
    text[94] = 0;
    assert_false(tls_pin_parse(text, pin));
    assert_false(tls_pin_parse("", pin));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_chain_to_an_authority_is_right),
        cmocka_unit_test(what_speaks_against_one_is_said),
        cmocka_unit_test(who_only_calls_himself_an_authority_is_none),
        cmocka_unit_test(a_clock_that_is_wrong_judges_no_dates),
        cmocka_unit_test(a_fingerprint_decides_alone),
        cmocka_unit_test(a_text_is_taken_whole_or_not_at_all),
        cmocka_unit_test(files_are_read_or_refused_in_words),
        cmocka_unit_test(the_systems_own_are_read),
        cmocka_unit_test(fingerprints_as_people_write_them),
    };

    return cmocka_run_group_tests(tests, make_all, free_all);
}
