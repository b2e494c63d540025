/* The box's memory: what was put is there again, whatever instant the power went at. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "board/pc/journal.h"
#include "net/wire/rng.h"

static char folder[64], path[128];

/* A small model: 16 keys of one byte, the value a number; 0: none. */
struct model {
    uint32_t value[16];
    unsigned told;
};

static int make_folder(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/rcjournal.XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/journal", folder);
    return 0;
}

static int remove_folder(void **state)
{
    char command[160];

    (void)state;
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command);
}

static void on_each(void *ctx, uint8_t kind, const uint8_t *key, size_t nkey, const uint8_t *value, size_t nvalue)
{
    struct model *m = ctx;

    assert_int_equal(kind, JOURNAL_MACHINE);
    assert_int_equal(nkey, 1);
    assert_true(nvalue >= 4);
    assert_int_equal(m->value[*key], 0);
    memcpy(&m->value[*key], value, 4);
    m->told++;
}

static struct journal *open_at(const char *at, struct model *m)
{
    struct journal *j;
    struct err err = {0};

    memset(m, 0, sizeof *m);
    assert_int_equal(journal_open(&j, at, on_each, m, &err), 0);
    return j;
}

static void put(struct journal *j, struct model *m, uint8_t key, uint32_t value)
{
    static uint8_t bytes[200];

    memcpy(bytes, &value, 4);
    assert_int_equal(journal_put(j, JOURNAL_MACHINE, &key, 1, bytes, value ? 4 + value % 150 : 0), 0);
    m->value[key] = value;
}

static void expect(const struct model *want, const char *at)
{
    struct model got;
    struct journal *j = open_at(at, &got);

    assert_memory_equal(got.value, want->value, sizeof got.value);
    journal_close(j);
}

static off_t size_of(const char *at)
{
    struct stat st;

    assert_int_equal(stat(at, &st), 0);
    return st.st_size;
}

static void copy_cut(const char *to, off_t n)
{
    char *bytes = malloc((size_t)n + 1);
    int from = open(path, O_RDONLY), fd = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    assert_non_null(bytes);
    assert_int_equal(read(from, bytes, (size_t)n), n);
    assert_int_equal(write(fd, bytes, (size_t)n), n);
    close(from);
    close(fd);
    free(bytes);
}

/* After each of 20 changes the file is cut at every byte of the last record: the state is the one before, or the one after. */
static void every_cut_of_every_append(void **state)
{
    struct model before = {0}, after;
    struct journal *j = open_at(path, &after);
    struct rng rng = {7};
    char cut[160];

    (void)state;
    snprintf(cut, sizeof cut, "%s/cut", folder);
    after = before;
    for (unsigned i = 0; i < 20; i++) {
        off_t from = size_of(path), to;

        put(j, &after, (uint8_t)rng_below(&rng, 16), (uint32_t)rng_below(&rng, 3) ? (uint32_t)rng_u64(&rng) | 1 : 0);
        to = size_of(path);
        for (off_t n = from; n <= to; n++) {
            copy_cut(cut, n);
            expect(n == to ? &after : &before, cut);
        }
        before = after;
    }
    journal_close(j);
    expect(&after, path);
}

/* What follows a cut is as good as any: the half record is gone from the file. */
static void goes_on_after_a_cut(void **state)
{
    struct model m, empty = {0};
    struct journal *j = open_at(path, &m);

    (void)state;
    put(j, &m, 1, 111);
    put(j, &m, 2, 222);
    journal_close(j);
    assert_int_equal(truncate(path, size_of(path) - 1), 0);
    j = open_at(path, &m);
    assert_int_equal(m.told, 1);
    put(j, &m, 3, 333);
    journal_close(j);
    expect(&m, path);
    assert_int_equal(truncate(path, 5), 0); /* not even its first word is left */
    expect(&empty, path);
}

static void flipped_bits_end_the_reading(void **state)
{
    struct model m, got;
    struct journal *j = open_at(path, &m);
    off_t first;
    int fd;

    (void)state;
    put(j, &m, 1, 111);
    first = size_of(path);
    put(j, &m, 2, 222);
    journal_close(j);
    for (off_t at = first; at < size_of(path); at++) {
        char cut[160];
        uint8_t byte;

        snprintf(cut, sizeof cut, "%s/flip", folder);
        copy_cut(cut, size_of(path));
        fd = open(cut, O_RDWR);
        assert_int_equal(pread(fd, &byte, 1, at), 1);
        byte ^= 0x10;
        assert_int_equal(pwrite(fd, &byte, 1, at), 1);
        close(fd);
        j = open_at(cut, &got);
        assert_int_equal(got.told, 1);
        assert_int_equal(got.value[1], 111);
        journal_close(j);
    }
}

