/* A file or a block device as a target. Reads and writes go past the page cache where the file
 * system allows it: reading back must ask the medium, and a target with 512 MB has no memory for a
 * cache of its disk. */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <linux/fs.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <unistd.h>

#include "imaging/disk/disk.h"
#include "net/os/file.h"

struct target {
    int direct; /* past the page cache; same as `cached` where that cannot be had */
    int cached; /* for the unaligned end of a disk */
    bool block; /* a block device */
    /* its name is on the disk: false for a file that was made, until it has been synced */
    atomic_bool named;
    char path[PATH_MAX];
};

bool disk_refusal(int code)
{
    return (code <= DISK_EKIND && code >= DISK_ESECTOR) ||
           (code <= DISK_ENONE && code >= DISK_EGONE) || code == DISK_EABSENT || code == DISK_EDEV;
}

static int fail(const struct target *t, int code, const char *what, uint64_t at, struct err *err)
{
    return err_set(err, code, "%s: %s at byte %llu: %s", t->path, what, (unsigned long long)at,
                   strerror(errno));
}

static bool aligned(const void *p, size_t n, uint64_t at)
{
    return ((uintptr_t)p | n | at) % DISK_ALIGN == 0;
}

/* A read through the cache must ask the medium all the same: dirty pages go out, clean ones are
 * dropped, also those the range covers in part. A write that failed on its way out is said here
 * once and never again, so it is not overheard. */
static int uncache(struct target *t, size_t n, uint64_t at, struct err *err)
{
    uint64_t from = at & ~(uint64_t)(DISK_ALIGN - 1),
             to = (at + n + DISK_ALIGN - 1) & ~(uint64_t)(DISK_ALIGN - 1);

    if (fdatasync(t->cached))
        return fail(t, DISK_EWRITE, "flush failed", at, err);
    posix_fadvise(t->cached, (off_t)from, (off_t)(to - from), POSIX_FADV_DONTNEED);
    return 0;
}

static int target_read(void *ctx, uint8_t *to, size_t n, uint64_t at, struct err *err)
{
    struct target *t = ctx;
    int fd = aligned(to, n, at) ? t->direct : t->cached;
    int rc = fd == t->cached ? uncache(t, n, at, err) : 0;

    if (rc)
        return rc;
    while (n > 0) {
        ssize_t got = pread(fd, to, n, (off_t)at);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {
            if (got == 0)
                errno = ENODATA;
            return fail(t, DISK_EREAD, "read failed", at, err);
        }
        to += got;
        at += (size_t)got;
        n -= (size_t)got;
    }
    return 0;
}

static int write_all(struct target *t, const uint8_t *p, size_t n, uint64_t at, struct err *err)
{
    while (n > 0) {
        int fd = aligned(p, n, at) ? t->direct : t->cached;
        ssize_t put = pwrite(fd, p, n, (off_t)at);

        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return fail(t, DISK_EWRITE, "write failed", at, err);
        p += put;
        at += (size_t)put;
        n -= (size_t)put;
    }
    return 0;
}

static int target_write(void *ctx, const struct disk_part *parts, int n_parts, uint64_t at,
                        struct err *err)
{
    struct target *t = ctx;
    struct iovec iov[DISK_MAX_PARTS] = {{0}};
    size_t total = 0;
    bool direct = true;

    for (int i = 0; i < n_parts; i++) {
        memcpy(&iov[i].iov_base, &parts[i].bytes, sizeof iov[i].iov_base);
        iov[i].iov_len = parts[i].n;
        direct = direct && aligned(parts[i].bytes, parts[i].n, at + total);
        total += parts[i].n;
    }
    if (direct && pwritev(t->direct, iov, n_parts, (off_t)at) == (ssize_t)total)
        return 0;
    /* Cut short, interrupted or unaligned: part by part, which also names the failing place. */
    for (int i = 0; i < n_parts; i++) {
        int rc = write_all(t, parts[i].bytes, parts[i].n, at, err);

        if (rc)
            return rc;
        at += parts[i].n;
    }
    return 0;
}

