/* An HTTP client over lwIP: ranges of one file, streamed, resumed where a connection broke. */
#ifndef NET_HTTP_BIND_H
#define NET_HTTP_BIND_H

#include "net/http/codec.h"
#include "net/ip/stack.h"

/* Takes n bytes of content, which begin at `offset` of the file. 0 to go on, anything else ends the transfer with
 * that as its result. While it has not returned the server is not told that there is room for more. */
typedef int (*http_sink)(void *ctx, uint64_t offset, const uint8_t *bytes, size_t n);

/* Fetches bytes [from, to) of the URL in order; to may be HTTP_TO_END. Blocks, stepping the stack. A connection that
 * breaks or stays silent for idle_ms is made anew and goes on where it was, unless three in a row bring nothing. 0, a
 * negative code, or what the sink returned. *total (may be NULL) is the file's size if the server says it. */
int http_get_range(struct ip_stack *, const struct http_url *, uint64_t from, uint64_t to, int idle_ms,
                   http_sink, void *ctx, uint64_t *total, struct err *);

/* The same into memory: exactly n bytes from `from`. */
int http_read(struct ip_stack *, const struct http_url *, uint64_t from, void *buf, size_t n, int idle_ms,
              struct err *);

#endif
