/* The library without a wire: uploads in pieces, what is refused, what is given out. */
#include "tests/unit/library_room.h"

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
    settle();
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

/* The connection, and then the box, go in the middle: it goes on where it was, and the hash is that
 * of the whole. */
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
    struct record r = {
        .name = "one", .version = "2", .bytes = other_bytes, .replaces = true, .created = 1};
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

/* As long as a raw disk waits for its packing, its room is nobody else's. */
static void room_for_packing_is_kept(void **state)
{
    uint64_t before, coming;
    struct record r = {.name = "two", .created = 1};
    struct err err = {0};
    uint32_t id;

    (void)state;
    open_at(data);
    before = library_free(library);
    id = begin("one", RAW_BYTES);
    coming = library_free(library);
    assert_true(before - coming >= RAW_BYTES);
    put(id, raw, 0, RAW_BYTES / 2);
    assert_true(coming - library_free(library) > RAW_BYTES / 2);
    r.bytes = UINT64_C(1) << 47;
    assert_int_equal(library_begin(library, &r, &id, &err), LIBRARY_ESPACE);
    assert_non_null(strstr(err.text, "are kept for raw images that are still to be packed"));
    put(library_at(library, 0)->id, raw, RAW_BYTES / 2, RAW_BYTES);
    settle();
    assert_int_equal(library_named(library, "one")->state, LIBRARY_READY);
    err = (struct err){0};
    assert_int_equal(library_begin(library, &r, &id, &err), LIBRARY_ESPACE);
    assert_null(strstr(err.text, "are kept"));
}

static void the_hash_of_what_came_outlives_a_run(void **state)
{
    (void)state;
    open_at(data);
    put(begin("one", ring_bytes), ring, 0, ring_bytes);
    settle();
    close_all();
    open_at(data);
    assert_true(library_named(library, "one")->hashed);
    assert_memory_equal(library_named(library, "one")->sha256, ring_hash, sizeof ring_hash);
}

/* A machine that is in the middle of the older one ends with it; then the newer takes its place. */
static void a_replacement_waits_for_who_is_in_the_middle(void **state)
{
    struct record r = {
        .name = "one", .version = "2", .bytes = other_bytes, .replaces = true, .created = 1};
    struct session_receiver row = {.used = true,
                                   .facts = {.state = SESSION_RECEIVING, .done = 4000}};
    uint32_t id;

    (void)state;
    open_at(data);
    put(begin("one", ring_bytes), ring, 0, ring_bytes);
    settle();
    serve.streams[0].session.rows = &row;
    serve.streams[0].session.used = 1;
    assert_int_equal(library_begin(library, &r, &id, NULL), 0);
    put(id, other, 0, other_bytes);
    settle();
    tick();
    assert_int_equal(listed(), 2);
    assert_string_equal(serve.streams[0].file.head.label, "");
    assert_true(library_named(library, "one")->served);
    assert_string_equal(library_named(library, "one")->record.version, "");
    assert_non_null(strstr(library_upload(library, id)->cause, "in the middle of the older one"));
    row.facts.state = SESSION_PASS;
    settle();
    tick();
    settle();
    assert_int_equal(listed(), 1);
    assert_true(library_named(library, "one")->served);
    assert_string_equal(serve.streams[0].file.head.label, "2");
    assert_string_equal(library_named(library, "one")->cause, "");
}

static int counts_on(void *ctx, const char *name, struct err *err)
{
    return strcmp(name, ctx) == 0 ? err_set(err, LIBRARY_EUSED, "session 3 gives out %s", name) : 0;
}