static int write_zeros(struct target *t, uint64_t at, uint64_t n, struct err *err)
{
    static uint8_t zeros[256 * 1024] __attribute__((aligned(DISK_ALIGN)));
    int rc = 0;

    while (n > 0 && !rc) {
        size_t step = n < sizeof zeros ? (size_t)n : sizeof zeros;

        rc = write_all(t, zeros, step, at, err);
        at += step;
        n -= step;
    }
    return rc;
}

static int target_zero(void *ctx, uint64_t at, uint64_t n, struct err *err)
{
    struct target *t = ctx;
    uint64_t range[2] = {at, n};

    if (n == 0)
        return 0;
    if (t->block ? ioctl(t->direct, BLKZEROOUT, range) == 0
                 : fallocate(t->cached, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)at,
                             (off_t)n) == 0)
        return 0;
    return write_zeros(t, at, n, err);
}

static void target_discard(void *ctx, uint64_t at, uint64_t n)
{
    struct target *t = ctx;
    uint64_t range[2] = {at, n};

    if (t->block)
        (void)!ioctl(t->direct, BLKDISCARD, range);
    else if (n > 0)
        (void)!fallocate(t->cached, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)at,
                         (off_t)n);
}

static int target_flush(void *ctx, struct err *err)
{
    struct target *t = ctx;

    if (fsync(t->cached))
        return fail(t, DISK_EWRITE, "flush failed", 0, err);
    if (atomic_load(&t->named))
        return 0;
    /* some network file systems have no such call */
    if (file_sync_name(t->path) && errno != EINVAL)
        return fail(t, DISK_EWRITE, "the file's folder cannot be synced", 0, err);
    atomic_store(&t->named, true);
    return 0;
}

static void target_close(void *ctx)
{
    struct target *t = ctx;

    if (t->direct != t->cached)
        close(t->direct);
    close(t->cached);
    free(t);
}

static uint64_t target_hole(void *ctx, uint64_t at)
{
    struct target *t = ctx;
    struct stat st;
    off_t data;

    if (t->block || fstat(t->cached, &st) || (uint64_t)st.st_size <= at)
        return 0;
    data = lseek(t->cached, (off_t)at, SEEK_DATA);
    if (data < 0)
        return errno == ENXIO ? (uint64_t)st.st_size - at : 0;
    return (uint64_t)data - at;
}

static const struct disk_ops target_ops = {target_read,  target_write, target_zero, target_discard,
                                           target_flush, target_close, target_hole};

/* A loop device that stands on this file would write to it behind our back. */
static bool backs_a_loop(const char *path, char *loop, size_t room)
{
    char real[PATH_MAX], line[PATH_MAX];
    glob_t g;
    bool found = false;

    if (!realpath(path, real) || glob("/sys/block/loop*/loop/backing_file", 0, NULL, &g))
        return false;
    for (size_t i = 0; i < g.gl_pathc && !found; i++) {
        FILE *f = fopen(g.gl_pathv[i], "r");

        if (!f)
            continue;
        if (fgets(line, sizeof line, f)) {
            line[strcspn(line, "\n")] = 0;
            found = !strcmp(line, real);
            snprintf(loop, room, "%.*s", (int)strcspn(g.gl_pathv[i] + 11, "/"), g.gl_pathv[i] + 11);
        }
        fclose(f);
    }
    globfree(&g);
    return found;
}

static int open_block(struct target *t, struct disk *disk, const struct disk_want *want,
                      struct err *err)
{
    int ro = 0, sector = 0;

