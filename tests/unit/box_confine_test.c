/* What was given up stays given up: in a child, because there is no way back. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "board/box/confine.h"

enum { FINE, CANNOT, WRONG };

static int try(const char *path, int flags)
{
    int fd = open(path, flags | O_CLOEXEC, 0600);

    if (fd >= 0)
        close(fd);
    return fd < 0 ? errno : 0;
}

/* In the folder at hand there are "data" and "boot", with a file in the latter. */
static int child(void)
{
    const struct confine_path paths[] = {{"data", true},
                                         {"boot", false},
                                         {NULL, false},
                                         {"nowhere", true}};
    bool fine = true;

    if (!confine(paths, 4))
        return CANNOT;
    fine &= try("data/new", O_WRONLY | O_CREAT) == 0 && truncate("data/new", 5) == 0;
    fine &= rename("data/new", "data/other") == 0 && unlink("data/other") == 0 &&
            mkdir("data/folder", 0700) == 0;
    fine &= try("boot/file", O_RDONLY) == 0;
    fine &= try("boot/file", O_WRONLY) == EACCES && try("boot/new", O_WRONLY | O_CREAT) == EACCES;
    fine &= truncate("boot/file", 0) != 0 && unlink("boot/file") != 0;
    fine &= try("/etc/passwd", O_RDONLY) == EACCES && try("/dev/null", O_WRONLY) == EACCES;
    fine &= try("outside", O_WRONLY | O_CREAT) == EACCES &&
            try("data/../outside", O_WRONLY | O_CREAT) == EACCES;
    return fine ? FINE : WRONG;
}

static void nothing_else_can_be_opened(void **state)
{
    char folder[] = "/tmp/rcconfine.XXXXXX", command[128];
    int status;
    pid_t pid;

    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(command, sizeof command, "cd %s && mkdir data boot && echo x > boot/file", folder);
    assert_int_equal(system(command), 0);
    pid = fork();
    if (pid == 0)
        _exit(chdir(folder) == 0 ? child() : WRONG);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    snprintf(command, sizeof command, "rm -r %s", folder);
    assert_int_equal(system(command), 0);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == CANNOT)
        skip(); /* a kernel without Landlock */
    assert_int_equal(WEXITSTATUS(status), FINE);
}

static bool in_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    bool done = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

    if (fd >= 0)
        close(fd);
    return done;
}

/* Confines itself, then waits until something has been mounted below "stick". */
static int reader(int ready, int go)
{
    const struct confine_path paths[] = {{"stick", false}};
    bool fine = true;
    char byte;

    if (!confine(paths, 1))
        return CANNOT;
    if (write(ready, "r", 1) != 1 || read(go, &byte, 1) != 1)
        return WRONG;
    fine &= try("stick/0/image", O_RDONLY) == 0 && try("stick/0", O_RDONLY | O_DIRECTORY) == 0;
    fine &= try("stick/0/new", O_WRONLY | O_CREAT) == EACCES &&
            try("stick/0/image", O_WRONLY) == EACCES;
    fine &= try("outside", O_RDONLY) == EACCES;
    return fine ? FINE : WRONG;
}

/* In a mount namespace of its own, as PID 1 is to the core: mounts while the reader is confined
 * already. */
static int mounter(void)
{
    int go[2], ready[2], status;
    bool mounted;
    char byte;
    pid_t pid;

    if (unshare(CLONE_NEWNS) && unshare(CLONE_NEWUSER | CLONE_NEWNS))
        return CANNOT;
    if (pipe(go) || pipe(ready) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
        !in_file("outside", "x"))
        return WRONG;
    pid = fork();
    if (pid == 0)
        _exit(reader(ready[1], go[0]));
    close(ready[1]);
    mounted = read(ready[0], &byte, 1) == 1 && mount("tmpfs", "stick/0", "tmpfs", 0, "") == 0;
    if (mounted && (!in_file("stick/0/image", "x") || write(go[1], "g", 1) != 1))
        mounted = false;
    close(go[0]);
    close(go[1]);
    if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
        return WRONG;
    return mounted ? WEXITSTATUS(status) : CANNOT;
}

/* What is mounted later below a folder is as readable as the folder, and no more. */
static void a_stick_that_comes_later_can_be_read(void **state)
{
    char folder[] = "/tmp/rcconfine.XXXXXX", command[128];
    int status;
    pid_t pid;

    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(command, sizeof command, "cd %s && mkdir -p stick/0", folder);
    assert_int_equal(system(command), 0);
    pid = fork();
    if (pid == 0)
        _exit(chdir(folder) == 0 ? mounter() : WRONG);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    snprintf(command, sizeof command, "rm -r %s", folder);
    assert_int_equal(system(command), 0);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == CANNOT)
        skip(); /* a kernel without Landlock, or one that lets nobody mount */
    assert_int_equal(WEXITSTATUS(status), FINE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(nothing_else_can_be_opened),
                                       cmocka_unit_test(a_stick_that_comes_later_can_be_read)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
