#include "rootfs/init/core.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rootfs/init/say.h"

#define WISHES_FD 3

/* In the child: never returns. */
static _Noreturn void become(char *const argv[], int wishes)
{
    static char *const environment[] = {"PATH=/", "HOME=/", "TERM=linux", "RINGCAST_INIT=3", NULL};
    sigset_t none;

    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (wishes == WISHES_FD)
        fcntl(wishes, F_SETFD, 0);
    else
        dup2(wishes, WISHES_FD);
    setsid();
    execve(argv[0], argv, environment);
    say("%s cannot be started: %s", argv[0], strerror(errno));
    _exit(127);
}

bool core_start(struct core *c, char *const argv[])
{
    int ends[2];

    if (c->wishes >= 0)
        close(c->wishes);
    c->wishes = -1;
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK)) {
        say("no pipe for the core: %s", strerror(errno));
        return false;
    }
    c->pid = fork();
    if (c->pid == 0)
        become(argv, ends[1]);
    close(ends[1]);
    c->wishes = ends[0];
    if (c->pid > 0)
        return true;
    c->pid = 0;
    say("no process for the core: %s", strerror(errno));
    return false;
}

void core_listen(struct core *c, struct keep *k, struct mono now)
{
    char bytes[256];
    ssize_t n = -1;

    while (c->wishes >= 0 && (n = read(c->wishes, bytes, sizeof bytes)) > 0)
        keep_heard(k, bytes, (size_t)n, now);
    if (c->wishes >= 0 && n == 0) {
        close(c->wishes);
        c->wishes = -1;
    }
}

void core_reap(struct core *c, struct keep *k, struct stickmount *sticks, struct mono now)
{
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        if (pid != c->pid) {
            stickmount_ended(sticks, pid, status);
            continue;
        }
        core_listen(c, k, now);
        c->pid = 0;
        keep_ended(k, WIFEXITED(status) ? WEXITSTATUS(status) : -1, now);
        if (!k->over && WIFSIGNALED(status))
            say("the core was ended by signal %d; it is started again", WTERMSIG(status));
        else if (!k->over)
            say("the core ended with code %d; it is started again", WEXITSTATUS(status));
    }
}
