/* The page as the box gives it out: files of rootfs/www and of two libraries, compressed when the
 * program is built.
 *
 *   rootfs/www, tools/www.lock ──tools/www──> build/gen/www.c ──> this table ──> the web server
 *
 * Each is sent as it lies here, with Content-Encoding: gzip, whatever the client accepts: a browser
 * takes it, and the page is for browsers. All of it weighs at most WWW_MAX, which tests hold.
 * Constants: nothing is owned by anybody. */
#ifndef NET_WEB_WWW_H
#define NET_WEB_WWW_H

#include "net/web/route.h"

/* bytes of all files together, compressed: the page opens at once by any Wi-Fi */
#define WWW_MAX 60000

struct www_file {
    const char *path;    /* "/index.html" */
    const char *type;    /* Content-Type */
    const uint8_t *gzip; /* the body, RFC 1952 */
    size_t n;            /* bytes of it */
    size_t length;       /* bytes of what it unpacks to */
};

extern const struct www_file www_files[]; /* in order of their paths */
extern const size_t www_n;

/* What a request for `path` gets; "/" is "/index.html". NULL: there is no such file. */
const struct www_file *www_find(const char *path);

/* Hangs all of them into the table of routes, for anyone: there is nothing secret in them. Once a
 * program. */
void www_routes(struct web_routes *);

#endif
