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
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "board/box/store/journal.h"
#include "imaging/hash/crc.h"
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

static enum told on_each(void *ctx, uint8_t kind, const uint8_t *key, size_t nkey,
                         const uint8_t *value, size_t nvalue)
{
    struct model *m = ctx;

    assert_int_equal(kind, JOURNAL_MACHINE);
    assert_int_equal(nkey, 1);
    assert_true(nvalue >= 4);
    assert_int_equal(m->value[*key], 0);
    memcpy(&m->value[*key], value, 4);
    m->told++;
    return TOLD_KNOWN;
}

static struct journal_found found; /* by the last open_at */

static struct journal *open_at(const char *at, struct model *m)
{
    struct journal *j;
    struct err err = {0};

    memset(m, 0, sizeof *m);
    assert_int_equal(journal_open(&j, at, &err), 0);
    found = journal_found(j);
    journal_tell(j, on_each, m);
    assert_int_equal(journal_begin(j, &err), 0);
    journal_run(j);
    return j;
}

static void put(struct journal *j, struct model *m, uint8_t key, uint32_t value)
{
    static uint8_t bytes[200];

    memcpy(bytes, &value, 4);
    assert_int_equal(journal_put(j, JOURNAL_MACHINE, &key, 1, bytes, value ? 4 + value % 150 : 0),
                     0);
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

static int open_plain(struct journal **j)
{
    struct err err = {0};
    int rc = journal_open(j, path, &err);

    rc = rc ? rc : journal_begin(*j, &err);
    if (rc == 0)
        journal_run(*j);
    return rc;
}

static bool same_as(const struct model *m, const char *at)
{
    struct model got;
    struct journal *j = open_at(at, &got);

    journal_close(j);
    return memcmp(got.value, m->value, sizeof got.value) == 0;
}

/* After each of 20 changes the file is cut at every byte of what was written: the state is the one
 * before, or the one after. */
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
        bool turned = false;

        put(j, &after, (uint8_t)rng_below(&rng, 16),
            (uint32_t)rng_below(&rng, 3) ? (uint32_t)rng_u64(&rng) | 1 : 0);
        to = size_of(path);
        for (off_t n = from; n <= to; n++) {
            copy_cut(cut, n);
            turned |= n > from && same_as(&after, cut);
            if (!turned)
                expect(&before, cut);
        }
        assert_true(turned || to == from);
        before = after;
    }
    journal_close(j);
    expect(&after, path);
}

static void goes_on_after_a_cut(void **state)
{
    struct model m;
    struct journal *j = open_at(path, &m);
    off_t first;

    (void)state;
    assert_int_equal(found.was, JOURNAL_NEW);
    put(j, &m, 1, 111);
    first = size_of(path);
    put(j, &m, 2, 222);
    journal_close(j);
    assert_int_equal(truncate(path, first + 9), 0);
    j = open_at(path, &m);
    assert_int_equal(found.was, JOURNAL_INTACT); /* it was never reported to be kept */
    assert_int_equal(m.told, 1);
    put(j, &m, 3, 333);
    journal_close(j);
    expect(&m, path);
    assert_int_equal(found.was, JOURNAL_INTACT);
}

static void flipped_bits_end_the_reading(void **state)
{
    struct model m, got;
    struct journal *j = open_at(path, &m);
    off_t first, second;
    int fd;

    (void)state;
    put(j, &m, 1, 111);
    first = size_of(path);
    put(j, &m, 2, 222);
    second = size_of(path);
    journal_close(j);
    for (off_t at = second - 8 - 1 - 4 - 222 % 150; at < second; at++) {
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
        assert_int_equal(found.was, JOURNAL_DAMAGED); /* it had been brought to the disk */
        assert_int_equal(got.told, 1);
        assert_int_equal(got.value[1], 111);
        journal_close(j);
    }
    assert_true(first < second);
}

static bool within(bool (*asks)(void *), void *ctx, unsigned ms)
{
    for (unsigned i = 0; i < ms && !asks(ctx); i++)
        usleep(1000);
    return asks(ctx);
}

static bool is_small(void *at)
{
    return size_of(at) < (1 << 20);
}

/* Many changes of sixteen values do not leave as many records, and a rewriting that was cut leaves
 * the old file. */
