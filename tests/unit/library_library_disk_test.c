/* The library and its disk: records that cannot be read, files that are left, a full and a slow
 * disk. */
#include "tests/unit/library_room.h"

/* The disk is full in the middle: the upload stands where the disk stopped, and goes on when there
 * is room. */
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
            took = library_put(library, id, at, ring + at,
                               ring_bytes - at < 9999 ? ring_bytes - at : 9999, NULL);
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

static unsigned writes_left;

static int part_lies(enum fault_call call, const char *name)
{
    return call == FAULT_WRITE && strstr(name, ".part") && writes_left-- == 0 ? FAULT_TORN : 0;
}

/* A raw disk has no hashes: what the disk gives back is compared with what came, before anybody
 * gets it. */
static void a_raw_disk_that_the_disk_tore_is_not_packed(void **state)
{
    uint32_t id;

    (void)state;
    cut_begin(shop);
    cut.on = false;
    cut.fault = part_lies;
    writes_left = 1;
    open_at(data);
    id = begin("two", RAW_BYTES);
    put(id, raw, 0, RAW_BYTES);
    settle();
    assert_null(library_named(library, "two"));
    assert_int_equal(library_upload(library, id)->state, LIBRARY_FAILED);
    assert_non_null(strstr(library_upload(library, id)->cause, "does not give back"));
    assert_int_equal(serve.n_streams, 0);
}

static int meta_fault; /* errno */
static enum fault_call meta_call;

static int meta_fails(enum fault_call call, const char *name)
{
    return call == meta_call && strcmp(name, "00000001.meta") == 0 ? meta_fault : 0;
}

static void expect_doubt(const char *cause)
{
    struct err err = {0};
    const struct library_image *m;
    uint32_t id;

    open_at(data);
    settle();
    m = library_named(library, "unreadable 00000001");
    assert_non_null(m);
    assert_int_equal(m->state, LIBRARY_BAD);
    assert_non_null(strstr(m->cause, cause));
    assert_non_null(strstr(m->cause, "the image is kept and not given out"));
    assert_int_equal(serve.n_streams, 0);
    assert_int_equal(library_verify(library, "unreadable 00000001", &err), LIBRARY_ERECORD);
    id = begin("two", 512);
    assert_true(id > 1); /* its number is not free */
    assert_int_equal(library_abandon(library, id, NULL), 0);
    close_all();
}

/* Damage, a newer program, a bad sector, no descriptor left: the image stays, unnamed, until its
 * record can be read. */
static void an_unreadable_record_deletes_nothing(void **state)
{
    static const char newer[] = "ringcast image 2\nname=one\nfuture=1\nend\n";
    char meta[160], kept[160];
    uint8_t *was;
    size_t n;

    (void)state;
    open_at(data);
    put(begin("one", ring_bytes), ring, 0, ring_bytes);
    settle();
    close_all();
    snprintf(meta, sizeof meta, "%s/00000001.meta", shop);
    was = read_whole(meta, &n);
    write_whole_file(meta, newer, sizeof newer - 1);
    expect_doubt("newer version");
    write_whole_file(meta, was, n / 2);
    expect_doubt("damaged");
    snprintf(kept, sizeof kept, "%s/kept", data);
    assert_int_equal(rename(meta, kept), 0);
    expect_doubt("is missing");
    assert_int_equal(rename(kept, meta), 0);
    write_whole_file(meta, was, n);
    free(was);
    cut_begin(shop);
    cut.on = false;
    cut.fault = meta_fails;
    meta_call = FAULT_READ;
    meta_fault = EIO;
    expect_doubt("Input/output error");
    meta_call = FAULT_OPEN;
    meta_fault = EMFILE;
    expect_doubt("Too many open files");
    cut.fault = NULL;
    open_at(data);
    settle();
    assert_int_equal(library_named(library, "one")->state, LIBRARY_READY);
    assert_true(library_named(library, "one")->served);
}

static int folder_fails(enum fault_call call, const char *name)
{
    return call == FAULT_READDIR && !name[0] ? EIO : 0;
}

