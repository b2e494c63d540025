#include "net/webhook/codec.h"

#include <stdio.h>
#include <string.h>

#include "imaging/hash/hmac.h"
#include "net/wire/must.h"

/* ---- where it goes ---- */

/* A dotted quad and nothing else. */
static bool quad(const char *at, uint32_t *out)
{
    uint32_t v = 0;

    for (unsigned part = 0; part < 4; part++) {
        unsigned n = 0, digits = 0;

        for (; at[digits] >= '0' && at[digits] <= '9' && digits < 4; digits++)
            n = n * 10 + (unsigned)(at[digits] - '0');
        if (digits == 0 || n > 255 || at[digits] != (part < 3 ? '.' : 0))
            return false;
        v = v << 8 | n;
        at += digits + 1;
    }
    *out = v;
    return v && v >> 28 != 14;
}

int webhook_url_parse(const char *text, struct http_url *u, uint32_t *address, struct err *err)
{
    struct err why = {0};

    if (http_url_parse(text, u, &why) == 0 && u->tls)
        err_set(&why, HTTP_EURL, "expected http://, got \"%.100s\"", text);
    if (why.code)
        return err_set(err, WEBHOOK_EURL, "%s", why.text);
    if (!quad(u->host, address))
        return err_set(err, WEBHOOK_EURL,
                       "expected an address such as 10.77.0.5 after http://, got \"%.80s\"",
                       u->host);
    return 0;
}

/* ---- request ---- */

size_t webhook_request(const struct http_url *u, const char *secret, const char *delivery,
                       const char *body, size_t n, char out[WEBHOOK_REQUEST_MAX])
{
    uint8_t mac[HMAC_BYTES];
    char digits[2 * HMAC_BYTES + 1], port[8] = "";
    int header;

    MUST(n <= WEBHOOK_BODY_MAX && strlen(delivery) <= WEBHOOK_DELIVERY_MAX);
    hmac(secret, strlen(secret), body, n, mac);
    for (unsigned i = 0; i < HMAC_BYTES; i++)
        snprintf(digits + 2 * i, 3, "%02x", mac[i]);
    if (u->port != 80)
        snprintf(port, sizeof port, ":%u", u->port);
    header = snprintf(out, WEBHOOK_REQUEST_MAX,
                      "POST %s HTTP/1.1\r\nHost: %s%s\r\nUser-Agent: ringcast\r\nContent-Type: "
                      "application/json\r\n"
                      "Content-Length: %zu\r\nX-Ringcast-Delivery: %s\r\nX-Ringcast-Signature: "
                      "sha256=%s\r\nConnection: close\r\n\r\n",
                      u->path, u->host, port, n, delivery, digits);
    MUST(header > 0 && (size_t)header + n <= WEBHOOK_REQUEST_MAX);
    memcpy(out + header, body, n);
    return (size_t)header + n;
}