static void is_written_anew(void **state)
{
    struct model m, got;
    struct journal *j = open_at(path, &m);
    char fresh[160];
    FILE *f;

    (void)state;
    for (uint32_t i = 1; i < 20000; i++)
        put(j, &m, (uint8_t)(i % 16), i);
    assert_true(within(is_small, path, 20000));
    put(j, &m, 3, 5);
    journal_close(j);
    expect(&m, path);
    snprintf(fresh, sizeof fresh, "%s.new", path);
    f = fopen(fresh, "w");
    fputs("RCJOURN2 half of a new fi", f);
    fclose(f);
    j = open_at(path, &got);
    for (uint32_t i = 20000; i < 40000; i++)
        put(j, &got, (uint8_t)(i % 16), i);
    assert_true(within(is_small, path, 20000));
    journal_close(j);
    expect(&got, path);
    assert_int_equal(found.was, JOURNAL_INTACT);
}

static void the_same_again_costs_nothing(void **state)
{
    struct model m;
    struct journal *j = open_at(path, &m);
    uint8_t key = 1;
    off_t n;

    (void)state;
    put(j, &m, 1, 5);
    while (!journal_kept(j, JOURNAL_MACHINE, &key, 1))
        usleep(1000);
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
    for (uint32_t gone = 3; gone < 5000; gone++) /* removals find room, and make room */
        assert_int_equal(journal_put(j, 9, &gone, sizeof gone, NULL, 0), 0);
    i = 30000;
    for (unsigned ms = 0; ms < 20000 && (rc = journal_put(j, 9, &i, sizeof i, value, sizeof value));
         ms++)
        usleep(1000);
    assert_int_equal(rc, 0);
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
    return (int)syscall(SYS_fdatasync, fd);
}

/* With 1 only what was appended is refused, with 2 a new file, too. */
int fsync(int fd)
{
    if (disk_refuses != 1)
        return fdatasync(fd);
    return (int)syscall(SYS_fdatasync, fd);
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

    (void)state;
    assert_int_equal(open_plain(&j), 0);
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
    assert_int_equal(open_plain(&j), 0); /* the program may have ended before the disk had it */
    assert_true(kept_within(j, "a", 1, 20000));
    journal_close(j);
}

/* The kernel says once that the disk has refused something, and forgets it: what was not kept then
 * is written anew. */
static void what_the_disk_refused_is_written_anew(void **state)
{
    struct journal *j;
    struct stat before, after;
    unsigned asked;

    (void)state;
    assert_int_equal(open_plain(&j), 0);
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
    assert_int_equal(journal_found(j).lost, 0);
    journal_close(j);
    fd = open(path, O_WRONLY);
    assert_int_equal(pwrite(fd, rubbish, sizeof rubbish, from), sizeof rubbish);
    close(fd);
    j = open_at(path, &got);
    assert_true(found.lost >= sizeof rubbish);
    assert_int_equal(found.was, JOURNAL_DAMAGED);
    assert_int_equal(got.told, 8);
    assert_int_equal(got.value[1], 1);
    for (uint32_t i = 9; i < 16; i++)
        assert_int_equal(got.value[i], 100 + i);
    put(j, &got, 2, 7);
    journal_close(j);
    j = open_at(path, &m);
    assert_int_equal(journal_found(j).lost, 0);
    assert_int_equal(m.told, 9);
    assert_int_equal(m.value[2], 7);
    assert_int_equal(m.value[15], 115);
    journal_close(j);
}

static _Atomic int unreadable;

ssize_t pread(int fd, void *to, size_t n, off_t at)
{
    if (unreadable) {
        errno = EIO;
        return -1;
    }
    return syscall(SYS_pread64, fd, to, n, at);
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
    assert_int_equal(journal_open(&j, path, &err), PC_EJOURNAL);
    unreadable = 0;
    assert_int_equal(size_of(path), n);
    expect(&m, path);
}

static void a_folder_that_is_not_there(void **state)
{
    struct journal *j;
    struct err err = {0};

    (void)state;
    assert_int_equal(journal_open(&j, "/nowhere/journal", &err), 0);
    assert_int_equal(journal_found(j).was, JOURNAL_NEW);
    assert_int_equal(journal_begin(j, &err), PC_EJOURNAL);
    journal_close(j);
    assert_true(err.text[0]);
}

