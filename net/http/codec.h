/* HTTP/1.1 as far as a client fetching ranges of one file needs it (RFC 9110, 9112): a URL, a
 * request, an incremental and bounded parser of the answer's header, where a redirect leads. Pure.
 */
#ifndef NET_HTTP_CODEC_H
#define NET_HTTP_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/http/errors.h"
#include "net/wire/err.h"

#define HTTP_HOST_MAX 253
#define HTTP_PATH_MAX 2048   /* signed addresses of large stores are longer than 1024 */
#define HTTP_HEADER_MAX 8192 /* status line and all header lines */
#define HTTP_LINE_MAX 4096
/* "https://host:port/path" and its NUL */
#define HTTP_URL_TEXT (HTTP_HOST_MAX + HTTP_PATH_MAX + 16)
#define HTTP_REQUEST_MAX (HTTP_HOST_MAX + HTTP_PATH_MAX + 256)
#define HTTP_ETAG_MAX 127

struct http_url {
    char host[HTTP_HOST_MAX + 1]; /* dotted quad or name */
    uint16_t port;                /* 80 when the URL has none, or 443 */
    bool tls;                     /* https */
    char path[HTTP_PATH_MAX + 1]; /* with query, begins with '/' */
};

/* http://host[:port][/path], or https. No user, no fragment, no other scheme, no blanks or control
 * characters. */
int http_url_parse(const char *text, struct http_url *, struct err *);
/* Where a `Location` leads from `from`: an address of its own, or "//host/..", "/path", "path",
 * "?query" beside it; what follows a '#' is left out. Never from https to http. 0, HTTP_EURL or
 * HTTP_EREDIRECT, whose sentence says what came. */
int http_redirect(const struct http_url *from, const char *location, struct http_url *to,
                  struct err *);

/* The end of a range that goes to the end of the file. */
#define HTTP_TO_END UINT64_MAX

/* GET of bytes [from, to) into out (HTTP_REQUEST_MAX bytes); returns the length. */
size_t http_request(const struct http_url *, uint64_t from, uint64_t to, char *out);

struct http_answer {
    unsigned status;
    bool has_length, has_range, chunked;
    uint64_t length;              /* Content-Length */
    uint64_t first, last, total;  /* Content-Range; total HTTP_TO_END when not stated */
    char etag[HTTP_ETAG_MAX + 1]; /* "" when there is none or it is too long */
    char location[HTTP_URL_TEXT]; /* likewise */
};

struct http_parser {
    struct http_answer answer;
    size_t total, n; /* header bytes so far, bytes in line */
    bool started;    /* the status line is behind us */
    char line[HTTP_LINE_MAX];
};

void http_parser_init(struct http_parser *);
/* Takes header bytes; *used says how many. Returns 0 while the header goes on, 1 when it is
 * complete (what follows is content), or a negative code. */
int http_parser_feed(struct http_parser *, const uint8_t *bytes, size_t n, size_t *used);
/* Does it send elsewhere (301, 302, 303, 307, 308), and say where? */
bool http_is_redirect(const struct http_answer *);
/* Is this the answer to a request for [from, to)? The content begins at `from`; fills where it ends
 * and how large the file is. 0, or a negative code and the sentence. */
int http_answer_check(const struct http_answer *, uint64_t from, uint64_t to, uint64_t *end,
                      uint64_t *total, struct err *);

#endif