static void what_somebody_counts_on_is_not_deleted(void **state)
{
    const struct library_needs needs = {.data = data,
                                        .key = &key,
                                        .serve = &serve,
                                        .mark_bytes = MARK,
                                        .used = counts_on,
                                        .ctx = "one"};
    struct err err = {0};

    (void)state;
    assert_int_equal(library_open(&library, &needs, NULL), 0);
    put(begin("one", ring_bytes), ring, 0, ring_bytes);
    put(begin("two", other_bytes), other, 0, other_bytes);
    settle();
    assert_int_equal(library_delete(library, "one", &err), LIBRARY_EUSED);
    assert_string_equal(err.text, "session 3 gives out one");
    assert_true(library_named(library, "one")->served);
    assert_int_equal(library_delete(library, "two", NULL), 0);
    settle();
    assert_int_equal(listed(), 1);
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

/* What a person puts into the folders by hand: the configured one is only read, the other may be
 * tidied. */
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
    /* both call themselves "made": the configured folder comes first */
    write_whole_file(path, other, other_bytes);
    snprintf(path, sizeof path, "%s/raw.img", at);
    write_whole_file(path, raw, RAW_BYTES);
    snprintf(path, sizeof path, "%s/bad.ring", at);
    write_whole_file(path, "nonsense", 8);
    open_at(data);
    settle();
    folder = NULL;
    assert_int_equal(listed(), 3);
    assert_int_equal(library_skipped(library), 2);
    assert_int_equal(library_named(library, "bad")->state, LIBRARY_BAD);
    assert_non_null(strstr(library_named(library, "bad")->cause, "too short"));
    assert_int_equal(library_named(library, "raw")->state, LIBRARY_READY);
    assert_int_equal(library_named(library, "made")->origin, LIBRARY_FOLDER);
    assert_int_equal(library_delete(library, "made", NULL), LIBRARY_EPROTECTED);
    assert_int_equal(library_delete(library, "raw", NULL), LIBRARY_EPROTECTED);
    close_all();
    open_at(data);
    settle();
    assert_int_equal(listed(), 1);
    assert_int_equal(library_named(library, "made")->origin, LIBRARY_LOCAL);
    assert_int_equal(library_delete(library, "made", NULL), 0);
    while (library_leaving(library, "made"))
        tick();
    snprintf(path, sizeof path, "%s/images/local.ring", data);
    assert_int_not_equal(access(path, F_OK), 0);
}

/* Machines for which no image is named get the first one, and no other in its place: not when the
 * first is bad, and not when a folder that comes before could not be read. */
static void the_first_image_has_no_substitute(void **state)
{
    char path[160], at[96];

    (void)state;
    snprintf(at, sizeof at, "%s/given", data);
    folder = at;
    snprintf(path, sizeof path, "%s/images", data);
    assert_int_equal(mkdir(path, 0700), 0);
    snprintf(path, sizeof path, "%s/images/local.ring", data);
    write_whole_file(path, ring, ring_bytes);
    open_at(data); /* the folder is not there: it holds nothing */
    settle();
    assert_string_equal(library_first(library), "made");
    close_all();
    write_whole_file(at, "no folder", 9);
    open_at(data);
    settle();
    assert_int_equal(listed(), 1); /* what can be read is served */
    assert_int_equal(library_named(library, "made")->state, LIBRARY_READY);
    assert_string_equal(library_first(library), "");
    close_all();
    assert_int_equal(unlink(at), 0);
    assert_int_equal(mkdir(at, 0700), 0);
    snprintf(path, sizeof path, "%s/a.ring", at);
    write_whole_file(path, "nonsense", 8);
    open_at(data);
    settle();
    folder = NULL;
    assert_int_equal(library_named(library, "a")->state, LIBRARY_BAD);
    assert_int_equal(library_named(library, "made")->state, LIBRARY_READY);
    assert_string_equal(library_first(library), "");
}

static unsigned reads; /* of the image's rows */

static int count_reads(enum fault_call call, const char *name)
{
    reads += call == FAULT_READ && strstr(name, ".ring") != NULL;
    return 0;
}

/* A file of the folder: read in full before it is given out, again only when it may be another one,
 * and refused when it is damaged. */
static void an_image_is_checked_before_it_is_given_out(void **state)
{
    char path[160], at[96];
    unsigned all;
    uint8_t *bad;

    (void)state;
    snprintf(at, sizeof at, "%s/images", data);
    assert_int_equal(mkdir(at, 0700), 0);
    snprintf(path, sizeof path, "%s/a.ring", at);
    write_whole_file(path, ring, ring_bytes);
    cut_begin(at);
    cut.on = false;
    cut.fault = count_reads;
    open_at(data);
    assert_int_equal(serve.n_streams, 0);
    assert_string_equal(library_at(library, 0)->record.name, "a");
    settle();
    assert_true(library_named(library, "made")->served);
    all = reads;
    close_all();
    reads = 0;
    open_at(data);
    settle();
    assert_true(library_named(library, "made")->served);
    assert_true(reads < all); /* tables only */
    close_all();
    bad = malloc(ring_bytes);
    memcpy(bad, ring, ring_bytes);
    bad[5000] ^= 1;
    write_whole_file(path, bad, ring_bytes); /* the same size and head */
    open_at(data);
    settle();
    free(bad);
    assert_int_equal(library_named(library, "made")->state, LIBRARY_BAD);
    assert_non_null(strstr(library_named(library, "made")->cause, "chunk 0"));
    assert_int_equal(serve.n_streams, 0);
    close_all();
    open_at(data); /* what was refused is not remembered as whole */
    settle();
    assert_int_equal(serve.n_streams, 0);
    write_whole_file(path, ring, ring_bytes);
    assert_int_equal(library_verify(library, "made", NULL), 0);
    settle();
    assert_true(library_named(library, "made")->served);
    assert_int_equal(img_trust_check(&serve.streams[0].file.head, key.pub, NULL), 0);
}

