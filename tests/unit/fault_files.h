/* Files that fail: this stands in front of the C library's calls in the program that includes it.
 * It is the only such layer of the tests.
 *
 * fault_set tells one kind of call to fail for every path that holds a given text. fault.strike
 * decides for each call by itself: it fails, or the call lies. fault_watch is told of every change
 * that was made (cut_files.h writes them down). All other calls do what they always do; only fsync
 * costs nothing. One source file of a program includes this. */
#ifndef TESTS_UNIT_FAULT_FILES_H
#define TESTS_UNIT_FAULT_FILES_H

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <unistd.h>

enum fault_call {
    FAULT_NONE,
    FAULT_OPEN, /* open, openat, access, lstat */
    FAULT_READ, /* read, pread */
    FAULT_FSYNC,
    FAULT_READDIR,
    FAULT_WRITE, /* write, pwrite, pwritev */
    FAULT_TRUNCATE,
    FAULT_RESERVE, /* fallocate */
    FAULT_RENAME,
    FAULT_LINK,
    FAULT_UNLINK,
    FAULT_MKDIR,
    FAULT_LOOK, /* stat, fstat, fstatfs, statvfs, opendir */
    FAULT_DUP,
};

/* What a call does with its bytes without a word, beside an errno. */
enum fault_lie {
    FAULT_SHORT = -1,  /* half of them are read or written, and the call says so */
    FAULT_LOST = -2,   /* they never reach the disk */
    FAULT_TORN = -3,   /* half of them do */
    FAULT_ASTRAY = -4, /* they land in another place of the file */
};

struct fault_change {
    enum fault_call call;
    int fd, flags; /* FAULT_DUP: flags is the other one */
    const char *path, *to;
    const void *bytes;
    size_t n;
    off_t at;
};

static struct {
    enum fault_call call;
    const char *path; /* what the path must hold */
    int error;
    unsigned after; /* calls that still succeed */
    unsigned most;  /* calls that fail; 0: all from there on */
    unsigned hits;
    int (*strike)(enum fault_call, const char *path); /* 0, an errno or an enum fault_lie */
    /* where bytes land that go astray: the sector of that number, modulo the file's */
    unsigned astray;
} fault;

static struct {
    void (*changed)(const struct fault_change *);
    size_t (*fits)(int fd, size_t n); /* how many of the bytes find room */
    void (*space)(struct statvfs *);  /* what statvfs says is changed, */
    void (*system)(struct statfs *);  /* and what fstatfs says */
    bool reserves;                    /* fallocate is really done */
} fault_watch;

/* around every change while it is watched */
static pthread_mutex_t fault_lock = PTHREAD_MUTEX_INITIALIZER;

static inline void fault_set(enum fault_call call, const char *path, int error)
{
    memset(&fault, 0, sizeof fault);
    fault.call = call;
    fault.path = path;
    fault.error = error;
}

static int fault_by_path(enum fault_call call, const char *path)
{
    if (fault.call != call || !strstr(path, fault.path))
        return 0;
    if (fault.after) {
        fault.after--;
        return 0;
    }
    if (fault.most && fault.hits == fault.most)
        return 0;
    fault.hits++;
    return fault.error;
}

/* What the call is to do; errno is set. */
static int fault_of(enum fault_call call, const char *path, int fd)
{
    char link[40], name[PATH_MAX];
    ssize_t n;
    int what;

    if (!fault.strike && (fault.call != call || call == FAULT_NONE))
        return 0;
    if (!path) {
        snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
        n = readlink(link, name, sizeof name - 1);
        name[n > 0 ? n : 0] = 0;
        path = name;
    }
    what = fault.strike ? fault.strike(call, path) : fault_by_path(call, path);
    if (what > 0)
        errno = what;
    return what;
}

static bool fault_fails(enum fault_call call, const char *path, int fd)
{
    return fault_of(call, path, fd) > 0;
}

static void fault_begin(void)
{
    if (fault_watch.changed)
        pthread_mutex_lock(&fault_lock);
}

static void fault_end(bool done, const struct fault_change *c)
{
    int why = errno;

    if (fault_watch.changed && done)
        fault_watch.changed(c);
    if (fault_watch.changed)
        pthread_mutex_unlock(&fault_lock);
    errno = why;
}

/* ---- names ---- */

static int fault_open(int folder, const char *path, int flags, unsigned mode)
{
    bool watched = fault_watch.changed && path[0] == '/';
    int fd;

    if (fault_fails(FAULT_OPEN, path, -1))
        return -1;
    if (watched)
        fault_begin();
    fd = (int)syscall(SYS_openat, folder, path, flags, mode);
    if (watched)
        fault_end(fd >= 0, &(struct fault_change){
                               .call = FAULT_OPEN, .fd = fd, .flags = flags, .path = path});
    return fd;
}

