/* What was given up stays given up: in a child, because there is no way back. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "board/pc/confine.h"

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
    const struct confine_path paths[] = {{"data", true}, {"boot", false}, {NULL, false}, {"nowhere", true}};
    bool fine = true;

    if (!confine(paths, 4))
        return CANNOT;
    fine &= try("data/new", O_WRONLY | O_CREAT) == 0 && truncate("data/new", 5) == 0;
    fine &= rename("data/new", "data/other") == 0 && unlink("data/other") == 0 && mkdir("data/folder", 0700) == 0;
    fine &= try("boot/file", O_RDONLY) == 0;
    fine &= try("boot/file", O_WRONLY) == EACCES && try("boot/new", O_WRONLY | O_CREAT) == EACCES;
    fine &= truncate("boot/file", 0) != 0 && unlink("boot/file") != 0;
    fine &= try("/etc/passwd", O_RDONLY) == EACCES && try("/dev/null", O_WRONLY) == EACCES;
    fine &= try("outside", O_WRONLY | O_CREAT) == EACCES && try("data/../outside", O_WRONLY | O_CREAT) == EACCES;
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

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(nothing_else_can_be_opened)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