/* ---- what is lost is told ---- */

static void fill_some(struct model *m, unsigned many)
{
    struct journal *j = open_at(path, m);

    for (uint32_t i = 0; i < many; i++)
        put(j, m, (uint8_t)(i % 16), 1000 + i);
    journal_close(j);
}

static void overwrite(const char *at, off_t from, const void *bytes, size_t n)
{
    int fd = open(at, O_WRONLY);

    assert_int_equal(pwrite(fd, bytes, n, from), n);
    close(fd);
}

/* The first sector, of 512 bytes and of 4096: what stands behind it is read all the same, and the
 * file that was damaged is kept. */
static void a_lost_head_takes_nothing_along(void **state)
{
    static const uint8_t zeros[4096];
    struct model m, got;
    char kept[160];

    (void)state;
    for (size_t sector = 512; sector <= sizeof zeros; sector = sector == 512 ? 4096 : sector * 2) {
        unlink(path);
        snprintf(kept, sizeof kept, "%s.damaged", path);
        unlink(kept);
        fill_some(&m, 200);
        overwrite(path, 0, zeros, sector);
        journal_close(open_at(path, &got));
        assert_int_equal(found.was, JOURNAL_DAMAGED);
        assert_memory_equal(got.value, m.value, sizeof m.value); /* the last values stand behind */
        assert_int_equal(access(kept, F_OK), 0);
        expect(&m, path);
        assert_int_equal(found.was, JOURNAL_INTACT);
    }
}

static void an_empty_file_is_a_loss_and_a_missing_one_is_none_of_ours_to_judge(void **state)
{
    struct model m;

    (void)state;
    journal_close(open_at(path, &m));
    assert_int_equal(found.was, JOURNAL_NEW);
    journal_close(open_at(path, &m));
    assert_int_equal(found.was, JOURNAL_INTACT);
    assert_int_equal(truncate(path, 0), 0);
    journal_close(open_at(path, &m));
    assert_int_equal(found.was, JOURNAL_LOST);
    assert_int_equal(truncate(path, 5), 0);
    journal_close(open_at(path, &m));
    assert_int_equal(found.was, JOURNAL_LOST);
}

/* What was on the disk and is cut off is a loss; before journal_begin nothing is written. */
static void a_durable_tail_that_is_gone_is_a_loss(void **state)
{
    struct model m;
    struct journal *j;
    struct err err = {0};
    off_t n;

    (void)state;
    fill_some(&m, 20);
    n = size_of(path);
    overwrite(path, n - 60, "nothing", 7);
    assert_int_equal(journal_open(&j, path, &err), 0);
    assert_int_equal(journal_found(j).was, JOURNAL_DAMAGED);
    journal_close(j);
    assert_int_equal(size_of(path), n);
}

static void a_newer_file_is_not_touched(void **state)
{
    struct journal *j;
    struct model m;
    struct err err = {0};
    off_t n;

    (void)state;
    assert_int_equal(system(NULL) != 0, 1);
    fill_some(&m, 3);
    n = size_of(path);
    overwrite(path, 0, "RCJOURN3 in quite another way", 29);
    assert_int_equal(journal_open(&j, path, &err), PC_ENEWER);
    assert_null(j);
    assert_non_null(strstr(err.text, "newer"));
    assert_int_equal(size_of(path), n);
}

/* Version 1, which had no nonce, is read and written anew. */
static void the_older_format_is_taken_over(void **state)
{
    static const uint8_t old[] = {'R',  'C', 'J', 'O', 'U', 'R', 'N', '1', 0x9d, 0x50, 0xe6,
                                  0x4f, 3,   1,   0,   4,   7,   1,   2,   3,    4};
    uint8_t file[sizeof old];
    struct model m;
    FILE *f = fopen(path, "w");
    uint32_t crc, want;

    (void)state;
    memcpy(file, old, sizeof old);
    crc = crc32_ieee(0, file + 12, sizeof file - 12);
    for (unsigned i = 0; i < 4; i++)
        file[8 + i] = (uint8_t)(crc >> (24 - 8 * i));
    fwrite(file, 1, sizeof file, f);
    fclose(f);
    journal_close(open_at(path, &m));
    assert_int_equal(found.was, JOURNAL_INTACT);
    memcpy(&want, old + 17, 4);
    assert_int_equal(m.value[7], want);
    expect(&m, path);
}

