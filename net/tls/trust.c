#include "net/tls/trust.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mbedtls/base64.h"
#include "mbedtls/oid.h"
#include "mbedtls/sha256.h"
#include "net/wire/must.h"

#define BEGIN "-----BEGIN CERTIFICATE-----"
#define END "-----END CERTIFICATE-----"
#define CANDIDATES 16 /* authorities that one chain may name */
#define NAME_SHOWN 64

/* ---- fingerprints ---- */

char *tls_hex_text(char *out, const uint8_t *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        snprintf(out + 3 * i, 4, i + 1 < n ? "%02X:" : "%02X", bytes[i]);
    return out;
}

bool tls_pin_parse(const char *text, uint8_t pin[TLS_PIN_BYTES])
{
    size_t n = 0;

    for (; n < TLS_PIN_BYTES && strspn(text, "0123456789abcdefABCDEF") >= 2; n++) {
        char byte[3] = {text[0], text[1], 0};

        pin[n] = (uint8_t)strtoul(byte, NULL, 16);
        text += 2 + (text[2] == ':' && n + 1 < TLS_PIN_BYTES);
    }
    return n == TLS_PIN_BYTES && !*text;
}

/* ---- the authorities ---- */

static const char *find(const char *text, const char *end, const char *what)
{
    const char *at = memmem(text, (size_t)(end - text), what, strlen(what));

    return at ? at : end;
}

static bool is_certificate(const uint8_t *der, size_t n)
{
    mbedtls_x509_crt c;
    int rc;

    mbedtls_x509_crt_init(&c);
    rc = mbedtls_x509_crt_parse_der(&c, der, n);
    mbedtls_x509_crt_free(&c);
    return rc == 0;
}

/* The text between the two lines, behind what is there; the memory holds it. */
static bool take_one(struct tls_trust *t, const char *text, size_t n, bool all)
{
    size_t got, left = n / 4 * 3 + 3;

    if (t->count == TLS_TRUST_MAX ||
        mbedtls_base64_decode(t->der + t->n, left, &got, (const uint8_t *)text, n) != 0)
        return false;
    if (!is_certificate(t->der + t->n, got))
        return !all;
    t->authority[t->count].at = (uint32_t)t->n;
    t->authority[t->count++].n = (uint32_t)got;
    t->n += got;
    return true;
}

static int take_all(struct tls_trust *t, const char *file, const char *text, size_t n, bool all,
                    struct err *err)
{
    const char *end = text + n, *at = find(text, end, BEGIN);
    unsigned before = t->count;

    while (at < end) {
        const char *from = at + strlen(BEGIN), *to = find(from, end, END);

        if (to == end || !take_one(t, from, (size_t)(to - from), all))
            return err_set(err, TLS_ETRUST,
                           "%.120s: expected at most %d certificates in PEM, of RSA or ECDSA, got "
                           "something else as number %u",
                           file, TLS_TRUST_MAX, t->count - before + 1);
        at = find(to, end, BEGIN);
    }
    return t->count > before
               ? 0
               : err_set(err, TLS_ETRUST, "%.120s: expected certificates in PEM, got none", file);
}

int tls_trust_add(struct tls_trust *t, const char *file, const char *text, size_t n, bool all,
                  struct err *err)
{
    size_t had = t->n, count = t->count;
    uint8_t *der = realloc(t->der, had + n + 4);
    int rc;

    if (!der)
        return err_set(err, TLS_EMEMORY, "out of memory for the authorities of %.120s", file);
    t->der = der;
    rc = take_all(t, file, text, n, all, err);
    if (rc) {
        t->n = had;
        t->count = (unsigned)count;
    }
    der = realloc(t->der, t->n + 1);
    t->der = der ? der : t->der;
    return rc;
}

int tls_trust_load(struct tls_trust *t, const char *path, bool all, struct err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC), rc;
    char *text = fd < 0 ? NULL : malloc(TLS_TRUST_FILE_MAX + 1);
    ssize_t got = 1;
    size_t n = 0;

    while (text && got > 0 && n <= TLS_TRUST_FILE_MAX) {
        got = read(fd, text + n, TLS_TRUST_FILE_MAX + 1 - n);
        n += got > 0 ? (size_t)got : 0;
    }
    if (fd < 0 || !text || got < 0)
        rc = err_set(err, TLS_ETRUST, "cannot read %.120s: %s", path, strerror(errno));
    else if (n > TLS_TRUST_FILE_MAX)
        rc = err_set(err, TLS_ETRUST, "%.120s: expected at most 1 MiB", path);
    else
        rc = tls_trust_add(t, path, text, n, all, err);
    free(text);
    if (fd >= 0)
        close(fd);
    return rc;
}

