#include "board/cli/api.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <mbedtls/error.h>
#include <mbedtls/ssl.h>
#include <psa/crypto.h>

#include "imaging/hash/sha256.h"
#include "net/ip/stack.h"
#include "net/os/clock.h"
#include "net/os/random.h"

#define FIRST_BYTES 65536

struct line {
    int fd;
    struct mono end;
    bool late;
    mbedtls_ssl_context ssl;
    mbedtls_ssl_config config;
    uint8_t pin[LOGIN_PIN_BYTES]; /* of who is there */
};

/* ---- the socket ---- */

/* False: the time is up. */
static bool wait_for(struct line *l, short what)
{
    struct pollfd fd = {.fd = l->fd, .events = what};
    int64_t left = mono_sub(l->end, clock_now());

    l->late = left <= 0 || poll(&fd, 1, (int)(left / MONO_MS) + 1) == 0;
    return !l->late;
}

static int line_send(void *ctx, const unsigned char *bytes, size_t n)
{
    struct line *l = ctx;
    ssize_t sent = wait_for(l, POLLOUT) ? send(l->fd, bytes, n, MSG_NOSIGNAL | MSG_DONTWAIT) : -1;

    return sent > 0                                          ? (int)sent
           : !l->late && (errno == EAGAIN || errno == EINTR) ? MBEDTLS_ERR_SSL_WANT_WRITE
                                                             : MBEDTLS_ERR_SSL_CONN_EOF;
}

static int line_receive(void *ctx, unsigned char *to, size_t n)
{
    struct line *l = ctx;
    ssize_t got = wait_for(l, POLLIN) ? recv(l->fd, to, n, MSG_DONTWAIT) : 0;

    return got > 0                                          ? (int)got
           : got < 0 && (errno == EAGAIN || errno == EINTR) ? MBEDTLS_ERR_SSL_WANT_READ
                                                            : MBEDTLS_ERR_SSL_CONN_EOF;
}

static bool connect_to(struct line *l, const struct addrinfo *at)
{
    int failed = 0;
    socklen_t n = sizeof failed;

    l->fd = socket(at->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (l->fd >= 0 && (connect(l->fd, at->ai_addr, at->ai_addrlen) == 0 ||
                       (errno == EINPROGRESS && wait_for(l, POLLOUT) &&
                        getsockopt(l->fd, SOL_SOCKET, SO_ERROR, &failed, &n) == 0 && failed == 0)))
        return true;
    if (failed)
        errno = failed;
    if (l->fd >= 0)
        close(l->fd);
    l->fd = -1;
    return false;
}

static int reach(struct line *l, const struct login *box, struct err *err)
{
    struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM}, *found;
    char port[8];
    bool there = false;

    snprintf(port, sizeof port, "%u", box->port);
    if (getaddrinfo(box->host, port, &hints, &found) != 0)
        return err_set(err, CLI_ECONNECT, "cannot find the address of %s", box->host);
    for (const struct addrinfo *at = found; at && !there; at = at->ai_next)
        there = connect_to(l, at);
    freeaddrinfo(found);
    if (there)
        return 0;
    return err_set(err, CLI_ECONNECT, "cannot reach a box at %s port %s: %s", box->host, port,
                   l->late ? "no answer" : strerror(errno));
}

/* ---- TLS ---- */

static int tls_failed(const struct line *l, int rc, struct err *err)
{
    if (l->late)
        return err_set(err, CLI_ETIMEOUT, "the box did not answer in time");
    return err_set(err, CLI_ETLS, "no TLS 1.3 can be had there: mbedTLS says -0x%04x",
                   (unsigned)-rc);
}

/* The certificate proves nothing to a chain; the handshake proves that its key is there, and the
 * caller compares its fingerprint. */
