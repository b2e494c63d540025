/* The lines of an HTTP/1.1 request (RFC 9110, 9112), for every server of this program: incremental,
 * bounded and strict. Pure. What the method, the target and the headers mean is told to its user;
 * what every request has is read here: version, Host, Connection, Content-Length.
 *
 * What could be understood in two ways is refused: lines end in CR LF and nothing else does, a name
 * touches its colon, one Host, one Content-Length, no Transfer-Encoding, no line goes on in the
 * next. */
#ifndef NET_HTTP_SERVER_LINES_H
#define NET_HTTP_SERVER_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP_HEAD_LINE_MAX 2048
#define HTTP_HEAD_MAX 8192 /* all lines of a request */
#define HTTP_HEAD_LINES_MAX 64

struct http_lines_user {
    /* Each returns 0, or the status the request is refused with. `target` is as it came
     * (http_decode), with its query. */
    int (*request)(void *ctx, const char *method, char *target);
    /* Every header line, those that are read here too. `value` has no blanks around it. */
    int (*header)(void *ctx, const char *name, char *value);
    bool bodies; /* else a Content-Length that is not 0 is refused */
};

struct http_lines {
    size_t total, n; /* bytes of all lines, of this line */
    unsigned lines;
    bool started, cr; /* the request line is behind us; the last byte was a CR */
    bool http_1_0, hosted, has_length, close, keep;
    bool keep_alive; /* when complete: the connection goes on behind the answer */
    uint64_t length; /* of the body */
    char line[HTTP_HEAD_LINE_MAX];
};

void http_lines_init(struct http_lines *);
/* Takes bytes of a request; *used says how many. 0: it goes on; 1: it is complete; 400 and up: the
 * status it is to be refused with, after which nothing on the connection can be understood. */
int http_lines_feed(struct http_lines *, const struct http_lines_user *, void *ctx,
                    const uint8_t *bytes, size_t n, size_t *used);

/* %XX as the byte it stands for, in place, up to the query, the fragment or the end; the new
 * length, or -1 when a % is no escape, or there is a fragment. */
int http_decode(char *at);
/* Up to 18 decimal digits; what follows them, NULL when there are none or more. */
const char *http_number(const char *at, uint64_t *out);
const char *http_status_text(unsigned status);

#endif
