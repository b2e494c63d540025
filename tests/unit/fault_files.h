/* Files that fail: this stands in front of the C library's calls in the program that includes it. One call at a time is told to fail, for
 * every path that holds a given text; all others do what they always do. */
#ifndef TESTS_UNIT_FAULT_FILES_H
#define TESTS_UNIT_FAULT_FILES_H

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum fault_call { FAULT_NONE, FAULT_OPEN, FAULT_READ, FAULT_FSYNC, FAULT_READDIR };

static struct {
    enum fault_call call;
    const char *path; /* what the path must hold */
    int error;
    unsigned after; /* calls that still succeed */
    unsigned most;  /* calls that fail; 0: all from there on */
    unsigned hits;
} fault;

static inline void fault_set(enum fault_call call, const char *path, int error)
{
    memset(&fault, 0, sizeof fault);
    fault.call = call;
    fault.path = path;
    fault.error = error;
}

static bool fault_now(enum fault_call call, const char *path)
{
    if (fault.call != call || !strstr(path, fault.path))
        return false;
    if (fault.after) {
        fault.after--;
        return false;
    }
    if (fault.most && fault.hits == fault.most)
        return false;
    fault.hits++;
    errno = fault.error;
    return true;
}

static bool fault_on_fd(enum fault_call call, int fd)
{
    char link[40], path[PATH_MAX];
    ssize_t n;

    if (fault.call != call)
        return false;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    n = readlink(link, path, sizeof path - 1);
    path[n > 0 ? n : 0] = 0;
    return fault_now(call, path);
}

int openat(int folder, const char *path, int flags, ...)
{
    va_list ap;
    unsigned mode;

    va_start(ap, flags);
    mode = flags & O_CREAT ? va_arg(ap, unsigned) : 0;
    va_end(ap);
    return fault_now(FAULT_OPEN, path) ? -1 : (int)syscall(SYS_openat, folder, path, flags, mode);
}

int open(const char *path, int flags, ...)
{
    va_list ap;
    unsigned mode;

    va_start(ap, flags);
    mode = flags & O_CREAT ? va_arg(ap, unsigned) : 0;
    va_end(ap);
    return openat(AT_FDCWD, path, flags, mode);
}

int access(const char *path, int mode)
{
    return fault_now(FAULT_OPEN, path) ? -1 : (int)syscall(SYS_faccessat, AT_FDCWD, path, mode, 0);
}

int lstat(const char *restrict path, struct stat *restrict st)
{
    return fault_now(FAULT_OPEN, path) ? -1 : fstatat(AT_FDCWD, path, st, AT_SYMLINK_NOFOLLOW);
}

ssize_t read(int fd, void *to, size_t n)
{
    return fault_on_fd(FAULT_READ, fd) ? -1 : syscall(SYS_read, fd, to, n);
}

int fsync(int fd)
{
    return fault_on_fd(FAULT_FSYNC, fd) ? -1 : 0; /* real disks may take their time */
}

/* A folder may break after any number of its names: `fault.after`. */
struct dirent *readdir(DIR *d)
{
    struct dirent *(*real)(DIR *);
    void *symbol = dlsym(RTLD_NEXT, "readdir");

    memcpy(&real, &symbol, sizeof real);
    return fault_on_fd(FAULT_READDIR, dirfd(d)) ? NULL : real(d);
}

#endif