    t->block = true;
    t->cached = open(t->path, O_RDWR | O_EXCL | O_CLOEXEC);
    if (t->cached < 0 && errno == EBUSY)
        return err_set(err, DISK_EBUSY, "%s is mounted or in use; expected a disk that nobody uses",
                       t->path);
    if (t->cached < 0 && (errno == EROFS || errno == EACCES || errno == EPERM))
        return err_set(err, DISK_EREADONLY, "%s cannot be opened for writing: %s", t->path,
                       strerror(errno));
    if (t->cached < 0)
        return err_set(err, DISK_EOPEN, "%s: %s", t->path, strerror(errno));
    if (ioctl(t->cached, BLKROGET, &ro) == 0 && ro)
        return err_set(err, DISK_EREADONLY, "%s is read-only", t->path);
    if (ioctl(t->cached, BLKGETSIZE64, &disk->bytes) || ioctl(t->cached, BLKSSZGET, &sector))
        return err_set(err, DISK_EOPEN, "%s: %s", t->path, strerror(errno));
    if (want->sector && (uint32_t)sector != want->sector)
        return err_set(err, DISK_ESECTOR, "%s has sectors of %d bytes; the image was made on %u",
                       t->path, sector, want->sector);
    return 0;
}

/* A file in /dev lies in memory, and its name is that of a disk somebody mistyped. /dev/shm is a
 * place for files. */
static int check_place(const char *path, bool there, bool create, struct err *err)
{
    const char *slash = strrchr(path, '/');
    char folder[PATH_MAX], real[PATH_MAX];

    snprintf(folder, sizeof folder, "%.*s", slash ? (int)(slash - path) + 1 : 1,
             slash ? path : ".");
    if (!realpath(there ? path : folder, real))
        return err_set(err, DISK_EOPEN, "%s: %s", path, strerror(errno));
    if ((!strcmp(real, "/dev") || !strncmp(real, "/dev/", 5)) && strcmp(real, "/dev/shm") != 0 &&
        strncmp(real, "/dev/shm/", 9) != 0)
        return err_set(err, DISK_EDEV,
                       there ? "%s is a file and no disk; expected a device below /dev"
                             : "%s does not exist; expected the name of a disk",
                       path);
    if (!there && !create)
        return err_set(err, DISK_EABSENT,
                       "%s does not exist; expected a disk, a file, or --create to make a file",
                       path);
    return 0;
}

/* One writer at a time: each of two would read back right what the other then writes over. The size
 * is what it was when it was decided by. */
static int lock_file(struct target *t, off_t size, struct err *err)
{
    struct stat now;

    if (flock(t->cached, LOCK_EX | LOCK_NB))
        return errno == EWOULDBLOCK
                   ? err_set(
                         err, DISK_EBUSY,
                         "%s is being written by another restore; expected a file that nobody uses",
                         t->path)
                   : err_set(err, DISK_EOPEN, "%s cannot be locked: %s", t->path, strerror(errno));
    if (fstat(t->cached, &now))
        return err_set(err, DISK_EOPEN, "%s: %s", t->path, strerror(errno));
    if (now.st_size != size)
        return err_set(err, DISK_EBUSY,
                       "%s changed while it was opened; expected a file that nobody uses", t->path);
    return 0;
}

static int open_file(struct target *t, struct disk *disk, const struct disk_want *want,
                     const struct stat *st, struct err *err)
{
    bool made = !st || st->st_size == 0;
    char loop[32] = "";
    int rc = check_place(t->path, st != NULL, want->create, err);

    if (rc)
        return rc;
    if (st && !(st->st_mode & 0222))
        return err_set(err, DISK_EREADONLY, "%s is read-only", t->path);
    if (st && backs_a_loop(t->path, loop, sizeof loop))
        return err_set(err, DISK_EBUSY, "%s is in use as /dev/%s", t->path, loop);
    t->cached = open(t->path, O_RDWR | O_CLOEXEC | (st ? 0 : O_CREAT | O_EXCL), 0666);
    if (t->cached < 0 && (errno == EROFS || errno == EACCES || errno == EPERM))
        return err_set(err, DISK_EREADONLY, "%s cannot be opened for writing: %s", t->path,
                       strerror(errno));
    if (t->cached < 0)
        return err_set(err, DISK_EOPEN, "%s: %s", t->path, strerror(errno));
    rc = lock_file(t, st ? st->st_size : 0, err);
    if (rc)
        return rc;
    atomic_store(&t->named, st != NULL);
    disk->made = !st ? DISK_MADE : made ? DISK_MADE_LONGER : DISK_AS_IT_WAS;
    if (made && ftruncate(t->cached, (off_t)want->make_bytes))
        return err_set(err, DISK_EOPEN, "%s: cannot be made %llu bytes long: %s", t->path,
                       (unsigned long long)want->make_bytes, strerror(errno));
    disk->bytes = made ? want->make_bytes : (uint64_t)st->st_size;
    disk->blank = made || (lseek(t->cached, 0, SEEK_DATA) < 0 && errno == ENXIO);
    return 0;
}