/* A thousand changes of sixteen values do not leave a thousand records, and a rewriting that was cut leaves the old file. */
static void is_written_anew(void **state)
{
    struct model m, got;
    struct journal *j = open_at(path, &m);
    char fresh[160];
    FILE *f;

    (void)state;
    for (uint32_t i = 1; i < 20000; i++)
        put(j, &m, (uint8_t)(i % 16), i);
    assert_true(size_of(path) < (1 << 20) + 300);
    journal_close(j);
    expect(&m, path);
    snprintf(fresh, sizeof fresh, "%s.new", path);
    f = fopen(fresh, "w");
    fputs("RCJOURN1 half of a new fi", f);
    fclose(f);
    j = open_at(path, &got);
    for (uint32_t i = 20000; i < 30000; i++)
        put(j, &got, (uint8_t)(i % 16), i);
    journal_close(j);
    expect(&got, path);
}

static void the_same_again_costs_nothing(void **state)
{
    struct model m;
    struct journal *j = open_at(path, &m);
    off_t n;

    (void)state;
    put(j, &m, 1, 5);
    n = size_of(path);
    put(j, &m, 1, 5);
    put(j, &m, 9, 0);
    assert_int_equal(size_of(path), n);
    journal_close(j);
}

static void is_full_in_words(void **state)
{
    static uint8_t value[JOURNAL_VALUE_MAX];
    struct model m;
    struct journal *j = open_at(path, &m);
    uint32_t i = 0;
    int rc = 0;

    (void)state;
    for (; rc == 0 && i < 20000; i++)
        rc = journal_put(j, 9, &i, sizeof i, value, sizeof value);
    assert_int_equal(rc, PC_EFULL);
    i = 3; /* the last bytes of room hold a removal, and that makes room */
    assert_int_equal(journal_put(j, 9, &i, sizeof i, NULL, 0), 0);
    i = 30000;
    assert_int_equal(journal_put(j, 9, &i, sizeof i, value, sizeof value), 0);
    assert_int_equal(journal_put(j, 9, &rc, sizeof rc, value, sizeof value), PC_EFULL);
    journal_close(j);
}

/* The disk as the journal's thread sees it: it takes its time, and may refuse. */
static _Atomic int disk_open = 1, disk_refuses;
static _Atomic unsigned disk_asked;

int fdatasync(int fd)
{
    disk_asked++;
    while (!disk_open)
        usleep(1000);
    if (disk_refuses) {
        errno = EIO;
        return -1;
    }
    return fsync(fd);
}

static bool kept_within(struct journal *j, const void *key, size_t nkey, unsigned ms)
{
    for (unsigned i = 0; i < ms && !journal_kept(j, 3, key, nkey); i++)
        usleep(1000);
    return journal_kept(j, 3, key, nkey);
}

static void a_value_is_kept_when_the_disk_has_it(void **state)
{
    struct journal *j;
    struct err err = {0};

    (void)state;
    assert_int_equal(journal_open(&j, path, NULL, NULL, &err), 0);
    assert_false(journal_kept(j, 3, "none", 4));
    assert_int_equal(journal_put(j, 3, "a", 1, "1", 1), 0);
    assert_true(kept_within(j, "a", 1, 20000));
    disk_open = 0;
    assert_int_equal(journal_put(j, 3, "b", 1, "1", 1), 0);
    assert_int_equal(journal_put(j, 3, "a", 1, "1", 1), 0); /* no news */
    assert_true(journal_kept(j, 3, "a", 1));
    assert_false(kept_within(j, "b", 1, 1000));
    disk_open = 1;
    assert_true(kept_within(j, "b", 1, 20000));
    assert_int_equal(journal_put(j, 3, "b", 1, NULL, 0), 0);
    assert_false(kept_within(j, "b", 1, 1000));
    journal_close(j);
    assert_int_equal(journal_open(&j, path, NULL, NULL, &err), 0); /* the program may have ended before the disk had it */
    assert_true(kept_within(j, "a", 1, 20000));
    journal_close(j);
}

