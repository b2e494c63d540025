/* Trees on the disk: files, publishing, replacing, removing; what a stop in the middle leaves; an
 * error of every call that the disk may fail. */
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
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "board/box/library/trees.h"

static char data[64];

/* ---- the calls that may fail: the one of number `fail_at` ---- */

static unsigned calls, fail_at;
static int fail_with; /* errno, or */
#define STOP (-1)     /* the process ends there */

static bool fails(void)
{
    if (++calls != fail_at)
        return false;
    if (fail_with == STOP)
        _exit(0);
    errno = fail_with;
    return true;
}

int fsync(int fd)
{
    return fails() ? -1 : (int)syscall(SYS_fsync, fd);
}

ssize_t write(int fd, const void *bytes, size_t n)
{
    return fd > 2 && fails() ? -1 : syscall(SYS_write, fd, bytes, n);
}

int mkdirat(int dir, const char *name, mode_t mode)
{
    return fails() ? -1 : (int)syscall(SYS_mkdirat, dir, name, mode);
}

int renameat(int from, const char *name, int to, const char *new)
{
    return fails() ? -1 : (int)syscall(SYS_renameat2, from, name, to, new, 0);
}

int renameat2(int from, const char *name, int to, const char *new, unsigned flags)
{
    return fails() ? -1 : (int)syscall(SYS_renameat2, from, name, to, new, flags);
}

/* ---- a folder ---- */

static const char *at(const char *name)
{
    static char path[2][400];
    static unsigned turn;

    turn = !turn;
    snprintf(path[turn], sizeof path[turn], "%s/trees/%s", data, name);
    return path[turn];
}

static bool there(const char *name)
{
    struct stat st;

    return lstat(at(name), &st) == 0;
}

static void content_is(const char *name, const char *text)
{
    char got[64] = "";
    int fd = open(at(name), O_RDONLY);

    assert_true(fd >= 0);
    assert_true(read(fd, got, sizeof got - 1) >= 0);
    close(fd);
    assert_string_equal(got, text);
}

static int setup(void **state)
{
    (void)state;
    strcpy(data, "/tmp/trees.XXXXXX");
    calls = fail_at = 0;
    return mkdtemp(data) ? 0 : -1;
}

static int teardown(void **state)
{
    char command[100];

    (void)state;
    snprintf(command, sizeof command, "rm -rf %s", data);
    return system(command);
}

static struct tree_shelf opened(void)
{
    struct tree_shelf s = {.fd = -1};

    assert_int_equal(tree_shelf_open(&s, at(""), NULL), 0);
    return s;
}

static int put(const struct tree_shelf *s, const char *name, const char *path, const char *text,
               struct err *err)
{
    struct tree_intake in;
    int rc = tree_intake_open(s, name, path, 0, &in, err);

    if (rc)
        return rc;
    rc = tree_intake_write(s, &in, text, strlen(text), err);
    if (rc) {
        tree_intake_drop(&in);
        return rc;
    }
    return tree_intake_finish(&in, NULL, err);
}

static void refuses(int rc, int code, const struct err *err, const char *said)
{
    if (rc != code || !strstr(err->text, said))
        fail_msg("expected %d \"%s\", got %d: %s", code, said, rc, err->text);
}

/* ---- the shelf ---- */

static void a_tree_is_there_when_it_is_published(void **state)
{
    struct tree_shelf s = opened();
    struct tree_size two = {2, 8}, wrong = {2, 9};
    struct err err = {0};

    (void)state;
    assert_int_equal(put(&s, "esxi", "efi/boot/a.efi", "one", NULL), 0);
    assert_int_equal(put(&s, "esxi", "boot.cfg", "first", NULL), 0);
    assert_int_equal(put(&s, "esxi", "boot.cfg", "later", NULL), 0); /* takes the place */
    assert_false(there("esxi"));
    refuses(tree_shelf_publish(&s, "esxi", &wrong, false, &err), LIBRARY_EPARTIAL, &err,
            "expected 2 files with 9 bytes, as announced; the box has 2 files with 8");
    err = (struct err){0};
    refuses(tree_shelf_publish(&s, "other", &two, false, &err), LIBRARY_EUNKNOWN, &err,
            "nothing of a tree \"other\"");
    assert_int_equal(tree_shelf_publish(&s, "esxi", &two, false, NULL), 0);
    content_is("esxi/boot.cfg", "later");
    assert_false(there(".esxi"));
    tree_shelf_close(&s);
}