/* What a start removes are the shelf's own half-made files, and no other. */
static void only_half_made_files_are_removed(void **state)
{
    static const char *const ours[] = {".00000001.meta", ".0000001a.mark", ".00000001.ring.aB3dE9"};
    static const char *const others[] = {".hidden",
                                         ".00000001",
                                         ".00000001.other",
                                         ".0000000g.meta",
                                         ".000000001.meta",
                                         ".00000001.ring.aB3dE",
                                         ".00000001.ring.aB3dE9x",
                                         ".00000001.ring.aB3d-9",
                                         ".00000001.met",
                                         "..00000001.meta"};
    char path[160];

    (void)state;
    open_at(data);
    close_all();
    for (unsigned i = 0; i < sizeof ours / sizeof *ours; i++) {
        snprintf(path, sizeof path, "%s/library/%s", data, ours[i]);
        write_whole_file(path, "x", 1);
    }
    for (unsigned i = 0; i < sizeof others / sizeof *others; i++) {
        snprintf(path, sizeof path, "%s/library/%s", data, others[i]);
        write_whole_file(path, "x", 1);
    }
    open_at(data);
    settle();
    for (unsigned i = 0; i < sizeof ours / sizeof *ours; i++) {
        snprintf(path, sizeof path, "%s/library/%s", data, ours[i]);
        assert_int_not_equal(access(path, F_OK), 0);
    }
    for (unsigned i = 0; i < sizeof others / sizeof *others; i++) {
        snprintf(path, sizeof path, "%s/library/%s", data, others[i]);
        assert_int_equal(access(path, F_OK), 0);
        unlink(path);
    }
}

/* Numbers that nobody knows are not given to anything new. */
static void a_shelf_that_cannot_be_listed_takes_nothing(void **state)
{
    struct record r = {.name = "new", .bytes = 512};
    struct err err = {0};
    uint32_t id;

    (void)state;
    open_at(data);
    put(begin("one", ring_bytes), ring, 0, ring_bytes);
    settle();
    close_all();
    cut_begin(shop);
    cut.on = false;
    cut.fault = folder_fails;
    open_at(data);
    assert_int_equal(library_begin(library, &r, &id, &err), LIBRARY_EDISK);
    assert_non_null(strstr(err.text, "Input/output error"));
    close_all();
    cut.fault = NULL;
    open_at(data);
    settle();
    assert_true(library_named(library, "one")->served);
}

/* The box stopped between the end of a replacement and the older one's removal, and the newer one
 * does not open. */
static void the_older_one_stays_until_the_newer_one_opens(void **state)
{
    struct record r = {
        .name = "one", .version = "2", .bytes = ring_bytes, .replaces = true, .created = 1};
    char path[160];
    struct shelf s = {0};

    (void)state;
    open_at(data);
    put(begin("one", ring_bytes), ring, 0, ring_bytes);
    settle();
    close_all();
    assert_int_equal(shelf_open(&s, shop, NULL), 0);
    assert_int_equal(shelf_begin(&s, 7, &r, NULL), 0);
    assert_int_equal(shelf_settle(&s, 7, SHELF_RING, NULL), 0);
    snprintf(path, sizeof path, "%s/00000007.ring", shop);
    write_whole_file(path, ring, ring_bytes / 2);
    open_at(data);
    settle();
    assert_int_equal(serve.n_streams, 1);
    assert_string_equal(library_named(library, "one")->record.version, "");
    assert_int_equal(library_skipped(library), 1);
    close_all();
    write_whole_file(path, ring, ring_bytes);
    open_at(data);
    settle();
    tick();
    settle();
    assert_string_equal(library_named(library, "one")->record.version, "2");
    assert_int_equal(listed(), 1);
}

/* The raw disk goes when the image that was packed from it has been opened. */
static void a_packed_image_that_does_not_open_keeps_its_raw_disk(void **state)
{
    char path[160];

    (void)state;
    open_at(data);
    put(begin("two", RAW_BYTES), raw, 0, RAW_BYTES);
    settle();
    close_all();
    snprintf(path, sizeof path, "%s/00000001.raw", shop);
    write_whole_file(path, raw, RAW_BYTES);
    snprintf(path, sizeof path, "%s/00000001.ring", shop);
    write_whole_file(path, ring, 5000);
    open_at(data);
    settle();
    assert_int_equal(library_named(library, "two")->state, LIBRARY_BAD);
    assert_int_equal(library_verify(library, "two", NULL), 0); /* packs it again */
    settle();
    assert_int_equal(library_named(library, "two")->state, LIBRARY_READY);
    assert_true(library_named(library, "two")->served);
}

