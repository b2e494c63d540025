/* The fault campaign of what the box keeps: every call of the C library that the journal and the identity key make fails, lies or stops half way,
 * once or from there on. Nothing crashes; what was reported to be kept is there afterwards, or the journal says that something is
 * lost, and then the box is on hold; a key that is there is not replaced.
 *
 * A disk that swallows every write from one moment on, the marks too, looks like one whose power went then: that is not asked for.
 *
 * CAMPAIGN=N asks for at least N points; without it a short form runs. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
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

#include "board/box/store/identity.h"
#include "board/box/store/journal.h"
#include "net/wire/rng.h"

#define KEYS 12
#define SHORT_FORM 500

static char folder[64], path[128];

/* ---- the faults ---- */

enum fault { FAULT_NONE, FAULT_EIO, FAULT_FULL, FAULT_SHORT, FAULT_LOST, FAULT_TORN, FAULT_MISDIRECTED, FAULTS };

static struct {
    pthread_mutex_t lock;
    enum fault fault;
    bool sticky, on, met;
    unsigned at, calls;
} inject = {.lock = PTHREAD_MUTEX_INITIALIZER};

static enum fault fault_of_this_call(void)
{
    enum fault f = FAULT_NONE;

    pthread_mutex_lock(&inject.lock);
    if (inject.on) {
        inject.calls++;
        if (inject.calls == inject.at || (inject.sticky && inject.calls > inject.at)) {
            inject.met = true;
            f = inject.fault;
        }
    }
    pthread_mutex_unlock(&inject.lock);
    return f;
}

/* A call that is done or not. */
static bool refused(enum fault f)
{
    errno = f == FAULT_FULL ? ENOSPC : EIO;
    return f == FAULT_EIO || f == FAULT_FULL;
}

int open(const char *name, int flags, ...)
{
    va_list ap;
    int mode;

    va_start(ap, flags);
    mode = flags & O_CREAT ? va_arg(ap, int) : 0;
    va_end(ap);
    if (strncmp(name, folder, strlen(folder)) == 0 && folder[0] && refused(fault_of_this_call()))
        return -1;
    return (int)syscall(SYS_openat, AT_FDCWD, name, flags, mode);
}

ssize_t pread(int fd, void *to, size_t n, off_t at)
{
    enum fault f = fault_of_this_call();

    if (refused(f))
        return -1;
    return syscall(SYS_pread64, fd, to, f == FAULT_SHORT && n > 1 ? n / 2 : n, at);
}

/* What the disk makes of it: the file grows as it should, its bytes are others. */
static void write_wrong(int fd, const uint8_t *bytes, size_t n, enum fault f)
{
    static const uint8_t zeros[1 << 16];
    char self[64];
    int other;

    snprintf(self, sizeof self, "/proc/self/fd/%d", fd);
    if (f == FAULT_MISDIRECTED && (other = (int)syscall(SYS_openat, AT_FDCWD, self, O_WRONLY)) >= 0) {
        (void)!syscall(SYS_pwrite64, other, bytes, n, 0);
        close(other);
    }
    if (f == FAULT_TORN) {
        (void)!syscall(SYS_write, fd, bytes, n / 2);
        n -= n / 2;
    }
    while (n) {
        size_t some = n < sizeof zeros ? n : sizeof zeros;

        (void)!syscall(SYS_write, fd, zeros, some);
        n -= some;
    }
}

ssize_t write(int fd, const void *bytes, size_t n)
{
    enum fault f = fd > 2 ? fault_of_this_call() : FAULT_NONE;

    if (refused(f))
        return -1;
    if (f == FAULT_LOST || f == FAULT_TORN || f == FAULT_MISDIRECTED) {
        write_wrong(fd, bytes, n, f);
        return (ssize_t)n;
    }
    return syscall(SYS_write, fd, bytes, f == FAULT_SHORT && n > 1 ? n / 2 : n);
}

int fsync(int fd)
{
    (void)fd;
    return refused(fault_of_this_call()) ? -1 : 0;
}

