#include "imaging/pack/body_writer.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <mbedtls/sha256.h>

#include "imaging/pack/outfile.h"
#include "net/wire/must.h"
#include "net/wire/writer.h"

#define GEOM_MAX (1 + IMG_MAX_PARTS * (34 + 255))
#define COPY_BYTES 65536

/* Where the body goes, and the hash over it. */
struct body_sink {
    int fd;
    uint64_t at, start;
    mbedtls_sha256_context hash;
};

static FILE *scratch(const char *beside, struct err *e)
{
    int fd = scratch_file(beside, e);
    FILE *f = fd >= 0 ? fdopen(fd, "w+e") : NULL;

    if (!f && fd >= 0) {
        close(fd);
        err_set(e, IMG_EOUTPUT, "no file can be made beside %s: %s", beside, strerror(errno));
    }
    return f;
}

int body_start(struct body_writer *b, const char *beside, struct err *e)
{
    memset(b, 0, sizeof *b);
    merkle_start(&b->tree);
    b->runs = scratch(beside, e);
    b->windows = scratch(beside, e);
    b->chunks = scratch(beside, e);
    if (b->runs && b->windows && b->chunks)
        return 0;
    body_end(b);
    return IMG_EOUTPUT;
}

void body_end(struct body_writer *b)
{
    FILE **all[] = {&b->runs, &b->windows, &b->chunks};

    for (int i = 0; i < 3; i++) {
        if (*all[i])
            fclose(*all[i]);
        *all[i] = NULL;
    }
}

static int append(FILE *f, const void *bytes, size_t n, struct err *e)
{
    return fwrite(bytes, 1, n, f) == n
               ? 0
               : err_set(e, IMG_EOUTPUT, "the tables of the image cannot be written: %s",
                         strerror(errno));
}

static int end_run(struct body_writer *b, struct err *e)
{
    uint8_t entry[5];
    struct writer w = writer_on(entry, sizeof entry);

    if (b->run == 0)
        return 0;
    wr_u8(&w, b->state);
    wr_u32(&w, b->run);
    b->run = 0;
    return append(b->runs, entry, sizeof entry, e);
}

int body_add_chunk(struct body_writer *b, uint8_t state, struct err *e)
{
    int rc = b->state == state ? 0 : end_run(b, e);

    b->state = state;
    b->run++;
    return rc;
}

int body_add_data(struct body_writer *b, uint32_t stored_len, const uint8_t hash[IMG_HASH_BYTES],
                  struct err *e)
{
    uint8_t entry[35];
    struct writer w = writer_on(entry, sizeof entry);

    merkle_add(&b->tree, hash);
    wr_u24(&w, stored_len);
    wr_copy(&w, hash, IMG_HASH_BYTES);
    return append(b->chunks, entry, sizeof entry, e);
}

int body_add_window(struct body_writer *b, const struct img_window *win, struct err *e)
{
    uint8_t entry[24];
    struct writer w = writer_on(entry, sizeof entry);

    wr_u16(&w, win->d);
    wr_u16(&w, win->k);
    wr_u16(&w, win->r);
    wr_u8(&w, IMG_LG_T);
    wr_u8(&w, 0);
    wr_u32(&w, win->first);
    wr_u32(&w, win->chunks);
    wr_u64(&w, win->offset);
    return append(b->windows, entry, sizeof entry, e);
}

static int sink(struct body_sink *s, const void *bytes, size_t n, struct err *e)
{
    int rc = write_all(s->fd, s->at, bytes, n, e);

    s->at += n;
    MUST(mbedtls_sha256_update(&s->hash, bytes, n) == 0);
    return rc;
}

static int sink_heading(struct body_sink *s, const char *tag, uint64_t n, struct err *e)
{
    uint8_t heading[12];
    struct writer w = writer_on(heading, sizeof heading);

    wr_copy(&w, tag, 4);
    wr_u64(&w, n);
    return sink(s, heading, sizeof heading, e);
}

static int sink_geom(struct body_sink *s, const struct img_part *parts, unsigned nparts,
                     struct err *e)
{
    static uint8_t geom[GEOM_MAX];
    struct writer w = writer_on(geom, sizeof geom);
    int rc;

    wr_u8(&w, nparts);
    for (unsigned i = 0; i < nparts; i++) {
        const struct img_part *p = &parts[i];

        wr_u64(&w, p->first);
        wr_u64(&w, p->bytes);
        wr_copy(&w, p->type, sizeof p->type);
        wr_u8(&w, p->fs);
        wr_u8(&w, strlen(p->name));
        wr_copy(&w, p->name, strlen(p->name));
    }
    MUST(!w.bad);
    rc = sink_heading(s, "GEOM", w.done, e);
    return rc ? rc : sink(s, geom, w.done, e);
}

static int sink_table(struct body_sink *s, const char *tag, FILE *f, struct err *e)
{
    static uint8_t buf[COPY_BYTES];
    off_t n = fflush(f) == 0 ? ftello(f) : -1;
    int rc;
    size_t got;

    if (n < 0 || fseeko(f, 0, SEEK_SET) != 0)
        return err_set(e, IMG_EOUTPUT, "the tables of the image cannot be written: %s",
                       strerror(errno));
    rc = sink_heading(s, tag, (uint64_t)n, e);
    while (rc == 0 && (got = fread(buf, 1, sizeof buf, f)) > 0) {
        rc = sink(s, buf, got, e);
        n -= (off_t)got;
    }
    return rc || n == 0 ? rc
                        : err_set(e, IMG_EOUTPUT, "the tables of the image cannot be read back");
}

int body_finish(struct body_writer *b, const struct img_part *parts, unsigned nparts, int fd,
                uint64_t at, struct img_head *h, struct err *e)
{
    struct body_sink s = {.fd = fd, .at = at, .start = at};
    int rc = end_run(b, e);

    mbedtls_sha256_init(&s.hash);
    MUST(mbedtls_sha256_starts(&s.hash, 0) == 0);
    if (rc == 0)
        rc = sink_geom(&s, parts, nparts, e);
    if (rc == 0)
        rc = sink_table(&s, "RUNS", b->runs, e);
    if (rc == 0)
        rc = sink_table(&s, "WINS", b->windows, e);
    if (rc == 0)
        rc = sink_table(&s, "CHNK", b->chunks, e);
    h->body_bytes = s.at - s.start;
    MUST(mbedtls_sha256_finish(&s.hash, h->body_hash) == 0);
    mbedtls_sha256_free(&s.hash);
    merkle_root(&b->tree, h->root);
    return rc;
}