static int tls_begin(struct line *l, struct err *err)
{
    mbedtls_ssl_config *c = &l->config;
    const mbedtls_x509_crt *certificate;
    int rc = psa_crypto_init() == PSA_SUCCESS ? 0 : MBEDTLS_ERR_SSL_INTERNAL_ERROR;

    if (rc == 0)
        rc = mbedtls_ssl_config_defaults(c, MBEDTLS_SSL_IS_CLIENT, MBEDTLS_SSL_TRANSPORT_STREAM,
                                         MBEDTLS_SSL_PRESET_DEFAULT);
    mbedtls_ssl_conf_rng(c, random_mbedtls, NULL);
    mbedtls_ssl_conf_min_tls_version(c, MBEDTLS_SSL_VERSION_TLS1_3);
    mbedtls_ssl_conf_max_tls_version(c, MBEDTLS_SSL_VERSION_TLS1_3);
    mbedtls_ssl_conf_tls13_key_exchange_modes(c, MBEDTLS_SSL_TLS1_3_KEY_EXCHANGE_MODE_EPHEMERAL);
    mbedtls_ssl_conf_authmode(c, MBEDTLS_SSL_VERIFY_OPTIONAL);
    if (rc == 0)
        rc = mbedtls_ssl_setup(&l->ssl, c);
    if (rc == 0)
        rc = mbedtls_ssl_set_hostname(&l->ssl, NULL);
    mbedtls_ssl_set_bio(&l->ssl, l, line_send, line_receive, NULL);
    while (rc == 0 || rc == MBEDTLS_ERR_SSL_WANT_READ || rc == MBEDTLS_ERR_SSL_WANT_WRITE) {
        rc = mbedtls_ssl_handshake(&l->ssl);
        if (rc == 0)
            break;
    }
    certificate = rc == 0 ? mbedtls_ssl_get_peer_cert(&l->ssl) : NULL;
    if (!certificate)
        return tls_failed(l, rc, err);
    sha256(l->pin, certificate->raw.p, certificate->raw.len);
    return 0;
}

static void line_close(struct line *l)
{
    if (l->fd >= 0) {
        mbedtls_ssl_close_notify(&l->ssl);
        close(l->fd);
    }
    mbedtls_ssl_free(&l->ssl);
    mbedtls_ssl_config_free(&l->config);
}

static int line_open(struct line *l, const struct login *box, int timeout_ms, struct err *err)
{
    int rc;

    *l = (struct line){.fd = -1, .end = mono_add(clock_now(), timeout_ms * MONO_MS)};
    mbedtls_ssl_init(&l->ssl);
    mbedtls_ssl_config_init(&l->config);
    rc = reach(l, box, err);
    return rc ? rc : tls_begin(l, err);
}

/* ---- a request ---- */

static int say(struct line *l, const char *text, size_t n, struct err *err)
{
    while (n) {
        int rc = mbedtls_ssl_write(&l->ssl, (const unsigned char *)text, n);

        if (rc > 0) {
            text += rc;
            n -= (size_t)rc;
        } else if (rc != MBEDTLS_ERR_SSL_WANT_WRITE && rc != MBEDTLS_ERR_SSL_WANT_READ) {
            return tls_failed(l, rc, err);
        }
    }
    return 0;
}

/* A body that is read while it is sent. */
static int say_filled(struct line *l, const struct api_request *r, struct err *err)
{
    char piece[16384];

    for (size_t left = r->n_body; left;) {
        size_t n = left < sizeof piece ? left : sizeof piece;
        int rc = r->fill(r->ctx, piece, n, err);

        if (rc == 0)
            rc = say(l, piece, n, err);
        if (rc)
            return rc;
        left -= n;
    }
    return 0;
}

static int say_request(struct line *l, const struct login *box, const struct api_request *r,
                       struct err *err)
{
    char head[2048], token[LOGIN_TOKEN_MAX + 32] = "";
    size_t body = r->n_body ? r->n_body : r->body ? strlen(r->body) : 0;
    int n;

    if (box->token[0])
        snprintf(token, sizeof token, "Authorization: Bearer %s\r\n", box->token);
    n = snprintf(
        head, sizeof head,
        "%s %s HTTP/1.1\r\nHost: %s:%u\r\nUser-Agent: ringcast\r\nConnection: close\r\n%s%s",
        r->method, r->path, box->host, box->port, token, r->headers ? r->headers : "");
    if (n > 0 && (size_t)n < sizeof head && (r->body || r->fill || strcmp(r->method, "GET") != 0))
        n += snprintf(head + n, sizeof head - (size_t)n,
                      "Content-Type: %s\r\nContent-Length: %zu\r\n",
                      r->type ? r->type : "application/json", body);
    if (n < 0 || (size_t)n + 3 > sizeof head)
        return err_set(err, CLI_EUSAGE, "expected a shorter request");
    memcpy(head + n, "\r\n", 2);
    n = say(l, head, (size_t)n + 2, err);
    if (n == 0 && r->fill)
        return say_filled(l, r, err);
    return n || !body ? n : say(l, r->body, body, err);
}

