/* A library without a wire, for programs of tests: folders of its own, images made in memory, and
 * its steps. Serving is played by three functions here, which the linker takes instead of the real
 * ones: one program includes this once. */
#ifndef TESTS_UNIT_LIBRARY_ROOM_H
#define TESTS_UNIT_LIBRARY_ROOM_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <cmocka.h>

#include "board/box/library/library.h"
#include "board/log/log.h"
#include "imaging/hash/sha256.h"
#include "imaging/image/check.h"
#include "imaging/pack/pack.h"
#include "tests/unit/cut_files.h"

#define RAW_BYTES (384u << 10)
#define MARK (160u << 10)

static char top[64], data[80], shop[96];
static struct sign_key key;
static struct serve serve;
static struct library *library;
static uint8_t raw[RAW_BYTES], *ring, *other;
static size_t ring_bytes, other_bytes;
static uint8_t ring_hash[32];

/* ---- the wire, played ---- */

void log_line(const char *fmt, ...)
{
    (void)fmt;
}

int serve_add(struct serve *s, const char *path, struct stream_source *opened, struct err *err)
{
    unsigned place = session_server_place(&s->server);
    struct stream *st = &s->streams[place];

    (void)path;
    (void)err;
    st->file = opened->file;
    send_body_close(&opened->body);
    *opened = (struct stream_source){.file.fd = -1};
    memcpy(st->session.name, st->file.head.name, sizeof st->session.name);
    st->session.n_rows = 1;
    st->session.welcome.tsi = (uint16_t)(100 + place);
    assert_int_equal(session_server_add(&s->server, &st->session), 0);
    s->n_streams = s->server.n;
    return 0;
}

static inline void leave_wire(struct serve *s, unsigned i)
{
    img_file_close(&s->streams[i].file);
    session_server_remove(&s->server, i);
    s->n_streams = s->server.n;
}

bool serve_remove(struct serve *s, const char *name, struct mono now)
{
    (void)now;
    for (unsigned i = 0; i < s->n_streams; i++)
        if (strcmp(s->streams[i].session.name, name) == 0) {
            leave_wire(s, i);
            return true;
        }
    return false;
}

/* ---- a room of one's own ---- */

static inline uint8_t *read_whole(const char *path, size_t *n)
{
    FILE *f = fopen(path, "rb");
    uint8_t *bytes;

    assert_non_null(f);
    fseek(f, 0, SEEK_END);
    *n = (size_t)ftell(f);
    rewind(f);
    bytes = malloc(*n + 1);
    assert_int_equal(fread(bytes, 1, *n, f), *n);
    fclose(f);
    return bytes;
}

static inline void write_whole_file(const char *path, const void *bytes, size_t n)
{
    FILE *f = fopen(path, "wb");

    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    fclose(f);
}

/* A .ring of the raw disk, its bytes moved by `shift`. */
static inline uint8_t *make_ring(uint8_t shift, size_t *n)
{
    char source[96], output[96];
    struct pack_options o = {.source = source,
                             .output = output,
                             .name = "made",
                             .label = "",
                             .level = 1,
                             .threads = 1,
                             .force = true};
    struct pack_result result;
    struct err err = {0};
    void progress(void *ctx, const struct pack_progress *now)
    {
        (void)ctx;
        (void)now;
    }
    void note(void *ctx, const char *text)
    {
        (void)ctx;
        (void)text;
    }

    for (size_t i = 0; i < RAW_BYTES; i++)
        raw[i] = (uint8_t)((i * 2654435761u >> 11) + shift);
    snprintf(source, sizeof source, "%s/source.img", top);
    snprintf(output, sizeof output, "%s/made.ring", top);
    write_whole_file(source, raw, RAW_BYTES);
    o.progress = progress;
    o.note = note;
    if (img_pack(&o, &result, &err))
        fail_msg("%s", err.text);
    return read_whole(output, n);
}

