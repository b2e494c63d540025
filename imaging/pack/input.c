#include "imaging/pack/input.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "imaging/image/image.h"
#include "net/wire/must.h"

extern char **environ;

static const struct {
    const char *ending, *tool;
} tools[] = {{".gz", "gzip"}, {".xz", "xz"}, {".zst", "zstd"}};

static const char *tool_for(const char *path)
{
    size_t n = strlen(path);

    for (size_t i = 0; i < sizeof tools / sizeof *tools; i++) {
        size_t m = strlen(tools[i].ending);

        if (n > m && strcmp(path + n - m, tools[i].ending) == 0)
            return tools[i].tool;
    }
    return NULL;
}

/* Reads n bytes, less only at the end: offset >= 0 by pread, -1 from where the stream stands. */
static int read_full(struct input *s, int64_t offset, void *buf, size_t n, size_t *got,
                     struct err *e)
{
    char *to = buf;

    for (*got = 0; *got < n;) {
        ssize_t r = offset < 0
                        ? read(s->fd, to + *got, n - *got)
                        : pread(s->fd, to + *got, n - *got, (off_t)((uint64_t)offset + *got));

        if (s->stop && *s->stop)
            return err_set(e, IMG_EINTR, "interrupted");
        if (r < 0 && errno == EINTR)
            continue;
        if (r < 0)
            return err_set(e, IMG_ESOURCE, "the source cannot be read at byte %llu: %s",
                           (unsigned long long)((offset < 0 ? s->at : (uint64_t)offset) + *got),
                           strerror(errno));
        if (r == 0)
            break;
        *got += (size_t)r;
    }
    return 0;
}

/* A mounted file system may change while it is read; the kernel says so to who asks for the device
 * alone. */
static int open_device(struct input *s, const char *path, struct err *e)
{
    uint64_t bytes = 0;
    int sector = 0, fd = open(path, O_RDONLY | O_CLOEXEC | O_EXCL);

    if (fd < 0 && errno == EBUSY) {
        snprintf(
            s->note, sizeof s->note,
            "the source is in use (mounted?): what changes meanwhile makes the image inconsistent");
        fd = open(path, O_RDONLY | O_CLOEXEC);
    }
    if (fd < 0)
        return err_set(e, IMG_ESOURCE, "%s cannot be opened: %s", path, strerror(errno));
    close(s->fd);
    s->fd = fd;
    if (ioctl(fd, BLKGETSIZE64, &bytes) != 0 || ioctl(fd, BLKSSZGET, &sector) != 0)
        return err_set(e, IMG_ESOURCE, "%s does not tell its size: %s", path, strerror(errno));
    if (sector != 512 && sector != 4096)
        return err_set(e, IMG_ESOURCE, "%s has sectors of %d bytes; expected 512 or 4096", path,
                       sector);
    s->bytes = bytes;
    s->sector_log2 = sector == 512 ? 9 : 12;
    return 0;
}

static int start_tool(struct input *s, const char *path, struct err *e)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attr;
    sigset_t none, standard;
    char tool[8], option[] = "-dc", *argv[] = {tool, option, NULL};
    int pipe_fd[2], rc;

    snprintf(tool, sizeof tool, "%s", s->tool);
    if (pipe2(pipe_fd, O_CLOEXEC) != 0)
        return err_set(e, IMG_ESOURCE, "no pipe to %s: %s", tool, strerror(errno));
    sigemptyset(&none);
    sigemptyset(&standard);
    sigaddset(&standard, SIGPIPE);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, s->file, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, pipe_fd[1], STDOUT_FILENO);
    posix_spawnattr_init(&attr);
    posix_spawnattr_setsigmask(&attr, &none);
    posix_spawnattr_setsigdefault(&attr, &standard);
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    rc = posix_spawnp(&s->child, tool, &actions, &attr, argv, environ);
    posix_spawnattr_destroy(&attr);
    posix_spawn_file_actions_destroy(&actions);
    close(pipe_fd[1]);
    s->fd = pipe_fd[0];
    if (rc) {
        s->child = 0;
        return err_set(e, IMG_ESOURCE, "%s needs %s, which cannot be run: %s", path, tool,
                       strerror(rc));
    }
    return 0;
}

static int open_file(struct input *s, const char *path, const struct stat *st, struct err *e)
{
    s->tool = tool_for(path);
    s->measure = (uint64_t)st->st_size;
    if (st->st_size == 0)
        return err_set(e, IMG_ESOURCE, "%s is empty", path);
    if (s->tool) {
        s->file = s->fd;
        s->fd = -1;
        return start_tool(s, path, e);
    }
    s->seekable = s->holes = true;
    s->bytes = (uint64_t)st->st_size;
    return 0;
}

static int open_stream(struct input *s, struct err *e)
{
    s->ahead = malloc(INPUT_AHEAD);
    if (!s->ahead)
        return err_set(e, IMG_EMEMORY, "no memory to read ahead");
    return read_full(s, -1, s->ahead, INPUT_AHEAD, &s->ahead_n, e);
}