static uint64_t room_left; /* on the disk; 0: as it is */

static void leave_room(struct statvfs *v)
{
    if (room_left)
        v->f_bavail = (fsblkcnt_t)(room_left / v->f_frsize);
}

/* Somebody else fills the disk while an upload comes and while a raw disk is packed: what the
 * journal needs stays free. */
static void the_reserve_is_left_alone(void **state)
{
    struct record r = {.name = "two", .created = 1};
    struct shelf s = {0};
    struct err err = {0};
    char path[160];
    long took = 0;
    size_t at = 0;
    uint32_t id;

    (void)state;
    fault_watch.space = leave_room;
    open_at(data);
    id = begin("one", ring_bytes);
    put(id, ring, 0, 1000);
    library_pause(library, id);
    room_left = LIBRARY_RESERVE + 70000;
    for (unsigned n = 0; took >= 0 && n < 100000; n++, tick()) {
        at = library_upload(library, id)->offset;
        took = at < ring_bytes
                   ? library_put(library, id, at, ring + at,
                                 ring_bytes - at < 99999 ? ring_bytes - at : 99999, &err)
                   : 0;
    }
    assert_int_equal(took, LIBRARY_ESPACE);
    assert_non_null(strstr(err.text, "the last 16 MiB are kept"));
    room_left = 0;
    at = library_upload(library, id)->offset;
    put(id, ring, at, ring_bytes);
    settle();
    assert_true(library_named(library, "one")->served);
    close_all();
    r.bytes = RAW_BYTES;
    assert_int_equal(shelf_open(&s, shop, NULL), 0);
    assert_int_equal(shelf_begin(&s, 7, &r, NULL), 0);
    snprintf(path, sizeof path, "%s/00000007.part", shop);
    write_whole_file(path, raw, RAW_BYTES);
    assert_int_equal(shelf_settle(&s, 7, SHELF_RAW, NULL), 0);
    room_left = LIBRARY_RESERVE - 4096;
    open_at(data);
    settle();
    assert_int_equal(library_named(library, "two")->state, LIBRARY_BAD);
    assert_non_null(
        strstr(library_named(library, "two")->cause, "cannot be packed: the disk is full"));
    room_left = 0;
    assert_int_equal(library_verify(library, "two", NULL), 0);
    settle();
    assert_true(library_named(library, "two")->served);
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
    pthread_mutex_lock(&fault_lock); /* the next write stands */
    for (unsigned n = 0; n < 100; n++) {
        long took = library_put(library, id, at, much + at, bytes - at, NULL);

        assert_true(took >= 0);
        at += (size_t)took;
    }
    assert_int_equal(at, (size_t)LIBRARY_BLOCK * LIBRARY_BLOCKS_EACH);
    pthread_mutex_unlock(&fault_lock);
    put(id, much, at, bytes);
    settle();
    assert_int_equal(library_named(library, "one")->state, LIBRARY_READY);
    free(much);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LIBRARY_CASE(an_unreadable_record_deletes_nothing),
        LIBRARY_CASE(a_raw_disk_that_the_disk_tore_is_not_packed),
        LIBRARY_CASE(only_half_made_files_are_removed),
        LIBRARY_CASE(a_shelf_that_cannot_be_listed_takes_nothing),
        LIBRARY_CASE(the_older_one_stays_until_the_newer_one_opens),
        LIBRARY_CASE(a_packed_image_that_does_not_open_keeps_its_raw_disk),
        LIBRARY_CASE(the_reserve_is_left_alone),
        LIBRARY_CASE(a_full_disk_is_a_pause),
        LIBRARY_CASE(a_slow_disk_holds_the_sender_up),
    };

    return cmocka_run_group_tests(tests, set_up_all, tear_down_all);
}
