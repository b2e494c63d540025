#include "imaging/pack/pack.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "imaging/fec/fec.h"
#include "imaging/pack/body_writer.h"
#include "imaging/pack/container.h"
#include "imaging/pack/input.h"
#include "imaging/pack/outfile.h"
#include "imaging/pack/squeeze.h"
#include "imaging/pack/usage.h"
#include "imaging/pack/window.h"
#include "net/wire/must.h"
#include "net/wire/utf8.h"

#define REPORT_EVERY 1024 /* chunks that hold no data: there may be millions */

/* Everything of one packing. Chunks are read and given to the threads, come back in order, and go
 * into the body's tables and the windows. */
struct packing {
    const struct pack_options *opt;
    struct pack_result *res;
    struct err *err;
    struct input src;
    struct usage use;
    struct squeeze squeeze;
    struct window_maker win;
    struct body_writer body;
    struct outfile out;
    uint64_t given_bytes; /* of the source, given to the threads */
    uint64_t taken_bytes; /* and come back */
    uint64_t data_end;
    bool at_end, seekable;
    uint8_t tail[CONTAINER_TAIL]; /* of a stream: the last bytes that came */
    size_t tail_n;
};

static bool stopped(const struct packing *p)
{
    return p->opt->stop && *p->opt->stop;
}

static int check_size(const struct packing *p, uint64_t bytes)
{
    uint32_t sector = 1u << p->use.parts.sector_log2;

    if (bytes == 0)
        return err_set(p->err, IMG_ESOURCE, "the source is empty");
    if (bytes > IMG_MAX_RAW)
        return err_set(p->err, IMG_ESOURCE,
                       "the source is larger than 256 TiB, the most an image holds");
    if (bytes % sector != 0)
        return err_set(p->err, IMG_ESOURCE,
                       "the source has %llu bytes, no whole number of %u-byte sectors: it is cut "
                       "short or no disk",
                       (unsigned long long)bytes, sector);
    return 0;
}

/* What is no disk, as far as its first and last bytes tell. */
static int check_bytes(const struct packing *p, const uint8_t *head, size_t n, const uint8_t *tail,
                       size_t m)
{
    const struct container *is = container_find(head, n, tail, m);

    return is ? container_refuse(is, "a disk or a raw image of one", IMG_EFOREIGN, p->err) : 0;
}

static int check_kind(struct packing *p)
{
    uint8_t head[CONTAINER_HEAD], tail[CONTAINER_TAIL];
    uint64_t bytes = p->src.bytes;
    size_t n, m = 0;
    int rc;

    if (!p->seekable)
        return check_bytes(p, p->src.ahead, p->src.ahead_n, NULL, 0);
    rc = input_read(&p->src, 0, head, sizeof head, &n, p->err);
    if (rc == 0 && bytes >= sizeof tail)
        rc = input_read(&p->src, bytes - sizeof tail, tail, sizeof tail, &m, p->err);
    return rc ? rc : check_bytes(p, head, n, tail, m);
}

/* ---- in ---- */

static void keep_tail(struct packing *p, const uint8_t *bytes, size_t n)
{
    size_t old = n >= sizeof p->tail ? 0 : sizeof p->tail - n;

    old = old < p->tail_n ? old : p->tail_n;
    memmove(p->tail, p->tail + p->tail_n - old, old);
    p->tail_n = old + (n < sizeof p->tail ? n : sizeof p->tail);
    memcpy(p->tail + old, bytes + n - (p->tail_n - old), p->tail_n - old);
}

static int read_data(struct packing *p, struct squeeze_job *j, size_t n)
{
    size_t got;
    int rc = input_read(&p->src, p->given_bytes, j->raw, n, &got, p->err);

    if (rc)
        return rc;
    if (p->seekable && got < n)
        return err_set(p->err, IMG_ESOURCE, "the source ends at byte %llu, before the size it has",
                       (unsigned long long)(p->given_bytes + got));
    if (p->seekable)
        usage_mask(&p->use, p->given_bytes, j->raw, got);
    else
        keep_tail(p, j->raw, got);
    j->raw_len = (uint32_t)got;
    return 0;
}

/* Fills the slot with the next chunk; at the end of a stream it stays empty. */
static int read_chunk(struct packing *p, struct squeeze_job *j)
{
    uint32_t number = (uint32_t)(p->given_bytes / IMG_CHUNK_BYTES);

    j->state = IMG_DATA;
    j->raw_len = IMG_CHUNK_BYTES;
    if (p->seekable) {
        j->raw_len = img_raw_len(p->src.bytes, number);
        j->state = usage_state(&p->use, number);
    }
    return j->state == IMG_DATA ? read_data(p, j, j->raw_len) : 0;
}