int fdatasync(int fd)
{
    return fsync(fd);
}

int ftruncate(int fd, off_t n)
{
    return refused(fault_of_this_call()) ? -1 : (int)syscall(SYS_ftruncate, fd, n);
}

int rename(const char *from, const char *to)
{
    return refused(fault_of_this_call()) ? -1 : (int)syscall(SYS_renameat, AT_FDCWD, from, AT_FDCWD, to);
}

int fallocate(int fd, int mode, off_t at, off_t n)
{
    (void)mode, (void)at, (void)n, (void)fd;
    return refused(fault_of_this_call()) ? -1 : 0;
}

/* ---- lives of a journal ---- */

struct values {
    uint32_t of[KEYS]; /* 0: none */
};

static enum told take_value(void *ctx, uint8_t kind, const uint8_t *key, size_t nkey, const uint8_t *value, size_t n)
{
    struct values *v = ctx;

    assert_true(kind == JOURNAL_MACHINE && nkey == 1 && *key < KEYS && n >= 4);
    memcpy(&v->of[*key], value, 4);
    return TOLD_KNOWN;
}

static bool put_value(struct journal *j, uint8_t key, uint32_t value)
{
    uint8_t bytes[300] = {0};

    memcpy(bytes, &value, 4);
    return journal_put(j, JOURNAL_MACHINE, &key, 1, bytes, 4 + value % 250) == 0;
}

static void fresh_folder(void)
{
    static const char *const name[] = {"journal", "journal.new", "journal.damaged", "identity.key", "identity.pub", "identity.key.new", "identity.pub.new"};
    char one[160];

    for (size_t i = 0; i < sizeof name / sizeof *name; i++) {
        snprintf(one, sizeof one, "%s/%s", folder, name[i]);
        unlink(one);
    }
}

static void first_life(struct values *v, struct rng *rng)
{
    struct journal *j;

    assert_int_equal(journal_open(&j, path, NULL), 0);
    assert_int_equal(journal_begin(j, NULL), 0);
    for (uint8_t i = 0; i < KEYS - 2; i++) {
        v->of[i] = 1 + (uint32_t)rng_below(rng, 100000);
        assert_true(put_value(j, i, v->of[i]));
    }
    journal_close(j);
}

/* With the fault. must: what was reported to be kept; may: what was put. True when this life itself finds a loss: then the box is on hold. */
static bool second_life(const struct values *first, struct values *must, struct values *may, struct rng *rng)
{
    struct values told = {{0}};
    struct journal *j;
    bool anew = rng_below(rng, 2), holds;

    *must = (struct values){{0}};
    *may = *first;
    if (journal_open(&j, path, NULL))
        return false;
    holds = journal_found(j).was != JOURNAL_INTACT;
    journal_tell(j, take_value, &told);
    if (anew) /* what is put before the beginning makes the file anew */
        may->of[KEYS - 1] = put_value(j, KEYS - 1, 77) ? 77 : 0;
    if (journal_begin(j, NULL) == 0) {
        journal_run(j);
        for (unsigned i = 0; i < 8; i++) {
            uint8_t key = (uint8_t)rng_below(rng, KEYS - 1);
            uint32_t value = 200000 + (uint32_t)rng_below(rng, 100000);

            if (put_value(j, key, value))
                may->of[key] = value;
            for (unsigned k = 0; i == 5 && k < 200 && !must->of[key]; k++, usleep(100))
                if (may->of[key] == value && journal_kept(j, JOURNAL_MACHINE, &key, 1))
                    must->of[key] = value;
        }
        for (unsigned key = 0; key < KEYS; key++) /* put again since: the later one may be there, too */
            if (must->of[key])
                must->of[key] = may->of[key] == must->of[key] ? must->of[key] : 0;
    }
    journal_close(j);
    return holds;
}

static unsigned points, held;