static void what_does_not_fit_in_is_refused(void **state)
{
    struct tree_shelf s = opened();
    struct err err = {0};

    (void)state;
    assert_int_equal(put(&s, "t", "dir/File", "x", NULL), 0);
    refuses(put(&s, "t", "dir/file", "x", &err), LIBRARY_EEXISTS, &err,
            "in the case of its letters alone");
    err = (struct err){0};
    refuses(put(&s, "t", "DIR/other", "x", &err), LIBRARY_EEXISTS, &err,
            "in the case of its letters alone");
    err = (struct err){0};
    refuses(put(&s, "t", "dir/File/below", "x", &err), LIBRARY_EEXISTS, &err,
            "expected a folder at \"File\"");
    err = (struct err){0};
    refuses(put(&s, "t", "dir", "x", &err), LIBRARY_EEXISTS, &err,
            "expected a file or nothing at \"dir\"");
    err = (struct err){0};
    refuses(put(&s, "t", "../up", "x", &err), LIBRARY_ETREE, &err, "\"..\"");
    err = (struct err){0};
    refuses(put(&s, ".t", "up", "x", &err), LIBRARY_ETREE, &err, "a tree's name");
    err = (struct err){0};
    s.reserve = UINT64_MAX / 2;
    refuses(put(&s, "t", "more", "x", &err), LIBRARY_ESPACE, &err, "the disk is full");
    assert_false(there(".t/more"));
    assert_false(there(".t/.ringcast-0"));
    s.reserve = 0;
    assert_int_equal(symlink("/tmp", at(".t/link")), 0);
    assert_int_not_equal(put(&s, "t", "link/file", "x", NULL), 0);
    tree_shelf_close(&s);
}

static void a_wrong_hash_leaves_nothing(void **state)
{
    struct tree_shelf s = opened();
    uint8_t hash[TREE_HASH_BYTES] = {1};
    struct tree_intake in;

    (void)state;
    assert_int_equal(tree_intake_open(&s, "t", "file", 3, &in, NULL), 0);
    assert_int_equal(tree_intake_write(&s, &in, "x", 1, NULL), 0);
    assert_int_equal(tree_intake_finish(&in, hash, NULL), LIBRARY_EHASH);
    assert_false(there(".t/file"));
    assert_false(there(".t/.ringcast-3"));
    tree_shelf_close(&s);
}

static void a_newer_tree_takes_the_place(void **state)
{
    struct tree_shelf s = opened();
    struct tree_size one = {1, 3};

    (void)state;
    assert_int_equal(put(&s, "t", "file", "old", NULL), 0);
    assert_int_equal(tree_shelf_publish(&s, "t", &one, false, NULL), 0);
    assert_int_equal(put(&s, "t", "file", "new", NULL), 0);
    assert_int_equal(tree_shelf_publish(&s, "t", &one, false, NULL), LIBRARY_EEXISTS);
    content_is("t/file", "old");
    assert_int_equal(tree_shelf_publish(&s, "t", &one, true, NULL), 0);
    content_is("t/file", "new");
    assert_false(there(".t"));
    assert_int_equal(tree_shelf_sweep(&s, NULL), 0);
    assert_false(there("~t"));
    assert_int_equal(tree_shelf_remove(&s, "t", false, NULL), 0);
    assert_false(there("t"));
    assert_int_equal(tree_shelf_remove(&s, "t", false, NULL), LIBRARY_EUNKNOWN);
    tree_shelf_close(&s);
}

static void whole_of(const char *name)
{
    char got[8] = "";
    int fd = open(at(name), O_RDONLY);

    assert_true(fd >= 0 && read(fd, got, sizeof got - 1) == 3);
    close(fd);
    assert_true(strcmp(got, "old") == 0 || strcmp(got, "new") == 0);
}

static void count_listed(void *ctx, const char *name, bool partial, const struct tree_size *size,
                         const struct err *why)
{
    unsigned *n = ctx;

    (void)name;
    (void)partial;
    (void)size;
    assert_int_equal(why->code, 0);
    ++*n;
}

/* Whatever call fails, with whatever error: what was published is there whole, the older or the
 * newer; and what is said to be done is done. */
static void every_call_may_fail(void **state)
{
    static const int with[] = {EIO, ENOSPC, EROFS};
    struct tree_size one = {1, 3};
    bool reached = true;

    (void)state;
    for (unsigned k = 1; reached; k++)
        for (unsigned e = 0; e < sizeof with / sizeof *with; e++) {
            struct tree_shelf s = opened();
            struct err err = {0};
            int rc;

            assert_int_equal(put(&s, "t", "dir/file", "old", NULL), 0);
            assert_int_equal(tree_shelf_publish(&s, "t", &one, false, NULL), 0);
            calls = 0;
            fail_at = k;
            fail_with = with[e];
            rc = put(&s, "t", "dir/file", "new", &err);
            if (rc == 0)
                rc = tree_shelf_publish(&s, "t", &one, true, &err);
            reached = calls >= k;
            fail_at = 0;
            if (reached && rc == 0)
                fail_msg("call %u failed and nobody said so", k);
            if (rc)
                assert_int_equal(rc, with[e] == ENOSPC ? LIBRARY_ESPACE : LIBRARY_EDISK);
            if (rc)
                whole_of("t/dir/file");
            else
                content_is("t/dir/file", "new");
            tree_shelf_close(&s);
            teardown(NULL);
            setup(NULL);
        }
    calls = fail_at = 0;
}

