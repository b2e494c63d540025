#include "net/os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define AT_POSITION UINT64_MAX /* read and write where the file stands */

static ssize_t put_some(int fd, const uint8_t *bytes, size_t n, uint64_t at)
{
    return at == AT_POSITION ? write(fd, bytes, n) : pwrite(fd, bytes, n, (off_t)at);
}

static ssize_t get_some(int fd, uint8_t *to, size_t n, uint64_t at)
{
    return at == AT_POSITION ? read(fd, to, n) : pread(fd, to, n, (off_t)at);
}

static int write_whole(int fd, const uint8_t *bytes, size_t n, uint64_t at)
{
    for (size_t done = 0; done < n;) {
        ssize_t put = put_some(fd, bytes + done, n - done, at == AT_POSITION ? at : at + done);

        if (put < 0 && errno == EINTR)
            continue;
        if (put == 0)
            errno = EIO;
        if (put <= 0)
            return -1;
        done += (size_t)put;
    }
    return 0;
}

static ssize_t read_whole(int fd, uint8_t *to, size_t n, uint64_t at)
{
    size_t done = 0;

    while (done < n) {
        ssize_t got = get_some(fd, to + done, n - done, at == AT_POSITION ? at : at + done);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        if (got == 0)
            break;
        done += (size_t)got;
    }
    return (ssize_t)done;
}

int file_write(int fd, const void *bytes, size_t n)
{
    return write_whole(fd, bytes, n, AT_POSITION);
}

int file_write_at(int fd, const void *bytes, size_t n, uint64_t at)
{
    return write_whole(fd, bytes, n, at);
}

ssize_t file_read(int fd, void *to, size_t n)
{
    return read_whole(fd, to, n, AT_POSITION);
}

ssize_t file_read_at(int fd, void *to, size_t n, uint64_t at)
{
    return read_whole(fd, to, n, at);
}

/* The result of a call before, with its errno. */
static int close_after(int fd, int rc)
{
    int why = errno;

    if (fd >= 0)
        close(fd);
    errno = why;
    return rc;
}

ssize_t file_load(const char *path, void *to, size_t n)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t have = fd < 0 ? -1 : file_read(fd, to, n);

    close_after(fd, 0);
    return have;
}

int file_sync_folder(const char *folder)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return close_after(fd, fd < 0 ? -1 : fsync(fd));
}

int file_sync_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    char folder[PATH_MAX];

    if (snprintf(folder, sizeof folder, "%.*s", slash ? (int)(slash - path) + 1 : 1,
                 slash ? path : ".") >= (int)sizeof folder) {
        errno = ENAMETOOLONG;
        return -1;
    }
    return file_sync_folder(folder);
}

static int write_new(const char *path, const void *bytes, size_t n, mode_t mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode), rc;

    if (fd < 0)
        return -1;
    rc = file_write(fd, bytes, n) || fsync(fd) ? -1 : 0;
    if (rc)
        return close_after(fd, rc);
    return close(fd);
}

int file_rename_over(const char *path, const char *fresh, const void *bytes, size_t n, mode_t mode)
{
    int why;

    if (write_new(fresh, bytes, n, mode) == 0 && rename(fresh, path) == 0)
        return 0;
    why = errno;
    unlink(fresh);
    errno = why;
    return -1;
}

int file_replace(const char *path, const char *fresh, const void *bytes, size_t n, mode_t mode)
{
    return file_rename_over(path, fresh, bytes, n, mode) ? -1 : file_sync_name(path);
}