static int give_chunk(struct packing *p)
{
    struct squeeze_job *j = squeeze_slot(&p->squeeze);
    int rc = read_chunk(p, j);

    if (rc)
        return rc;
    if (p->given_bytes + j->raw_len > IMG_MAX_RAW)
        return err_set(p->err, IMG_ESOURCE,
                       "the source is larger than 256 TiB, the most an image holds");
    p->given_bytes += j->raw_len;
    p->at_end = j->raw_len < IMG_CHUNK_BYTES || (p->seekable && p->given_bytes == p->src.bytes);
    if (j->raw_len)
        squeeze_give(&p->squeeze);
    return 0;
}

/* ---- out ---- */

static int take_data(struct packing *p, const struct squeeze_job *j)
{
    struct img_head *h = &p->res->head;
    int rc = body_add_data(&p->body, j->stored_len, j->hash, p->err);

    h->data_chunks++;
    h->data_bytes += j->raw_len;
    p->res->stored_bytes += j->stored_len;
    p->data_end = p->taken_bytes + j->raw_len;
    return rc ? rc : window_add(&p->win, j->stored, j->stored_len, p->err);
}

static void report(const struct packing *p)
{
    struct pack_progress now = {
        .done = input_position(&p->src, p->taken_bytes),
        .total = p->src.measure,
        .raw = p->res->head.data_bytes,
        .stored = p->res->stored_bytes,
    };

    p->opt->progress(p->opt->ctx, &now);
}

static int take_chunk(struct packing *p, const struct squeeze_job *j)
{
    struct img_head *h = &p->res->head;
    int rc = body_add_chunk(&p->body, (uint8_t)j->state, p->err);

    p->res->zero_bytes += j->state == IMG_ZERO ? j->raw_len : 0;
    p->res->free_bytes += j->state == IMG_FREE ? j->raw_len : 0;
    h->chunks++;
    if (rc == 0 && j->state == IMG_DATA)
        rc = take_data(p, j);
    p->taken_bytes += j->raw_len;
    if (j->state == IMG_DATA || h->chunks % REPORT_EVERY == 0 || p->at_end)
        report(p);
    return rc;
}

static int window_written(void *ctx, const struct img_window *w)
{
    struct packing *p = ctx;

    return stopped(p) ? err_set(p->err, IMG_EINTR, "interrupted")
                      : body_add_window(&p->body, w, p->err);
}

/* Gives while there is room, takes when there is none, until both ends are reached. */
static int run_chunks(struct packing *p)
{
    struct squeeze_job *j;
    int rc = 0;

    while (rc == 0 && (!p->at_end || p->taken_bytes < p->given_bytes)) {
        if (stopped(p))
            return err_set(p->err, IMG_EINTR, "interrupted");
        if (!p->at_end && squeeze_slot(&p->squeeze)) {
            rc = give_chunk(p);
            continue;
        }
        j = squeeze_take(&p->squeeze);
        if (j) {
            rc = take_chunk(p, j);
            squeeze_drop(&p->squeeze);
        }
    }
    return rc ? rc : window_finish(&p->win, p->err);
}

/* ---- the head ---- */

/* The file's name without directory and known endings, as plain text that fits. */
static void name_after(char to[IMG_NAME_MAX + 1], const char *source)
{
    static const char *const endings[] = {".gz", ".xz", ".zst", ".img", ".raw"};
    const char *slash = strrchr(source, '/');
    const uint8_t *s = (const uint8_t *)(slash ? slash + 1 : source);
    size_t n = strlen((const char *)s), len, used = 0;
    uint32_t cp;

    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        size_t m = strlen(endings[i]);

        if (n > m && memcmp(s + n - m, endings[i], m) == 0)
            n -= m;
    }
    for (; n; s += len, n -= len) {
        len = utf8_read(s, n, &cp);
        if (len == 0 || utf8_is_control(cp)) {
            len = len ? len : 1;
            continue;
        }
        if (used + len > IMG_NAME_MAX)
            break;
        memcpy(to + used, s, len);
        used += len;
    }
    to[used] = 0;
    if (used == 0 || strcmp(to, "-") == 0)
        strcpy(to, "image");
}

static int write_head(struct packing *p)
{
    struct img_head *h = &p->res->head;
    uint8_t start[IMG_STREAM_OFFSET] = {0};
    int rc = p->opt->key ? img_sign(h, p->opt->key, p->err) : 0;

    if (rc)
        return rc;
    img_head_encode(h, start);
    return write_all(p->out.fd, 0, start, sizeof start, p->err);
}

