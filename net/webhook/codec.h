/* The request of a webhook: a POST of JSON that says who made it. Pure.
 *
 *   POST /hook HTTP/1.1
 *   Host: 10.77.0.5:8080
 *   Content-Type: application/json
 *   Content-Length: 311
 *   X-Ringcast-Delivery: 12-7                   the same over all tries: whoever has seen it knows
 *                                               the event already
 *   X-Ringcast-Signature: sha256=<64 digits>    HMAC-SHA-256 (RFC 2104) of the content's bytes
 *                                               under the shared secret
 *   Connection: close
 *
 * The content holds its delivery too, so that a recorded request cannot be passed off as news under
 * another one. */
#ifndef NET_WEBHOOK_CODEC_H
#define NET_WEBHOOK_CODEC_H

#include "net/http/codec.h"
#include "net/webhook/errors.h"

#define WEBHOOK_SECRET_MIN 16
#define WEBHOOK_SECRET_MAX 64
#define WEBHOOK_BODY_MAX 4096
#define WEBHOOK_DELIVERY_MAX 31
#define WEBHOOK_REQUEST_MAX (HTTP_HOST_MAX + HTTP_PATH_MAX + 512 + WEBHOOK_BODY_MAX)

/* http://10.77.0.5[:port]/path: names are not looked up, TLS is not spoken. 0 or WEBHOOK_EURL. */
int webhook_url_parse(const char *text, struct http_url *, uint32_t *address, struct err *);

/* Header and content into out; returns the length. `delivery` is printable ASCII of at most
 * WEBHOOK_DELIVERY_MAX bytes. */
size_t webhook_request(const struct http_url *, const char *secret, const char *delivery,
                       const char *body, size_t n, char out[WEBHOOK_REQUEST_MAX]);

#endif
