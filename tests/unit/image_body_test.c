/* The body: tables equal a naive model's, every truncation and every broken rule is refused by
 * name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/unit/image_support.h"

#define IMAGES 60

static struct model m;
static struct rng rng;

static int start(void **state)
{
    (void)state;
    rng = model_seed("image_body_test");
    return 0;
}

static void check_runs(const struct img_body *b)
{
    uint32_t ordinal = 0;

    for (uint32_t i = 0; i < m.chunks; i++) {
        const struct img_run *run = img_run_of(b, i);

        assert_true(run->first <= i && i - run->first < run->count);
        assert_int_equal(run->state, m.state[i]);
        assert_int_equal(img_ordinal_of(b, i), m.state[i] == IMG_DATA ? ordinal++ : UINT32_MAX);
    }
}

static void check_chunks(const struct img_body *b)
{
    uint32_t sbn = 0;

    for (uint32_t w = 0; w < m.nwindows; w++) {
        assert_int_equal(b->windows[w].first_sbn, sbn);
        assert_int_equal(b->windows[w].k, m.window[w].k);
        for (uint32_t o = m.window[w].first; o < m.window[w].first + m.window[w].chunks; o++) {
            const struct img_chunk *c = &b->data[o];

            assert_true(img_window_of_chunk(b, o) == &b->windows[w]);
            assert_int_equal(c->number, m.number[o]);
            assert_int_equal(c->stored, m.stored[o]);
            assert_int_equal(c->block, m.block[o]);
            assert_int_equal(c->start, m.start[o]);
            assert_memory_equal(c->hash, m.hash[o], 32);
            assert_int_equal(img_sbn_of_chunk(b, &b->windows[w], o), sbn + m.block[o]);
        }
        sbn += m.window[w].d;
    }
}

/* The chunks of each block lie one behind the other, and all of them are there. */
static void check_blocks(const struct img_body *b)
{
    uint32_t seen = 0;

    for (uint32_t sbn = 0; sbn < b->nblocks; sbn++) {
        const struct img_window *w = img_window_of_sbn(b, sbn);
        uint32_t n, at = 0;
        const uint32_t *list = img_block_chunks(b, sbn, &n);

        assert_true(sbn - w->first_sbn < w->d);
        for (uint32_t i = 0; i < n; i++) {
            const struct img_chunk *c = &b->data[list[i]];

            assert_int_equal(img_sbn_of_chunk(b, w, list[i]), sbn);
            assert_int_equal(c->start, at);
            at += c->stored;
        }
        assert_true(at <= (uint32_t)w->k * IMG_SYMBOL_BYTES);
        seen += n;
    }
    assert_int_equal(seen, m.ndata);
}

static void check_find(const struct img_body *b)
{
    for (int i = 0; i < 50 && b->nblocks; i++) {
        uint32_t sbn = (uint32_t)rng_below(&rng, b->nblocks), n, want = 0;
        const struct img_window *w = img_window_of_sbn(b, sbn);
        uint32_t esi = (uint32_t)rng_below(&rng, w->k);
        const uint32_t *list = img_block_chunks(b, sbn, &n);

        while (want < n &&
               b->data[list[want]].start + b->data[list[want]].stored <= esi * IMG_SYMBOL_BYTES)
            want++;
        assert_int_equal(img_block_find(b, sbn, esi), want);
    }
}

static void tables_equal_the_model(void **state)
{
    (void)state;
    for (int i = 0; i < IMAGES; i++) {
        struct img_head h;
        struct img_body b;
        struct err e = {0};
        size_t n;
        uint8_t *body;

        model_random(&m, &rng, i % 2 ? 40 : MODEL_CHUNKS);
        body = model_body(&m, &h, &n);
        assert_int_equal(img_body_parse(body, n, &h, &b, &e), 0);
        free(body); /* the tables stand alone */
        assert_int_equal(b.nparts, m.nparts);
        check_runs(&b);
        check_chunks(&b);
        check_blocks(&b);
        check_find(&b);
        img_body_free(&b);
    }
}