/* The kernel says once that the disk has refused something, and forgets it: what was not kept then is written anew. */
static void what_the_disk_refused_is_written_anew(void **state)
{
    struct journal *j;
    struct stat before, after;
    unsigned asked;

    (void)state;
    assert_int_equal(journal_open(&j, path, NULL, NULL, NULL), 0);
    assert_int_equal(journal_put(j, 3, "a", 1, "1", 1), 0);
    assert_true(kept_within(j, "a", 1, 20000));
    assert_int_equal(stat(path, &before), 0);
    disk_open = 0;
    disk_refuses = 1;
    asked = disk_asked;
    assert_int_equal(journal_put(j, 3, "b", 1, "2", 1), 0);
    while (disk_asked == asked)
        usleep(1000);
    assert_false(journal_kept(j, 3, "b", 1));
    disk_open = 1;
    assert_true(kept_within(j, "b", 1, 20000));
    assert_int_equal(stat(path, &after), 0);
    assert_int_not_equal(before.st_ino, after.st_ino);
    disk_refuses = 0;
    journal_close(j);
}

/* A sector in the middle is gone: what stood in it is forgotten, and nothing else, for good. */
static void damage_in_the_middle_costs_what_stood_there(void **state)
{
    static const uint8_t rubbish[512] = {3, 1, 4, 1, 5};
    struct model m, got;
    struct journal *j = open_at(path, &m);
    off_t from;
    int fd;

    (void)state;
    put(j, &m, 1, 1);
    from = size_of(path);
    for (uint32_t i = 0; size_of(path) - from < 512; i++)
        put(j, &m, (uint8_t)(2 + i), 100 + i);
    for (uint32_t i = 9; i < 16; i++)
        put(j, &m, (uint8_t)i, 100 + i);
    assert_int_equal(journal_lost(j), 0);
    journal_close(j);
    fd = open(path, O_WRONLY);
    assert_int_equal(pwrite(fd, rubbish, sizeof rubbish, from), sizeof rubbish);
    close(fd);
    j = open_at(path, &got);
    assert_true(journal_lost(j) >= sizeof rubbish);
    assert_int_equal(got.told, 8);
    assert_int_equal(got.value[1], 1);
    for (uint32_t i = 9; i < 16; i++)
        assert_int_equal(got.value[i], 100 + i);
    put(j, &got, 2, 7);
    journal_close(j);
    j = open_at(path, &m);
    assert_int_equal(journal_lost(j), 0);
    assert_int_equal(m.told, 9);
    assert_int_equal(m.value[2], 7);
    assert_int_equal(m.value[15], 115);
    journal_close(j);
}

static _Atomic int unreadable;

ssize_t read(int fd, void *to, size_t n)
{
    if (unreadable) {
        errno = EIO;
        return -1;
    }
    return syscall(SYS_read, fd, to, n);
}

/* A bad moment of the disk is no reason to cut anything off. */
static void what_cannot_be_read_is_left_alone(void **state)
{
    struct model m;
    struct journal *j = open_at(path, &m);
    struct err err = {0};
    off_t n;

    (void)state;
    put(j, &m, 1, 111);
    journal_close(j);
    n = size_of(path);
    unreadable = 1;
    assert_int_equal(journal_open(&j, path, NULL, NULL, &err), PC_EJOURNAL);
    unreadable = 0;
    assert_int_equal(size_of(path), n);
    expect(&m, path);
}

static void a_folder_that_is_not_there(void **state)
{
    struct journal *j;
    struct err err = {0};

    (void)state;
    assert_int_equal(journal_open(&j, "/nowhere/journal", NULL, NULL, &err), PC_EJOURNAL);
    assert_null(j);
    assert_true(err.text[0]);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(every_cut_of_every_append), CASE(goes_on_after_a_cut),          CASE(flipped_bits_end_the_reading),
        CASE(is_written_anew),           CASE(the_same_again_costs_nothing), CASE(is_full_in_words),
        CASE(damage_in_the_middle_costs_what_stood_there), CASE(what_cannot_be_read_is_left_alone),
        CASE(a_folder_that_is_not_there), CASE(a_value_is_kept_when_the_disk_has_it), CASE(what_the_disk_refused_is_written_anew),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
