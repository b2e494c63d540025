/* An HTTP connection inside TLS: handshake, judgement of the certificate, the request, then the
 * answer record by record. Over any stream; the memory is one record here, and what mbedTLS takes
 * for a connection (net/tls/tls.h). */
#ifndef NET_HTTP_SECURE_H
#define NET_HTTP_SECURE_H

#include <stdbool.h>

#include "net/tls/trust.h"
#include "net/wire/stream.h"

/* The connection has ended: another one may bring more. No error's code. */
#define SECURE_END (-1)

struct http_secure;

int secure_open(struct http_secure **, struct err *);
/* A new connection to `host` over `below`; `again`: to the host of the one before, and what was
 * learned of it holds. */
int secure_begin(struct http_secure *, const struct wire_stream *below, const char *host,
                 bool again, struct err *);
/* Does the next thing that is to be done before content comes, some milliseconds at most. `request`
 * goes out once the certificate has been judged right. 1: call again at once; 0: when bytes have
 * come; SECURE_END; or an error for good. */
int secure_step(struct http_secure *, const struct tls_trust *, const struct tls_wanted *,
                const char *request, size_t n, struct err *);
/* What has come in the clear: so many bytes are at *bytes until secure_took; 0 none now;
 * SECURE_END: and no more will. */
long secure_look(struct http_secure *, const uint8_t **bytes);
void secure_took(struct http_secure *, size_t n);
/* Safe on NULL. */
void secure_close(struct http_secure *);

#endif