static void every_truncation_is_refused(void **state)
{
    struct img_head h;
    struct img_body b;
    size_t n;
    uint8_t *body;

    (void)state;
    model_random(&m, &rng, 60);
    body = model_body(&m, &h, &n);
    for (size_t len = 0; len < n; len++) {
        uint8_t *cut = malloc(len ? len : 1);
        struct err e = {0};
        struct img_head sealed = h;

        memcpy(cut, body, len);
        assert_int_equal(img_body_parse(cut, len, &h, &b, &e), IMG_EBODYHASH);
        model_seal(&sealed, cut,
                   len); /* now the hash fits, and the parser has to find out by itself */
        assert_true(img_body_parse(cut, len, &sealed, &b, NULL) != 0);
        free(cut);
    }
    free(body);
}

static int parse(const struct img_head *h, const uint8_t *body, size_t n)
{
    struct img_head sealed = *h;
    struct img_body b;
    struct err e = {0};
    int rc;

    model_seal(&sealed, body, n);
    rc = img_body_parse(body, n, &sealed, &b, &e);
    assert_int_equal(e.code, rc);
    if (rc == 0)
        img_body_free(&b);
    return rc;
}

/* A small fixed image: chunks data data zero data(short), one window of two blocks. Its body's
 * parts lie at: */
#define GEOM_AT 12
#define RUNS_AT (GEOM_AT + 1 + 34 + 12)
#define WINS_AT (RUNS_AT + 15 + 12)
#define CHNK_AT (WINS_AT + 24 + 12)

static uint8_t *small_image(struct img_head *h, size_t *n)
{
    memset(&m, 0, sizeof m);
    m.chunks = 4;
    m.raw_bytes = 3 * IMG_CHUNK_BYTES + 1024;
    m.state[2] = IMG_ZERO;
    m.ndata = 3;
    m.number[1] = 1;
    m.number[2] = 3;
    m.stored[0] = IMG_CHUNK_BYTES;
    m.stored[1] = 5000;
    m.stored[2] = 1024;
    m.nwindows = 1;
    m.window[0].d = 2;
    m.window[0].r = 256;
    m.window[0].chunks = 3;
    m.nparts = 1;
    model_lay_out(&m);
    return model_body(&m, h, n);
}

static int altered(size_t at, const char *with, size_t len)
{
    struct img_head h;
    size_t n;
    uint8_t *body = small_image(&h, &n);
    int rc;

    memcpy(body + at, with, len);
    rc = parse(&h, body, n);
    free(body);
    return rc;
}

