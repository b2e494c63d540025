/* An HTTP client over lwIP: one file, read at offsets or as it comes, resumed where a connection
 * broke. All calls on the stack's owner thread.
 *
 *   TCP ──> frames that wait ──(https: secure.h)──> header, content
 *
 * At most HTTP_REDIRECTS redirects are followed, never from https to http; what is asked for later
 * is asked for where they led. Over https every connection is judged before the request goes out,
 * and one that does not pass is not tried again. */
#ifndef NET_HTTP_BIND_H
#define NET_HTTP_BIND_H

#include "net/http/codec.h"
#include "net/ip/stack.h"
#include "net/tls/trust.h"

#define HTTP_REDIRECTS 5

struct http_file;

/* By what the certificates of https servers are judged. */
struct http_trust {
    const struct tls_trust *authorities; /* kept; NULL: none */
    /* only the certificate of this fingerprint is right, then the URL has to be https */
    bool pinned;
    uint8_t pin[TLS_PIN_BYTES];
};

/* Looks the host up, asks for the file and waits for the answer's header. Blocks. A server that
 * stays silent for idle_ms counts as unreachable. Keeps the stack. `trust` may be NULL: then there
 * is no https. 0 or a negative code and its sentence. */
int http_open(struct http_file **, struct ip_stack *, const struct http_url *,
              const struct http_trust *, int idle_ms, struct err *);
/* Of the whole file, as the server says. */
uint64_t http_size(const struct http_file *);

/* Exactly n bytes from `offset` into buf. Blocks, stepping the stack. Reading on where the last
 * call ended costs nothing, a short way ahead is read over, anything else is a new request. While
 * nobody reads, the server is not told that there is room for more. A connection that breaks or
 * stays silent for idle_ms is made anew and goes on where it was, unless five in a row, over five
 * seconds, bring nothing. Fits imaging's receive_reader. */
int http_read(struct http_file *, uint64_t offset, uint8_t *buf, size_t n, struct err *);

/* ---- the same for who has other things to do ---- */

/* Returns at once; the file comes from its first byte to its last, as it is asked for. Keeps the
 * stack. */
int http_begin(struct http_file **, struct ip_stack *, const struct http_url *,
               const struct http_trust *, int idle_ms, struct err *);
/* What has come: so many bytes are at *bytes until http_took; 0: nothing now, or all of it has been
 * taken; negative: it is over. http_size is 0 until the server has answered. A broken connection is
 * made anew, as above. */
long http_look(struct http_file *, const uint8_t **bytes, struct err *);
/* The first n of them are not needed any more. */
void http_took(struct http_file *, size_t n);
void http_close(struct http_file *);

#endif