static int finish(struct packing *p)
{
    struct img_head *h = &p->res->head;
    int rc = check_bytes(p, NULL, 0, p->tail, p->tail_n);

    if (rc == 0)
        rc = check_size(p, p->taken_bytes);
    if (rc == 0 && !p->seekable && !usage_set_size(&p->use, p->taken_bytes) && p->src.note[0])
        rc = err_set(p->err, IMG_ESOURCE,
                     "the compressed source ends before its last partition does: it is damaged");
    if (rc)
        return rc;
    if (p->src.note[0])
        p->opt->note(p->opt->ctx, p->src.note);
    h->raw_bytes = p->taken_bytes;
    h->min_target_bytes = usage_min_target(&p->use, h->raw_bytes, p->data_end);
    h->sector_log2 = p->use.parts.sector_log2;
    h->table = p->use.parts.table;
    h->info[IMG_INFO_SECTOR] = p->use.sector_known;
    memcpy(h->info + IMG_INFO_MARKS, p->use.marks, IMG_MARKS_BYTES);
    h->info[IMG_INFO_COPY] = p->use.copy_bytes != 0;
    h->windows = p->win.windows;
    h->blocks = p->win.blocks;
    h->stream_bytes = p->win.out_at - IMG_STREAM_OFFSET;
    rc = body_finish(&p->body, p->use.parts.part, p->use.parts.n, p->out.fd, p->win.out_at, h,
                     p->err);
    p->res->file_bytes = p->win.out_at + h->body_bytes;
    return rc;
}

/* ---- all of it ---- */

/* Replacing the source by its own image would be a writing to the source. */
static int check_paths(const struct packing *p)
{
    struct stat in, out;

    if (strcmp(p->opt->source, "-") == 0 || stat(p->opt->source, &in) != 0 ||
        stat(p->opt->output, &out) != 0)
        return 0;
    return in.st_dev == out.st_dev && in.st_ino == out.st_ino
               ? err_set(p->err, IMG_EEXISTS, "source and output are the same file")
               : 0;
}

static int start(struct packing *p)
{
    const struct pack_options *o = p->opt;
    int rc = check_paths(p);

    if (rc == 0)
        rc = outfile_open(&p->out, o->output, o->force, p->err);
    if (rc == 0)
        rc = input_open(&p->src, o->source, o->stop, p->err);
    if (rc)
        return rc;
    p->seekable = p->src.seekable;
    rc = check_kind(p);
    if (rc)
        return rc;
    usage_open(&p->use, &p->src, o->note, o->ctx);
    rc = p->seekable ? check_size(p, p->src.bytes) : 0;
    if (rc == 0)
        rc = body_start(&p->body, o->output, p->err);
    if (rc == 0)
        rc = window_start(&p->win, p->out.fd, o->output, o->max_k ? o->max_k : IMG_MAX_K,
                          window_written, p, p->err);
    if (rc == 0)
        rc = squeeze_start(&p->squeeze, o->threads, o->level, p->err);
    return rc;
}

static void set_texts(struct packing *p)
{
    struct img_head *h = &p->res->head;

    name_after(h->name, p->opt->source);
    if (p->opt->name)
        strncpy(h->name, p->opt->name, IMG_NAME_MAX);
    strncpy(h->label, p->opt->label, IMG_LABEL_MAX);
    h->created = p->opt->created;
}

int img_pack(const struct pack_options *opt, struct pack_result *res, struct err *e)
{
    struct packing *p = calloc(1, sizeof *p);
    int rc;

    if (!p)
        return err_set(e, IMG_EMEMORY, "no memory to pack with");
    MUST(fec_init(NULL) == 0);
    memset(res, 0, sizeof *res);
    p->opt = opt;
    p->res = res;
    p->err = e;
    p->out.fd = p->src.fd = p->src.file = p->win.spool = -1;
    set_texts(p);
    rc = start(p);
    if (rc == 0)
        rc = run_chunks(p);
    squeeze_stop(&p->squeeze);
    if (rc == 0)
        rc = input_close(
            &p->src, e); /* a decompressor's failure explains whatever is wrong with what it gave */
    if (rc == 0)
        rc = finish(p);
    if (rc == 0)
        rc = usage_close(&p->use, e);
    usage_close(&p->use, NULL);
    input_close(&p->src, NULL);
    if (rc == 0)
        rc = write_head(p);
    if (rc == 0)
        rc = outfile_publish(&p->out, e);
    window_end(&p->win);
    body_end(&p->body);
    outfile_close(&p->out);
    free(p);
    return rc;
}