/* A value whose bytes are a whole record, as somebody chose them: when the record around it is
 * damaged, it is not read as one. */
static void chosen_bytes_are_no_record(void **state)
{
    uint8_t chosen[64] = {0}, key = 1;
    struct model m;
    struct journal *j = open_at(path, &m);
    uint32_t crc;
    off_t from;

    (void)state;
    put(j, &m, 1, 111);
    /* forget key 1 */
    memcpy(chosen + 20, (uint8_t[]){0, 0, 0, 0, JOURNAL_MACHINE, 1, 0, 0, key}, 9);
    crc = crc32_ieee(0, chosen + 24, 5);
    for (unsigned i = 0; i < 4; i++)
        chosen[20 + i] = (uint8_t)(crc >> (24 - 8 * i));
    from = size_of(path);
    key = 2;
    assert_int_equal(journal_put(j, JOURNAL_MACHINE, &key, 1, chosen, sizeof chosen), 0);
    journal_close(j);
    overwrite(path, from + 8, "\0\0\0\0\0\0\0\0", 8);
    overwrite(path, from, "\0\0\0\0\0\0\0\0", 8);
    j = open_at(path, &m);
    assert_int_equal(found.was, JOURNAL_DAMAGED);
    assert_int_equal(m.value[1], 111);
    journal_close(j);
}

/* ---- a disk that refuses or hangs ---- */

/* While the thread waits for the disk nobody else does; it does not ask more often than it has to.
 */
static void a_bad_disk_stops_nobody(void **state)
{
    struct timespec a, b;
    struct model m;
    struct journal *j = open_at(path, &m);
    unsigned asked;

    (void)state;
    disk_refuses = 2;
    put(j, &m, 1, 1);
    while (journal_works(j))
        usleep(1000);
    disk_open = 0;
    clock_gettime(CLOCK_MONOTONIC, &a);
    for (uint32_t i = 0; i < 500; i++) {
        uint8_t key = (uint8_t)(i % 16);

        (void)journal_put(j, JOURNAL_MACHINE, &key, 1, &i, sizeof i);
        assert_false(journal_kept(j, JOURNAL_MACHINE, &key, 1));
    }
    clock_gettime(CLOCK_MONOTONIC, &b);
    assert_true((b.tv_sec - a.tv_sec) * 1000 + (b.tv_nsec - a.tv_nsec) / 1000000 < 3000);
    disk_open = 1;
    asked = disk_asked;
    for (unsigned i = 0; i < 3000; i++) {
        uint8_t key = 1;

        (void)journal_kept(j, JOURNAL_MACHINE, &key, 1);
        usleep(1000);
    }
    assert_true(disk_asked - asked <= 4);
    disk_refuses = 0;
    journal_close(j);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, make_folder, remove_folder)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        CASE(every_cut_of_every_append),
        CASE(goes_on_after_a_cut),
        CASE(flipped_bits_end_the_reading),
        CASE(is_written_anew),
        CASE(the_same_again_costs_nothing),
        CASE(is_full_in_words),
        CASE(damage_in_the_middle_costs_what_stood_there),
        CASE(what_cannot_be_read_is_left_alone),
        CASE(a_folder_that_is_not_there),
        CASE(a_value_is_kept_when_the_disk_has_it),
        CASE(what_the_disk_refused_is_written_anew),
        CASE(a_lost_head_takes_nothing_along),
        CASE(an_empty_file_is_a_loss_and_a_missing_one_is_none_of_ours_to_judge),
        CASE(a_durable_tail_that_is_gone_is_a_loss),
        CASE(a_newer_file_is_not_touched),
        CASE(the_older_format_is_taken_over),
        CASE(chosen_bytes_are_no_record),
        CASE(a_bad_disk_stops_nobody),
    };

    cmocka_set_test_filter(argc > 1 ? argv[1] : NULL); /* "a_name*" */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