/* The box is killed at any call while a tree is replaced, and then removed: afterwards the tree is
 * there whole, the older or the newer, or gone where it was to be removed; no unfinished file is
 * left, and what is there can be removed. */
static void a_stop_at_any_call(void **state)
{
    struct tree_size one = {1, 3};
    bool reached = true;

    (void)state;
    for (unsigned k = 1; reached; k++) {
        struct tree_shelf s = opened();
        unsigned left = 0;
        int status;
        pid_t child;

        assert_int_equal(put(&s, "t", "dir/file", "old", NULL), 0);
        assert_int_equal(tree_shelf_publish(&s, "t", &one, false, NULL), 0);
        child = fork();
        if (child == 0) {
            calls = 0;
            fail_at = k;
            fail_with = STOP;
            put(&s, "t", "dir/file", "new", NULL);
            tree_shelf_publish(&s, "t", &one, true, NULL);
            tree_shelf_sweep(&s, NULL);
            tree_shelf_remove(&s, "t", false, NULL);
            _exit(1);
        }
        assert_int_equal(waitpid(child, &status, 0), child);
        reached = WEXITSTATUS(status) == 0;
        tree_shelf_close(&s);
        s = opened();
        assert_int_equal(tree_shelf_scan(&s, true, count_listed, &left, NULL), 0);
        assert_int_equal(tree_shelf_sweep(&s, NULL), 0);
        assert_false(there("~t") || there(".t/dir/.ringcast-0"));
        if (there("t"))
            whole_of("t/dir/file");
        else
            assert_true(k > 4 && left == 0); /* all but the removal has been done */
        if (there("t"))
            assert_int_equal(tree_shelf_remove(&s, "t", false, NULL), 0);
        if (there(".t"))
            assert_int_equal(tree_shelf_remove(&s, "t", true, NULL), 0);
        tree_shelf_close(&s);
        teardown(NULL);
        setup(NULL);
    }
}

/* ---- control and thread ---- */

static struct trees *trees;

static void wait_until(const struct errand *e, enum errand_state state)
{
    for (unsigned turn = 0; e->state != state; turn++) {
        if (turn == 10000)
            fail_msg("an errand does not come to an end");
        trees_tick(trees);
        usleep(1000);
    }
}

static const struct tree_list *listed(void)
{
    for (unsigned turn = 0; turn < 10000 && !trees_list(trees); turn++) {
        trees_tick(trees);
        usleep(1000);
    }
    assert_non_null(trees_list(trees));
    return trees_list(trees);
}

static void send_file(const char *path, size_t n)
{
    struct errand *e = trees_put_begin(trees, "big", path, NULL);
    static const uint8_t bytes[100000];

    assert_non_null(e);
    for (size_t sent = 0; sent < n;) {
        long took =
            trees_put(trees, e, bytes, n - sent < sizeof bytes ? n - sent : sizeof bytes, NULL);

        assert_true(took >= 0);
        sent += (size_t)took;
        if (!took)
            usleep(500);
    }
    trees_put_end(trees, e);
    wait_until(e, ERRAND_DONE);
    assert_int_equal(e->err.code, 0);
    trees_let_go(trees, e);
}

static void order(enum errand_kind kind, uint64_t files, uint64_t bytes, int code)
{
    struct errand *e = trees_order(trees, kind, "big");

    e->announced = (struct tree_size){files, bytes};
    e->indexed = true;
    trees_post(trees, e);
    wait_until(e, ERRAND_DONE);
    assert_int_equal(e->err.code, code);
    if (kind == ERRAND_PUBLISH && !code) {
        assert_non_null(e->tree);
        assert_int_equal(content_tree_files(e->tree), files);
    }
    trees_let_go(trees, e);
}

