/* One request as the web server reads it: lines.h, and of the headers those that mean something
 * here. Pure. */
#ifndef NET_WEB_REQUEST_H
#define NET_WEB_REQUEST_H

#include "net/http/server/lines.h"
#include "net/web/route.h"

#define WEB_SECRET_TEXT 64 /* hexadecimal digits of a session's or a token's secret */
#define WEB_COOKIE "__Host-ringcast"

/* A legal request. Texts that were absent are "". */
struct web_request {
    enum web_method method;
    bool head_only; /* HEAD, as WEB_GET */
    bool keep_alive;
    bool expects; /* "Expect: 100-continue" */
    bool has_offset;
    uint64_t offset, length;
    /* decoded: begins with '/', plain UTF-8, no slash that was escaped, no "." nor ".." segments */
    char path[WEB_PATH_MAX + 1];
    char query[WEB_PATH_MAX + 1];
    char host[128];   /* lower case, without its port */
    char origin[160]; /* the host of Origin in the same form; "?" when it is none */
    char type[64];
    char cookie[WEB_SECRET_TEXT + 1], bearer[WEB_SECRET_TEXT + 1], csrf[WEB_SECRET_TEXT + 1];
};

struct web_parser {
    struct web_request r;
    struct http_lines lines;
};

void web_parser_init(struct web_parser *);
/* As http_lines_feed; 1: p->r is legal. */
int web_parser_feed(struct web_parser *, const uint8_t *bytes, size_t n, size_t *used);

/* May a page of this host speak to us? Addresses in figures and localhost can be nobody's name; of
 * names only our own. A browser that was lured to a stranger's name for our address is turned away.
 */
bool web_host_ours(const char *host, const char *name);

#endif