/* The same file once more, past the cache; -1 where that cannot be had: some file systems, no
 * /proc, other alignment. */
static int open_direct(int cached)
{
    uint8_t *probe = aligned_alloc(DISK_ALIGN, DISK_ALIGN);
    char link[64];
    int fd;

    snprintf(link, sizeof link, "/proc/self/fd/%d", cached);
    fd = probe ? open(link, O_RDWR | O_DIRECT | O_CLOEXEC) : -1;
    if (fd >= 0 && pread(fd, probe, DISK_ALIGN, 0) < 0 && errno == EINVAL) {
        close(fd);
        fd = -1;
    }
    free(probe);
    return fd;
}

static int open_checked(struct target *t, struct disk *disk, const struct disk_want *want,
                        struct err *err)
{
    struct stat st;
    bool there = stat(t->path, &st) == 0;
    int rc;

    if (!there && errno != ENOENT)
        return err_set(err, DISK_EOPEN, "%s: %s", t->path, strerror(errno));
    if (there && S_ISBLK(st.st_mode))
        rc = open_block(t, disk, want, err);
    else if (!there || S_ISREG(st.st_mode))
        rc = open_file(t, disk, want, there ? &st : NULL, err);
    else
        return err_set(err, DISK_EKIND, "%s is neither a disk nor a file", t->path);
    if (rc)
        return rc;
    if (disk->bytes < want->min_bytes)
        return err_set(err, DISK_ESMALL, "%s holds %llu bytes; the image needs %llu", t->path,
                       (unsigned long long)disk->bytes, (unsigned long long)want->min_bytes);
    t->direct = open_direct(t->cached);
    if (t->direct < 0)
        t->direct = t->cached;
    return 0;
}

void disk_target_undo(enum disk_made made, const char *path)
{
    if (made == DISK_MADE)
        (void)!unlink(path);
    if (made == DISK_MADE_LONGER)
        (void)!truncate(path, 0);
}

bool disk_is_partition(const char *path)
{
    char attribute[64];
    struct stat st;

    if (stat(path, &st) || !S_ISBLK(st.st_mode))
        return false;
    snprintf(attribute, sizeof attribute, "/sys/dev/block/%u:%u/partition", major(st.st_rdev),
             minor(st.st_rdev));
    return access(attribute, F_OK) == 0;
}

int disk_target_open(struct disk *disk, const char *path, const struct disk_want *want,
                     struct err *err)
{
    struct target *t = calloc(1, sizeof *t);
    int rc;

    memset(disk, 0, sizeof *disk);
    if (!t)
        return err_set(err, DISK_EOPEN, "%s: out of memory", path);
    t->direct = t->cached = -1;
    atomic_init(&t->named, true);
    snprintf(t->path, sizeof t->path, "%s", path);
    rc = open_checked(t, disk, want, err);
    if (rc) {
        if (t->cached >= 0)
            close(t->cached);
        disk_target_undo(disk->made, path);
        free(t);
        return rc;
    }
    disk->ops = &target_ops;
    disk->ctx = t;
    return 0;
}
