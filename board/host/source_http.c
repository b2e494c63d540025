/* An image on an HTTP server: head and body by range, then the source rows of the windows that are needed. */
#include <stdlib.h>
#include <string.h>

#include "board/host/source.h"
#include "net/http/bind.h"

struct http_source {
    struct ip_stack *stack;
    struct http_url url;
    int idle_ms;
};

static int http_open(struct source *s, const struct source_options *opt, struct err *err)
{
    struct http_source *h = calloc(1, sizeof *h);
    struct ip_config config = {0};
    uint8_t head[IMG_HEAD_BYTES];
    char interface[16];
    int rc;

    if (!h)
        return err_set(err, RECEIVE_EMEMORY, "out of memory");
    s->ctx = h;
    h->idle_ms = opt->timeout_s > 0 ? opt->timeout_s * 1000 : 3600 * 1000;
    rc = http_url_parse(opt->where, &h->url, err);
    if (!rc)
        rc = source_interface(interface, opt->interface, err);
    if (!rc)
        rc = ip_config_parse(&config, opt->address, err);
    if (!rc)
        rc = ip_stack_open(&h->stack, interface, &config, err);
    if (!rc)
        rc = ip_stack_wait_address(h->stack, 20000, err);
    if (!rc)
        rc = http_read(h->stack, &h->url, 0, head, sizeof head, h->idle_ms, err);
    if (!rc)
        rc = img_head_decode(head, &s->head, err);
    if (rc) {
        if (h->stack)
            ip_stack_close(h->stack);
        free(h);
    }
    return rc;
}

static int http_body(struct source *s, struct receive_counts *counts, struct err *err)
{
    struct http_source *h = s->ctx;
    uint8_t *bytes = malloc((size_t)s->head.body_bytes);
    int rc;

    (void)counts;
    if (!bytes)
        return err_set(err, RECEIVE_EMEMORY, "not enough memory for the image's tables");
    rc = http_read(h->stack, &h->url, IMG_STREAM_OFFSET + s->head.stream_bytes, bytes, (size_t)s->head.body_bytes,
                   h->idle_ms, err);
    if (!rc) {
        rc = img_body_parse(bytes, (size_t)s->head.body_bytes, &s->head, &s->body, err);
        s->owns_body = rc == 0;
    }
    free(bytes);
    return rc;
}

struct interruptible {
    receive_sink *sink;
    void *ctx;
    struct err *err;
};

static int pass_on(void *ctx, uint64_t offset, const uint8_t *bytes, size_t n)
{
    struct interruptible *i = ctx;

    if (atomic_load(&source_interrupted))
        return err_set(i->err, RECEIVE_EINTR, "interrupted");
    return i->sink(i->ctx, offset, bytes, n);
}

static int http_fetch(void *ctx, uint64_t from, uint64_t to, receive_sink *sink, void *sink_ctx, struct err *err)
{
    struct http_source *h = ctx;
    struct interruptible i = {sink, sink_ctx, err};

    return http_get_range(h->stack, &h->url, from, to, h->idle_ms, pass_on, &i, NULL, err);
}

static int http_feed(struct source *s, struct receive *r, struct err *err)
{
    return receive_rows(r, http_fetch, s->ctx, err);
}

static void http_close(struct source *s, const struct session_facts *last)
{
    struct http_source *h = s->ctx;

    (void)last;
    ip_stack_close(h->stack);
    free(h);
}

const struct source_ops source_http = {http_open, http_body, http_feed, NULL, NULL, http_close};
