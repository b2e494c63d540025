/* Targets: what is refused and that nothing was touched then; bytes at any place, also at an end
 * that is no multiple of 4096; zeros and discards; and the two layers in front of a disk. Block
 * devices are loop devices where there are any. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "imaging/disk/disk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#define MIB (UINT64_C(1) << 20)
#define ODD (3 * MIB + 512 * 3) /* ends with a piece that is no multiple of DISK_ALIGN */

static char path[64], loop[64];

/* A file of n bytes that all hold `fill`. */
static void file_of(uint64_t n, int fill)
{
    uint8_t bytes[4096];
    int fd;

    strcpy(path, "/tmp/disk_target_XXXXXX");
    fd = mkstemp(path);
    assert_true(fd >= 0);
    memset(bytes, fill, sizeof bytes);
    for (uint64_t at = 0; at < n; at += sizeof bytes)
        assert_true(pwrite(fd, bytes, n - at < sizeof bytes ? n - at : sizeof bytes, (off_t)at) >
                    0);
    close(fd);
}

static bool file_holds(uint64_t n, int fill)
{
    FILE *f = fopen(path, "rb");
    uint64_t got = 0;
    int c;

    assert_non_null(f);
    while ((c = getc(f)) != EOF && c == fill)
        got++;
    fclose(f);
    return c == EOF && got == n;
}

/* A loop device over the file; false where this machine gives none. */
static bool loop_on(const char *options)
{
    char command[160];
    FILE *f;

    snprintf(command, sizeof command, "losetup --find --show %s %s 2>/dev/null", options, path);
    f = popen(command, "r");
    loop[0] = 0;
    if (f && fgets(loop, sizeof loop, f))
        loop[strcspn(loop, "\n")] = 0;
    if (f)
        pclose(f);
    return loop[0] != 0;
}

static int end_all(void **state)
{
    char command[96];

    (void)state;
    snprintf(command, sizeof command, "losetup -d %s 2>/dev/null", loop);
    if (loop[0] && system(command))
        print_message("%s stays behind\n", loop);
    loop[0] = 0;
    unlink(path);
    return 0;
}

static int open_code(const char *at, uint64_t min, uint64_t make, uint32_t sector)
{
    struct disk_want want = {min, make, sector, true};
    struct disk d;
    struct err err = {0};
    int rc = disk_target_open(&d, at, &want, &err);

    assert_int_equal(rc, err.code);
    if (rc)
        assert_true(err.text[0] != 0 && !d.ops);
    disk_close(&d);
    return rc;
}

static struct disk disk_on(const char *at, uint64_t n)
{
    struct disk_want want = {n, n, 0, true};
    struct disk d;
    struct err err = {0};

    if (disk_target_open(&d, at, &want, &err))
        fail_msg("%s", err.text);
    return d;
}

static uint8_t *aligned_bytes(size_t n, int seed)
{
    uint8_t *p = aligned_alloc(DISK_ALIGN, (n + DISK_ALIGN - 1) & ~(size_t)(DISK_ALIGN - 1));

    for (size_t i = 0; i < n; i++)
        p[i] = (uint8_t)(i * 7 + i / 251 + (size_t)seed);
    return p;
}

/* ---- refusals ---- */

static void what_is_too_small_is_refused_and_left_alone(void **state)
{
    (void)state;
    file_of(MIB, 0x33);
    assert_int_equal(open_code(path, MIB + 1, MIB + 1, 0), DISK_ESMALL);
    assert_true(disk_refusal(DISK_ESMALL));
    assert_true(file_holds(MIB, 0x33));
    assert_int_equal(open_code(path, MIB, 2 * MIB, 0), 0);
    assert_true(file_holds(MIB, 0x33)); /* smaller than the image may be: it is not made longer */
}

