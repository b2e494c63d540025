#include "board/target/settle.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "board/errors/box.h"
#include "net/os/file.h"

#define TRIES 50 /* of 100 ms: somebody else may still look at the disk */
#define ASIDE ".ringcast-new"
#define FOLDER "/tmp/ringcast-XXXXXX"
#define NODES "/dev/ringcast-XXXXXX" /* a target's /tmp takes no device nodes */

static const char *const kind_name[] = {[OWN_EXT4] = "ext4", [OWN_FAT] = "vfat"};

/* ---- within a mounted partition ---- */

/* Links are followed as the machine itself will: from the partition's root. */
static int open_within(int root, const char *path, int flags)
{
    struct open_how how = {.flags = (uint64_t)flags | O_CLOEXEC,
                           .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS};

    return (int)syscall(SYS_openat2, root, path, &how, sizeof how);
}

/* The folder of a file, made where it is missing. */
static int open_folder(int root, const char *path, struct err *err)
{
    char at[OWN_PATH_MAX + 1];

    for (size_t i = 0; path[i]; i++) {
        int up, fd;

        if (path[i] != '/')
            continue;
        memcpy(at, path, i);
        at[i] = 0;
        fd = open_within(root, at, O_PATH | O_DIRECTORY);
        if (fd < 0 && errno == ENOENT) {
            char *slash = strrchr(at, '/');

            if (slash)
                *slash = 0;
            up = open_within(root, slash ? at : ".", O_PATH | O_DIRECTORY);
            fd = up < 0 ? -1 : mkdirat(up, slash ? slash + 1 : at, 0755);
            if (up >= 0)
                close(up);
        }
        if (fd < 0)
            return err_set(err, PC_ESETTLE,
                           "the folder of %.120s cannot be made on this machine: %s", path,
                           strerror(errno));
        if (fd > 0)
            close(fd);
    }
    snprintf(at, sizeof at, "%s", path);
    if (strrchr(at, '/'))
        *strrchr(at, '/') = 0;
    else
        snprintf(at, sizeof at, ".");
    return open_within(root, at, O_RDONLY | O_DIRECTORY);
}