int openat(int folder, const char *path, int flags, ...)
{
    va_list ap;
    unsigned mode;

    va_start(ap, flags);
    mode = flags & O_CREAT ? va_arg(ap, unsigned) : 0;
    va_end(ap);
    return fault_open(folder, path, flags, mode);
}

int open(const char *path, int flags, ...)
{
    va_list ap;
    unsigned mode;

    va_start(ap, flags);
    mode = flags & O_CREAT ? va_arg(ap, unsigned) : 0;
    va_end(ap);
    return fault_open(AT_FDCWD, path, flags, mode);
}

int mkostemp(char *template, int flags)
{
    static atomic_uint count;

    snprintf(template + strlen(template) - 6, 7, "%06u", atomic_fetch_add(&count, 1) % 1000000);
    return fault_open(AT_FDCWD, template, flags | O_RDWR | O_CREAT | O_EXCL, 0600);
}

int access(const char *path, int mode)
{
    return fault_fails(FAULT_OPEN, path, -1) ? -1
                                             : (int)syscall(SYS_faccessat, AT_FDCWD, path, mode, 0);
}

int lstat(const char *restrict path, struct stat *restrict st)
{
    return fault_fails(FAULT_OPEN, path, -1) ? -1 : (int)syscall(SYS_lstat, path, st);
}

int stat(const char *restrict path, struct stat *restrict st)
{
    return fault_fails(FAULT_LOOK, path, -1) ? -1 : (int)syscall(SYS_stat, path, st);
}

int fstat(int fd, struct stat *st)
{
    return fault_fails(FAULT_LOOK, NULL, fd) ? -1 : (int)syscall(SYS_fstat, fd, st);
}

int fstatfs(int fd, struct statfs *st)
{
    if (fault_fails(FAULT_LOOK, NULL, fd) || syscall(SYS_fstatfs, fd, st))
        return -1;
    if (fault_watch.system)
        fault_watch.system(st);
    return 0;
}

int statvfs(const char *restrict path, struct statvfs *restrict st)
{
    static int (*real)(const char *, struct statvfs *);

    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "statvfs");
    if (fault_fails(FAULT_LOOK, path, -1) || real(path, st))
        return -1;
    if (fault_watch.space)
        fault_watch.space(st);
    return 0;
}

int mkdir(const char *path, mode_t mode)
{
    return fault_fails(FAULT_MKDIR, path, -1) ? -1
                                              : (int)syscall(SYS_mkdirat, AT_FDCWD, path, mode);
}

static int fault_two(enum fault_call call, long number, const char *from, const char *to)
{
    int rc;

    if (fault_fails(call, from, -1))
        return -1;
    fault_begin();
    rc = (int)syscall(number, from, to);
    fault_end(rc == 0, &(struct fault_change){.call = call, .path = from, .to = to});
    return rc;
}

int rename(const char *from, const char *to)
{
    return fault_two(FAULT_RENAME, SYS_rename, from, to);
}

int link(const char *from, const char *to)
{
    return fault_two(FAULT_LINK, SYS_link, from, to);
}

int unlink(const char *path)
{
    int rc;

    if (fault_fails(FAULT_UNLINK, path, -1))
        return -1;
    fault_begin();
    rc = (int)syscall(SYS_unlink, path);
    fault_end(rc == 0, &(struct fault_change){.call = FAULT_UNLINK, .path = path});
    return rc;
}

DIR *opendir(const char *path)
{
    static DIR *(*real)(const char *);

    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "opendir");
    return fault_fails(FAULT_LOOK, path, -1) ? NULL : real(path);
}

/* A folder may break after any number of its names. */
struct dirent *readdir(DIR *d)
{
    static struct dirent *(*real)(DIR *);

    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "readdir");
    return fault_fails(FAULT_READDIR, NULL, dirfd(d)) ? NULL : real(d);
}

int dup(int fd)
{
    int other;

    if (fault_fails(FAULT_DUP, NULL, fd))
        return -1;
    fault_begin();
    other = (int)syscall(SYS_dup, fd);
    fault_end(other >= 0, &(struct fault_change){.call = FAULT_DUP, .fd = other, .flags = fd});
    return other;
}

/* ---- bytes ---- */

/* Half of what has come. */
static ssize_t fault_half(ssize_t got)
{
    return got > 1 ? (got + 1) / 2 : got;
}

ssize_t read(int fd, void *to, size_t n)
{
    int what = fault_of(FAULT_READ, NULL, fd);
    ssize_t got = what > 0 ? -1 : syscall(SYS_read, fd, to, n);

    if (what == FAULT_SHORT && got > 1 &&
        syscall(SYS_lseek, fd, fault_half(got) - got, SEEK_CUR) >= 0)
        got = fault_half(got);
    return got;
}