static inline int set_up_all(void **state)
{
    (void)state;
    snprintf(top, sizeof top, "/tmp/rclibrary.XXXXXX");
    assert_non_null(mkdtemp(top));
    assert_int_equal(sign_key_make(&key, NULL), 0);
    other = make_ring(1, &other_bytes);
    ring = make_ring(0, &ring_bytes);
    sha256(ring_hash, ring, ring_bytes);
    serve.streams = calloc(CONFIG_IMAGES_MAX, sizeof *serve.streams);
    return serve.streams ? 0 : -1;
}

static inline void shell(const char *fmt, const char *path)
{
    char command[200];

    snprintf(command, sizeof command, fmt, path);
    assert_int_equal(system(command), 0);
}

/* Counts the files of a folder without folders, and removes it and them when asked to. */
static inline unsigned clear(const char *path, bool away)
{
    DIR *d = opendir(path);
    struct dirent *e;
    unsigned n = 0;

    assert_non_null(d);
    while ((e = readdir(d)))
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0) {
            n++;
            if (away)
                assert_int_equal(unlinkat(dirfd(d), e->d_name, 0), 0);
        }
    closedir(d);
    if (away)
        assert_int_equal(rmdir(path), 0);
    return n;
}

static inline int tear_down_all(void **state)
{
    (void)state;
    shell("rm -r %s", top);
    free(serve.streams);
    free(ring);
    free(other);
    return 0;
}

static inline int set_up(void **state)
{
    (void)state;
    snprintf(data, sizeof data, "%s/data", top);
    snprintf(shop, sizeof shop, "%s/library", data);
    shell("mkdir %s", data);
    return 0;
}

static const char *folder; /* as configured */

static inline void open_at(const char *at)
{
    const struct library_needs needs = {
        .data = at, .folder = folder, .key = &key, .serve = &serve, .mark_bytes = MARK};
    struct err err = {0};

    if (library_open(&library, &needs, &err))
        fail_msg("%s", err.text);
}

static inline void close_all(void)
{
    library_close(library);
    library = NULL;
    while (serve.n_streams)
        leave_wire(&serve, serve.n_streams - 1);
}

static inline int tear_down(void **state)
{
    char laid[128];

    (void)state;
    close_all();
    cut_end();
    snprintf(laid, sizeof laid, "%s/cut", top); /* of a test that failed */
    if (access(laid, F_OK) == 0)
        clear(laid, true);
    shell("rm -r %s", data);
    return 0;
}

static inline void tick(void)
{
    static struct mono now = {MONO_S};

    now.ns += MONO_MS * 20;
    library_tick(library, now);
    usleep(1000);
}

/* Nothing is under way any more. */
static inline void settle(void)
{
    const struct library_image *m;
    bool busy = true;

    for (unsigned n = 0; busy && n < 60000; n++) {
        tick();
        busy = library_leaving(library, "one") || library_leaving(library, "two");
        for (unsigned i = 0; (m = library_at(library, i)); i++)
            busy |= m->state == LIBRARY_CHECKING || m->state == LIBRARY_PACKING ||
                    m->state == LIBRARY_VERIFYING;
    }
    assert_false(busy);
}

static inline uint32_t begin(const char *name, size_t bytes)
{
    struct record r = {.bytes = bytes, .created = 1};
    uint32_t id = 0;
    struct err err = {0};

    snprintf(r.name, sizeof r.name, "%s", name);
    if (library_begin(library, &r, &id, &err))
        fail_msg("%s", err.text);
    return id;
}

/* All of [from, to), however often it takes. */
static inline void put(uint32_t id, const uint8_t *bytes, size_t from, size_t to)
{
    while (from < to) {
        size_t n = to - from < 50000 ? to - from : 50000;
        struct err err = {0};
        long took = library_put(library, id, from, bytes + from, n, &err);

        if (took < 0)
            fail_msg("at %zu: %s", from, err.text);
        from += (size_t)took;
        if ((size_t)took < n)
            tick();
    }
}

static inline unsigned listed(void)
{
    const struct library_image *m;
    unsigned n = 0;

    for (unsigned i = 0; (m = library_at(library, i)); i++)
        n += library_listed(m);
    return n;
}

#define LIBRARY_CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

#endif