/* Until the box ends the connection. */
static int hear(struct line *l, char **out, size_t *n, struct err *err)
{
    size_t room = FIRST_BYTES;
    char *bytes = malloc(room);
    int rc;

    *n = 0;
    *out = bytes;
    for (;;) {
        if (bytes && *n + 1 == room && room < API_ANSWER_MAX) {
            room *= 2;
            bytes = realloc(*out, room);
            *out = bytes ? bytes : *out;
        }
        if (!bytes || *n + 1 == room)
            return err_set(err, CLI_EMEMORY, "the box's answer is too large");
        rc = mbedtls_ssl_read(&l->ssl, (unsigned char *)bytes + *n, room - 1 - *n);
        if (rc > 0)
            *n += (size_t)rc;
        else if (!l->late && (rc == 0 || rc == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY ||
                              rc == MBEDTLS_ERR_SSL_CONN_EOF))
            return 0; /* an answer that was cut short is seen by its length */
        else if (rc != MBEDTLS_ERR_SSL_WANT_READ && rc != MBEDTLS_ERR_SSL_WANT_WRITE &&
                 rc != MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET)
            return tls_failed(l, rc, err);
    }
}

static int check_pin(const struct login *box, const struct line *l, struct err *err)
{
    char text[LOGIN_PIN_TEXT];

    if (!box->pinned)
        return err_set(err, CLI_ELOGIN, "expected --fingerprint, or a login ('ringcast login')");
    if (memcmp(box->pin, l->pin, sizeof l->pin) != 0)
        return err_set(err, CLI_EPIN,
                       "this is not the box that was pinned: its certificate's fingerprint is %s",
                       login_pin_text(text, l->pin));
    return 0;
}

int api_ask(const struct login *box, const struct api_request *r, struct api_answer *a,
            struct err *err)
{
    struct line l;
    char *bytes = NULL;
    size_t n = 0;
    int rc = line_open(&l, box, r->timeout_ms, err);

    memset(a, 0, sizeof *a);
    if (rc == 0)
        rc = check_pin(box, &l, err);
    if (rc == 0)
        rc = say_request(&l, box, r, err);
    if (rc == 0)
        rc = hear(&l, &bytes, &n, err);
    else if (rc == CLI_ETLS && r->fill && hear(&l, &bytes, &n, NULL) == 0) {
        rc = 0; /* a box that refuses does not wait for the whole body */
        *err = (struct err){0};
    }
    line_close(&l);
    if (rc == 0)
        rc = api_answer_read(a, bytes, n, err);
    a->bytes = bytes;
    if (rc)
        api_free(a);
    return rc;
}

void api_free(struct api_answer *a)
{
    free(a->bytes);
    memset(a, 0, sizeof *a);
}

int api_get(const struct login *box, const struct api_request *r, struct api_answer *a,
            struct err *err)
{
    char why[API_REASON_MAX + 1];
    int rc = api_ask(box, r, a, err);

    if (rc || a->status / 100 == 2)
        return rc;
    rc = a->status == 401 ? CLI_ELOGIN : CLI_EREFUSED;
    err_set(err, rc, "the box says: %s%s", api_answer_reason(a, why),
            rc == CLI_ELOGIN ? "; 'ringcast login' gets a token" : "");
    api_free(a);
    return rc;
}

int api_fingerprint(const struct login *box, int timeout_ms, uint8_t pin[LOGIN_PIN_BYTES],
                    struct err *err)
{
    struct line l;
    int rc = line_open(&l, box, timeout_ms, err);

    if (rc == 0)
        memcpy(pin, l.pin, sizeof l.pin);
    line_close(&l);
    return rc;
}