static void read_only_files_and_directories_are_refused(void **state)
{
    (void)state;
    file_of(MIB, 1);
    chmod(path, 0444);
    assert_int_equal(open_code(path, MIB, MIB, 0), DISK_EREADONLY);
    assert_int_equal(open_code("/tmp", MIB, MIB, 0), DISK_EKIND);
    assert_int_equal(open_code("/dev/null", MIB, MIB, 0), DISK_EKIND);
    assert_int_equal(open_code("/tmp/no/such/place", MIB, MIB, 0), DISK_EOPEN);
    assert_true(disk_refusal(DISK_EREADONLY) && disk_refusal(DISK_EKIND) &&
                !disk_refusal(DISK_EOPEN));
    assert_true(!disk_refusal(DISK_EWRITE) && !disk_refusal(DISK_EREAD) && !disk_refusal(0));
}

static int open_undone(const char *at, bool create, enum disk_made made)
{
    struct disk_want want = {MIB, MIB, 0, create};
    struct err err = {0};
    struct disk d;
    int rc = disk_target_open(&d, at, &want, &err);

    disk_close(&d);
    if (rc == 0) {
        assert_int_equal(d.made, made);
        disk_target_undo(d.made, at);
    }
    return rc;
}

static void a_file_is_made_only_when_asked_for(void **state)
{
    struct stat st;

    (void)state;
    file_of(0, 0);
    assert_int_equal(open_undone(path, false, DISK_MADE_LONGER), 0);
    assert_true(stat(path, &st) == 0 && st.st_size == 0);
    unlink(path);
    assert_int_equal(open_undone(path, false, DISK_MADE), DISK_EABSENT);
    assert_true(disk_refusal(DISK_EABSENT) && access(path, F_OK) != 0);
    assert_int_equal(open_undone(path, true, DISK_MADE), 0);
    assert_int_not_equal(access(path, F_OK), 0);
    file_of(MIB, 1);
    assert_int_equal(open_undone(path, true, DISK_AS_IT_WAS), 0);
    assert_true(file_holds(MIB, 1));
}

/* What cannot be made as long as it should be is not left behind either. */
static void a_file_that_cannot_be_made_leaves_nothing(void **state)
{
    struct disk_want want = {MIB, UINT64_C(1) << 62, 0, true};
    struct err err = {0};
    struct disk d;

    (void)state;
    file_of(0, 0);
    unlink(path);
    assert_int_equal(disk_target_open(&d, path, &want, &err), DISK_EOPEN);
    assert_int_not_equal(access(path, F_OK), 0);
}

static void files_below_dev_are_refused(void **state)
{
    static const char *const names[] = {"/dev/ringcast-no-such-disk",
                                        "/dev/../dev/ringcast-no-such-disk"};
    char link[80];
    FILE *f;

    (void)state;
    assert_int_equal(open_undone(names[0], true, DISK_MADE), DISK_EDEV);
    assert_int_equal(open_undone(names[1], true, DISK_MADE), DISK_EDEV);
    assert_true(disk_refusal(DISK_EDEV) && access(names[0], F_OK) != 0);
    file_of(MIB, 1); /* a link that leads to where nothing is makes nothing there */
    unlink(path);
    snprintf(link, sizeof link, "%s", path);
    assert_int_equal(symlink(names[0], link), 0);
    assert_int_equal(open_undone(link, true, DISK_MADE), DISK_EOPEN);
    assert_int_not_equal(access(names[0], F_OK), 0);
    if (geteuid() != 0 || !(f = fopen(names[0], "w"))) /* what an earlier version left */
        skip();
    fclose(f);
    assert_int_equal(open_undone(names[0], true, DISK_MADE), DISK_EDEV);
    assert_int_equal(open_undone(link, true, DISK_MADE), DISK_EDEV);
    unlink(names[0]);
}

static void a_file_under_a_loop_device_is_refused(void **state)
{
    (void)state;
    file_of(MIB, 1);
    if (!loop_on(""))
        skip();
    assert_int_equal(open_code(path, MIB, MIB, 0), DISK_EBUSY);
}

