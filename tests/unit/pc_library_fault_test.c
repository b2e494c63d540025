/* Faults at every call that the library makes to the files of its folder: errors, full disks, short reads and writes, writes that are lost, torn or
 * land elsewhere. Whatever fails: nothing crashes, nothing that was whole is lost, nothing is given out that is not whole.
 *
 * Without LIBRARY_FAULTS=all only some of the places are tried. */
#include "tests/unit/library_room.h"

#define SHORT_FORM 21 /* places a scenario */

static const int faults[] = {EIO, ENOSPC, EMFILE, CUT_SHORT, CUT_LOST, CUT_TORN, CUT_ASTRAY};

#define FAULTS (sizeof faults / sizeof *faults)

static atomic_uint calls;
static unsigned at_call, until; /* which calls are at fault */
static int fault;

static int strike(const char *call, const char *name)
{
    unsigned n = atomic_fetch_add(&calls, 1);

    (void)name;
    if (n < at_call || n >= until)
        return 0;
    if (fault < 0 && strcmp(call, "pwrite") != 0 && (fault != CUT_SHORT || strcmp(call, "pread") != 0))
        return 0;
    if (fault == ENOSPC && (strcmp(call, "pread") == 0 || strcmp(call, "readdir") == 0))
        return 0;
    return fault;
}

/* Puts what is taken; an error ends it. */
static void put_some(uint32_t id, const uint8_t *bytes, size_t n)
{
    size_t at = 0;

    for (unsigned turn = 0; at < n && turn < 20000; turn++) {
        long took = library_put(library, id, at, bytes + at, n - at < 50000 ? n - at : 50000, NULL);

        if (took < 0)
            break;
        at += (size_t)took;
        if (took == 0)
            tick();
    }
    library_pause(library, id);
}

static uint32_t try_begin(const char *name, size_t bytes, bool replaces)
{
    struct record r = {.bytes = bytes, .created = 1, .replaces = replaces};
    uint32_t id = 0;

    snprintf(r.name, sizeof r.name, "%s", name);
    if (replaces)
        strcpy(r.version, "2");
    return library_begin(library, &r, &id, NULL) ? 0 : id;
}

static void upload(void)
{
    uint32_t id = try_begin("two", other_bytes, false);

    if (id)
        put_some(id, other, other_bytes);
}

static void replace(void)
{
    uint32_t id = try_begin("one", other_bytes, true);

    if (id)
        put_some(id, other, other_bytes);
}

static void pack(void)
{
    uint32_t id = try_begin("two", RAW_BYTES, false);

    if (id)
        put_some(id, raw, RAW_BYTES);
}

static void remove_it(void)
{
    (void)library_delete(library, "one", NULL);
}

static void look_only(void)
{
}

static const struct scenario {
    const char *name;
    void (*run)(void);
    bool may_lose_one;
} scenarios[] = {{"start", look_only, false}, {"upload", upload, false}, {"replace", replace, true}, {"pack", pack, false}, {"delete", remove_it, true}};

static uint8_t root_one[32], root_other[32];

static void expect_served_whole(void)
{
    for (unsigned i = 0; i < serve.n_streams; i++) {
        const uint8_t *root = serve.streams[i].file.head.root;
        struct err err = {0};

        assert_true(memcmp(root, root_one, 32) == 0 || memcmp(root, root_other, 32) == 0);
        if (img_check(&serve.streams[i].file, NULL, NULL, NULL, &err))
            fail_msg("given out, and not whole: %s", err.text);
    }
}

static bool is_served(const char *name)
{
    const struct library_image *m = library_named(library, name);

    return m && m->served;
}