static int open_any(struct input *s, const char *path, struct err *e)
{
    bool std_in = strcmp(path, "-") == 0;
    struct stat st;
    int rc = 0;

    s->fd = std_in ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
    if (s->fd < 0 || fstat(s->fd, &st) != 0)
        return err_set(e, IMG_ESOURCE, "%s cannot be opened: %s", std_in ? "standard input" : path,
                       strerror(errno));
    if (S_ISDIR(st.st_mode))
        return err_set(e, IMG_ESOURCE, "%s is a directory; expected a disk or an image of one",
                       path);
    if (S_ISBLK(st.st_mode)) {
        rc = open_device(s, path, e);
        s->seekable = true;
        s->measure = s->bytes;
    } else if (S_ISREG(st.st_mode) && !std_in) {
        rc = open_file(s, path, &st, e);
    }
    if (rc)
        return rc;
    if (s->seekable)
        posix_fadvise(s->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    return s->seekable ? 0 : open_stream(s, e);
}

int input_open(struct input *s, const char *path, const atomic_int *stop, struct err *e)
{
    int rc;

    *s = (struct input){.fd = -1, .file = -1, .stop = stop};
    rc = open_any(s, path, e);
    if (rc)
        input_close(s, NULL);
    return rc;
}

/* gzip's code for a warning. Of a file that it unpacks to a pipe it has one: something lies behind
 * the end of what was compressed. */
static bool has_trailer(const struct input *s, int status)
{
    return strcmp(s->tool, "gzip") == 0 && WIFEXITED(status) && WEXITSTATUS(status) == 2;
}

int input_close(struct input *s, struct err *e)
{
    int status = 0, rc = 0;
    bool trailer = false;

    if (s->fd >= 0)
        close(s->fd); /* a decompressor that still writes ends by SIGPIPE */
    if (s->file >= 0)
        close(s->file);
    free(s->ahead);
    if (s->child > 0) {
        while (waitpid(s->child, &status, 0) < 0 && errno == EINTR)
            ;
        trailer = has_trailer(s, status);
        if (status != 0 && !trailer)
            rc = err_set(
                e, IMG_ESOURCE,
                "%s did not end well (%s %d): the compressed source is damaged or cut short",
                s->tool, WIFSIGNALED(status) ? "signal" : "exit code",
                WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    }
    *s = (struct input){.fd = -1, .file = -1};
    if (trailer)
        snprintf(s->note, sizeof s->note,
                 "the file has bytes behind its compressed contents, which are left out");
    return rc;
}

static int read_stream(struct input *s, uint8_t *buf, size_t n, size_t *got, struct err *e)
{
    size_t kept = s->at < s->ahead_n ? s->ahead_n - (size_t)s->at : 0;
    int rc = 0;

    kept = kept < n ? kept : n;
    memcpy(buf, s->ahead + (kept ? s->at : 0), kept);
    *got = 0;
    if (kept < n && s->ahead_n == INPUT_AHEAD) /* a shorter one ended there */
        rc = read_full(s, -1, buf + kept, n - kept, got, e);
    *got += kept;
    s->at += *got;
    return rc;
}

int input_read(struct input *s, uint64_t at, void *buf, size_t n, size_t *got, struct err *e)
{
    if (s->seekable)
        return read_full(s, (int64_t)at, buf, n, got, e);
    MUST(at == s->at);
    return read_stream(s, buf, n, got, e);
}

/* Asks where the next data or the next hole begins, and remembers the stretch in between. */
static void mark_stretch(struct input *s, uint64_t at)
{
    off_t data = lseek(s->fd, (off_t)at, SEEK_DATA), hole;

    s->mark = at;
    s->mark_end = s->bytes;
    s->mark_hole = true;
    if (data < 0 && errno == ENXIO)
        return; /* nothing but hole up to the end */
    if (data < 0) {
        s->holes = false; /* this file system cannot tell */
        return;
    }
    if ((uint64_t)data > at) {
        s->mark_end = (uint64_t)data;
        return;
    }
    s->mark_hole = false;
    hole = lseek(s->fd, (off_t)at, SEEK_HOLE);
    if (hole > (off_t)at)
        s->mark_end = (uint64_t)hole;
}

uint64_t input_hole(struct input *s, uint64_t at)
{
    if (s->holes && (at < s->mark || at >= s->mark_end))
        mark_stretch(s, at);
    return s->holes && s->mark_hole ? s->mark_end - at : 0;
}

uint64_t input_position(const struct input *s, uint64_t raw_done)
{
    off_t at = s->file >= 0 ? lseek(s->file, 0, SEEK_CUR)
                            : -1; /* the decompressor's place: it shares the descriptor */

    return at >= 0 ? (uint64_t)at : raw_done;
}

static int read_at(void *ctx, uint64_t at, void *buf, size_t n)
{
    struct input *s = ctx;
    size_t got;

    if (s->seekable)
        return at > INT64_MAX || read_full(s, (int64_t)at, buf, n, &got, NULL) != 0 || got != n ? -1
                                                                                                : 0;
    if (at > s->ahead_n || n > s->ahead_n - at)
        return -1;
    memcpy(buf, s->ahead + at, n);
    return 0;
}

struct readat input_readat(struct input *s)
{
    return (struct readat){.ctx = s, .read = read_at};
}
