#include "net/tls/tls.h"

#include <string.h>

#include "net/ip/stack.h"
#include "net/os/random.h"
#include "net/wire/must.h"
#include "psa/crypto.h"

/* The forms of key exchange, signature and cipher that we offer; the lists are kept by the
 * configuration. */
static const int client_suites[] = {MBEDTLS_TLS1_3_AES_128_GCM_SHA256,
                                    MBEDTLS_TLS1_3_CHACHA20_POLY1305_SHA256,
                                    MBEDTLS_TLS1_3_AES_256_GCM_SHA384,
                                    MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
                                    MBEDTLS_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
                                    MBEDTLS_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
                                    MBEDTLS_TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
                                    MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
                                    MBEDTLS_TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
                                    0};
static const int suites[] = {MBEDTLS_TLS1_3_AES_128_GCM_SHA256,
                             MBEDTLS_TLS1_3_CHACHA20_POLY1305_SHA256,
                             MBEDTLS_TLS1_3_AES_256_GCM_SHA384, 0};
static const uint16_t groups[] = {MBEDTLS_SSL_IANA_TLS_GROUP_X25519,
                                  MBEDTLS_SSL_IANA_TLS_GROUP_SECP256R1,
                                  MBEDTLS_SSL_IANA_TLS_GROUP_NONE};
static const uint16_t signatures[] = {MBEDTLS_TLS1_3_SIG_ECDSA_SECP256R1_SHA256,
                                      MBEDTLS_TLS1_3_SIG_NONE};

static int config_begin(mbedtls_ssl_config *c, int endpoint)
{
    int rc;

    mbedtls_ssl_config_init(c);
    rc = psa_crypto_init() == PSA_SUCCESS ? 0 : MBEDTLS_ERR_SSL_HW_ACCEL_FAILED;
    if (rc == 0)
        rc = mbedtls_ssl_config_defaults(c, endpoint, MBEDTLS_SSL_TRANSPORT_STREAM,
                                         MBEDTLS_SSL_PRESET_DEFAULT);
    mbedtls_ssl_conf_rng(c, random_mbedtls, NULL);
    return rc;
}

static int config_failed(int rc, struct err *err)
{
    return err_set(err, TLS_ELIBRARY, "TLS cannot be started: mbedTLS says -0x%04x", (unsigned)-rc);
}

int tls_server_open(struct tls_server *s, struct tls_identity *id, struct err *err)
{
    mbedtls_ssl_config *c = &s->config;
    int rc = config_begin(c, MBEDTLS_SSL_IS_SERVER);

    if (rc == 0)
        rc = mbedtls_ssl_conf_own_cert(c, &id->certificate, &id->key);
    if (rc)
        return config_failed(rc, err);
    mbedtls_ssl_conf_min_tls_version(c, MBEDTLS_SSL_VERSION_TLS1_3);
    mbedtls_ssl_conf_max_tls_version(c, MBEDTLS_SSL_VERSION_TLS1_3);
    mbedtls_ssl_conf_tls13_key_exchange_modes(c, MBEDTLS_SSL_TLS1_3_KEY_EXCHANGE_MODE_EPHEMERAL);
    mbedtls_ssl_conf_ciphersuites(c, suites);
    mbedtls_ssl_conf_groups(c, groups);
    mbedtls_ssl_conf_sig_algs(c, signatures);
    mbedtls_ssl_conf_authmode(c, MBEDTLS_SSL_VERIFY_NONE);
    return 0;
}

void tls_server_close(struct tls_server *s)
{
    mbedtls_ssl_config_free(&s->config);
}

/* Groups and signatures are mbedTLS's own choice: no RSA below 2048 bits, no curve below 256, no
 * SHA-1. The chain is judged elsewhere. */
int tls_client_open(struct tls_client *s, struct err *err)
{
    mbedtls_ssl_config *c = &s->config;
    int rc = config_begin(c, MBEDTLS_SSL_IS_CLIENT);

    if (rc)
        return config_failed(rc, err);
    mbedtls_ssl_conf_min_tls_version(c, MBEDTLS_SSL_VERSION_TLS1_2);
    mbedtls_ssl_conf_max_tls_version(c, MBEDTLS_SSL_VERSION_TLS1_3);
    mbedtls_ssl_conf_tls13_key_exchange_modes(c, MBEDTLS_SSL_TLS1_3_KEY_EXCHANGE_MODE_EPHEMERAL);
    mbedtls_ssl_conf_ciphersuites(c, client_suites);
    mbedtls_ssl_conf_authmode(c, MBEDTLS_SSL_VERIFY_NONE);
    return 0;
}

void tls_client_offer(struct tls_client *s, bool only_1_2)
{
    mbedtls_ssl_conf_max_tls_version(&s->config, only_1_2 ? MBEDTLS_SSL_VERSION_TLS1_2
                                                          : MBEDTLS_SSL_VERSION_TLS1_3);
}

void tls_client_close(struct tls_client *s)
{
    mbedtls_ssl_config_free(&s->config);
}

/* ---- below ---- */

static int below_send(void *ctx, const unsigned char *bytes, size_t n)
{
    struct tls_link *l = ctx;
    int took = l->below.write(l->below.ctx, bytes, n);

    return took == 0  ? MBEDTLS_ERR_SSL_WANT_WRITE
           : took < 0 ? MBEDTLS_ERR_SSL_INTERNAL_ERROR
                      : took;
}