static void a_file_that_another_restore_writes_is_refused(void **state)
{
    struct disk_want want = {.min_bytes = MIB, .make_bytes = MIB};
    struct disk d, other;

    (void)state;
    for (int empty = 0; empty < 2; empty++) {
        struct err err = {0};

        file_of(empty ? 0 : MIB, 1);
        assert_int_equal(disk_target_open(&d, path, &want, &err), 0);
        assert_int_equal(disk_target_open(&other, path, &want, &err), DISK_EBUSY);
        assert_non_null(strstr(err.text, "another restore"));
        disk_close(&d);
        memset(&err, 0, sizeof err);
        assert_int_equal(disk_target_open(&d, path, &want, &err), 0);
        disk_close(&d);
        unlink(path);
    }
}

static void a_block_device_in_use_is_refused(void **state)
{
    int fd;

    (void)state;
    file_of(MIB, 1);
    if (!loop_on(""))
        skip();
    fd = open(loop, O_RDONLY | O_EXCL); /* as a mount holds it */
    assert_true(fd >= 0);
    assert_int_equal(open_code(loop, MIB, MIB, 0), DISK_EBUSY);
    close(fd);
    assert_int_equal(open_code(loop, MIB, MIB, 512), 0);
    assert_int_equal(open_code(loop, MIB, MIB, 4096), DISK_ESECTOR);
    assert_int_equal(open_code(loop, MIB + 1, MIB, 0), DISK_ESMALL);
}

static void a_read_only_block_device_is_refused(void **state)
{
    (void)state;
    file_of(MIB, 1);
    if (!loop_on("--read-only"))
        skip();
    assert_int_equal(open_code(loop, MIB, MIB, 0), DISK_EREADONLY);
}

/* ---- made files ---- */

static void an_absent_or_empty_file_is_made_and_blank(void **state)
{
    struct disk d;

    (void)state;
    file_of(0, 0);
    for (int absent = 0; absent < 2; absent++) {
        if (absent)
            unlink(path);
        d = disk_on(path, ODD);
        assert_true(d.blank);
        assert_int_equal(d.bytes, ODD);
        disk_close(&d);
        assert_true(file_holds(ODD, 0));
        assert_int_equal(truncate(path, 0), 0);
    }
}

static void only_a_file_without_data_is_blank(void **state)
{
    struct disk d;

    (void)state;
    file_of(0, 0);
    assert_int_equal(truncate(path, (off_t)MIB), 0);
    d = disk_on(path, MIB);
    assert_true(d.blank); /* one hole */
    disk_close(&d);
    unlink(path);
    file_of(MIB, 0);
    d = disk_on(path, MIB);
    assert_false(d.blank); /* zeros, but nobody has looked */
    disk_close(&d);
}

/* ---- bytes ---- */

/* Parts of different lengths, among them an odd end, come back as they were written. */
static void round_trip(const char *at, uint64_t n)
{
    struct disk d = disk_on(at, n);
    struct err err = {0};
    uint8_t *in = aligned_bytes(n, 3), *out = aligned_bytes(n, 99);
    struct disk_part parts[3] = {{in, MIB},
                                 {in + MIB, MIB + 4096},
                                 {in + 2 * MIB + 4096, n - 2 * MIB - 4096}};

    assert_int_equal(d.ops->write(d.ctx, parts, 3, 0, &err), 0);
    assert_int_equal(d.ops->flush(d.ctx, &err), 0);
    assert_int_equal(d.ops->read(d.ctx, out, n, 0, &err), 0);
    assert_memory_equal(in, out, n);
    /* unaligned: through the cache */
    assert_int_equal(d.ops->read(d.ctx, out, 5000, 4096 + 17, &err), 0);
    assert_memory_equal(in + 4096 + 17, out, 5000);
    assert_int_equal(d.ops->read(d.ctx, out, 4096, n, &err), DISK_EREAD);
    assert_non_null(strstr(err.text, "byte"));
    disk_close(&d);
    free(in);
    free(out);
}

static void bytes_come_back_also_from_an_odd_end(void **state)
{
    (void)state;
    file_of(0, 0);
    round_trip(path, ODD);
    round_trip(path, ODD); /* and over what is there */
}

