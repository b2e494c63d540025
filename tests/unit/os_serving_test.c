/* What may wait for a disk refuses the thread that hands out addresses, and no other one. */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "board/box/library/library_folder.h"
#include "board/core/own.h"
#include "imaging/image/file.h"
#include "net/os/serving.h"

static void gather(void)
{
    static struct own own;

    (void)own_gather(&own, "/nowhere", (const uint8_t[6]){2}, NULL);
}

static void each_file(void *ctx, const struct folder_file *f)
{
    (void)ctx, (void)f;
}

static void list(void)
{
    folder_list("/nowhere", "/nowhere", each_file, NULL);
}

static void scan(void)
{
    static struct shelf shelf;

    (void)shelf_open(&shelf, "/nowhere/library", NULL);
}

static void open_image(void)
{
    struct img_file f;

    (void)img_file_open(&f, "/nowhere.ring", NULL);
}

/* How a process ends that calls it on a marked thread: 0, or a signal. */
static int end_of(void (*call)(void), bool marked)
{
    pid_t child = fork();
    int status;

    assert_true(child >= 0);
    if (child == 0) {
        signal(SIGABRT, SIG_DFL);
        (void)!freopen("/dev/null", "w", stderr);
        if (marked)
            serving_begin();
        call();
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
}

static void what_may_wait_refuses_the_serving_thread(void **state)
{
    static void (*const calls[])(void) = {gather, list, scan, open_image};

    (void)state;
    for (unsigned i = 0; i < sizeof calls / sizeof *calls; i++) {
        assert_int_equal(end_of(calls[i], false), 0);
        assert_int_equal(end_of(calls[i], true), SIGABRT);
    }
}

static void *other(void *arg)
{
    *(bool *)arg = serving_here();
    return NULL;
}

static void the_mark_is_of_one_thread(void **state)
{
    pthread_t thread;
    bool there = true;

    (void)state;
    serving_begin();
    assert_true(serving_here());
    assert_int_equal(pthread_create(&thread, NULL, other, &there), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_false(there);
    serving_end();
    assert_false(serving_here());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_may_wait_refuses_the_serving_thread),
        cmocka_unit_test(the_mark_is_of_one_thread),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
