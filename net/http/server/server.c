#include "net/http/server/server.h"

#include <string.h>

/* ---- exchanges ---- */

void http_exchange_begin(struct http_exchange *x, const char *home)
{
    memset(x, 0, offsetof(struct http_exchange, header));
    x->home = home;
    http_head_init(&x->parser);
}

static void write_header(struct http_exchange *x)
{
    x->last |= !x->reply.keep_alive;
    x->reply.keep_alive = !x->last;
    x->header_n = http_reply_write(&x->reply, x->header);
}

static void refuse(struct http_exchange *x, unsigned status)
{
    x->reply.status = status;
    write_header(x);
}

/* A whole request: what there is to say to it. */
static void answer(struct http_exchange *x, const struct content_source *source, const uint8_t *mac)
{
    const struct http_head *h = &x->parser.head;
    int rc;

    x->reply.head_only = h->head_only;
    x->reply.keep_alive = h->keep_alive;
    if (h->home && x->home) {
        x->reply.location = x->home;
        refuse(x, 303);
        return;
    }
    rc = h->named ? source->open(source->ctx, h->name, mac, &x->content) : CONTENT_ENAME;
    if (rc) {
        refuse(x, rc == CONTENT_ENAME ? 404 : rc == CONTENT_EBUSY ? 503 : 500);
        return;
    }
    x->reply.type = x->content.type;
    http_head_range(h, x->content.size, &x->reply);
    write_header(x);
    if (!h->head_only && x->reply.status < 400) {
        x->at = x->reply.from;
        x->to = x->reply.to;
    }
}

bool http_exchange_feed(struct http_exchange *x, const struct content_source *source,
                        const uint8_t *mac, const uint8_t *bytes, size_t n)
{
    size_t used = 0;
    int rc = http_head_feed(&x->parser, bytes, n, &used);

    if (rc == 0)
        return false;
    x->last = used < n || rc > 1;
    if (rc == 1)
        answer(x, source, mac);
    else
        refuse(x, (unsigned)rc);
    return true;
}

void http_exchange_end(struct http_exchange *x)
{
    content_close(&x->content);
}

/* ---- seats ---- */

bool http_seat_late(const struct http_seat *s, struct mono now)
{
    int64_t most = s->state == HTTP_IDLE      ? HTTP_IDLE_NS
                   : s->state == HTTP_READING ? HTTP_READING_NS
                                              : HTTP_SENDING_NS;

    return s->used && mono_sub(now, s->since) > most;
}

static size_t seats_of(const struct http_seat *s, size_t n, uint32_t address)
{
    size_t of = 0;

    for (size_t i = 0; i < n; i++)
        of += s[i].used && s[i].address == address;
    return of;
}

size_t http_seat_for(const struct http_seat *s, size_t n, uint32_t address, struct mono now)
{
    size_t most = 0, pick = 0;

    for (size_t i = 0; i < n; i++)
        if (!s[i].used)
            return i;
    for (size_t i = 0; i < n; i++) {
        size_t of = seats_of(s, n, s[i].address) + (s[i].address == address);

        if (of > most || (of == most && mono_sub(now, s[i].since) > mono_sub(now, s[pick].since))) {
            most = of;
            pick = i;
        }
    }
    return pick;
}