static void a_block_device_with_an_odd_end_does_as_well(void **state)
{
    (void)state;
    file_of(ODD, 0x44);
    if (!loop_on(""))
        skip();
    round_trip(loop, ODD);
}

/* Where the file system has no way past the cache, reads still go to it after a flush. */
static void a_file_system_without_direct_access_is_used_through_the_cache(void **state)
{
    (void)state;
    strcpy(path, "/dev/shm/disk_target_test");
    round_trip(path, ODD);
}

/* The medium changes behind our back while our own bytes are still in the cache: reading back must
 * see the medium, also where a piece covers a page only in part and is not the disk's end. */
static void reading_an_odd_piece_asks_the_medium(void **state)
{
    uint8_t *in = aligned_bytes(512, 1), out[512], other[512];
    struct disk_part part = {in, 512};
    struct err err = {0};
    struct disk d;
    int fd;

    (void)state;
    file_of(ODD, 0);
    if (!loop_on(""))
        skip();
    d = disk_on(loop, ODD);
    assert_int_equal(d.ops->write(d.ctx, &part, 1, 8192, &err), 0);
    assert_int_equal(d.ops->read(d.ctx, out, sizeof out, 8192, &err), 0);
    assert_memory_equal(out, in, sizeof out);
    memset(other, 0x77, sizeof other);
    fd = open(path, O_WRONLY);
    assert_int_equal(pwrite(fd, other, sizeof other, 8192), sizeof other);
    close(fd);
    assert_int_equal(d.ops->read(d.ctx, out, sizeof out, 8192, &err), 0);
    assert_memory_equal(out, other, sizeof out);
    disk_close(&d);
    free(in);
}

/* ---- zeros and discards ---- */

static void zeroed(const char *at, uint64_t n)
{
    struct disk d = disk_on(at, n);
    struct err err = {0};
    uint8_t *out = aligned_bytes(n, 0), *zeros = calloc(1, n);
    uint64_t tail = (n - MIB) & ~(uint64_t)(DISK_ALIGN - 1);

    assert_int_equal(d.ops->zero(d.ctx, MIB, 65536, &err), 0);
    assert_int_equal(d.ops->zero(d.ctx, tail, n - tail, &err), 0);
    assert_int_equal(d.ops->zero(d.ctx, 0, 0, &err), 0);
    assert_int_equal(d.ops->read(d.ctx, out, n, 0, &err), 0);
    assert_memory_equal(out + MIB, zeros, 65536);
    assert_memory_equal(out + tail, zeros, n - tail);
    assert_int_equal(out[MIB - 1], 0x44);
    assert_int_equal(out[MIB + 65536], 0x44);
    d.ops->discard(d.ctx, 0, MIB); /* whatever it does, it does it there */
    assert_int_equal(d.ops->read(d.ctx, out, n, 0, &err), 0);
    assert_int_equal(out[MIB + 65536], 0x44);
    disk_close(&d);
    free(out);
    free(zeros);
}

static void a_zeroed_range_of_a_file_reads_as_zeros(void **state)
{
    (void)state;
    file_of(ODD, 0x44);
    zeroed(path, ODD);
}

static void a_zeroed_range_of_a_block_device_reads_as_zeros(void **state)
{
    (void)state;
    file_of(ODD, 0x44);
    if (!loop_on(""))
        skip();
    zeroed(loop, ODD);
}

/* ---- layers ---- */