ssize_t pread(int fd, void *to, size_t n, off_t at)
{
    int what = fault_of(FAULT_READ, NULL, fd);
    ssize_t got = what > 0 ? -1 : syscall(SYS_pread64, fd, to, n, at);

    return what == FAULT_SHORT ? fault_half(got) : got;
}

/* What the disk makes of a write that it says to have done: a file that grows by it grows, its
 * bytes are others. */
static void fault_lie(int fd, const uint8_t *bytes, size_t n, off_t at, int what)
{
    char self[40];
    struct stat st;
    int other;

    snprintf(self, sizeof self, "/proc/self/fd/%d", fd);
    /* pwrite on one that appends would append */
    other = (int)syscall(SYS_openat, AT_FDCWD, self, O_WRONLY | O_CLOEXEC);
    if (other < 0)
        return;
    if (syscall(SYS_fstat, fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size < at + (off_t)n)
        (void)!syscall(SYS_ftruncate, other, at + (off_t)n);
    if (what == FAULT_TORN)
        (void)!syscall(SYS_pwrite64, other, bytes, n / 2, at);
    if (what == FAULT_ASTRAY)
        (void)!syscall(SYS_pwrite64, other, bytes, n,
                       (off_t)fault.astray % (st.st_size / 512 + 1) * 512);
    (void)!syscall(SYS_close, other);
}

/* at < 0: where the file stands. */
static ssize_t fault_write(int fd, const void *bytes, size_t n, off_t at)
{
    int what = fault_of(FAULT_WRITE, NULL, fd);
    bool placed = at >= 0;
    ssize_t put;

    if (what > 0)
        return -1;
    if (!placed && (what < 0 || fault_watch.changed))
        at =
            (off_t)syscall(SYS_lseek, fd, 0, (fcntl(fd, F_GETFL) & O_APPEND) ? SEEK_END : SEEK_CUR);
    if (what < FAULT_SHORT) {
        fault_lie(fd, bytes, n, at, what);
        if (!placed)
            (void)!syscall(SYS_lseek, fd, at + (off_t)n, SEEK_SET);
        return (ssize_t)n;
    }
    if (what == FAULT_SHORT)
        n = (n + 1) / 2;
    fault_begin();
    if (n && fault_watch.fits && (n = fault_watch.fits(fd, n)) == 0) {
        errno = ENOSPC;
        put = -1;
    } else {
        put = placed ? syscall(SYS_pwrite64, fd, bytes, n, at) : syscall(SYS_write, fd, bytes, n);
    }
    fault_end(put > 0, &(struct fault_change){.call = FAULT_WRITE,
                                              .fd = fd,
                                              .bytes = bytes,
                                              .n = put > 0 ? (size_t)put : 0,
                                              .at = at});
    return put;
}

ssize_t write(int fd, const void *bytes, size_t n)
{
    return fd <= 2 ? syscall(SYS_write, fd, bytes, n) : fault_write(fd, bytes, n, -1);
}

ssize_t pwrite(int fd, const void *bytes, size_t n, off_t at)
{
    return fault_write(fd, bytes, n, at);
}

ssize_t pwritev(int fd, const struct iovec *part, int parts, off_t at)
{
    ssize_t done = 0, put;

    if (!fault.strike && !fault_watch.changed && !fault.call)
        return syscall(SYS_pwritev, fd, part, (long)parts, (long)at, 0L);
    for (int i = 0; i < parts; i++) {
        put = fault_write(fd, part[i].iov_base, part[i].iov_len, at + done);
        if (put < 0)
            return done ? done : -1;
        done += put;
        if ((size_t)put < part[i].iov_len)
            break;
    }
    return done;
}

int ftruncate(int fd, off_t n)
{
    int rc;

    if (fault_fails(FAULT_TRUNCATE, NULL, fd))
        return -1;
    fault_begin();
    rc = (int)syscall(SYS_ftruncate, fd, n);
    fault_end(rc == 0, &(struct fault_change){.call = FAULT_TRUNCATE, .fd = fd, .at = n});
    return rc;
}

/* Space is reserved where a test wants that; holes are always made. */
int fallocate(int fd, int mode, off_t at, off_t n)
{
    if (fault_fails(FAULT_RESERVE, NULL, fd))
        return -1;
    return mode == FALLOC_FL_KEEP_SIZE && !fault_watch.reserves
               ? 0
               : (int)syscall(SYS_fallocate, fd, mode, at, n);
}

int fsync(int fd)
{
    if (fault_fails(FAULT_FSYNC, NULL, fd))
        return -1;
    fault_begin();
    fault_end(true, &(struct fault_change){.call = FAULT_FSYNC, .fd = fd});
    return 0; /* real disks may take their time */
}

int fdatasync(int fd)
{
    return fsync(fd);
}

#endif
