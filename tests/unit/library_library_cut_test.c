/* The power goes before every single call to the disk of an upload, a packing, a replacement and a
 * deletion of the library's. */
#include "tests/unit/library_room.h"

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
static void expect_goes_on(const struct shelf *s, const struct shelf_found *f, const uint8_t *bytes,
                           size_t n)
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
    struct shelf s = {0};

    memset(all, 0, sizeof *all);
    assert_int_equal(shelf_open(&s, laid, NULL), 0);
    assert_int_equal(shelf_scan(&s, on_found, all, NULL), 0);
    for (unsigned i = 0; i < all->n; i++) {
        const struct shelf_found *f = &all->item[i];

        if (f->kind == SHELF_RING)
            expect_whole(shelf_path(&s, f->id, "ring", path));
        else if (f->kind == SHELF_RAW)
            expect_bytes(shelf_path(&s, f->id, "raw", path), raw, RAW_BYTES);
        files += 2 + (f->kind == SHELF_PART && f->at) + f->packed;
        assert_int_equal(f->why.code, 0);
    }
    /* a mark that does not count may lie there */
    assert_true(clear(laid, false) <= files + all->parts);
    for (unsigned i = 0; i < all->n; i++)
        if (all->item[i].kind == SHELF_PART)
            expect_goes_on(&s, &all->item[i], upload, n);
}

/* Every cut from call `from` on, with every luck; `judge` says what else must hold. */
static void cut_everywhere(unsigned from, const uint8_t *upload, size_t n,
                           void (*judge)(unsigned at, unsigned of, enum cut_luck,
                                         const struct found *))
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
    struct record r = {
        .name = "one", .version = "2", .bytes = other_bytes, .replaces = true, .created = 1};
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        LIBRARY_CASE(the_power_goes_during_an_upload),
        LIBRARY_CASE(the_power_goes_during_a_packing),
        LIBRARY_CASE(the_power_goes_while_an_image_is_replaced),
        LIBRARY_CASE(the_power_goes_during_a_deletion),
    };

    return cmocka_run_group_tests(tests, set_up_all, tear_down_all);
}