static double seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void a_limit_slows_writing_and_nothing_else(void **state)
{
    uint8_t *bytes = aligned_bytes(MIB, 5), *back = aligned_bytes(MIB, 6);
    struct disk_part part = {bytes, MIB};
    struct err err = {0};
    struct disk d;
    double start;

    (void)state;
    file_of(0, 0);
    d = disk_on(path, 4 * MIB);
    assert_int_equal(disk_limit(&d, 8 * MIB, &err), 0);
    start = seconds();
    for (int i = 0; i < 2; i++)
        assert_int_equal(d.ops->write(d.ctx, &part, 1, i * MIB, &err), 0);
    assert_true(seconds() - start >= 0.25);
    assert_int_equal(d.bytes, 4 * MIB);
    assert_int_equal(d.ops->read(d.ctx, back, MIB, MIB, &err), 0);
    assert_memory_equal(bytes, back, MIB);
    assert_int_equal(d.ops->zero(d.ctx, 0, 4 * MIB, &err), 0);
    assert_int_equal(d.ops->flush(d.ctx, &err), 0);
    disk_close(&d);
    assert_true(file_holds(4 * MIB, 0));
    free(bytes);
    free(back);
}

static void faults_strike_at_their_byte_alone(void **state)
{
    struct disk_faults faults = {2 * MIB + 5, MIB + 5, 3 * MIB + 5};
    uint8_t *bytes = aligned_bytes(MIB, 5), *back = aligned_bytes(MIB, 6);
    struct disk_part part = {bytes, MIB};
    struct err err = {0};
    struct disk d;

    (void)state;
    file_of(4 * MIB, 0x44);
    d = disk_on(path, 4 * MIB);
    assert_int_equal(disk_fault(&d, &faults, &err), 0);
    for (uint64_t i = 0; i < 4; i++)
        assert_int_equal(d.ops->write(d.ctx, &part, 1, i * MIB, &err), i == 2 ? DISK_EFAULT : 0);
    for (uint64_t i = 0; i < 4; i++) {
        assert_int_equal(d.ops->read(d.ctx, back, MIB, i * MIB, &err), 0);
        if (i == 3)
            back[5] ^= 1;
        if (i == 1 || i == 2)
            assert_int_equal(back[5], 0x44);
        else
            assert_memory_equal(back, bytes, MIB);
    }
    assert_int_equal(d.ops->zero(d.ctx, 2 * MIB, MIB, &err), DISK_EFAULT);
    assert_int_equal(d.ops->zero(d.ctx, MIB, MIB, &err), 0);
    assert_int_equal(d.ops->read(d.ctx, back, MIB, MIB, &err), 0);
    assert_int_equal(back[5], 0x44);
    disk_close(&d);
    free(bytes);
    free(back);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(what_is_too_small_is_refused_and_left_alone, end_all),
        cmocka_unit_test_teardown(read_only_files_and_directories_are_refused, end_all),
        cmocka_unit_test_teardown(a_file_is_made_only_when_asked_for, end_all),
        cmocka_unit_test_teardown(a_file_that_cannot_be_made_leaves_nothing, end_all),
        cmocka_unit_test_teardown(files_below_dev_are_refused, end_all),
        cmocka_unit_test_teardown(a_file_under_a_loop_device_is_refused, end_all),
        cmocka_unit_test_teardown(a_file_that_another_restore_writes_is_refused, end_all),
        cmocka_unit_test_teardown(a_block_device_in_use_is_refused, end_all),
        cmocka_unit_test_teardown(a_read_only_block_device_is_refused, end_all),
        cmocka_unit_test_teardown(an_absent_or_empty_file_is_made_and_blank, end_all),
        cmocka_unit_test_teardown(only_a_file_without_data_is_blank, end_all),
        cmocka_unit_test_teardown(bytes_come_back_also_from_an_odd_end, end_all),
        cmocka_unit_test_teardown(a_block_device_with_an_odd_end_does_as_well, end_all),
        cmocka_unit_test_teardown(a_file_system_without_direct_access_is_used_through_the_cache,
                                  end_all),
        cmocka_unit_test_teardown(reading_an_odd_piece_asks_the_medium, end_all),
        cmocka_unit_test_teardown(a_zeroed_range_of_a_file_reads_as_zeros, end_all),
        cmocka_unit_test_teardown(a_zeroed_range_of_a_block_device_reads_as_zeros, end_all),
        cmocka_unit_test_teardown(a_limit_slows_writing_and_nothing_else, end_all),
        cmocka_unit_test_teardown(faults_strike_at_their_byte_alone, end_all),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
