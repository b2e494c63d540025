/* Packing: what goes in comes out, through one window or many; nothing half made is left; damage is
 * found. */
#include "imaging/pack/pack.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "imaging/hash/sha256.h"
#include "imaging/image/check.h"
#include "imaging/image/chunk.h"
#include "imaging/pack/outfile.h"
#include "imaging/pack/window.h"
#include "tests/unit/image_support.h"

static char dir[64], source[128], image[128];
static struct rng rng;
static atomic_int stop;
static unsigned notes;

static int make_dir(void **state)
{
    (void)state;
    rng = model_seed("pack_pack_test");
    strcpy(dir, "/tmp/pack_pack_test.XXXXXX");
    if (!mkdtemp(dir))
        return -1;
    snprintf(source, sizeof source, "%s/disk.img", dir);
    snprintf(image, sizeof image, "%s/disk.ring", dir);
    return 0;
}

static int remove_dir(void **state)
{
    (void)state;
    unlink(source);
    unlink(image);
    return rmdir(dir); /* fails, and so does the test, when something else was left in it */
}

static void no_progress(void *ctx, const struct pack_progress *now)
{
    (void)ctx, (void)now;
}

static void count_note(void *ctx, const char *text)
{
    (void)ctx, (void)text;
    notes++;
}

static int pack(uint32_t max_k, const struct sign_key *key, struct err *e)
{
    struct pack_options o = {.source = source,
                             .output = image,
                             .label = "t",
                             .key = key,
                             .level = 3,
                             .threads = 3,
                             .max_k = max_k,
                             .created = 1,
                             .stop = &stop,
                             .progress = no_progress,
                             .note = count_note};
    struct pack_result r;

    o.force = true;
    return img_pack(&o, &r, e);
}

