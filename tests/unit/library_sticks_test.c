/* Sticks played by folders: what is seen of them, what is copied from them, and what becomes of a
 * copy whose stick is gone. */
#include "tests/unit/library_room.h"

#include "board/box/library/stick_file.h"

static char slots[96]; /* where sticks are mounted */
static struct sticks *sticks;

static void at(char to[200], const char *what)
{
    snprintf(to, 200, "%s/%s", slots, what);
}

static void put_file(const char *where, const void *bytes, size_t n)
{
    char path[200];

    at(path, where);
    write_whole_file(path, bytes, n);
}

static void make_folder(const char *where)
{
    char path[200];

    at(path, where);
    assert_int_equal(mkdir(path, 0700), 0);
}

/* As PID 1 does it: whole at once. */
static void plug(unsigned place, const char *note)
{
    char from[200], to[200];

    snprintf(from, sizeof from, "%s/new", slots);
    snprintf(to, sizeof to, "%s/%u.note", slots, place);
    write_whole_file(from, note, strlen(note));
    assert_int_equal(rename(from, to), 0);
}

static void unplug(unsigned place)
{
    char path[200];

    snprintf(path, sizeof path, "%s/%u.note", slots, place);
    assert_int_equal(unlink(path), 0);
}

static void open_room(bool takes)
{
    const struct library_needs needs = {.data = data,
                                        .key = &key,
                                        .serve = &serve,
                                        .sticks = sticks,
                                        .take_sticks = takes,
                                        .mark_bytes = MARK};
    struct err err = {0};

    if (library_open(&library, &needs, &err))
        fail_msg("%s", err.text);
}

static int set_up_sticks(void **state)
{
    set_up(state);
    snprintf(slots, sizeof slots, "%s/stick", data);
    assert_int_equal(mkdir(slots, 0700), 0);
    make_folder("0");
    make_folder("1");
    assert_int_equal(sticks_open(&sticks, slots, NULL), 0);
    return 0;
}

static int tear_down_sticks(void **state)
{
    close_all();
    sticks_close(sticks);
    return tear_down(state);
}

/* Until the place is as it shall be: n files, or -1: nothing is plugged in. */
static void wait_for(unsigned place, int n)
{
    const struct stick *s = NULL;
    int have = -2;

    for (unsigned i = 0; have != n && i < 20000; i++) {
        tick();
        s = library_stick(library, place);
        have = !s ? -1 : s->looking ? -2 : (int)s->n;
    }
    assert_int_equal(have, n);
}

static const struct library_image *wait_over(uint32_t id)
{
    const struct library_image *m = library_upload(library, id);

    for (unsigned i = 0; i < 60000 && m->state != LIBRARY_READY && m->state != LIBRARY_FAILED &&
                         m->state != LIBRARY_BAD;
         i++) {
        tick();
        m = library_upload(library, id);
    }
    return m;
}

/* What was dropped is gone from the disk too. */
static void expect_empty_shop(void)
{
    for (unsigned i = 0; i < 20000 && clear(shop, false); i++)
        tick();
    assert_int_equal(clear(shop, false), 0);
}

static int import(const char *path, const char *name, uint32_t *id, struct err *err)
{
    struct record r = {.created = 1};

    snprintf(r.name, sizeof r.name, "%s", name);
    library_import_url(&r, 0, path);
    return library_import(library, &r, id, err);
}