void tls_trust_close(struct tls_trust *t)
{
    free(t->der);
    memset(t, 0, sizeof *t);
}

/* ---- a chain ---- */

/* An authority's certificate holds its name as subject. One that is the server's own was put there
 * as such. */
static bool vouches(const uint8_t *der, size_t n, const mbedtls_x509_crt *c)
{
    return (n == c->raw.len && memcmp(der, c->raw.p, n) == 0) ||
           memmem(der, n, c->issuer_raw.p, c->issuer_raw.len);
}

/* Those whose name occurs in the chain. */
static void candidates(const struct tls_trust *t, const mbedtls_x509_crt *chain,
                       mbedtls_x509_crt *out)
{
    unsigned found = 0;

    for (unsigned i = 0; i < t->count && found < CANDIDATES; i++) {
        const uint8_t *der = t->der + t->authority[i].at;
        size_t n = t->authority[i].n;
        const mbedtls_x509_crt *c = chain;

        while (c && !vouches(der, n, c))
            c = c->next;
        found += c && mbedtls_x509_crt_parse_der(out, der, n) == 0;
    }
}

static bool clock_counts(const struct tls_wanted *w)
{
    return w->now >= TLS_CLOCK_SINCE;
}

/* mbedTLS has looked at the system's clock; what counts is ours. */
static int on_certificate(void *ctx, mbedtls_x509_crt *c, int depth, uint32_t *flags)
{
    const struct tls_wanted *w = ctx;
    mbedtls_x509_time now;

    (void)depth;
    *flags &= ~(uint32_t)(MBEDTLS_X509_BADCERT_EXPIRED | MBEDTLS_X509_BADCERT_FUTURE);
    if (!clock_counts(w))
        return 0;
    if (mbedtls_x509_time_gmtime((mbedtls_time_t)w->now, &now) != 0)
        return MBEDTLS_ERR_X509_FATAL_ERROR;
    if (mbedtls_x509_time_cmp(&c->valid_to, &now) < 0)
        *flags |= MBEDTLS_X509_BADCERT_EXPIRED;
    if (mbedtls_x509_time_cmp(&c->valid_from, &now) > 0)
        *flags |= MBEDTLS_X509_BADCERT_FUTURE;
    return 0;
}

/* ---- what is said ---- */

static void show(char out[NAME_SHOWN + 1], const uint8_t *bytes, size_t n)
{
    n = n < NAME_SHOWN ? n : NAME_SHOWN;
    for (size_t i = 0; i < n; i++)
        out[i] = bytes[i] >= ' ' && bytes[i] <= '~' && bytes[i] != '"' ? (char)bytes[i] : '?';
    out[n] = 0;
}

/* The first name it is for, or else address. */
static void own_name(const mbedtls_x509_crt *c, char out[NAME_SHOWN + 1])
{
    const mbedtls_asn1_sequence *s = c->subject_alt_names.buf.p ? &c->subject_alt_names : NULL;
    const mbedtls_x509_name *part = &c->subject;

    out[0] = 0;
    for (; s; s = s->next) {
        const mbedtls_asn1_buf *b = &s->buf;

        if ((b->tag & MBEDTLS_ASN1_TAG_VALUE_MASK) == MBEDTLS_X509_SAN_DNS_NAME) {
            show(out, b->p, b->len);
            return;
        }
        if ((b->tag & MBEDTLS_ASN1_TAG_VALUE_MASK) == MBEDTLS_X509_SAN_IP_ADDRESS && b->len == 4)
            snprintf(out, NAME_SHOWN + 1, "%u.%u.%u.%u", b->p[0], b->p[1], b->p[2], b->p[3]);
    }
    if (out[0])
        return;
    while (part && MBEDTLS_OID_CMP(MBEDTLS_OID_AT_CN, &part->oid) != 0)
        part = part->next;
    show(out, part ? part->val.p : (const uint8_t *)"?", part ? part->val.len : 1);
}

