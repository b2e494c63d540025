#include "board/core/seal.h"

#include <string.h>

#include "net/wire/must.h"
#include "net/wire/writer.h"

#define ALGORITHM "ecdsa-p256-sha256"
#define KEY_DIGITS (2 * IMG_PUBKEY_BYTES)
#define SIGNATURE_DIGITS (2 * IMG_SIGNATURE_BYTES)

/* CSV reports of versions that had 23 columns are verified, too. */
#define CSV_OF_23 REPORT_FORMATS
#define SHAPES (REPORT_FORMATS + 1)

/* What stands before the key, between key and signature, and behind. */
static const struct shape {
    const char *name, *word, *before, *between, *after;
} shapes[SHAPES] = {
    [REPORT_CSV] = {"CSV", "csv", "signature," ALGORITHM ",", ",", ",,,,,,,,,,,,,,,,,,,,\r\n"},
    [CSV_OF_23] = {"CSV", "csv", "signature," ALGORITHM ",", ",", ",,,,,,,,,,,,,,,,,,,\r\n"},
    [REPORT_JSON] = {"JSON", "json", ",\"signature\":{\"algorithm\":\"" ALGORITHM "\",\"key\":\"",
                     "\",\"value\":\"", "\"}}\n"},
    [REPORT_HTML] = {"HTML", "html",
                     "<p class=\"seal\">Signed by the box (" ALGORITHM "). Key <code>",
                     "</code> signature <code>", "</code></p>\n</body>\n</html>\n"},
};

const char *report_format_name(enum report_format f)
{
    return shapes[f].name;
}

static void add(mbedtls_sha256_context *c, const void *bytes, size_t n)
{
    MUST(mbedtls_sha256_update(c, bytes, n) == 0);
}

void seal_begin(struct seal *s, enum report_format format)
{
    static const char heading[] = "ringcast report 1 ";

    s->format = format;
    mbedtls_sha256_init(&s->hash);
    MUST(mbedtls_sha256_starts(&s->hash, 0) == 0);
    add(&s->hash, heading, sizeof heading - 1);
    add(&s->hash, shapes[format].word, strlen(shapes[format].word));
    add(&s->hash, "\n", 1);
}

void seal_add(struct seal *s, const void *bytes, size_t n)
{
    add(&s->hash, bytes, n);
}

static void finish(struct seal *s, uint8_t hash[IMG_HASH_BYTES])
{
    MUST(mbedtls_sha256_finish(&s->hash, hash) == 0);
    mbedtls_sha256_free(&s->hash);
}

static void put_hex(struct writer *w, const uint8_t *bytes, size_t n)
{
    static const char digit[] = "0123456789abcdef";

    for (size_t i = 0; i < n; i++)
        wr_copy(w, (const char[2]){digit[bytes[i] >> 4], digit[bytes[i] & 15]}, 2);
}

size_t seal_end(struct seal *s, const struct sign_key *key, uint8_t out[SEAL_MAX])
{
    const struct shape *shape = &shapes[s->format];
    struct writer w = writer_on(out, SEAL_MAX);
    uint8_t hash[IMG_HASH_BYTES], signature[IMG_SIGNATURE_BYTES];

    finish(s, hash);
    if (sign_hash(key, hash, signature, NULL))
        return 0;
    wr_copy(&w, shape->before, strlen(shape->before));
    put_hex(&w, key->pub, sizeof key->pub);
    wr_copy(&w, shape->between, strlen(shape->between));
    put_hex(&w, signature, sizeof signature);
    wr_copy(&w, shape->after, strlen(shape->after));
    MUST(!w.bad);
    return w.done;
}

/* ---- checking ---- */

static bool take_text(const uint8_t **at, const char *text)
{
    size_t n = strlen(text);
    bool same = memcmp(*at, text, n) == 0;

    *at += n;
    return same;
}

static bool take_hex(const uint8_t **at, uint8_t *out, size_t n)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < 2 * n; i++) {
        const char *d = **at ? strchr(digits, **at) : NULL;

        if (!d)
            return false;
        out[i / 2] = (uint8_t)(out[i / 2] << 4 | (d - digits));
        ++*at;
    }
    return true;
}

static size_t seal_bytes(const struct shape *shape)
{
    return strlen(shape->before) + KEY_DIGITS + strlen(shape->between) + SIGNATURE_DIGITS +
           strlen(shape->after);
}

/* Whether the file ends in a seal of this format. */
static bool seal_read(const uint8_t *bytes, size_t n, const struct shape *shape,
                      uint8_t pub[IMG_PUBKEY_BYTES], uint8_t signature[IMG_SIGNATURE_BYTES])
{
    size_t length = seal_bytes(shape);
    const uint8_t *at;

    if (n < length)
        return false;
    at = bytes + (n - length);
    return take_text(&at, shape->before) && take_hex(&at, pub, IMG_PUBKEY_BYTES) &&
           take_text(&at, shape->between) && take_hex(&at, signature, IMG_SIGNATURE_BYTES) &&
           take_text(&at, shape->after);
}

int seal_check(const uint8_t *bytes, size_t n, const uint8_t pub[IMG_PUBKEY_BYTES],
               enum report_format *format, struct err *err)
{
    uint8_t signer[IMG_PUBKEY_BYTES], signature[IMG_SIGNATURE_BYTES], hash[IMG_HASH_BYTES];
    unsigned f = 0;
    struct seal s;

    while (f < SHAPES && !seal_read(bytes, n, &shapes[f], signer, signature))
        f++;
    if (f == SHAPES)
        return err_set(err, REPORT_EUNSEALED,
                       "expected a report that ends in its box's signature, got none at its end");
    if (memcmp(signer, pub, IMG_PUBKEY_BYTES) != 0)
        return err_set(err, REPORT_EUNTRUSTED,
                       "the report is signed by another key than the trusted one");
    *format = f == CSV_OF_23 ? REPORT_CSV : (enum report_format)f;
    seal_begin(&s, *format);
    seal_add(&s, bytes, n - seal_bytes(&shapes[f]));
    finish(&s, hash);
    return sign_hash_right(signer, hash, signature)
               ? 0
               : err_set(
                     err, REPORT_EALTERED,
                     "the signature is wrong: the report was altered after the box had signed it");
}
