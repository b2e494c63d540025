/* An image on an HTTP server: head and body by range, then the source rows of the windows that are
 * needed. */
#include <stdlib.h>
#include <string.h>

#include "board/core/authorities.h"
#include "board/core/source.h"
#include "net/http/bind.h"

struct web {
    struct ip_stack *stack;
    struct http_file *file;
    struct tls_trust authorities;
};

static void web_free(struct web *w)
{
    if (w->file)
        http_close(w->file);
    if (w->stack)
        ip_stack_close(w->stack);
    tls_trust_close(&w->authorities);
    free(w);
}

static int whom_to_trust(struct web *w, const struct source_options *opt, struct http_trust *trust,
                         struct err *err)
{
    int rc = authorities_public(&w->authorities, err);

    *trust =
        (struct http_trust){.authorities = &w->authorities, .pinned = opt->fingerprint != NULL};
    if (rc == 0 && opt->trust)
        rc = tls_trust_load(&w->authorities, opt->trust, true, err);
    if (rc == 0 && trust->pinned && !tls_pin_parse(opt->fingerprint, trust->pin))
        rc = err_set(err, HTTP_ETRUST,
                     "expected a fingerprint of 64 hexadecimal digits, got \"%.100s\"",
                     opt->fingerprint);
    return rc;
}

static int connect_to(struct web *w, const struct source_options *opt, struct err *err)
{
    int idle_ms = opt->timeout_s > 0 ? opt->timeout_s * 1000 : 3600 * 1000;
    struct ip_config config = {0};
    struct http_trust trust;
    struct http_url url;
    char interface[16];
    int rc = http_url_parse(opt->where, &url, err);

    if (!rc)
        rc = whom_to_trust(w, opt, &trust, err);
    if (!rc)
        rc = source_interface(interface, opt->interface, err);
    if (!rc)
        rc = ip_config_parse(&config, opt->address, err);
    if (!rc)
        rc = ip_stack_open(&w->stack, interface, &config, err);
    if (!rc)
        ip_stack_stop_when(w->stack, source_stopped);
    if (!rc)
        rc = ip_stack_wait_address(w->stack, IP_ADDRESS_MS, err);
    return rc ? rc : http_open(&w->file, w->stack, &url, &trust, idle_ms, err);
}

static int web_open(struct source *s, const struct source_options *opt, struct err *err)
{
    struct web *w = calloc(1, sizeof *w);
    uint8_t head[IMG_HEAD_BYTES];
    int rc;

    if (!w)
        return err_set(err, RECEIVE_EMEMORY, "out of memory");
    s->ctx = w;
    rc = connect_to(w, opt, err);
    if (!rc)
        rc = http_read(w->file, 0, head, sizeof head, err);
    if (!rc)
        rc = img_head_decode(head, &s->head, err);
    if (!rc && http_size(w->file) != IMG_STREAM_OFFSET + s->head.stream_bytes + s->head.body_bytes)
        rc = err_set(err, IMG_ESIZE, "the image on the server has %llu bytes; its head says %llu",
                     (unsigned long long)http_size(w->file),
                     (unsigned long long)(IMG_STREAM_OFFSET + s->head.stream_bytes +
                                          s->head.body_bytes));
    if (rc)
        web_free(w);
    return rc;
}

static int web_body(struct source *s, struct receive_counts *counts, struct err *err)
{
    struct web *w = s->ctx;
    uint8_t *bytes = malloc((size_t)s->head.body_bytes);
    int rc;

    (void)counts;
    if (!bytes)
        return err_set(err, RECEIVE_EMEMORY, "not enough memory for the image's tables");
    rc = http_read(w->file, IMG_STREAM_OFFSET + s->head.stream_bytes, bytes,
                   (size_t)s->head.body_bytes, err);
    if (!rc) {
        rc = img_body_parse(bytes, (size_t)s->head.body_bytes, &s->head, &s->body, err);
        s->owns_body = rc == 0;
    }
    free(bytes);
    return rc;
}

static int read_web(void *ctx, uint64_t offset, uint8_t *buf, size_t n, struct err *err)
{
    struct web *w = ctx;

    return http_read(w->file, offset, buf, n, err);
}

static int web_fetch(void *ctx, uint64_t from, uint64_t to, receive_sink *sink, void *sink_ctx,
                     struct err *err)
{
    return source_fetch(read_web, ctx, from, to, sink, sink_ctx, err);
}

static int web_feed(struct source *s, struct receive *r, struct err *err)
{
    return receive_rows(r, web_fetch, s->ctx, err);
}

static void web_close(struct source *s, const struct session_facts *last)
{
    (void)last;
    web_free(s->ctx);
}

const struct source_ops source_http = {web_open, web_body,  web_feed, NULL,
                                       NULL,     web_close, NULL,     NULL};