/* What the sender could not read is taken away with the reason, and checked at the next start. */
static void an_image_that_fails_is_lost_with_a_reason(void **state)
{
    struct err why = {0};

    (void)state;
    open_at(data);
    put(begin("one", ring_bytes), ring, 0, ring_bytes);
    settle();
    err_set(&why, -702, "byte 5 cannot be read");
    library_lost(library, "one", &why);
    assert_int_equal(library_named(library, "one")->state, LIBRARY_BAD);
    assert_string_equal(library_named(library, "one")->cause, "byte 5 cannot be read");
    assert_int_equal(serve.n_streams, 0);
    for (unsigned n = 0; n < 50; n++)
        tick();
    close_all();
    cut_begin(shop);
    cut.on = false;
    cut.fault = count_reads;
    reads = 0;
    open_at(data);
    settle();
    assert_true(library_named(library, "one")->served);
    assert_true(reads > 5);
}

/* Another content of the same size, within the same second. */
static void a_raw_image_that_was_replaced_is_packed_again(void **state)
{
    struct timespec then[2] = {{.tv_sec = 1000}, {.tv_sec = 1000, .tv_nsec = 100000000}};
    uint8_t root[32];
    char path[160];

    (void)state;
    snprintf(path, sizeof path, "%s/images", data);
    assert_int_equal(mkdir(path, 0700), 0);
    snprintf(path, sizeof path, "%s/images/lab.img", data);
    write_whole_file(path, raw, RAW_BYTES);
    assert_int_equal(utimensat(AT_FDCWD, path, then, 0), 0);
    open_at(data);
    settle();
    memcpy(root, library_named(library, "lab")->facts.root, 32);
    close_all();
    open_at(data);
    settle();
    assert_memory_equal(library_named(library, "lab")->facts.root, root, 32);
    close_all();
    raw[5000] ^= 1;
    write_whole_file(path, raw, RAW_BYTES);
    raw[5000] ^= 1;
    then[1].tv_nsec = 900000000;
    assert_int_equal(utimensat(AT_FDCWD, path, then, 0), 0);
    open_at(data);
    settle();
    assert_true(library_named(library, "lab")->served);
    assert_memory_not_equal(library_named(library, "lab")->facts.root, root, 32);
}

static void what_is_withheld_says_why(void **state)
{
    struct err why = {0};
    char text[400];

    (void)state;
    open_at(data);
    put(begin("one", ring_bytes), ring, 0, ring_bytes);
    settle();
    assert_int_equal(library_withheld(library, "one", text, sizeof text), 0);
    close_all();
    open_at(data);
    assert_int_equal(library_withheld(library, "one", text, sizeof text), LIBRARY_COMING);
    assert_string_equal(text, "one is being checked, 0 %");
    assert_int_equal(library_withheld(library, "two", text, sizeof text), 0);
    settle();
    err_set(&why, -702, "byte 5 cannot be read");
    library_lost(library, "one", &why);
    assert_int_equal(library_withheld(library, "one", text, sizeof text), LIBRARY_REFUSED);
    assert_string_equal(text, "one is not given out: byte 5 cannot be read");
    while (library_verify(library, "one", NULL))
        tick();
    settle();
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        LIBRARY_CASE(an_upload_becomes_an_image),
        LIBRARY_CASE(a_raw_disk_is_packed),
        LIBRARY_CASE(it_goes_on_after_a_pause),
        LIBRARY_CASE(what_is_refused),
        LIBRARY_CASE(a_damaged_image_is_never_listed),
        LIBRARY_CASE(an_image_is_replaced_and_deleted),
        LIBRARY_CASE(room_for_packing_is_kept),
        LIBRARY_CASE(the_hash_of_what_came_outlives_a_run),
        LIBRARY_CASE(a_replacement_waits_for_who_is_in_the_middle),
        LIBRARY_CASE(what_somebody_counts_on_is_not_deleted),
        LIBRARY_CASE(a_protected_image_stays),
        LIBRARY_CASE(verifying_finds_what_has_rotted),
        LIBRARY_CASE(what_lies_in_the_folders),
        LIBRARY_CASE(the_first_image_has_no_substitute),
        LIBRARY_CASE(an_image_is_checked_before_it_is_given_out),
        LIBRARY_CASE(an_image_that_fails_is_lost_with_a_reason),
        LIBRARY_CASE(a_raw_image_that_was_replaced_is_packed_again),
        LIBRARY_CASE(what_is_withheld_says_why),
    };

    cmocka_set_test_filter(argc > 1 ? argv[1] : NULL); /* "a_name*" */
    return cmocka_run_group_tests(tests, set_up_all, tear_down_all);
}