static const char *name_of(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

/* Aside first: at every instant the file is the old one or the new one. */
static int write_file(int root, const struct own_file *f, struct err *err)
{
    int folder = open_folder(root, f->path, err), fd;
    bool done;

    if (folder < 0)
        return err_set(err, PC_ESETTLE, "%.120s cannot be written on this machine: %s", f->path,
                       strerror(errno));
    (void)unlinkat(folder, ASIDE, 0);
    fd = openat(folder, ASIDE, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
    done = fd >= 0 && file_write(fd, f->bytes, f->n) == 0 && fsync(fd) == 0;
    if (fd >= 0)
        done = close(fd) == 0 && done;
    done = done && renameat(folder, ASIDE, folder, name_of(f->path)) == 0;
    if (!done) {
        err_set(err, PC_ESETTLE, "%.120s cannot be written on this machine: %s", f->path,
                strerror(errno));
        (void)unlinkat(folder, ASIDE, 0);
    }
    done = fsync(folder) == 0 && done; /* FAT does without */
    close(folder);
    return done ? 0
                : err_set(err, PC_ESETTLE, "%.120s cannot be brought to this machine's disk: %s",
                          f->path, strerror(errno));
}

static int compare_file(int root, const struct own_file *f, struct err *err)
{
    uint8_t back[SESSION_OWN_MAX + 1];
    int fd = open_within(root, f->path, O_RDONLY | O_NOFOLLOW);
    ssize_t n = fd < 0 ? -1 : read(fd, back, sizeof back);

    if (fd >= 0)
        close(fd);
    if (n == (ssize_t)f->n && memcmp(back, f->bytes, f->n) == 0)
        return 0;
    return err_set(err, PC_ESETTLE, "%.120s was read back otherwise than it was written", f->path);
}

/* ---- partitions ---- */

struct mounted {
    char folder[sizeof FOLDER];
    int root;
};

static void mounted_close(struct mounted *m)
{
    if (m->root >= 0)
        close(m->root);
    umount2(m->folder, 0);
    rmdir(m->folder);
}

/* False: the partition holds no file system of that kind, or one without the folder. */
static bool mounted_open(struct mounted *m, const char *node, enum own_where kind,
                         unsigned long flags)
{
    int etc;

    snprintf(m->folder, sizeof m->folder, FOLDER);
    m->root = -1;
    mkdir("/tmp", 01777);
    if (!mkdtemp(m->folder))
        return false;
    if (mount(node, m->folder, kind_name[kind], MS_NOSUID | MS_NODEV | MS_NOEXEC | flags, "")) {
        rmdir(m->folder);
        return false;
    }
    m->root = open(m->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    etc = kind == OWN_EXT4 ? open_within(m->root, "etc", O_PATH | O_DIRECTORY) : m->root;
    if (etc < 0)
        mounted_close(m);
    else if (etc != m->root)
        close(etc);
    return etc >= 0;
}

static int each_file(const struct own *o, enum own_where where, int root,
                     int (*does)(int, const struct own_file *, struct err *), struct err *err)
{
    char line[OWN_HOST_MAX + 2];
    struct own_file host = {.where = OWN_EXT4,
                            .path = "etc/hostname",
                            .bytes = (const uint8_t *)line};
    int rc = 0;

    host.n = (size_t)snprintf(line, sizeof line, "%s\n", o->host);
    if (where == OWN_EXT4 && o->host[0])
        rc = does(root, &host, err);
    for (unsigned i = 0; rc == 0 && i < o->n; i++)
        if (o->file[i].where == where)
            rc = does(root, &o->file[i], err);
    return rc;
}

static bool has_some(const struct own *o, enum own_where where)
{
    bool some = where == OWN_EXT4 && o->host[0];

    for (unsigned i = 0; i < o->n; i++)
        some |= o->file[i].where == where;
    return some;
}

/* Written, unmounted so that nothing of it is in memory any more, and read again. */
static int settle_one(struct mounted *m, const char *node, const struct own *o,
                      enum own_where where, struct err *err)
{
    int rc = each_file(o, where, m->root, write_file, err);

    if (rc == 0 && syncfs(m->root))
        rc =
            err_set(err, PC_ESETTLE, "what is this machine's own cannot be brought to its disk: %s",
                    strerror(errno));
    mounted_close(m);
    if (rc)
        return rc;
    if (!mounted_open(m, node, where, MS_RDONLY))
        return err_set(err, PC_ESETTLE, "the partition that was written cannot be read again: %s",
                       strerror(errno));
    rc = each_file(o, where, m->root, compare_file, err);
    mounted_close(m);
    return rc;
}

static int settle_kind(char node[][64], unsigned n, const struct own *o, enum own_where where,
                       struct err *err)
{
    struct mounted m;

    if (!has_some(o, where))
        return 0;
    for (unsigned i = 0; i < n; i++)
        if (mounted_open(&m, node[i], where, 0))
            return settle_one(&m, node[i], o, where, err);
    return err_set(
        err, PC_ESETTLE,
        "the image has no %s for what is this machine's own: expected one among its %u partitions",
        where == OWN_EXT4 ? "ext4 partition with a folder etc" : "FAT partition", n);
}

int settle_partitions(char node[][64], unsigned n, const struct own *o, struct err *err)
{
    int rc = settle_kind(node, n, o, OWN_EXT4, err);

    return rc ? rc : settle_kind(node, n, o, OWN_FAT, err);
}

/* ---- the disk ---- */

/* The kernel looks at the partition table that has just been written. */
static int read_table(const char *disk, struct stat *st, struct err *err)
{
    int fd = open(disk, O_RDONLY | O_CLOEXEC), rc = -1;

    if (fd < 0 || fstat(fd, st) || !S_ISBLK(st->st_mode)) {
        if (fd >= 0)
            close(fd);
        return err_set(err, PC_ESETTLE,
                       "expected %.80s to be a block device, to write what is this machine's own",
                       disk);
    }
    for (unsigned i = 0; i < TRIES && (rc = ioctl(fd, BLKRRPART)) && errno == EBUSY; i++)
        usleep(100000);
    close(fd);
    return rc ? err_set(err, PC_ESETTLE, "the kernel cannot read the partition table of %.80s: %s",
                        disk, strerror(errno))
              : 0;
}

/* The number in a file FOLDER/ENTRY/NAME, and the one behind its colon; 0: there is none. */
static unsigned number_in(int folder, const char *entry, const char *name, unsigned *second)
{
    char path[300], text[32] = "";
    unsigned value = 0;
    int fd;

    snprintf(path, sizeof path, "%.255s/%s", entry, name);
    fd = openat(folder, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    if (read(fd, text, sizeof text - 1) <= 0 || sscanf(text, "%u:%u", &value, second) < 1)
        value = 0;
    close(fd);
    return value;
}

/* Nodes of our own for the partitions, by number: the kernel's may come late. The highest number,
 * or -1 when there may be more of them. */
static int make_nodes(const struct stat *st, const char *folder,
                      char node[SETTLE_PARTITIONS_MAX][64])
{
    char path[64];
    DIR *d;
    struct dirent *e;
    unsigned most = 0, ignored = 0;
    bool whole;

    memset(node, 0, sizeof(char[SETTLE_PARTITIONS_MAX][64]));
    snprintf(path, sizeof path, "/sys/dev/block/%u:%u", major(st->st_rdev), minor(st->st_rdev));
    d = opendir(path);
    if (!d)
        return -1;
    for (errno = 0; (e = readdir(d)); errno = 0) {
        unsigned minor_of = 0, number = number_in(dirfd(d), e->d_name, "partition", &ignored);
        unsigned major_of = number_in(dirfd(d), e->d_name, "dev", &minor_of);

        if (number < 1 || number > SETTLE_PARTITIONS_MAX || !major_of)
            continue;
        snprintf(node[number - 1], 64, "%.40s/%u", folder, number);
        if (mknod(node[number - 1], S_IFBLK | 0600, makedev(major_of, minor_of)))
            node[number - 1][0] = 0;
        most = number > most ? number : most;
    }
    whole = errno == 0;
    closedir(d);
    return whole ? (int)most : -1;
}

int settle_disk(const char *disk, const struct own *o, struct err *err)
{
    char folder[] = NODES, node[SETTLE_PARTITIONS_MAX][64];
    struct stat st;
    int n, rc;

    if (!o->host[0] && !o->n)
        return 0;
    rc = read_table(disk, &st, err);
    if (rc)
        return rc;
    if (!mkdtemp(folder))
        return err_set(err, PC_ESETTLE, "there is no place for nodes of the partitions: %s",
                       strerror(errno));
    n = make_nodes(&st, folder, node);
    rc = n < 0 ? err_set(err, PC_ESETTLE, "the partitions of %s cannot be listed: %s", disk,
                         strerror(errno))
               : settle_partitions(node, (unsigned)n, o, err);
    for (unsigned i = 0; i < SETTLE_PARTITIONS_MAX; i++)
        if (node[i][0])
            unlink(node[i]);
    rmdir(folder);
    return rc;
}
