#include "board/target/receipt.h"

#include <mbedtls/sha256.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "board/screen/draw.h"
#include "board/screen/qr.h"
#include "net/wire/must.h"

_Static_assert(RECEIPT_BYTES == QR_TEXT_MAX + 1,
               "the longest receipt is the longest text of a code");

#define VALUE_BYTES 40

struct text {
    char *to;
    size_t used;
};

static void add(struct text *t, const char *name, const char *value)
{
    char plain[IMG_NAME_MAX + 1];
    int n;

    if (!value || !*value)
        return;
    draw_plain(plain, sizeof plain, value);
    n = snprintf(t->to + t->used, RECEIPT_BYTES - t->used, "%s %s\n", name, plain);
    MUST(n > 0 && (size_t)n < RECEIPT_BYTES - t->used);
    t->used += (size_t)n;
}

/* At most VALUE_BYTES of it, cut at a whole character. */
static void add_cut(struct text *t, const char *name, const char *value)
{
    char cut[VALUE_BYTES + 1];

    draw_plain(cut, sizeof cut, value);
    add(t, name, cut);
}

static void hex(char *to, const uint8_t *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        snprintf(to + 2 * i, 3, "%02x", bytes[i]);
}

static void add_image(struct text *t, const struct img_head *h)
{
    char root[2 * IMG_HASH_BYTES + 1];

    hex(root, h->root, sizeof h->root);
    add(t, "image", h->name);
    add(t, "version", h->label);
    add(t, "root", root);
}

static void add_time(struct text *t, uint64_t seconds)
{
    char date[40];
    /* a year of four digits */
    time_t at = (time_t)(seconds < UINT64_C(253402300800) ? seconds : 0);
    struct tm tm = {0};

    gmtime_r(&at, &tm);
    strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%SZ", &tm);
    add(t, "time", date);
}

static void add_key(struct text *t, const uint8_t *key)
{
    uint8_t hash[32];
    char id[17];

    mbedtls_sha256(key, IMG_PUBKEY_BYTES, hash, 0);
    hex(id, hash, 8);
    add(t, "box", id);
}

const char *receipt_text(char to[RECEIPT_BYTES], const struct receipt *r)
{
    struct text t = {to, 0};
    char result[24];

    if (r->passed)
        snprintf(result, sizeof result, "PASS");
    else
        snprintf(result, sizeof result, "FAIL %d", r->error);
    add(&t, "RINGCAST RECEIPT", "1");
    add(&t, "result", result);
    add_cut(&t, "mac", r->mac);
    add_cut(&t, "serial", r->serial);
    add_cut(&t, "disk", r->disk_serial);
    if (r->head)
        add_image(&t, r->head);
    add_time(&t, r->time);
    if (r->key)
        add_key(&t, r->key);
    to[t.used - 1] = 0; /* without the last newline */
    return to;
}
