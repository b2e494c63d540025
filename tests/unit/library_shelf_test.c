/* The shelf when its disk fails: what cannot be read is kept and told, what could not be synced is
 * not said to be there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "board/box/library/shelf.h"
#include "tests/unit/fault_files.h"

#define ID 1
#define BYTES 1024

static char folder[64];
static struct shelf shelf;

static int make_folder(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/rcshelf.XXXXXX");
    assert_non_null(mkdtemp(folder));
    return shelf_open(&shelf, folder, NULL);
}

static int remove_folder(void **state)
{
    char command[160];

    (void)state;
    fault_set(FAULT_NONE, "", 0);
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command);
}

static const char *path_of(const char *kind)
{
    static char path[SHELF_PATH_MAX];

    return shelf_path(&shelf, ID, kind, path);
}

static bool is_there(const char *kind)
{
    struct stat st;

    return stat(path_of(kind), &st) == 0;
}

static void put(const char *kind, const char *text)
{
    FILE *f = fopen(path_of(kind), "w");

    assert_non_null(f);
    fputs(text, f);
    assert_int_equal(fclose(f), 0);
}

static struct record record_of(const char *name)
{
    struct record r = {.bytes = BYTES, .created = 1};

    snprintf(r.name, sizeof r.name, "%s", name);
    return r;
}

/* An upload of which half is on the disk. */
static void begin_upload(void)
{
    struct record r = record_of("one");
    static const uint8_t bytes[BYTES / 2];
    struct shelf_intake in;

    assert_int_equal(shelf_begin(&shelf, ID, &r, NULL), 0);
    assert_int_equal(shelf_intake_open(&shelf, ID, &in, NULL), 0);
    assert_int_equal(shelf_write(&shelf, &in, bytes, sizeof bytes, NULL), 0);
    shelf_intake_pause(&shelf, &in);
}

/* What a start finds; n: how many images. */
static struct shelf_found found;
static unsigned n;

static void on_found(void *ctx, const struct shelf_found *f)
{
    (void)ctx;
    found = *f;
    n++;
}

static int scan(void)
{
    n = 0;
    return shelf_scan(&shelf, on_found, NULL, NULL);
}

static void an_upload_goes_on_where_it_stood(void **state)
{
    struct shelf_intake in;

    (void)state;
    begin_upload();
    assert_int_equal(scan(), 0);
    assert_true(n == 1 && found.kind == SHELF_PART && found.at == BYTES / 2 && found.why.code == 0);
    assert_int_equal(shelf_intake_open(&shelf, ID, &in, NULL), 0);
    assert_int_equal(in.at, BYTES / 2);
    shelf_intake_close(&in);
}

static void a_mark_that_cannot_be_read_is_not_the_beginning(void **state)
{
    struct shelf_intake in;
    struct stat st;

    (void)state;
    begin_upload();
    fault_set(FAULT_OPEN, ".mark", EIO);
    assert_int_equal(shelf_intake_open(&shelf, ID, &in, NULL), LIBRARY_EDISK);
    assert_int_equal(scan(), 0);
    assert_int_equal(found.why.code, LIBRARY_EDISK);
    fault_set(FAULT_NONE, "", 0);
    assert_int_equal(stat(path_of("part"), &st), 0);
    assert_int_equal(st.st_size, BYTES / 2);
}

/* Its bytes stay, whatever its record is. */
static void an_image_without_a_record_that_can_be_read_stays(void **state)
{
    (void)state;
    put("ring", "an image");
    assert_int_equal(scan(), 0);
    assert_true(n == 1 && found.kind == SHELF_RING && found.why.code == LIBRARY_ERECORD);
    put("meta", "ringcast image 9\nof a newer version\n");
    assert_int_equal(scan(), 0);
    assert_true(n == 1 && found.why.code == LIBRARY_ERECORD && found.record.name[0] == 0);
    fault_set(FAULT_OPEN, ".meta", EIO);
    assert_int_equal(scan(), 0);
    assert_true(n == 1 && found.why.code == LIBRARY_EDISK);
    assert_true(is_there("ring") && is_there("meta"));
}

static void a_folder_that_breaks_off_is_not_read(void **state)
{
    (void)state;
    begin_upload();
    for (unsigned after = 0; after < 3; after++) {
        fault_set(FAULT_READDIR, folder, EIO);
        fault.after = after;
        assert_int_equal(scan(), LIBRARY_EDISK);
        assert_int_equal(n, 0);
    }
    fault_set(FAULT_NONE, "", 0);
    assert_int_equal(scan(), 0);
    assert_int_equal(n, 1);
}

/* The file's sync, then the folder's. */
static void a_record_that_is_not_synced_is_not_there(void **state)
{
    struct record r = record_of("two");

    (void)state;
    begin_upload();
    fault_set(FAULT_FSYNC, folder, EIO);
    assert_int_equal(shelf_note(&shelf, ID, &r, NULL), LIBRARY_EDISK);
    fault_set(FAULT_NONE, "", 0);
    assert_int_equal(scan(), 0);
    assert_string_equal(found.record.name, "one");
    fault_set(FAULT_FSYNC, folder, EIO);
    fault.after = 1;
    assert_int_equal(shelf_note(&shelf, ID, &r, NULL), LIBRARY_EDISK);
    assert_int_equal(fault.hits, 1);
    fault_set(FAULT_NONE, "", 0);
    assert_int_equal(shelf_note(&shelf, ID, &r, NULL), 0);
}

/* A half that is left has its record still: the next start finishes it. */
static void the_record_goes_last(void **state)
{
    (void)state;
    begin_upload();
    put("ring", "an image");
    fault_set(FAULT_FSYNC, folder, EIO);
    assert_int_equal(shelf_drop(&shelf, ID, NULL), LIBRARY_EDISK);
    assert_true(!is_there("ring") && is_there("meta"));
    fault_set(FAULT_NONE, "", 0);
    assert_int_equal(shelf_drop(&shelf, ID, NULL), 0);
    assert_false(is_there("meta"));
}

/* The raw disk is gone only when the image that was packed from it has its name for good. */
static void a_source_stays_until_its_image_is_synced(void **state)
{
    (void)state;
    put("raw", "a disk");
    put("ring", "an image");
    fault_set(FAULT_FSYNC, folder, EIO);
    assert_int_equal(shelf_packed(&shelf, ID, NULL), LIBRARY_EDISK);
    assert_true(is_there("raw"));
    fault_set(FAULT_NONE, "", 0);
    assert_int_equal(shelf_packed(&shelf, ID, NULL), 0);
    assert_false(is_there("raw"));
}

static void the_reserve_is_left(void **state)
{
    struct record r = record_of("one");
    struct shelf_intake in;

    (void)state;
    assert_int_equal(shelf_begin(&shelf, ID, &r, NULL), 0);
    assert_int_equal(shelf_intake_open(&shelf, ID, &in, NULL), 0);
    shelf.reserve = shelf_free(&shelf) * 2;
    assert_int_equal(shelf_write(&shelf, &in, "bytes", 5, NULL), LIBRARY_ESPACE);
    assert_int_equal(in.at, 0);
    shelf_intake_close(&in);
    shelf.reserve = 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_upload_goes_on_where_it_stood, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(a_mark_that_cannot_be_read_is_not_the_beginning,
                                        make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(an_image_without_a_record_that_can_be_read_stays,
                                        make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(a_folder_that_breaks_off_is_not_read, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(a_record_that_is_not_synced_is_not_there, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(the_record_goes_last, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(a_source_stays_until_its_image_is_synced, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(the_reserve_is_left, make_folder, remove_folder),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