static void third_life(const struct values *first, const struct values *must, const struct values *may, bool holds, uint64_t seed)
{
    struct values now = {{0}};
    struct journal *j;
    struct journal_found found;

    assert_int_equal(journal_open(&j, path, NULL), 0);
    found = journal_found(j);
    journal_tell(j, take_value, &now);
    for (unsigned key = 0; !holds && found.was == JOURNAL_INTACT && key < KEYS; key++) {
        bool right = must->of[key] ? now.of[key] == must->of[key] : now.of[key] == first->of[key] || now.of[key] == may->of[key] || now.of[key] >= 200000;

        if (!right)
            printf("seed %llu, call %u, fault %d%s: key %u is %u, was %u, put %u, kept %u\n", (unsigned long long)seed, inject.at, inject.fault,
                   inject.sticky ? " from there on" : "", key, now.of[key], first->of[key], may->of[key], must->of[key]);
        assert_true(right);
    }
    assert_true(found.was != JOURNAL_NEW);
    held += holds || found.was != JOURNAL_INTACT;
    journal_close(j);
}

static unsigned wanted(void)
{
    const char *n = getenv("CAMPAIGN");

    return n ? (unsigned)strtoul(n, NULL, 10) : SHORT_FORM;
}

/* One point; false: the life made fewer calls. */
static bool journal_point(uint64_t seed, unsigned at, enum fault fault, bool sticky)
{
    struct rng rng = {seed};
    struct values first = {{0}}, must, may;
    bool holds;

    fresh_folder();
    first_life(&first, &rng);
    inject.at = at;
    inject.fault = fault;
    inject.sticky = sticky;
    inject.calls = 0;
    inject.met = false;
    inject.on = true;
    holds = second_life(&first, &must, &may, &rng);
    inject.on = false;
    third_life(&first, &must, &may, holds, seed);
    points++;
    return inject.met;
}

static void nothing_is_lost_without_a_word(void **state)
{
    (void)state;
    for (uint64_t seed = 1; points < wanted(); seed++)
        for (unsigned fault = FAULT_EIO; fault < FAULTS; fault++)
            for (unsigned sticky = 0; sticky < (fault <= FAULT_SHORT ? 2 : 1); sticky++)
                for (unsigned at = 1; journal_point(seed, at, fault, sticky); at++)
                    ;
    printf("%u points of the journal, %u of them hold\n", points, held);
}

/* ---- the identity key ---- */

static void key_path(char to[160])
{
    snprintf(to, 160, "%s/identity.key", folder);
}

static void a_key_is_made_or_read_but_not_replaced(void **state)
{
    struct sign_key first, key;
    char name[160];
    unsigned n = 0;

    (void)state;
    key_path(name);
    for (unsigned fault = FAULT_EIO; fault <= FAULT_FULL; fault++)
        for (unsigned there = 0; there < 2; there++) {
            inject.met = true;
            for (unsigned at = 1; inject.met; at++, n++) {
                int rc;

                fresh_folder();
                if (there)
                    assert_int_equal(identity_open(&first, folder, NULL), 0);
                inject.at = at;
                inject.fault = fault;
                inject.sticky = inject.met = false;
                inject.calls = 0;
                inject.on = true;
                rc = identity_open(&key, folder, NULL);
                inject.on = false;
                if (rc && !there) /* it may be made another time */
                    assert_int_equal(identity_open(&key, folder, NULL), 0);
                assert_true(access(name, F_OK) == 0);
                assert_int_equal(identity_open(&key, folder, NULL), 0);
                if (there)
                    assert_memory_equal(key.pub, first.pub, sizeof key.pub);
            }
        }
    printf("%u points of the identity key\n", n);
}

static int make_folder(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/rcfaults.XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/journal", folder);
    return 0;
}

static int remove_folder(void **state)
{
    char command[160];

    (void)state;
    snprintf(command, sizeof command, "rm -r %s", folder);
    folder[0] = 0;
    return system(command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nothing_is_lost_without_a_word, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(a_key_is_made_or_read_but_not_replaced, make_folder, remove_folder),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
