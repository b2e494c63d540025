#include "net/http/secure.h"

#include <stdlib.h>

#include "net/tls/tls.h"
#include "net/wire/must.h"

enum secure_state { SHAKING, JUDGING, ASKING, OPEN, OVER };

struct http_secure {
    struct tls_client client;
    struct tls_link link;
    bool made;
    bool old; /* the server has to be met with 1.2 alone */
    enum secure_state state;
    size_t sent;  /* of the request */
    size_t at, n; /* what is clear and has not been taken */
    uint8_t clear[MBEDTLS_SSL_IN_CONTENT_LEN];
};

int secure_open(struct http_secure **out, struct err *err)
{
    struct http_secure *s = *out = calloc(1, sizeof *s);
    int rc = s ? tls_client_open(&s->client, err)
               : err_set(err, TLS_EMEMORY, "out of memory for a TLS connection");

    if (rc == 0)
        rc = tls_link_make_client(&s->link, &s->client, err);
    if (s)
        s->made = rc == 0;
    if (rc) {
        secure_close(s);
        *out = NULL;
    }
    return rc;
}

int secure_begin(struct http_secure *s, const struct wire_stream *below, const char *host,
                 bool again, struct err *err)
{
    s->old &= again;
    tls_client_offer(&s->client, s->old);
    s->state = SHAKING;
    s->sent = s->at = s->n = 0;
    return tls_link_begin_client(&s->link, below, host)
               ? 0
               : err_set(err, TLS_EMEMORY, "out of memory for a TLS connection");
}

static int shake(struct http_secure *s, const char *host, struct err *err)
{
    int rc = tls_link_handshake(&s->link);

    if (rc == 0)
        return 0;
    s->state = rc > 0 ? JUDGING : OVER;
    if (rc > 0)
        return 1;
    if (!s->old && tls_link_wants_1_2(&s->link)) {
        s->old = true;
        return SECURE_END;
    }
    rc = tls_link_cause(&s->link, host, err);
    return rc ? rc : SECURE_END;
}

static int judge(struct http_secure *s, const struct tls_trust *trust,
                 const struct tls_wanted *wanted, struct err *err)
{
    static const struct tls_trust nobody;
    int rc = tls_trust_judge(trust ? trust : &nobody, tls_link_peer(&s->link), wanted, err);

    s->state = rc ? OVER : ASKING;
    return rc ? rc : 1;
}

static int ask(struct http_secure *s, const char *request, size_t n)
{
    struct wire_stream stream = tls_link_stream(&s->link);
    int took = stream.write(stream.ctx, request + s->sent, n - s->sent);

    s->sent += took > 0 ? (size_t)took : 0;
    s->state = took < 0 ? OVER : s->sent == n ? OPEN : ASKING;
    return took < 0 ? SECURE_END : took > 0 && s->state == ASKING;
}

int secure_step(struct http_secure *s, const struct tls_trust *trust,
                const struct tls_wanted *wanted, const char *request, size_t n, struct err *err)
{
    switch (s->state) {
    case SHAKING:
        return shake(s, wanted->host, err);
    case JUDGING:
        return judge(s, trust, wanted, err);
    case ASKING:
        return ask(s, request, n);
    case OPEN:
        return 0;
    default:
        return SECURE_END;
    }
}

long secure_look(struct http_secure *s, const uint8_t **bytes)
{
    struct wire_stream stream = tls_link_stream(&s->link);
    int got;

    if (s->n == 0 && s->state == OPEN) {
        got = stream.read(stream.ctx, s->clear, sizeof s->clear);
        s->at = 0;
        s->n = got > 0 ? (size_t)got : 0;
        s->state = got < 0 ? OVER : OPEN;
    }
    *bytes = s->clear + s->at;
    return s->n ? (long)s->n : s->state == OVER ? SECURE_END : 0;
}

void secure_took(struct http_secure *s, size_t n)
{
    MUST(n <= s->n);
    s->at += n;
    s->n -= n;
}

void secure_close(struct http_secure *s)
{
    if (!s)
        return;
    if (s->made)
        tls_link_free(&s->link);
    tls_client_close(&s->client);
    free(s);
}