static void what_is_on_a_stick(void **state)
{
    const struct stick *s;
    char path[200];

    (void)state;
    open_room(false);
    make_folder("0/images");
    put_file("0/debian 12.RING", ring, ring_bytes);
    put_file("0/images/win.img", raw, RAW_BYTES);
    put_file("0/images/empty.img", raw, 0);
    put_file("0/letter.txt", raw, 10);
    put_file("0/.hidden.img", raw, 512);
    put_file("0/two\nlines.img", raw, 512);
    put_file("0/tur\u202en.img", raw, 512);
    make_folder("0/folder.img");
    make_folder("0/other");
    put_file("0/other/deep.img", raw, 512);
    at(path, "0/link.img");
    assert_int_equal(symlink("/etc/passwd", path), 0);
    plug(0, "sdb1\nA \033[2JStick\n\n");
    wait_for(0, 2);
    s = library_stick(library, 0);
    assert_string_equal(s->device, "sdb1");
    assert_string_equal(s->label, "");
    assert_string_equal(s->cause, "");
    assert_int_equal(s->left_out, 2);
    assert_string_equal(s->file[0].path, "debian 12.RING");
    assert_string_equal(s->file[0].name, "debian 12");
    assert_int_equal(s->file[0].bytes, ring_bytes);
    assert_string_equal(s->file[1].path, "images/win.img");
    assert_null(stick_find(s, "letter.txt"));
    assert_null(stick_find(s, "link.img"));
    assert_null(library_stick(library, 1));
    plug(1, "sdc\nBrand Stick\nexpected FAT32, exFAT or ext4\n");
    wait_for(1, 0);
    assert_string_equal(library_stick(library, 1)->cause, "expected FAT32, exFAT or ext4");
    unplug(0);
    wait_for(0, -1);
    put_file("0/more.dd", raw, 512);
    plug(0, "sdb1\nStick\n\n");
    wait_for(0, 3);
}

/* The folder for images is a link to somewhere else. */
static void no_link_is_followed(void **state)
{
    char path[200];

    (void)state;
    open_room(false);
    make_folder("other");
    put_file("other/secret.img", raw, 512);
    at(path, "0/images");
    assert_int_equal(symlink("../other", path), 0);
    plug(0, "sdb1\n\n\n");
    wait_for(0, 0);
}

static void at_most_so_many(void **state)
{
    char path[64];

    (void)state;
    open_room(false);
    for (unsigned i = 0; i < STICK_FILES_MAX + 3; i++) {
        snprintf(path, sizeof path, "0/%03u.img", i);
        put_file(path, raw, 512);
    }
    plug(0, "sdb1\n\n\n");
    wait_for(0, STICK_FILES_MAX);
    assert_int_equal(library_stick(library, 0)->left_out, 3);
}

static void an_image_is_copied(void **state)
{
    const struct library_image *m;
    struct err err = {0};
    uint32_t id, other_id;

    (void)state;
    open_room(false);
    make_folder("0/images");
    put_file("0/images/one.ring", ring, ring_bytes);
    put_file("0/two.img", raw, RAW_BYTES);
    plug(0, "sdb1\n\n\n");
    wait_for(0, 2);
    assert_int_equal(import("images/one.ring", "one", &id, &err), 0);
    assert_int_equal(import("images/one.ring", "one", &other_id, &err), LIBRARY_EEXISTS);
    assert_int_equal(import("two.img", "two", &other_id, NULL), 0);
    assert_int_equal(library_put(library, id, 0, ring, 10, NULL), LIBRARY_EBUSY);
    m = wait_over(id);
    assert_int_equal(m->state, LIBRARY_READY);
    assert_memory_equal(m->sha256, ring_hash, 32);
    m = wait_over(other_id);
    assert_int_equal(m->state, LIBRARY_READY);
    assert_int_equal(m->facts.raw_bytes, RAW_BYTES);
    assert_false(library_copies(library));
    close_all();
    open_room(false);
    settle();
    assert_int_equal(listed(), 2);
}

static void what_is_refused(void **state)
{
    static const char *const path[] = {"../0.note",  "/etc/passwd", "images/../one.ring",
                                       "./one.ring", "one",         "",
                                       "images"};
    struct record r = {.name = "x", .url = "stick:7/one.ring"};
    struct err err = {0};
    uint32_t id;

    (void)state;
    open_room(false);
    put_file("0/one.ring", ring, ring_bytes);
    plug(0, "sdb1\n\n\n");
    wait_for(0, 1);
    for (size_t i = 0; i < sizeof path / sizeof *path; i++)
        assert_int_equal(import(path[i], "x", &id, NULL), LIBRARY_ESTICK);
    assert_int_equal(import("one.ring", "../x", &id, NULL), LIBRARY_ENAME);
    assert_int_equal(library_import(library, &r, &id, &err), LIBRARY_ESTICK);
    strcpy(r.url, "stick:1/one.ring");
    assert_int_equal(library_import(library, &r, &id, NULL), LIBRARY_ESTICK);
    strcpy(r.url, "http://one.ring/");
    assert_int_equal(library_import(library, &r, &id, NULL), LIBRARY_ESTICK);
    assert_int_equal(listed(), 0);
}