static void a_tree_comes_goes_and_outlives_a_stop(void **state)
{
    const struct tree_list *l;
    struct errand *half;

    (void)state;
    assert_int_equal(trees_open(&trees, data, 0, NULL), 0);
    assert_int_equal(listed()->n, 0);
    send_file("a/large", 3 * TREES_BLOCK + 17);
    send_file("a/empty", 0);
    l = trees_list(trees);
    assert_int_equal(l->n, 1);
    assert_true(l->at[0].partial);
    assert_int_equal(l->at[0].size.files, 2);
    assert_int_equal(l->at[0].size.bytes, 3 * TREES_BLOCK + 17);
    order(ERRAND_PUBLISH, 3, 3 * TREES_BLOCK + 17, LIBRARY_EPARTIAL);
    /* the box stops in the middle of this one */
    half = trees_put_begin(trees, "big", "half", NULL);
    wait_until(half, ERRAND_IDLE);
    assert_true(there(".big/.ringcast-0"));
    trees_close(trees);
    /* and the power went in the middle of this one */
    assert_int_equal(open(at(".big/.ringcast-7"), O_CREAT | O_WRONLY, 0600) < 0, 0);
    assert_int_equal(trees_open(&trees, data, 0, NULL), 0);
    l = listed();
    assert_int_equal(l->n, 1);
    assert_true(l->at[0].partial);
    assert_int_equal(l->at[0].size.files, 2);
    assert_false(there(".big/.ringcast-0") || there(".big/.ringcast-7"));
    order(ERRAND_PUBLISH, 2, 3 * TREES_BLOCK + 17, 0);
    assert_false(trees_list(trees)->at[0].partial);
    order(ERRAND_REMOVE, 0, 0, 0);
    assert_int_equal(trees_list(trees)->n, 0);
    trees_close(trees);
    assert_false(there("big") || there("~big"));
}

/* A tree that has been published does not change any more, whatever was on its way into it. */
static void a_late_file_does_not_come_into_a_published_tree(void **state)
{
    struct errand *late, *other;
    struct err err = {0};

    (void)state;
    assert_int_equal(trees_open(&trees, data, 0, NULL), 0);
    listed();
    send_file("one", 10);
    late = trees_put_begin(trees, "big", "late", NULL);
    other = trees_put_begin(trees, "other", "late", NULL);
    wait_until(late, ERRAND_IDLE);
    wait_until(other, ERRAND_IDLE);
    assert_int_equal(trees_put(trees, late, (const uint8_t *)"x", 1, NULL), 1);
    order(ERRAND_PUBLISH, 1, 10, 0);
    refuses((int)trees_put(trees, late, (const uint8_t *)"x", 1, &err), LIBRARY_EEXISTS, &err,
            "published or deleted while");
    trees_put_end(trees, late);
    assert_int_equal(late->state, ERRAND_DONE);
    trees_let_go(trees, late);
    trees_put_end(trees, other);
    wait_until(other, ERRAND_DONE);
    assert_int_equal(other->err.code, 0);
    trees_let_go(trees, other);
    wait_until(late, ERRAND_FREE);
    trees_close(trees);
    assert_false(there("big/late") || there("big/.ringcast-0"));
    assert_true(there(".other/late"));
}

/* Nobody waits any more, in any state: the errand is free again, and its file goes. */
static void an_abandoned_errand_is_free_again(void **state)
{
    struct errand *all[TREES_ERRANDS];

    (void)state;
    assert_int_equal(trees_open(&trees, data, 0, NULL), 0);
    listed();
    for (unsigned round = 0; round < 20; round++) {
        for (unsigned i = 0; i < TREES_ERRANDS; i++) {
            char path[16];

            snprintf(path, sizeof path, "f%u", i);
            for (unsigned turn = 0;
                 !(all[i] = trees_put_begin(trees, "t", path, NULL)) && turn < 10000; turn++) {
                usleep(1000);
                trees_tick(trees);
            }
            assert_non_null(all[i]);
        }
        assert_null(trees_put_begin(trees, "t", "x", NULL));
        for (unsigned i = 0; i < TREES_ERRANDS; i++) {
            if (i % 2)
                wait_until(all[i], ERRAND_IDLE);
            if (i % 4 == 3)
                trees_put_end(trees, all[i]);
            trees_let_go(trees, all[i]);
        }
    }
    trees_close(trees);
    for (unsigned i = 0; i < TREES_ERRANDS; i++) {
        char path[24];

        snprintf(path, sizeof path, ".t/.ringcast-%u", i);
        assert_false(there(path));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_tree_is_there_when_it_is_published, setup, teardown),
        cmocka_unit_test_setup_teardown(what_does_not_fit_in_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(a_wrong_hash_leaves_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(a_newer_tree_takes_the_place, setup, teardown),
        cmocka_unit_test_setup_teardown(every_call_may_fail, setup, teardown),
        cmocka_unit_test_setup_teardown(a_stop_at_any_call, setup, teardown),
        cmocka_unit_test_setup_teardown(a_tree_comes_goes_and_outlives_a_stop, setup, teardown),
        cmocka_unit_test_setup_teardown(a_late_file_does_not_come_into_a_published_tree, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(an_abandoned_errand_is_free_again, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
