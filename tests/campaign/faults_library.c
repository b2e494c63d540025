/* The library with its threads: uploads, pulls, packing, replacing, deleting; images and raw disks
 * that lie in DATA/images. The file layer of the whole campaign is in this file, too, because the
 * library's helpers bring it. */
#include "tests/unit/library_room.h"
#include "tests/campaign/faults_layer.h"

#include "board/box/library/library_inside.h"

void faults_put_file(const char *path, const void *bytes, size_t n)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert_true(fd >= 0 && write(fd, bytes, n) == (ssize_t)n);
    close(fd);
}

long faults_get_file(const char *path, void *to, size_t cap)
{
    int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
    long n = fd < 0 ? -1 : syscall(SYS_read, fd, to, cap);

    if (fd >= 0)
        (void)!syscall(SYS_close, fd);
    return n;
}

static uint8_t root_one[32], root_other[32], root_raw[32];

static void root_of(const uint8_t *image, uint8_t root[32])
{
    struct img_head head;

    assert_int_equal(img_head_decode(image, &head, NULL), 0);
    memcpy(root, head.root, 32);
}

static void remove_top(void)
{
    char path[128];

    snprintf(path, sizeof path, "%s/source.img", top);
    (void)unlink(path);
    snprintf(path, sizeof path, "%s/made.ring", top);
    (void)unlink(path);
    (void)rmdir(top);
}

void faults_library_begin(void)
{
    assert_int_equal(set_up_all(NULL), 0);
    remove_top();
    root_of(ring, root_one);
    root_of(other, root_other);
    memcpy(root_raw, root_one, 32);
}

/* ---- one life ---- */

enum doing { LOOK, UPLOAD, REPLACE, PACK, DELETE, PULL };

static struct {
    bool two, newer; /* were given out */
} gave;

static const char *library_at_place(const struct place *p)
{
    snprintf(data, sizeof data, "%s", p->data);
    snprintf(shop, sizeof shop, "%s/library", p->data);
    return data;
}

static void step(void)
{
    static struct mono now = {MONO_S};

    now.ns += MONO_MS * 20;
    library_tick(library, now);
    usleep(100);
}

static bool is_busy(void)
{
    const struct library_image *m;
    bool busy = library_leaving(library, "one") || library_leaving(library, "two");

    for (unsigned i = 0; (m = library_at(library, i)); i++)
        busy |= m->state == LIBRARY_CHECKING || m->state == LIBRARY_PACKING ||
                m->state == LIBRARY_VERIFYING;
    return busy;
}

static void rest(void)
{
    for (unsigned n = 0; n < 300000; n++) {
        step();
        if (!is_busy())
            return;
    }
    fail_msg("the library does not come to rest");
}

static bool is_served(const char *name)
{
    const struct library_image *m = library_named(library, name);

    return m && m->served;
}

static bool is_newer(void)
{
    return is_served("one") && strcmp(library_named(library, "one")->record.version, "2") == 0;
}

/* What is given out is whole, by an honest disk. */
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

static uint32_t try_begin(const char *name, size_t bytes, bool replaces)
{
    struct record r = {.bytes = bytes, .created = 1, .replaces = replaces};
    uint32_t id = 0;

    snprintf(r.name, sizeof r.name, "%s", name);
    if (replaces)
        strcpy(r.version, "2");
    return library_begin(library, &r, &id, NULL) ? 0 : id;
}

/* Puts what is taken; an error ends it. */
static void put_some(uint32_t id, const uint8_t *bytes, size_t n)
{
    size_t at = 0;

    for (unsigned turn = 0; id && at < n && turn < 20000; turn++) {
        long took = library_put(library, id, at, bytes + at, n - at < 50000 ? n - at : 50000, NULL);

        if (took < 0)
            break;
        at += (size_t)took;
        if (took == 0)
            step();
    }
    if (id)
        library_pause(library, id);
}

/* ---- a pull whose other end is played ---- */

static size_t pulled;

static uint64_t pull_size(const void *file)
{
    (void)file;
    return other_bytes;
}

static long pull_look(void *file, const uint8_t **bytes, struct err *err)
{
    (void)file;
    (void)err;
    *bytes = other + pulled;
    return (long)(other_bytes - pulled < 70000 ? other_bytes - pulled : 70000);
}

static void pull_took(void *file, size_t n)
{
    (void)file;
    pulled += n;
}

static void pull_close(void *file)
{
    (void)file;
}

static void pull_some(void)
{
    static const struct fetch_kind kind = {pull_size, pull_look, pull_took, pull_close};
    struct record r = {.name = "two", .url = "http://10.0.0.1/two.ring", .created = 1};

    pulled = 0;
    if (library_check_newcomer(library, &r, NULL) == 0)
        (void)library_fetch(library, &r, (struct fetch){&kind, &pulled});
    for (unsigned n = 0; n < 3000 && library_item_named(library, "two", false); n++) {
        const struct item *i = library_item_named(library, "two", false);

        if (i->is.state != LIBRARY_ASKING && i->is.state != LIBRARY_RECEIVING)
            break;
        step();
    }
}