/* Random bytes, repeated bytes, zeros and holes by the chunk. */
static void make_source(uint64_t bytes)
{
    static uint8_t chunk[IMG_CHUNK_BYTES];
    int fd = open(source, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    assert_true(fd >= 0 && ftruncate(fd, (off_t)bytes) == 0);
    for (uint64_t at = 0; at < bytes; at += sizeof chunk) {
        size_t n = bytes - at < sizeof chunk ? (size_t)(bytes - at) : sizeof chunk;
        unsigned kind = (unsigned)rng_below(&rng, 8),
                 period = 8 + 8 * (unsigned)rng_below(&rng, 4000);

        if (kind == 0)
            continue;                 /* a hole */
        if (kind == 3 && n > 65536) { /* one that ends in the middle of a chunk */
            assert_int_equal(write_all(fd, at + 65536, "x", 1, NULL), 0);
            continue;
        }
        for (size_t i = 0; i < sizeof chunk; i += 8) {
            uint64_t v = kind == 1                  ? 0
                         : kind == 2 && i >= period ? 0x55 * (i % period)
                                                    : rng_u64(&rng);

            memcpy(chunk + i, &v, 8);
        }
        assert_int_equal(write_all(fd, at, chunk, n, NULL), 0);
    }
    close(fd);
}

/* Chunk `ordinal` put together from the rows. */
static void fetch(const struct img_file *f, uint32_t ordinal, uint8_t *raw, uint32_t raw_len)
{
    static uint8_t stored[IMG_CHUNK_BYTES], symbol[IMG_SYMBOL_BYTES];
    const struct img_window *w = img_window_of_chunk(&f->body, ordinal);
    const struct img_chunk *c = &f->body.data[ordinal];

    for (uint32_t i = 0; i < c->stored; i++) {
        uint32_t at = c->start + i;

        if (i == 0 || at % IMG_SYMBOL_BYTES == 0)
            assert_int_equal(img_file_read(f,
                                           img_row_at(w, at / IMG_SYMBOL_BYTES) +
                                               c->block * IMG_SYMBOL_BYTES,
                                           symbol, sizeof symbol, NULL),
                             0);
        stored[i] = symbol[at % IMG_SYMBOL_BYTES];
    }
    assert_int_equal(img_chunk_unpack(raw, raw_len, stored, c->stored), 0);
}

static void equals_source(const struct img_file *f)
{
    static uint8_t raw[IMG_CHUNK_BYTES], want[IMG_CHUNK_BYTES], hash[IMG_HASH_BYTES];
    int fd = open(source, O_RDONLY);

    for (uint32_t i = 0; i < f->head.chunks; i++) {
        uint32_t ordinal = img_ordinal_of(&f->body, i), n = img_raw_len(f->head.raw_bytes, i);

        assert_int_equal(pread(fd, want, n, (off_t)i * IMG_CHUNK_BYTES), n);
        memset(raw, 0, sizeof raw);
        if (ordinal != UINT32_MAX) {
            fetch(f, ordinal, raw, n);
            chunk_hash(hash, want, n);
            assert_memory_equal(f->body.data[ordinal].hash, hash, sizeof hash);
        }
        assert_memory_equal(raw, want, n);
    }
    close(fd);
}

static void round_trip(uint64_t bytes, uint32_t max_k, uint32_t windows_least)
{
    struct img_file f;
    struct err e = {0};

    make_source(bytes);
    assert_int_equal(pack(max_k, NULL, &e), 0);
    assert_int_equal(img_file_open(&f, image, &e), 0);
    assert_true(f.head.raw_bytes == bytes);
    assert_string_equal(f.head.name, "disk");
    assert_true(f.head.windows >= windows_least);
    assert_int_equal(img_check(&f, NULL, NULL, NULL, &e), 0);
    equals_source(&f);
    img_file_close(&f);
}

static void every_size_comes_back(void **state)
{
    static const uint64_t sizes[] = {512,
                                     1024,
                                     IMG_CHUNK_BYTES - 512,
                                     IMG_CHUNK_BYTES,
                                     IMG_CHUNK_BYTES + 512,
                                     10 * IMG_CHUNK_BYTES + 4096};

    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        round_trip(sizes[i], 0, 0);
}

/* Windows of 100 symbols a block hold 18 MB; two thirds of the source is stored data. */
static void packed_into_windows(uint64_t bytes, uint32_t windows)
{
    struct img_file f;

    round_trip(bytes, WINDOW_K_LEAST, windows);
    assert_int_equal(img_file_open(&f, image, NULL), 0);
    for (uint32_t i = 0; i < f.body.nwindows; i++) {
        const struct img_window *w = &f.body.windows[i];

        assert_true(w->k <= WINDOW_K_LEAST);
        assert_int_equal(w->r, WINDOW_REPAIR);
        assert_true((uint64_t)w->d * w->k * IMG_SYMBOL_BYTES >
                    9000000); /* half a window at least */
    }
    img_file_close(&f);
}

static void many_windows_come_back(void **state)
{
    (void)state;
    packed_into_windows((UINT64_C(100) << 20) + 512, 3);
}

static void a_window_and_a_bit_become_two_halves(void **state)
{
    (void)state;
    packed_into_windows(UINT64_C(33) << 20, 2);
}

static void one_window_may_be_narrow(void **state)
{
    struct img_file f;

    (void)state;
    round_trip(3 * IMG_CHUNK_BYTES, 0, 0);
    assert_int_equal(img_file_open(&f, image, NULL), 0);
    assert_true(f.head.blocks <= 3);
    img_file_close(&f);
}

static uint8_t *whole_image(size_t *n)
{
    int fd = open(image, O_RDONLY);
    struct stat st;
    uint8_t *bytes;

    assert_int_equal(fstat(fd, &st), 0);
    *n = (size_t)st.st_size;
    bytes = malloc(*n);
    assert_int_equal(read(fd, bytes, *n), *n);
    close(fd);
    return bytes;
}

static void the_same_source_gives_the_same_bytes(void **state)
{
    struct sign_key key;
    size_t n, m;
    uint8_t *a, *b;

    (void)state;
    make_source(20 * IMG_CHUNK_BYTES + 512);
    assert_int_equal(sign_key_make(&key, NULL), 0);
    assert_int_equal(pack(0, &key, NULL), 0);
    a = whole_image(&n);
    assert_int_equal(pack(0, &key, NULL), 0);
    b = whole_image(&m);
    assert_int_equal(n, m);
    assert_memory_equal(a, b, n);
    free(a);
    free(b);
}

static int open_and_check(void)
{
    struct img_file f;
    struct err e = {0};
    int rc = img_file_open(&f, image, &e);

    if (rc == 0) {
        rc = img_check(&f, NULL, NULL, NULL, &e);
        img_file_close(&f);
    }
    assert_int_equal(rc, e.code);
    assert_int_equal(rc != 0, e.text[0] != 0);
    return rc;
}

static void flip(uint64_t at, uint8_t bit)
{
    int fd = open(image, O_RDWR);
    uint8_t b;

    assert_int_equal(pread(fd, &b, 1, (off_t)at), 1);
    b ^= bit;
    assert_int_equal(pwrite(fd, &b, 1, (off_t)at), 1);
    close(fd);
}

static void any_bit_of_a_signed_image_matters(void **state)
{
    struct sign_key key;
    struct stat st;

    (void)state;
    make_source(12 * IMG_CHUNK_BYTES);
    assert_int_equal(sign_key_make(&key, NULL), 0);
    assert_int_equal(pack(0, &key, NULL), 0);
    assert_int_equal(open_and_check(), 0);
    assert_int_equal(stat(image, &st), 0);
    for (int i = 0; i < 60; i++) {
        uint64_t at = rng_below(&rng, i % 3 ? (uint64_t)st.st_size : 512);
        uint8_t bit = (uint8_t)(1 << rng_below(&rng, 8));

        flip(at, bit);
        assert_int_not_equal(open_and_check(), 0);
        flip(at, bit);
    }
    assert_int_equal(open_and_check(), 0);
    assert_int_equal(truncate(image, st.st_size - 1), 0);
    assert_int_equal(open_and_check(), IMG_ESIZE);
    assert_int_equal(truncate(image, 600), 0);
    assert_int_equal(open_and_check(), IMG_ESIZE);
}

static void nothing_half_made_is_left(void **state)
{
    struct err e = {0};

    (void)state;
    make_source(50 * IMG_CHUNK_BYTES);
    unlink(image);
    stop = 1;
    assert_int_equal(pack(0, NULL, &e), IMG_EINTR);
    stop = 0;
    assert_int_not_equal(access(image, F_OK), 0);
    assert_int_equal(truncate(source, 1000), 0);
    e.code = 0;
    assert_int_equal(pack(0, NULL, &e), IMG_ESOURCE); /* no whole sector */
    assert_int_equal(truncate(source, 0), 0);
    e.code = 0;
    assert_int_equal(pack(0, NULL, &e), IMG_ESOURCE);
    assert_int_not_equal(access(image, F_OK), 0);
} /* remove_dir sees to it that no temporary file stays */

static void a_foreign_container_is_refused(void **state)
{
    static const struct {
        uint64_t at;
        const char *mark;
        size_t n;
    } foreign[] = {{0, "QFI\xfb\0\0\0\3", 8}, {4 * IMG_CHUNK_BYTES - 512, "conectix", 8}};

    (void)state;
    for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++) {
        struct err e = {0};
        int fd;

        make_source(4 * IMG_CHUNK_BYTES);
        fd = open(source, O_WRONLY);
        assert_int_equal(pwrite(fd, foreign[i].mark, foreign[i].n, (off_t)foreign[i].at),
                         foreign[i].n);
        close(fd);
        assert_int_equal(pack(0, NULL, &e), IMG_EFOREIGN);
        assert_int_not_equal(access(image, F_OK), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_size_comes_back),
        cmocka_unit_test(one_window_may_be_narrow),
        cmocka_unit_test(many_windows_come_back),
        cmocka_unit_test(a_window_and_a_bit_become_two_halves),
        cmocka_unit_test(the_same_source_gives_the_same_bytes),
        cmocka_unit_test(any_bit_of_a_signed_image_matters),
        cmocka_unit_test(nothing_half_made_is_left),
        cmocka_unit_test(a_foreign_container_is_refused),
    };

    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