/* A library that holds "one" and has forgotten that it was checked. */
static void lay_out(void)
{
    struct record r = {.name = "one", .bytes = ring_bytes, .created = 1};
    char text[RECORD_TEXT_MAX], path[SHELF_PATH_MAX];

    snprintf(data, sizeof data, "%s/data", top);
    snprintf(shop, sizeof shop, "%s/library", data);
    assert_int_equal(mkdir(data, 0700), 0);
    assert_int_equal(mkdir(shop, 0700), 0);
    snprintf(path, sizeof path, "%s/00000001.meta", shop);
    write_whole_file(path, text, record_encode(&r, text));
    snprintf(path, sizeof path, "%s/00000001.ring", shop);
    write_whole_file(path, ring, ring_bytes);
}

static void clear_up(void)
{
    char path[SHELF_PATH_MAX];

    clear(shop, true);
    snprintf(path, sizeof path, "%s/checked", data);
    (void)unlink(path);
    snprintf(path, sizeof path, "%s/packed", data);
    (void)rmdir(path);
    assert_int_equal(rmdir(data), 0);
}

/* Without faults again: what was there is there, and what was said to be there is. */
static void judge(const struct scenario *s, bool two, bool newer)
{
    char path[SHELF_PATH_MAX];
    const struct library_image *m;
    bool lies = fault < 0;

    open_at(data);
    settle();
    tick();
    settle();
    expect_served_whole();
    snprintf(path, sizeof path, "%s/00000001.ring", shop);
    if (!s->may_lose_one && (access(path, F_OK) != 0 || !is_served("one")))
        fail_msg("%s: an image that was whole is lost", s->name);
    if (!lies && newer && (!is_served("one") || strcmp(library_named(library, "one")->record.version, "2") != 0))
        fail_msg("%s: a replacement that was given out is lost", s->name);
    if (!lies && s->run == replace && !is_served("one"))
        fail_msg("%s: neither the older nor the newer image is there", s->name);
    if (!lies && two && !is_served("two"))
        fail_msg("%s: an image that was given out is lost", s->name);
    for (unsigned i = 0; !lies && (m = library_at(library, i)); i++)
        if (m->state == LIBRARY_BAD)
            fail_msg("%s: %s is bad: %s", s->name, m->record.name, m->cause);
    close_all();
}

/* One place, one fault. Returns how many calls there were. */
static unsigned strike_at(const struct scenario *s, unsigned at, unsigned width, int what)
{
    bool two, newer;
    unsigned n;

    lay_out();
    cut_begin(shop);
    cut.on = false;
    cut.fault = strike;
    atomic_store(&calls, 0);
    at_call = at;
    until = at + width < at ? UINT32_MAX : at + width;
    fault = what;
    open_at(data);
    settle();
    s->run();
    settle();
    cut.fault = NULL;
    expect_served_whole();
    two = is_served("two");
    newer = is_served("one") && strcmp(library_named(library, "one")->record.version, "2") == 0;
    close_all();
    n = atomic_load(&calls);
    cut_end();
    judge(s, two, newer);
    clear_up();
    return n;
}

static void everything_fails_once(void **state)
{
    const char *all = getenv("LIBRARY_FAULTS");
    unsigned points = 0;

    (void)state;
    for (size_t i = 0; i < sizeof scenarios / sizeof *scenarios; i++) {
        unsigned n = strike_at(&scenarios[i], UINT32_MAX, 0, EIO), step = all ? 1 : 1 + n / (SHORT_FORM / FAULTS);

        for (size_t f = 0; f < FAULTS; f++)
            for (unsigned at = (unsigned)f % step; at < n; at += step, points++)
                strike_at(&scenarios[i], at, points % 3 ? 1 : UINT32_MAX, faults[f]);
    }
    printf("# %u faults\n", points);
}

static void root_of(const uint8_t *image, uint8_t root[32])
{
    struct img_head head;

    assert_int_equal(img_head_decode(image, &head, NULL), 0);
    memcpy(root, head.root, 32);
}

static int learn_roots(void **state)
{
    if (set_up_all(state))
        return -1;
    root_of(ring, root_one);
    root_of(other, root_other);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(everything_fails_once)};

    return cmocka_run_group_tests(tests, learn_roots, tear_down_all);
}