static int below_receive(void *ctx, unsigned char *to, size_t n)
{
    struct tls_link *l = ctx;
    int got = l->below.read(l->below.ctx, to, n);

    return got == 0 ? MBEDTLS_ERR_SSL_WANT_READ : got < 0 ? MBEDTLS_ERR_SSL_CONN_EOF : got;
}

/* ---- a connection ---- */

static int link_make(struct tls_link *l, const mbedtls_ssl_config *c, struct err *err)
{
    memset(l, 0, sizeof *l);
    mbedtls_ssl_init(&l->ssl);
    if (mbedtls_ssl_setup(&l->ssl, c) != 0)
        return err_set(err, TLS_EMEMORY, "out of memory for TLS connections");
    mbedtls_ssl_set_bio(&l->ssl, l, below_send, below_receive, NULL);
    return 0;
}

int tls_link_make(struct tls_link *l, struct tls_server *s, struct err *err)
{
    return link_make(l, &s->config, err);
}

int tls_link_make_client(struct tls_link *l, struct tls_client *c, struct err *err)
{
    return link_make(l, &c->config, err);
}

bool tls_link_begin(struct tls_link *l, const struct wire_stream *below)
{
    l->below = *below;
    l->pending = 0;
    l->open = l->broken = false;
    l->failed = 0;
    return mbedtls_ssl_session_reset(&l->ssl) == 0;
}

/* RFC 6066: an address is no server name. */
bool tls_link_begin_client(struct tls_link *l, const struct wire_stream *below, const char *host)
{
    uint32_t address;

    return tls_link_begin(l, below) &&
           mbedtls_ssl_set_hostname(&l->ssl, ip_address_parse(host, &address) == 0 ? NULL : host) ==
               0;
}

static bool is_waiting(int rc)
{
    return rc == MBEDTLS_ERR_SSL_WANT_READ || rc == MBEDTLS_ERR_SSL_WANT_WRITE;
}

int tls_link_handshake(struct tls_link *l)
{
    int rc = l->broken ? STREAM_END : mbedtls_ssl_handshake(&l->ssl);

    l->open = rc == 0;
    if (rc != 0 && !is_waiting(rc) && !l->broken) {
        l->broken = true;
        l->failed = rc;
    }
    return l->open ? 1 : l->broken ? STREAM_END : 0;
}

int tls_link_cause(const struct tls_link *l, const char *host, struct err *err)
{
    switch (l->failed) {
    case MBEDTLS_ERR_SSL_CONN_EOF:
    case MBEDTLS_ERR_SSL_INTERNAL_ERROR: /* a write below had nowhere to go */
    case MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY:
        return 0;
    case MBEDTLS_ERR_SSL_BAD_PROTOCOL_VERSION:
        return err_set(err, TLS_EPEER, "expected TLS 1.3 or 1.2 of \"%.100s\", got another version",
                       host);
    case MBEDTLS_ERR_SSL_INVALID_RECORD:
        return err_set(err, TLS_EPEER,
                       "expected TLS of \"%.100s\", got something else: is this its HTTPS port?",
                       host);
    case MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE:
        return err_set(err, TLS_EPEER, "\"%.100s\" refuses the TLS connection (alert %u)", host,
                       l->ssl.MBEDTLS_PRIVATE(in_msg)[1]);
    default:
        return err_set(err, TLS_EPEER, "no TLS connection with \"%.100s\": mbedTLS says -0x%04x",
                       host, (unsigned)-l->failed);
    }
}

bool tls_link_wants_1_2(const struct tls_link *l)
{
    return l->failed == MBEDTLS_ERR_SSL_ILLEGAL_PARAMETER &&
           mbedtls_ssl_get_version_number(&l->ssl) == MBEDTLS_SSL_VERSION_TLS1_2;
}

const mbedtls_x509_crt *tls_link_peer(const struct tls_link *l)
{
    return mbedtls_ssl_get_peer_cert(&l->ssl);
}

static int link_read(void *ctx, void *to, size_t n)
{
    struct tls_link *l = ctx;
    int rc = l->open && !l->broken ? mbedtls_ssl_read(&l->ssl, to, n) : STREAM_END;

    if (rc > 0)
        return rc;
    if (is_waiting(rc))
        return 0;
    /* who only says no more may still listen */
    l->broken |= rc != MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY && rc != 0;
    return STREAM_END;
}

/* mbedTLS encrypts a record, and then wants to hear the same length again until the record is gone.
 */
static int link_write(void *ctx, const void *from, size_t n)
{
    struct tls_link *l = ctx;
    size_t most = MBEDTLS_SSL_OUT_CONTENT_LEN < 4096 ? MBEDTLS_SSL_OUT_CONTENT_LEN : 4096;
    size_t once = l->pending ? l->pending : n < most ? n : most;
    int rc;

    if (!l->open || l->broken)
        return STREAM_END;
    MUST(once <= n && n > 0);
    rc = mbedtls_ssl_write(&l->ssl, from, once);
    l->pending = is_waiting(rc) ? once : 0;
    if (is_waiting(rc))
        return 0;
    l->broken = rc <= 0;
    return rc > 0 ? rc : STREAM_END;
}

struct wire_stream tls_link_stream(struct tls_link *l)
{
    return (struct wire_stream){.read = link_read, .write = link_write, .ctx = l};
}

void tls_link_end(struct tls_link *l)
{
    if (l->open && !l->broken)
        (void)mbedtls_ssl_close_notify(&l->ssl);
    l->open = false;
}

void tls_link_free(struct tls_link *l)
{
    mbedtls_ssl_free(&l->ssl);
}