/* ---- scenarios ---- */

static void put_shelf(const struct place *p)
{
    struct record r = {.name = "one", .bytes = ring_bytes, .created = 1};
    char text[RECORD_TEXT_MAX], path[SHELF_PATH_MAX];

    library_at_place(p);
    memset(&gave, 0, sizeof gave);
    folder = NULL;
    assert_int_equal(mkdir(shop, 0700), 0);
    snprintf(path, sizeof path, "%s/00000001.meta", shop);
    faults_put_file(path, text, record_encode(&r, text));
    snprintf(path, sizeof path, "%s/00000001.ring", shop);
    faults_put_file(path, ring, ring_bytes);
}

static void shelf_with_one(struct place *p)
{
    put_shelf(p);
}

static void images_with_raw(struct place *p)
{
    char path[SHELF_PATH_MAX];

    put_shelf(p);
    snprintf(path, sizeof path, "%s/images", data);
    assert_int_equal(mkdir(path, 0700), 0);
    snprintf(path, sizeof path, "%s/images/two.img", data);
    faults_put_file(path, raw, RAW_BYTES);
}

static void live(enum doing what)
{
    const struct library_needs needs = {.data = data,
                                        .key = &key,
                                        .serve = &serve,
                                        .mark_bytes = MARK};

    if (library_open(&library, &needs, NULL))
        return;
    rest();
    if (what == UPLOAD || what == PACK)
        put_some(try_begin("two", what == PACK ? RAW_BYTES : other_bytes, false),
                 what == PACK ? raw : other, what == PACK ? RAW_BYTES : other_bytes);
    if (what == REPLACE)
        put_some(try_begin("one", other_bytes, true), other, other_bytes);
    if (what == DELETE)
        (void)library_delete(library, "one", NULL);
    if (what == PULL)
        pull_some();
    rest();
    gave.two = is_served("two");
    gave.newer = is_newer();
    close_all();
}

static void do_look(struct place *p)
{
    (void)p;
    live(LOOK);
}

static void do_upload(struct place *p)
{
    (void)p;
    live(UPLOAD);
}

static void do_replace(struct place *p)
{
    (void)p;
    live(REPLACE);
}

static void do_pack(struct place *p)
{
    (void)p;
    live(PACK);
}

static void do_delete(struct place *p)
{
    (void)p;
    live(DELETE);
}

static void do_pull(struct place *p)
{
    (void)p;
    live(PULL);
}

/* Without trouble again. `keeps`: the image that was there is there, whatever came. */
static void judge_all(struct place *p, bool keeps)
{
    const struct library_image *m;
    char path[SHELF_PATH_MAX];

    library_at_place(p);
    open_at(data);
    rest();
    step();
    rest();
    expect_served_whole();
    snprintf(path, sizeof path, "%s/00000001.ring", shop);
    if (keeps && (access(path, F_OK) != 0 || !is_served("one")))
        fail_msg("an image that was whole is lost");
    if (!p->lies && gave.newer && !is_newer())
        fail_msg("a replacement that was given out is lost");
    if (!p->lies && gave.two && !is_served("two"))
        fail_msg("an image that was given out is lost");
    for (unsigned i = 0; !p->lies && (m = library_at(library, i)); i++)
        if (m->state == LIBRARY_BAD)
            fail_msg("%s is bad: %s", m->record.name, m->cause);
    close_all();
}

static void judge_kept(struct place *p)
{
    judge_all(p, true);
}

static void judge_changed(struct place *p)
{
    judge_all(p, false);
}

/* Neither the older nor the newer image may be missing. */
static void judge_replaced(struct place *p)
{
    judge_all(p, false);
    library_at_place(p);
    open_at(data);
    rest();
    assert_true(p->lies || is_served("one"));
    close_all();
}

const struct scenario faults_library[] = {
    {.name = "library-start",
     .part = "library",
     .prepare = shelf_with_one,
     .act = do_look,
     .judge = judge_kept,
     .every = 3},
    {.name = "library-upload",
     .part = "library",
     .prepare = shelf_with_one,
     .act = do_upload,
     .judge = judge_kept,
     .every = 6},
    {.name = "library-pull",
     .part = "library",
     .prepare = shelf_with_one,
     .act = do_pull,
     .judge = judge_kept,
     .every = 6},
    {.name = "library-replace",
     .part = "library",
     .prepare = shelf_with_one,
     .act = do_replace,
     .judge = judge_replaced,
     .every = 6},
    {.name = "library-pack",
     .part = "library",
     .prepare = shelf_with_one,
     .act = do_pack,
     .judge = judge_kept,
     .every = 12},
    {.name = "library-delete",
     .part = "library",
     .prepare = shelf_with_one,
     .act = do_delete,
     .judge = judge_changed,
     .every = 3},
    {.name = "images-packed",
     .part = "packed",
     .prepare = images_with_raw,
     .act = do_look,
     .judge = judge_kept,
     .every = 12},
    {0},
};
