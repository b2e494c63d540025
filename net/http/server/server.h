/* One request and its answer, and who may stay when all seats are taken: the HTTP server's
 * decisions as pure steps.
 *
 *   bytes ──> http_exchange_feed ──> a header to send, then bytes [at, to) of an open content
 *           ──> http_exchange_end
 *
 * Requests are not read ahead: what a client sends before it has its answer ends the connection
 * behind that answer, as RFC 9112 section 9.3.2 allows. */
#ifndef NET_HTTP_SERVER_SERVER_H
#define NET_HTTP_SERVER_SERVER_H

#include "net/http/server/codec.h"
#include "net/wire/mono.h"

struct http_exchange {
    struct http_head_parser parser;
    struct http_reply reply;
    const char *home;
    struct content content; /* open while there are bytes of it to send */
    uint64_t at, to;        /* of the content: what is still to be sent */
    bool last;              /* the connection ends with this answer */
    size_t header_n, header_at;
    char header[HTTP_REPLY_MAX];
};

/* `home`: where "/" sends a browser (at most 64 bytes, borrowed); NULL: nowhere, there is no such
 * name. */
void http_exchange_begin(struct http_exchange *, const char *home);
/* Bytes of a request. False: it goes on. True: there is an answer, beginning with x->header. `mac`
 * of the client, NULL when not known. */
bool http_exchange_feed(struct http_exchange *, const struct content_source *, const uint8_t *mac,
                        const uint8_t *bytes, size_t n);
static inline bool http_exchange_sent(const struct http_exchange *x)
{
    return x->header_at == x->header_n && x->at == x->to;
}
/* Closes the content. */
void http_exchange_end(struct http_exchange *);

/* ---- seats ---- */

enum http_state {
    HTTP_IDLE,    /* nothing of a request has come */
    HTTP_READING, /* some of it */
    HTTP_SENDING
};

#define HTTP_IDLE_NS (15 * MONO_S)
#define HTTP_READING_NS (10 * MONO_S) /* for a whole request, however many pieces it comes in */
#define HTTP_SENDING_NS (20 * MONO_S) /* without an acknowledgement */

struct http_seat {
    bool used;
    enum http_state state;
    uint32_t address;
    struct mono since; /* when the state began; with HTTP_SENDING: the last progress */
};

bool http_seat_late(const struct http_seat *, struct mono now);
/* Where a client at `address` sits: the index of a free seat, or of the one to be cleared for it:
 * of the address with the most seats (the newcomer counted in), the seat that has waited longest.
 */
size_t http_seat_for(const struct http_seat *, size_t n, uint32_t address, struct mono now);

#endif