/* The one of the chain whose time it is not: the server's own, unless that is good. */
static int say_date(const mbedtls_x509_crt *chain, const struct tls_wanted *w, struct err *err)
{
    mbedtls_x509_time now, from, to;
    uint32_t flags = 0;
    const mbedtls_x509_crt *c = chain;

    MUST(mbedtls_x509_time_gmtime((mbedtls_time_t)w->now, &now) == 0);
    for (; c && !flags; c = flags ? c : c->next)
        (void)on_certificate((void *)(uintptr_t)w, (mbedtls_x509_crt *)(uintptr_t)c, 0, &flags);
    c = c ? c : chain;
    from = c->valid_from;
    to = c->valid_to;
    return err_set(err, TLS_EDATE,
                   "expected a certificate of \"%.60s\" that is good on %04d-%02d-%02d, got one "
                   "from %04d-%02d-%02d to %04d-%02d-%02d",
                   w->host, now.year, now.mon, now.day, from.year, from.mon, from.day, to.year,
                   to.mon, to.day);
}

static int say(const mbedtls_x509_crt *chain, const struct tls_wanted *w, uint32_t flags,
               const uint8_t hash[TLS_PIN_BYTES], struct err *err)
{
    char print[3 * TLS_PIN_BYTES], name[NAME_SHOWN + 1];

    if (flags & MBEDTLS_X509_BADCERT_NOT_TRUSTED)
        return err_set(err, TLS_EAUTHORITY,
                       "no authority that is trusted here vouches for \"%.60s\"; its certificate's "
                       "fingerprint is %s",
                       w->host, tls_hex_text(print, hash, TLS_PIN_BYTES));
    if (flags & MBEDTLS_X509_BADCERT_CN_MISMATCH) {
        own_name(chain, name);
        return err_set(err, TLS_ENAME, "expected a certificate for \"%.60s\", got one for \"%s\"",
                       w->host, name);
    }
    if (flags & (MBEDTLS_X509_BADCERT_EXPIRED | MBEDTLS_X509_BADCERT_FUTURE))
        return say_date(chain, w, err);
    return err_set(
        err, TLS_EWEAK,
        "the certificate of \"%.60s\" may not be used for a web server, or is too weak (%x)",
        w->host, flags);
}

/* ---- the judgement ---- */

/* What its own extensions allow it. */
static uint32_t usage(const mbedtls_x509_crt *c)
{
    uint32_t flags = 0;

    if (mbedtls_x509_crt_check_key_usage(c, MBEDTLS_X509_KU_DIGITAL_SIGNATURE) != 0)
        flags |= MBEDTLS_X509_BADCERT_KEY_USAGE;
    if (mbedtls_x509_crt_check_extended_key_usage(c, MBEDTLS_OID_SERVER_AUTH,
                                                  MBEDTLS_OID_SIZE(MBEDTLS_OID_SERVER_AUTH)) != 0)
        flags |= MBEDTLS_X509_BADCERT_EXT_KEY_USAGE;
    return flags;
}

static int follow(const struct tls_trust *t, const mbedtls_x509_crt *chain,
                  const struct tls_wanted *w, const uint8_t hash[TLS_PIN_BYTES], struct err *err)
{
    mbedtls_x509_crt known;
    uint32_t flags = 0;
    int rc;

    mbedtls_x509_crt_init(&known);
    candidates(t, chain, &known);
    rc = mbedtls_x509_crt_verify((mbedtls_x509_crt *)(uintptr_t)chain, known.raw.p ? &known : NULL,
                                 NULL, w->host, &flags, on_certificate, (void *)(uintptr_t)w);
    mbedtls_x509_crt_free(&known);
    flags |= usage(chain);
    return rc == 0 && flags == 0 ? 0 : say(chain, w, flags, hash, err);
}

int tls_trust_judge(const struct tls_trust *t, const mbedtls_x509_crt *chain,
                    const struct tls_wanted *w, struct err *err)
{
    char expected[3 * TLS_PIN_BYTES], got[3 * TLS_PIN_BYTES];
    uint8_t hash[TLS_PIN_BYTES];

    if (!chain)
        return err_set(err, TLS_EAUTHORITY, "expected a certificate of \"%.60s\", got none",
                       w->host);
    MUST(mbedtls_sha256(chain->raw.p, chain->raw.len, hash, 0) == 0);
    if (!w->pin)
        return follow(t, chain, w, hash, err);
    if (memcmp(w->pin, hash, sizeof hash) == 0)
        return 0;
    return err_set(err, TLS_EPIN, "expected the fingerprint %s, got %s",
                   tls_hex_text(expected, w->pin, TLS_PIN_BYTES),
                   tls_hex_text(got, hash, TLS_PIN_BYTES));
}
