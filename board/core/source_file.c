/* An image in a file of this machine. */
#include <stdlib.h>

#include "board/core/source.h"
#include "imaging/image/file.h"

static int file_open(struct source *s, const struct source_options *opt, struct err *err)
{
    struct img_file *f = calloc(1, sizeof *f);
    int rc;

    if (!f)
        return err_set(err, RECEIVE_EMEMORY, "out of memory");
    rc = img_file_open(f, opt->where, err);
    if (rc) {
        free(f);
        return rc;
    }
    s->ctx = f;
    s->head = f->head;
    return 0;
}

static int file_body(struct source *s, struct receive_counts *counts, struct err *err)
{
    struct img_file *f = s->ctx;

    (void)counts;
    (void)err;
    s->body = f->body;
    return 0;
}

static int read_file(void *ctx, uint64_t offset, uint8_t *buf, size_t n, struct err *err)
{
    return img_file_read(ctx, offset, buf, n, err);
}

static int file_fetch(void *ctx, uint64_t from, uint64_t to, receive_sink *sink, void *sink_ctx,
                      struct err *err)
{
    return source_fetch(read_file, ctx, from, to, sink, sink_ctx, err);
}

static int file_feed(struct source *s, struct receive *r, struct err *err)
{
    return receive_rows(r, file_fetch, s->ctx, err);
}

static void file_close(struct source *s, const struct session_facts *last)
{
    (void)last;
    img_file_close(s->ctx);
    free(s->ctx);
}

const struct source_ops source_file = {file_open, file_body,  file_feed, NULL,
                                       NULL,      file_close, NULL,      NULL};
