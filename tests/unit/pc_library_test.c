/* The library without a wire: uploads in pieces, what is refused, what a full disk does, and the power going before every single call
 * to the disk of an upload, a packing, a replacement and a deletion. Serving is played by three functions here, which the linker takes
 * instead of the real ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <cmocka.h>

#include "board/host/serve_log.h"
#include "board/pc/library.h"
#include "imaging/image/check.h"
#include "imaging/image/pack.h"
#include "imaging/image/sha256.h"
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

void serve_log(const char *fmt, ...)
{
    (void)fmt;
}

int serve_add(struct serve *s, const char *path, struct img_file *opened, struct err *err)
{
    unsigned place = session_server_place(&s->server);
    struct stream *st = &s->streams[place];

    (void)path;
    (void)err;
    st->file = *opened;
    *opened = (struct img_file){.fd = -1};
    library_prepare(library, st);
    st->session.n_rows = 1;
    st->session.welcome.tsi = (uint16_t)(100 + place);
    assert_int_equal(session_server_add(&s->server, &st->session), 0);
    s->n_streams = s->server.n;
    return 0;
}

static void leave_wire(struct serve *s, unsigned i)
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

static uint8_t *read_whole(const char *path, size_t *n)
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

static void write_whole_file(const char *path, const void *bytes, size_t n)
{
    FILE *f = fopen(path, "wb");

    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    fclose(f);
}

/* A .ring of the raw disk, its bytes moved by `shift`. */
static uint8_t *make_ring(uint8_t shift, size_t *n)
{
    char source[96], output[96];
    struct pack_options o = {.source = source, .output = output, .name = "made", .label = "", .level = 1, .threads = 1, .force = true};
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

static int set_up_all(void **state)
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

static void shell(const char *fmt, const char *path)
{
    char command[200];

    snprintf(command, sizeof command, fmt, path);
    assert_int_equal(system(command), 0);
}

/* Counts the files of a folder without folders, and removes it and them when asked to. */
static unsigned clear(const char *path, bool away)
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

static int tear_down_all(void **state)
{
    (void)state;
    shell("rm -r %s", top);
    free(serve.streams);
    free(ring);
    free(other);
    return 0;
}

static int set_up(void **state)
{
    (void)state;
    snprintf(data, sizeof data, "%s/data", top);
    snprintf(shop, sizeof shop, "%s/library", data);
    shell("mkdir %s", data);
    return 0;
}

static const char *folder; /* as configured */

static void open_at(const char *at)
{
    const struct library_needs needs = {.data = at, .folder = folder, .key = &key, .serve = &serve, .mark_bytes = MARK};
    struct err err = {0};

    if (library_open(&library, &needs, &err))
        fail_msg("%s", err.text);
}

static void close_all(void)
{
    library_close(library);
    library = NULL;
    while (serve.n_streams)
        leave_wire(&serve, serve.n_streams - 1);
}

static int tear_down(void **state)
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

static void tick(void)
{
    static struct mono now = {MONO_S};

    now.ns += MONO_MS * 20;
    library_tick(library, now);
    usleep(1000);
}

/* Nothing is under way any more. */
static void settle(void)
{
    const struct library_image *m;
    bool busy = true;

    for (unsigned n = 0; busy && n < 60000; n++) {
        tick();
        busy = library_leaving(library, "one") || library_leaving(library, "two");
        for (unsigned i = 0; (m = library_at(library, i)); i++)
            busy |= m->state == LIBRARY_CHECKING || m->state == LIBRARY_PACKING || m->state == LIBRARY_VERIFYING;
    }
    assert_false(busy);
}

static uint32_t begin(const char *name, size_t bytes)
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
static void put(uint32_t id, const uint8_t *bytes, size_t from, size_t to)
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

static unsigned listed(void)
{
    const struct library_image *m;
    unsigned n = 0;

    for (unsigned i = 0; (m = library_at(library, i)); i++)
        n += library_listed(m);
    return n;
}

/* ---- stories ---- */

static void an_upload_becomes_an_image(void **state)
{
    const struct library_image *m;
    uint32_t id;

    (void)state;
    open_at(data);
    id = begin("one", ring_bytes);
    put(id, ring, 0, ring_bytes / 2);
    assert_int_equal(listed(), 0);
    assert_int_equal(library_upload(library, id)->offset, ring_bytes / 2);
    put(id, ring, ring_bytes / 2, ring_bytes);
    assert_int_equal(listed(), 0);
    settle();
    m = library_named(library, "one");
    assert_non_null(m);
    assert_int_equal(m->state, LIBRARY_READY);
    assert_true(m->served && m->hashed);
    assert_memory_equal(m->sha256, ring_hash, 32);
    assert_int_equal(m->facts.raw_bytes, RAW_BYTES);
    assert_false(m->facts.is_signed);
    assert_string_equal(serve.streams[0].session.name, "one"); /* whatever it called itself */
    assert_int_equal(img_trust_check(&serve.streams[0].file.head, key.pub, NULL), 0);
    assert_int_equal(library_abandon(library, id, NULL), LIBRARY_EBUSY);
    close_all();
    open_at(data);
    assert_non_null(library_named(library, "one"));
    assert_string_equal(serve.streams[0].session.name, "one");
}

static void a_raw_disk_is_packed(void **state)
{
    struct library_image m;

    (void)state;
    open_at(data);
    put(begin("two", RAW_BYTES), raw, 0, RAW_BYTES);
    settle();
    m = *library_named(library, "two");
    assert_int_equal(m.state, LIBRARY_READY);
    assert_true(m.served && m.facts.by_box);
    close_all();
    open_at(data);
    settle();
    assert_memory_equal(library_named(library, "two")->facts.root, m.facts.root, 32);
}

/* The connection, and then the box, go in the middle: it goes on where it was, and the hash is that of the whole. */
static void it_goes_on_after_a_pause(void **state)
{
    size_t at = MARK + 12345;
    uint32_t id;

    (void)state;
    open_at(data);
    id = begin("one", ring_bytes);
    put(id, ring, 0, at);
    library_pause(library, id);
    close_all();
    open_at(data);
    assert_int_equal(library_upload(library, id)->offset, at);
    assert_int_equal(library_put(library, id, at + 1, ring, 1, NULL), LIBRARY_EOFFSET);
    assert_int_equal(library_put(library, id, at - 1, ring, 1, NULL), LIBRARY_EOFFSET);
    put(id, ring, at, ring_bytes);
    settle();
    assert_memory_equal(library_named(library, "one")->sha256, ring_hash, 32);
    assert_int_equal(library_put(library, id, ring_bytes, ring, 1, NULL), LIBRARY_EBUSY);
}

static void expect_refused(const struct record *r, int code)
{
    struct err err = {0};
    uint32_t id;

    assert_int_equal(library_begin(library, r, &id, &err), code);
    assert_true(err.text[0]);
}

static void what_is_refused(void **state)
{
    struct record r = {.name = "../one", .bytes = 512};
    static const uint8_t gzip[512] = {0x1f, 0x8b};
    struct err err = {0};
    uint32_t id;

    (void)state;
    open_at(data);
    expect_refused(&r, LIBRARY_ENAME);
    strcpy(r.name, "one");
    r.bytes = 0;
    expect_refused(&r, LIBRARY_EREQUEST);
    r.bytes = UINT64_C(1) << 47;
    expect_refused(&r, LIBRARY_ESPACE);
    id = begin("one", 512);
    r.bytes = 512;
    expect_refused(&r, LIBRARY_EEXISTS);
    assert_int_equal(library_put(library, id, 0, gzip, sizeof gzip, &err), LIBRARY_EKIND);
    assert_int_equal(library_upload(library, id)->state, LIBRARY_FAILED);
    assert_string_equal(library_upload(library, id)->cause, err.text);
    id = begin("one", 513); /* the name is free again */
    assert_int_equal(library_put(library, id, 0, raw, 513, NULL), LIBRARY_EKIND);
    id = begin("one", 1024);
    assert_int_equal(library_put(library, id, 0, raw, 1025, NULL), LIBRARY_EOFFSET);
    assert_int_equal(library_put(library, id + 1, 0, raw, 1, NULL), LIBRARY_EUNKNOWN);
    assert_int_equal(library_abandon(library, id, NULL), 0);
    assert_null(library_upload(library, id));
    r.hashed = true;
    assert_int_equal(library_begin(library, &r, &id, NULL), 0);
    put(id, raw, 0, 512);
    for (unsigned n = 0; n < 10000 && library_upload(library, id)->state != LIBRARY_FAILED; n++)
        tick();
    assert_non_null(strstr(library_upload(library, id)->cause, "SHA-256"));
    assert_int_equal(listed(), 0);
    for (unsigned n = 0; n < CONFIG_IMAGES_MAX; n++) {
        char name[8];

        snprintf(name, sizeof name, "n%u", n);
        begin(name, 512);
    }
    expect_refused(&r, LIBRARY_EFULL);
}

/* A .ring that was changed on its way is found out, and nothing of it stays. */
static void a_damaged_image_is_never_listed(void **state)
{
    uint8_t *bad = malloc(ring_bytes);
    uint32_t id;

    (void)state;
    memcpy(bad, ring, ring_bytes);
    bad[ring_bytes / 2] ^= 1;
    open_at(data);
    id = begin("one", ring_bytes);
    put(id, bad, 0, ring_bytes);
    settle();
    assert_int_equal(library_upload(library, id)->state, LIBRARY_FAILED);
    assert_int_equal(listed(), 0);
    close_all();
    assert_int_equal(clear(shop, false), 0);
    open_at(data);
    assert_null(library_upload(library, id));
    free(bad);
}

static void an_image_is_replaced_and_deleted(void **state)
{
    struct record r = {.name = "one", .version = "2", .bytes = other_bytes, .replaces = true, .created = 1};
    uint32_t id;
    uint8_t root[32];

    (void)state;
    open_at(data);
    put(begin("one", ring_bytes), ring, 0, ring_bytes);
    settle();
    memcpy(root, library_named(library, "one")->facts.root, 32);
    assert_int_equal(library_begin(library, &r, &id, NULL), 0);
    put(id, other, 0, other_bytes / 2);
    assert_int_equal(listed(), 1);
    put(id, other, other_bytes / 2, other_bytes);
    settle();
    assert_int_equal(listed(), 1);
    assert_memory_not_equal(library_named(library, "one")->facts.root, root, 32);
    assert_true(library_named(library, "one")->served);
    assert_int_equal(serve.n_streams, 1);
    assert_string_equal(serve.streams[0].file.head.label, "2");
    assert_int_equal(library_delete(library, "two", NULL), LIBRARY_EUNKNOWN);
    assert_int_equal(library_delete(library, "one", NULL), 0);
    assert_null(library_named(library, "one"));
    assert_int_equal(serve.n_streams, 0);
    settle();
    assert_int_equal(clear(shop, false), 0);
}

static void a_protected_image_stays(void **state)
{
    struct record r = {.name = "one", .bytes = ring_bytes, .protected = true};
    uint32_t id;

    (void)state;
    open_at(data);
    assert_int_equal(library_begin(library, &r, &id, NULL), 0);
    put(id, ring, 0, ring_bytes);
    settle();
    assert_int_equal(library_delete(library, "one", NULL), LIBRARY_EPROTECTED);
    r.replaces = true;
    expect_refused(&r, LIBRARY_EPROTECTED);
}

static void verifying_finds_what_has_rotted(void **state)
{
    char path[128];
    uint8_t byte;
    int fd;

    (void)state;
    open_at(data);
    put(begin("one", ring_bytes), ring, 0, ring_bytes);
    settle();
    assert_int_equal(library_verify(library, "one", NULL), 0);
    assert_int_equal(library_verify(library, "one", NULL), LIBRARY_EBUSY);
    settle();
    assert_int_equal(library_named(library, "one")->state, LIBRARY_READY);
    snprintf(path, sizeof path, "%s/00000001.ring", shop);
    fd = open(path, O_RDWR);
    assert_int_equal(pread(fd, &byte, 1, (off_t)ring_bytes / 2), 1);
    byte ^= 4;
    assert_int_equal(pwrite(fd, &byte, 1, (off_t)ring_bytes / 2), 1);
    close(fd);
    assert_int_equal(library_verify(library, "one", NULL), 0);
    settle();
    assert_int_equal(library_named(library, "one")->state, LIBRARY_BAD);
    assert_non_null(strstr(library_named(library, "one")->cause, "damaged"));
    assert_int_equal(serve.n_streams, 0);
    assert_int_equal(library_skipped(library), 1);
}

/* What a person puts into the folders by hand: the configured one is only read, the other may be tidied. */
static void what_lies_in_the_folders(void **state)
{
    char path[160], at[96];

    (void)state;
    snprintf(at, sizeof at, "%s/given", data);
    folder = at;
    assert_int_equal(mkdir(at, 0700), 0);
    snprintf(path, sizeof path, "%s/images", data);
    assert_int_equal(mkdir(path, 0700), 0);
    snprintf(path, sizeof path, "%s/images/local.ring", data);
    write_whole_file(path, ring, ring_bytes);
    snprintf(path, sizeof path, "%s/b.ring", at);
    write_whole_file(path, other, other_bytes); /* both call themselves "made": the configured folder comes first */
    snprintf(path, sizeof path, "%s/raw.img", at);
    write_whole_file(path, raw, RAW_BYTES);
    snprintf(path, sizeof path, "%s/bad.ring", at);
    write_whole_file(path, "nonsense", 8);
    open_at(data);
    settle();
    folder = NULL;
    assert_int_equal(listed(), 2);
    assert_int_equal(library_skipped(library), 2);
    assert_int_equal(library_named(library, "raw")->state, LIBRARY_READY);
    assert_int_equal(library_named(library, "made")->origin, LIBRARY_FOLDER);
    assert_int_equal(library_delete(library, "made", NULL), LIBRARY_EPROTECTED);
    assert_int_equal(library_delete(library, "raw", NULL), LIBRARY_EPROTECTED);
    close_all();
    open_at(data);
    assert_int_equal(listed(), 1);
    assert_int_equal(library_named(library, "made")->origin, LIBRARY_LOCAL);
    assert_int_equal(library_delete(library, "made", NULL), 0);
    while (library_leaving(library, "made"))
        tick();
    snprintf(path, sizeof path, "%s/images/local.ring", data);
    assert_int_not_equal(access(path, F_OK), 0);
}

/* The disk is full in the middle: the upload stands where the disk stopped, and goes on when there is room. */
static void a_full_disk_is_a_pause(void **state)
{
    long took = 0;
    size_t at = 0;
    uint32_t id;

    (void)state;
    cut_begin(shop);
    cut.on = false;
    open_at(data);
    id = begin("one", ring_bytes);
    put(id, ring, 0, 1000); /* the record is written */
    library_pause(library, id);
    for (unsigned n = 0; n < 50; n++)
        tick();
    cut.room = 150000;
    for (unsigned n = 0; took >= 0 && n < 100000; n++, tick()) {
        at = library_upload(library, id)->offset;
        if (at < ring_bytes)
            took = library_put(library, id, at, ring + at, ring_bytes - at < 9999 ? ring_bytes - at : 9999, NULL);
    }
    assert_int_equal(took, LIBRARY_ESPACE);
    assert_non_null(strstr(library_upload(library, id)->cause, "No space left"));
    at = library_upload(library, id)->offset;
    assert_in_range(at, 1000, 151000);
    cut.room = -1;
    put(id, ring, at, ring_bytes);
    settle();
    assert_memory_equal(library_named(library, "one")->sha256, ring_hash, 32);
}

/* More than the blocks hold is not taken while the disk does not write. */
static void a_slow_disk_holds_the_sender_up(void **state)
{
    size_t bytes = (size_t)LIBRARY_BLOCK * (LIBRARY_BLOCKS_EACH + 8), at = 0;
    uint8_t *much = calloc(1, bytes);
    uint32_t id;

    (void)state;
    cut_begin(shop);
    cut.on = false;
    open_at(data);
    id = begin("one", bytes);
    for (unsigned n = 0; n < 50; n++)
        tick();
    pthread_mutex_lock(&cut.lock); /* the next write stands */
    for (unsigned n = 0; n < 100; n++) {
        long took = library_put(library, id, at, much + at, bytes - at, NULL);

        assert_true(took >= 0);
        at += (size_t)took;
    }
    assert_int_equal(at, (size_t)LIBRARY_BLOCK * LIBRARY_BLOCKS_EACH);
    pthread_mutex_unlock(&cut.lock);
    put(id, much, at, bytes);
    settle();
    assert_int_equal(library_named(library, "one")->state, LIBRARY_READY);
    free(much);
}

/* ---- the power goes ---- */

struct found {
    unsigned n, rings, raws, parts;
    struct shelf_found item[8];
};

static void on_found(void *ctx, const struct shelf_found *f)
{
    struct found *all = ctx;

    assert_true(all->n < 8);
    all->item[all->n++] = *f;
    all->rings += f->kind == SHELF_RING;
    all->raws += f->kind == SHELF_RAW;
    all->parts += f->kind == SHELF_PART;
}

/* Reads all of an image once; the same bytes again are known. */
static void expect_whole(const char *path)
{
    static uint8_t known[64][32];
    static unsigned n_known;
    uint8_t hash[32], *bytes;
    struct err err = {0};
    struct img_file f;
    size_t n;

    bytes = read_whole(path, &n);
    sha256(hash, bytes, n);
    free(bytes);
    for (unsigned i = 0; i < n_known; i++)
        if (memcmp(known[i], hash, 32) == 0)
            return;
    if (img_file_open(&f, path, &err) || img_check(&f, NULL, NULL, NULL, &err))
        fail_msg("listed, and not whole: %s", err.text);
    img_file_close(&f);
    assert_true(n_known < 64);
    memcpy(known[n_known++], hash, 32);
}

static void expect_bytes(const char *path, const uint8_t *bytes, size_t n)
{
    size_t have;
    uint8_t *got = read_whole(path, &have);

    assert_true(have >= n);
    assert_memory_equal(got, bytes, n);
    free(got);
}

/* An upload that was cut goes on from its mark to the hash of the whole. */
static void expect_goes_on(const struct shelf *s, const struct shelf_found *f, const uint8_t *bytes, size_t n)
{
    struct shelf_intake in;
    uint8_t hash[32], want[32];
    char path[SHELF_PATH_MAX];

    assert_int_equal(f->record.bytes, n);
    assert_int_equal(shelf_intake_open(s, f->id, &in, NULL), 0);
    assert_int_equal(in.at, f->at);
    expect_bytes(shelf_path(s, f->id, "part", path), bytes, in.at);
    assert_int_equal(shelf_write(s, &in, bytes + in.at, n - in.at, NULL), 0);
    assert_int_equal(shelf_finish(s, &in, hash, NULL), 0);
    sha256(want, bytes, n);
    assert_memory_equal(hash, want, 32);
    expect_bytes(path, bytes, n);
}

/* The folder as it is after the cut, put in order and looked at. */
static void look_at_disk(const char *laid, struct found *all, const uint8_t *upload, size_t n)
{
    char path[SHELF_PATH_MAX];
    unsigned files = 0;
    struct shelf s;

    memset(all, 0, sizeof *all);
    assert_int_equal(shelf_open(&s, laid, NULL), 0);
    assert_int_equal(shelf_scan(&s, on_found, all, NULL), 0);
    for (unsigned i = 0; i < all->n; i++) {
        const struct shelf_found *f = &all->item[i];

        if (f->kind == SHELF_RING)
            expect_whole(shelf_path(&s, f->id, "ring", path));
        else if (f->kind == SHELF_RAW)
            expect_bytes(shelf_path(&s, f->id, "raw", path), raw, RAW_BYTES);
        files += 2 + (f->kind == SHELF_PART && f->at);
    }
    assert_true(clear(laid, false) <= files + all->parts); /* a mark that does not count may lie there */
    for (unsigned i = 0; i < all->n; i++)
        if (all->item[i].kind == SHELF_PART)
            expect_goes_on(&s, &all->item[i], upload, n);
}

/* Every cut from call `from` on, with every luck; `judge` says what else must hold. */
static void cut_everywhere(unsigned from, const uint8_t *upload, size_t n,
                           void (*judge)(unsigned at, unsigned of, enum cut_luck, const struct found *))
{
    unsigned of = cut.n;
    char laid[128];

    assert_true(of - from > 3);
    cut.on = false;
    cut.folder[0] = 0; /* what follows is not noted */
    snprintf(laid, sizeof laid, "%s/cut", top);
    for (unsigned at = from; at <= of; at++)
        for (unsigned luck = 0; luck < CUT_DICE + 3; luck++) {
            struct found all;

            assert_int_equal(mkdir(laid, 0700), 0);
            cut_lay_out(at, luck, laid);
            look_at_disk(laid, &all, upload, n);
            judge(at, of, luck, &all);
            clear(laid, true);
        }
    printf("# %u calls, the power cut before each in %d ways\n", of - from, CUT_DICE + 3);
}

/* Once all is done it stays, whatever the luck. */
static void upload_holds(unsigned at, unsigned of, enum cut_luck luck, const struct found *all)
{
    (void)luck;
    assert_true(all->n <= 1 && all->raws == 0);
    if (at == of)
        assert_int_equal(all->rings, 1);
}

static void the_power_goes_during_an_upload(void **state)
{
    (void)state;
    cut_begin(shop);
    open_at(data);
    put(begin("one", ring_bytes), ring, 0, ring_bytes);
    settle();
    cut_everywhere(0, ring, ring_bytes, upload_holds);
}

static void packing_holds(unsigned at, unsigned of, enum cut_luck luck, const struct found *all)
{
    (void)luck;
    assert_true(all->n <= 1);
    if (at == of)
        assert_int_equal(all->rings, 1);
}

static void the_power_goes_during_a_packing(void **state)
{
    (void)state;
    cut_begin(shop);
    open_at(data);
    put(begin("two", RAW_BYTES), raw, 0, RAW_BYTES);
    settle();
    cut_everywhere(0, raw, RAW_BYTES, packing_holds);
}

static void replacing_holds(unsigned at, unsigned of, enum cut_luck luck, const struct found *all)
{
    (void)luck;
    assert_true(all->n <= 2);
    assert_true(all->rings >= 1); /* there is an image of that name at every instant */
    if (at == of) {
        assert_int_equal(all->n, 1);
        assert_string_equal(all->item[0].record.version, "2");
    }
}

static void the_power_goes_while_an_image_is_replaced(void **state)
{
    struct record r = {.name = "one", .version = "2", .bytes = other_bytes, .replaces = true, .created = 1};
    unsigned from;
    uint32_t id;

    (void)state;
    cut_begin(shop);
    open_at(data);
    put(begin("one", ring_bytes), ring, 0, ring_bytes);
    settle();
    from = cut.n;
    assert_int_equal(library_begin(library, &r, &id, NULL), 0);
    put(id, other, 0, other_bytes);
    settle();
    cut_everywhere(from, other, other_bytes, replacing_holds);
}

static unsigned deleted_from;

static void deleting_holds(unsigned at, unsigned of, enum cut_luck luck, const struct found *all)
{
    (void)luck;
    assert_true(all->n <= 1);
    if (at == deleted_from)
        assert_int_equal(all->rings, 1);
    if (at == of)
        assert_int_equal(all->n, 0);
}

static void the_power_goes_during_a_deletion(void **state)
{
    (void)state;
    cut_begin(shop);
    open_at(data);
    put(begin("one", ring_bytes), ring, 0, ring_bytes);
    settle();
    deleted_from = cut.n;
    assert_int_equal(library_delete(library, "one", NULL), 0);
    settle();
    cut_everywhere(deleted_from, ring, ring_bytes, deleting_holds);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(an_upload_becomes_an_image),
        CASE(a_raw_disk_is_packed),
        CASE(it_goes_on_after_a_pause),
        CASE(what_is_refused),
        CASE(a_damaged_image_is_never_listed),
        CASE(an_image_is_replaced_and_deleted),
        CASE(a_protected_image_stays),
        CASE(verifying_finds_what_has_rotted),
        CASE(what_lies_in_the_folders),
        CASE(a_full_disk_is_a_pause),
        CASE(a_slow_disk_holds_the_sender_up),
        CASE(the_power_goes_during_an_upload),
        CASE(the_power_goes_during_a_packing),
        CASE(the_power_goes_while_an_image_is_replaced),
        CASE(the_power_goes_during_a_deletion),
    };

    return cmocka_run_group_tests(tests, set_up_all, tear_down_all);
}
