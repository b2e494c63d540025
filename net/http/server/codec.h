/* HTTP/1.1 requests as a server of files reads them (lines.h): GET and HEAD of a name, ranges, no
 * body; and the header of its answers. Pure. */
#ifndef NET_HTTP_SERVER_CODEC_H
#define NET_HTTP_SERVER_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/content/content.h"
#include "net/http/server/lines.h"

#define HTTP_REPLY_MAX 512 /* header of an answer, and the text of a refusal */

enum http_range { HTTP_WHOLE, HTTP_FROM_TO, HTTP_LAST };

/* A legal request. */
struct http_head {
    bool head_only; /* HEAD; else GET */
    bool keep_alive;
    enum http_range range;
    /* HTTP_FROM_TO: first <= last, last may lie beyond any end; HTTP_LAST: `last` bytes */
    uint64_t first, last;
    bool home;  /* "/": what a person types */
    bool named; /* `name` is one that a content_source can know */
    char name[CONTENT_NAME_MAX + 1];
};

struct http_head_parser {
    struct http_head head;
    bool ranged, if_range;
    struct http_lines lines;
};

void http_head_init(struct http_head_parser *);
/* Takes bytes of a request; *used says how many. 0: it goes on; 1: it is complete and p->head is
 * legal; 400 and up: the status it is to be refused with, after which nothing on the connection can
 * be understood. */
int http_head_feed(struct http_head_parser *, const uint8_t *bytes, size_t n, size_t *used);
/* Has a byte of a request come? */
static inline bool http_head_begun(const struct http_head_parser *p)
{
    return p->lines.total > 0;
}

/* What is answered: bytes [from, to) of a content of `size`. */
struct http_reply {
    unsigned status; /* 200, 206, 400 … */
    uint64_t from, to, size;
    const char *type;
    const char *location; /* with 303 */
    bool head_only, keep_alive;
};

/* Which bytes of `size` the request is for; the status is 200, 206 or 416. */
void http_head_range(const struct http_head *, uint64_t size, struct http_reply *);
/* The header of an answer; with a status of 300 and up the text that goes with it too. A location
 * has at most 64 bytes. Returns the length. */
size_t http_reply_write(const struct http_reply *, char out[HTTP_REPLY_MAX]);

#endif