static void names_the_cause(void **state)
{
    (void)state;
    assert_int_equal(altered(0, "GEOM", 4), 0);
    assert_int_equal(altered(0, "GEON", 4), IMG_ESECTION);
    assert_int_equal(altered(11, "\44", 1), IMG_ESECTION); /* GEOM a byte longer */
    assert_int_equal(altered(4, "\377", 1), IMG_ESECTION); /* longer than the world */
    assert_int_equal(altered(GEOM_AT, "\2", 1),
                     IMG_EGEOM); /* more partitions than there are bytes */
    assert_int_equal(altered(GEOM_AT + 1, "\1", 1), IMG_EGEOM);    /* begins behind the disk */
    assert_int_equal(altered(GEOM_AT + 9, "\377", 1), IMG_EGEOM);  /* ends behind it */
    assert_int_equal(altered(GEOM_AT + 15, "\0\0", 2), IMG_EGEOM); /* empty */
    assert_int_equal(altered(GEOM_AT + 33, "\2", 1), 0); /* a file system of a later version */
    assert_int_equal(altered(GEOM_AT + 33, "\377", 1), 0);
    assert_int_equal(altered(RUNS_AT, "\3", 1), IMG_ERUNS);
    assert_int_equal(altered(RUNS_AT, "\1", 1), IMG_ERUNS); /* same state as the next */
    assert_int_equal(altered(RUNS_AT + 4, "\0", 1), IMG_ERUNS);
    assert_int_equal(altered(RUNS_AT + 4, "\4", 1), IMG_ERUNS); /* more chunks than the disk */
    assert_int_equal(altered(RUNS_AT + 10, "\2", 1),
                     IMG_ERUNS); /* starts with state 2 where data was */
    assert_int_equal(altered(WINS_AT, "\0\0", 2), IMG_EWINS);
    assert_int_equal(altered(WINS_AT, "\0\201", 2), IMG_EWINS); /* D = 129 */
    assert_int_equal(altered(WINS_AT, "\0\3", 2), IMG_EWINS);   /* more blocks than the head says */
    assert_int_equal(altered(WINS_AT + 2, "\60\1", 2), IMG_EWINS); /* k = 12289 */
    assert_int_equal(altered(WINS_AT + 4, "\1\1", 2), IMG_EWINS);  /* r = 257 */
    assert_int_equal(altered(WINS_AT + 6, "\11", 1), IMG_EWINS);   /* lg_t */
    assert_int_equal(altered(WINS_AT + 7, "\1", 1), IMG_EWINS);
    assert_int_equal(altered(WINS_AT + 11, "\1", 1), IMG_EWINS); /* first ordinal */
    assert_int_equal(altered(WINS_AT + 15, "\2", 1), IMG_EWINS); /* a chunk in no window */
    assert_int_equal(altered(WINS_AT + 23, "\1", 1), IMG_EWINS); /* offset */
    assert_int_equal(altered(CHNK_AT, "\0\0\0", 3), IMG_ECHNK);
    assert_int_equal(altered(CHNK_AT + 70, "\0\4\1", 3),
                     IMG_ECHNK); /* longer than the short last chunk */
    assert_int_equal(altered(CHNK_AT, "\0\1", 2), IMG_ELAYOUT); /* k is larger than needed */
}

static void partitions_come_in_order(void **state)
{
    struct img_head h;
    size_t n;
    uint8_t *body;

    (void)state;
    do
        model_random(&m, &rng, 50);
    while (m.nparts != 2);
    body = model_body(&m, &h, &n);
    assert_int_equal(parse(&h, body, n), 0);
    body[GEOM_AT + 1 + 7] = 2; /* the first of them starts behind the second */
    assert_int_equal(parse(&h, body, n), IMG_EGEOM);
    free(body);
}

static void the_head_must_agree(void **state)
{
    struct img_head h, other;
    size_t n;
    uint8_t *body = small_image(&h, &n);
    struct img_body b;

    (void)state;
    other = h;
    other.min_target_bytes = other.raw_bytes - 512; /* would cut the last chunk */
    assert_int_equal(parse(&other, body, n), IMG_ERUNS);
    other = h;
    other.data_bytes -= 512;
    assert_int_equal(parse(&other, body, n), IMG_ERUNS);
    other = h;
    other.blocks++;
    assert_int_equal(parse(&other, body, n), IMG_EWINS);
    other = h;
    other.root[31] ^= 1;
    assert_int_equal(img_body_parse(body, n, &other, &b, NULL), IMG_EROOT);
    other = h;
    other.body_hash[0] ^= 1;
    assert_int_equal(img_body_parse(body, n, &other, &b, NULL), IMG_EBODYHASH);
    free(body);
}

static void a_disk_without_data(void **state)
{
    struct img_head h;
    struct img_body b;
    size_t n;
    uint8_t *body;

    (void)state;
    memset(&m, 0, sizeof m);
    m.chunks = 3;
    m.raw_bytes = 3 * IMG_CHUNK_BYTES;
    memset(m.state, IMG_ZERO, 3);
    body = model_body(&m, &h, &n);
    assert_int_equal(img_body_parse(body, n, &h, &b, NULL), 0);
    assert_int_equal(b.nblocks, 0);
    assert_int_equal(img_ordinal_of(&b, 2), UINT32_MAX);
    img_body_free(&b);
    free(body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables_equal_the_model), cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(names_the_cause),        cmocka_unit_test(the_head_must_agree),
        cmocka_unit_test(a_disk_without_data),    cmocka_unit_test(partitions_come_in_order),
    };

    return cmocka_run_group_tests(tests, start, NULL);
}
