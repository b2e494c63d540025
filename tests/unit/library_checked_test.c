/* What has been read in full, as it is remembered: damage means that nothing has. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>
#include <cmocka.h>

#include "board/box/library/checked.h"
#include "tests/unit/fault_files.h"

#define BOOT "0f0e0d0c-0b0a-0908-0706-050403020100"
#define OTHER "1f0e0d0c-0b0a-0908-0706-050403020100"

static char top[64], path[96], other[96];
static struct checked c;

static int set_up(void **state)
{
    (void)state;
    snprintf(top, sizeof top, "/tmp/rcchecked.XXXXXX");
    assert_non_null(mkdtemp(top));
    snprintf(path, sizeof path, "%s/image", top);
    snprintf(other, sizeof other, "%s/other", top);
    return 0;
}

static int tear_down(void **state)
{
    char file[96];

    (void)state;
    snprintf(file, sizeof file, "%s/checked", top);
    unlink(file);
    unlink(path);
    unlink(other);
    return rmdir(top);
}

static int make(const char *at)
{
    int fd = open(at, O_RDWR | O_CREAT, 0600);

    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, "content", 7, 0), 7);
    return fd;
}

static void note(int fd)
{
    struct checked_look look;

    assert_true(checked_look(fd, &look));
    checked_note(&c, path, fd, &look);
}

static bool known_in(const char *boot, int fd)
{
    bool known;

    checked_close(&c);
    checked_open(&c, top, boot);
    known = checked_knows(&c, path, fd);
    return known;
}

static void the_same_file_is_known_until_anything_of_it_differs(void **state)
{
    int fd = make(path), copy;
    struct checked_look look;
    struct timespec then[2] = {{.tv_sec = 7}, {.tv_sec = 7, .tv_nsec = 1}};

    (void)state;
    checked_open(&c, top, BOOT);
    assert_false(checked_knows(&c, path, fd));
    assert_int_equal(futimens(fd, then), 0);
    note(fd);
    assert_true(known_in(BOOT, fd));
    then[1].tv_nsec = 2;
    assert_int_equal(futimens(fd, then), 0);
    assert_false(known_in(BOOT, fd)); /* a nanosecond */
    then[1].tv_nsec = 1;
    assert_int_equal(futimens(fd, then), 0);
    assert_false(known_in(BOOT, fd)); /* the old time again, but it was changed meanwhile */
    note(fd);
    assert_true(known_in(BOOT, fd));
    copy = make(other);
    assert_int_equal(futimens(copy, then), 0);
    assert_int_equal(rename(other, path), 0);
    assert_false(known_in(BOOT, copy)); /* another inode */
    assert_true(checked_look(fd, &look));
    look.size++; /* it was otherwise before it was read */
    checked_note(&c, path, fd, &look);
    assert_false(known_in(BOOT, fd));
    checked_close(&c);
    close(fd);
    close(copy);
}

static long fs_type; /* 0: the true one */

static void play_type(struct statfs *to)
{
    if (fs_type)
        to->f_type = fs_type;
}

/* FAT, whose times and numbers do not last, and what nobody knows. */
static void what_does_not_last_counts_within_a_boot(void **state)
{
    int fd = make(path);

    (void)state;
    fault_watch.system = play_type;
    for (unsigned i = 0; i < 2; i++) {
        fs_type = i ? 0x4d44 : 0x1234567;
        checked_open(&c, top, BOOT);
        note(fd);
        assert_true(known_in(BOOT, fd));
        assert_false(known_in(OTHER, fd));
        assert_false(known_in("", fd)); /* which boot it is cannot be told */
        note(fd);
        assert_false(known_in("", fd));
        checked_close(&c);
    }
    fs_type = 0;
    checked_open(&c, top, BOOT);
    note(fd);
    assert_true(known_in(OTHER, fd));
    assert_true(known_in("", fd));
    checked_close(&c);
    close(fd);
}

static void every_cut_and_every_other_byte_is_nothing(void **state)
{
    static struct checked full, got;
    static char text[CHECKED_TEXT_MAX];
    size_t n;

    (void)state;
    for (unsigned i = 0; i < CHECKED_MAX; i++) {
        full.entry[full.n] =
            (struct checked_entry){.look = {UINT64_MAX - i, i, INT64_MIN + i, INT64_MAX, i % 2}};
        memset(full.entry[full.n].path, (int)i, 16);
        strcpy(full.entry[full.n++].boot, i % 2 ? "-" : BOOT);
    }
    n = checked_encode(&full, text);
    assert_true(checked_decode(&got, text, n));
    assert_int_equal(got.n, CHECKED_MAX);
    assert_memory_equal(got.entry, full.entry, sizeof full.entry);
    full.n = 3;
    n = checked_encode(&full, text);
    for (size_t cut = 0; cut < n; cut++) {
        assert_false(checked_decode(&got, text, cut));
        assert_int_equal(got.n, 0);
    }
    for (size_t i = 0; i < n; i++) {
        text[i] ^= 1;
        assert_false(checked_decode(&got, text, n));
        assert_int_equal(got.n, 0);
        text[i] ^= 1;
    }
}

/* More files than there is room for: the oldest is checked again. */
static void the_oldest_is_forgotten(void **state)
{
    int fd = make(path);
    struct checked_look look;
    char name[32];

    (void)state;
    checked_open(&c, top, BOOT);
    note(fd);
    assert_true(checked_look(fd, &look));
    for (unsigned i = 1; i < CHECKED_MAX; i++) {
        snprintf(name, sizeof name, "%u", i);
        checked_note(&c, name, fd, &look);
    }
    assert_true(known_in(BOOT, fd));
    checked_note(&c, "one more", fd, &look);
    assert_false(known_in(BOOT, fd));
    assert_true(checked_knows(&c, "one more", fd));
    checked_close(&c);
    close(fd);
}

/* What has been found damaged does not count as checked in the next run, whatever the disk refuses;
 * where it refuses all, that is said. */
static void what_is_forgotten_stays_so(void **state)
{
    static const struct {
        enum fault_call call;
        const char *path;
        unsigned after;
    } way[] = {{FAULT_OPEN, "checked.new", 0},
               {FAULT_WRITE, "checked.new", 0},
               {FAULT_FSYNC, "checked.new", 0},
               {FAULT_RENAME, "checked.new", 0}};
    int fd;

    (void)state;
    checked_open(&c, top, BOOT);
    fd = make(path);
    for (size_t i = 0; i < sizeof way / sizeof *way; i++) {
        note(fd);
        assert_true(known_in(BOOT, fd));
        fault_set(way[i].call, way[i].path, EIO);
        assert_true(checked_note(&c, path, -1, &(struct checked_look){0}));
        assert_true(fault.hits);
        fault_set(FAULT_NONE, "", 0);
        assert_false(known_in(BOOT, fd));
    }
    note(fd);
    fault_set(FAULT_FSYNC, top, EIO); /* the new name may not be there after a power cut */
    assert_false(checked_note(&c, path, -1, &(struct checked_look){0}));
    fault_set(FAULT_NONE, "", 0);
    checked_close(&c);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_same_file_is_known_until_anything_of_it_differs, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(what_does_not_last_counts_within_a_boot, set_up, tear_down),
        cmocka_unit_test(every_cut_and_every_other_byte_is_nothing),
        cmocka_unit_test_setup_teardown(the_oldest_is_forgotten, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_forgotten_stays_so, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