/* What is there when it is read is another file than what was listed, or none, or one that becomes
 * shorter. */
static void a_file_that_changes_fails(void **state)
{
    const struct library_image *m;
    char path[200];
    uint32_t id;

    (void)state;
    open_room(false);
    put_file("0/one.ring", ring, ring_bytes);
    put_file("0/two.img", raw, RAW_BYTES);
    plug(0, "sdb1\n\n\n");
    wait_for(0, 2);
    put_file("0/one.ring", ring, ring_bytes - 1);
    assert_int_equal(import("one.ring", "one", &id, NULL), 0);
    m = wait_over(id);
    assert_int_equal(m->state, LIBRARY_FAILED);
    assert_non_null(strstr(m->cause, "got another file"));
    at(path, "0/two.img");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(import("two.img", "two", &id, NULL), 0);
    m = wait_over(id);
    assert_int_equal(m->state, LIBRARY_FAILED);
    assert_non_null(strstr(m->cause, "two.img cannot be read from the stick: No such file"));
    expect_empty_shop();
}

/* It ends in the middle, as it does when the stick is pulled out; then the box stops in the middle
 * of another. */
static void half_of_it_is_nothing(void **state)
{
    size_t much = (size_t)LIBRARY_BLOCK * 4 * LIBRARY_BLOCKS;
    const struct library_image *m;
    char path[200];
    uint32_t id;

    (void)state;
    open_room(false);
    at(path, "0/much.img");
    write_whole_file(path, raw, 512);
    assert_int_equal(truncate(path, (off_t)much), 0);
    plug(0, "sdb1\n\n\n");
    wait_for(0, 1);
    assert_int_equal(import("much.img", "one", &id, NULL), 0);
    for (unsigned i = 0; i < 5000 && library_upload(library, id)->offset < (1u << 20); i++)
        tick();
    assert_int_equal(truncate(path, 4096), 0); /* the thread is at most two MiB ahead */
    m = wait_over(id);
    assert_int_equal(m->state, LIBRARY_FAILED);
    assert_non_null(strstr(m->cause, "the stick does not give byte"));
    expect_empty_shop();
    assert_int_equal(truncate(path, (off_t)much), 0);
    assert_int_equal(import("much.img", "two", &id, NULL), 0);
    for (unsigned i = 0; i < 5000 && library_upload(library, id)->offset < (1u << 20); i++)
        tick();
    assert_true(library_copies(library));
    close_all();
    open_room(false);
    settle();
    assert_null(library_upload(library, id));
    assert_int_equal(listed(), 0);
    expect_empty_shop();
}

/* [library] sticks = take */
static void all_that_is_new_is_taken(void **state)
{
    (void)state;
    open_room(true);
    put(begin("one", ring_bytes), ring, 0, ring_bytes);
    settle();
    make_folder("0/images");
    put_file("0/one.ring", other, other_bytes);
    put_file("0/bad.ring", "nonsense", 8);
    put_file("0/images/two.img", raw, RAW_BYTES);
    put_file("1/three.img", raw, RAW_BYTES);
    plug(0, "sdb1\n\n\n");
    plug(1, "sdc1\n\n\n");
    for (unsigned i = 0; i < 60000 && listed() < 3; i++)
        tick();
    settle();
    assert_int_equal(listed(), 3);
    assert_memory_equal(library_named(library, "one")->sha256, ring_hash, 32);
    assert_int_equal(library_named(library, "two")->state, LIBRARY_READY);
    assert_int_equal(library_named(library, "three")->state, LIBRARY_READY);
    assert_null(library_named(library, "bad"));
}

#define STICK_CASE(f) cmocka_unit_test_setup_teardown(f, set_up_sticks, tear_down_sticks)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STICK_CASE(what_is_on_a_stick),    STICK_CASE(no_link_is_followed),
        STICK_CASE(at_most_so_many),       STICK_CASE(an_image_is_copied),
        STICK_CASE(what_is_refused),       STICK_CASE(a_file_that_changes_fails),
        STICK_CASE(half_of_it_is_nothing), STICK_CASE(all_that_is_new_is_taken),
    };

    return cmocka_run_group_tests(tests, set_up_all, tear_down_all);
}
