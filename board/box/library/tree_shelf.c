#include "board/box/library/tree_shelf.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "net/content/tree.h"
#include "net/os/file.h"

#define FOLDER (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
#define LEVELS_MAX 64 /* of folders, when a tree is walked */
#define LEAVING '~'
#define PARTIAL '.'

static int failed(struct err *err, const char *what, const char *name)
{
    bool full = errno == ENOSPC || errno == EDQUOT;

    return err_set(err, full ? LIBRARY_ESPACE : LIBRARY_EDISK, "the trees' %.120s cannot be %s: %s",
                   name, what, strerror(errno));
}

static bool is_dots(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

static void name_on_disk(char to[TREE_NAME_MAX + 2], const char *name, bool partial)
{
    snprintf(to, TREE_NAME_MAX + 2, "%s%.*s", partial ? "." : "", TREE_NAME_MAX, name);
}

/* ---- walking ---- */

struct walk {
    /* One name in the folder `dir`. A folder is visited before (`leaves` false) and after what is
     * in it. */
    int (*visit)(struct walk *, int dir, const char *name, const struct stat *, bool leaves,
                 struct err *);
    struct tree_size size;
};

static int walk_folder(struct walk *w, int dir, unsigned levels, struct err *err);

static int walk_below(struct walk *w, int dir, const char *name, unsigned levels, struct err *err)
{
    int fd = levels ? openat(dir, name, FOLDER) : -1;

    if (!levels)
        return err_set(err, LIBRARY_EDISK, "a tree has more than %d levels of folders", LEVELS_MAX);
    return fd < 0 ? failed(err, "read", name) : walk_folder(w, fd, levels - 1, err);
}

static int walk_entry(struct walk *w, int dir, const char *name, unsigned levels, struct err *err)
{
    struct stat st;
    int rc;

    if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW))
        return failed(err, "read", name);
    rc = w->visit(w, dir, name, &st, false, err);
    if (rc || !S_ISDIR(st.st_mode))
        return rc;
    rc = walk_below(w, dir, name, levels, err);
    return rc ? rc : w->visit(w, dir, name, &st, true, err);
}

/* Takes fd over. A listing that ends early is an error. */
static int walk_folder(struct walk *w, int fd, unsigned levels, struct err *err)
{
    DIR *d = fdopendir(fd);
    struct dirent *e;
    int rc = 0;

    if (!d) {
        close(fd);
        return failed(err, "read", "folder");
    }
    while (rc == 0 && (errno = 0, e = readdir(d)))
        if (!is_dots(e->d_name))
            rc = walk_entry(w, fd, e->d_name, levels, err);
    if (rc == 0 && errno)
        rc = failed(err, "read", "folder");
    closedir(d);
    return rc;
}

static int walk_tree(const struct tree_shelf *s, const char *on_disk, struct walk *w,
                     struct err *err)
{
    int fd = openat(s->fd, on_disk, FOLDER);

    if (fd < 0 && errno == ENOENT)
        return err_set(err, LIBRARY_EUNKNOWN, "there is no tree \"%s\"", on_disk);
    return fd < 0 ? failed(err, "read", on_disk) : walk_folder(w, fd, LEVELS_MAX, err);
}

static bool is_temporary(const char *name)
{
    return strncmp(name, TREE_TEMPORARY, sizeof TREE_TEMPORARY - 1) == 0;
}

static int count(struct walk *w, int dir, const char *name, const struct stat *st, bool leaves,
                 struct err *err)
{
    (void)dir;
    (void)leaves;
    (void)err;
    if (S_ISREG(st->st_mode) && !is_temporary(name)) {
        w->size.files++;
        w->size.bytes += (uint64_t)st->st_size;
    }
    return 0;
}

static int count_and_tidy(struct walk *w, int dir, const char *name, const struct stat *st,
                          bool leaves, struct err *err)
{
    if (S_ISREG(st->st_mode) && is_temporary(name))
        return unlinkat(dir, name, 0) ? failed(err, "removed", name) : 0;
    return count(w, dir, name, st, leaves, err);
}

static int take_away(struct walk *w, int dir, const char *name, const struct stat *st, bool leaves,
                     struct err *err)
{
    bool folder = S_ISDIR(st->st_mode);

    (void)w;
    if (folder && !leaves)
        return 0;
    return unlinkat(dir, name, folder ? AT_REMOVEDIR : 0) ? failed(err, "removed", name) : 0;
}

/* ---- the folder ---- */

static int sync_folder(int fd, struct err *err)
{
    return fsync(fd) ? failed(err, "written", "folder") : 0;
}

void tree_shelf_close(struct tree_shelf *s)
{
    if (s->fd >= 0)
        close(s->fd);
    s->fd = -1;
}

/* The folder is new: its name is on the disk from here on. */
static int sync_above(int fd, struct err *err)
{
    int above = openat(fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int rc = above < 0 ? failed(err, "read", "folder") : sync_folder(above, err);

    if (above >= 0)
        close(above);
    return rc;
}

int tree_shelf_open(struct tree_shelf *s, const char *folder, struct err *err)
{
    bool made = mkdir(folder, 0700) == 0;
    int rc = 0;

    s->fd = -1;
    if (!made && errno != EEXIST)
        return failed(err, "made", "folder");
    s->fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (s->fd < 0)
        rc = failed(err, "read", "folder");
    else if (made)
        rc = sync_above(s->fd, err);
    if (rc)
        tree_shelf_close(s);
    return rc;
}

/* A listing of its own: the shelf's descriptor keeps its place. */
static DIR *list(const struct tree_shelf *s)
{
    int fd = openat(s->fd, ".", FOLDER);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);

    if (fd >= 0 && !d)
        close(fd);
    return d;
}

static int sweep(const struct tree_shelf *s, const char *on_disk, struct err *err)
{
    struct walk w = {.visit = take_away};
    int rc = walk_tree(s, on_disk, &w, err);

    return rc == 0 && unlinkat(s->fd, on_disk, AT_REMOVEDIR) ? failed(err, "removed", on_disk) : rc;
}

int tree_shelf_sweep(const struct tree_shelf *s, struct err *err)
{
    DIR *d = list(s);
    struct dirent *e;
    int rc = 0;

    if (!d)
        return failed(err, "read", "folder");
    while (rc == 0 && (errno = 0, e = readdir(d)))
        if (e->d_name[0] == LEAVING && tree_name_check(e->d_name + 1, NULL) == 0)
            rc = sweep(s, e->d_name, err);
    closedir(d);
    return rc;
}

/* What has come of an upload. Unfinished files go: none of them comes into the tree any more. */
static int upload_size(const struct tree_shelf *s, const char *name, struct tree_size *size,
                       struct err *err)
{
    struct walk w = {.visit = count_and_tidy};
    char on_disk[TREE_NAME_MAX + 2];
    int rc;

    name_on_disk(on_disk, name, true);
    rc = walk_tree(s, on_disk, &w, err);
    *size = w.size;
    return rc;
}

static void scan_one(const struct tree_shelf *s, bool tidy, const char *on_disk,
                     tree_shelf_each *each, void *ctx)
{
    bool partial = on_disk[0] == PARTIAL;
    struct walk w = {.visit = partial && tidy ? count_and_tidy : count};
    struct stat st;
    struct err why = {0};

    if (tree_name_check(on_disk + partial, NULL) ||
        (fstatat(s->fd, on_disk, &st, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISDIR(st.st_mode)))
        return; /* not ours to judge */
    (void)walk_tree(s, on_disk, &w, &why);
    each(ctx, on_disk + partial, partial, &w.size, &why);
}

int tree_shelf_scan(const struct tree_shelf *s, bool tidy, tree_shelf_each *each, void *ctx,
                    struct err *err)
{
    DIR *d = list(s);
    struct dirent *e;
    int rc = 0;

    if (!d)
        return failed(err, "read", "folder");
    while ((errno = 0, e = readdir(d)))
        if (!is_dots(e->d_name) && e->d_name[0] != LEAVING)
            scan_one(s, tidy, e->d_name, each, ctx);
    if (errno)
        rc = failed(err, "read", "folder");
    closedir(d);
    return rc;
}

/* ---- a file ---- */

/* Trees are given out without regard to ASCII case: two names that differ in nothing else would
 * hide one another. */
static int check_case(int dir, const char *name, struct err *err)
{
    int fd = openat(dir, ".", FOLDER), rc = 0;
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *e;

    if (!d) {
        if (fd >= 0)
            close(fd);
        return failed(err, "read", "folder");
    }
    while (rc == 0 && (errno = 0, e = readdir(d)))
        if (strcasecmp(e->d_name, name) == 0 && strcmp(e->d_name, name) != 0)
            rc = err_set(err, LIBRARY_EEXISTS,
                         "expected no name that differs from \"%.80s\" in the case of its letters "
                         "alone, got \"%.80s\"",
                         e->d_name, name);
    if (rc == 0 && errno)
        rc = failed(err, "read", "folder");
    closedir(d);
    return rc;
}

/* The folder `name` in the folder `dir`, made when it is not there, and then on the disk for good.
 * Its descriptor goes to *fd. */
static int enter(int dir, const char *name, int *fd, struct err *err)
{
    int rc = 0;

    *fd = openat(dir, name, FOLDER);
    if (*fd < 0 && errno == ENOENT) {
        rc = check_case(dir, name, err);
        if (rc == 0 && mkdirat(dir, name, 0700))
            rc = failed(err, "made", name);
        if (rc == 0)
            rc = sync_folder(dir, err);
        if (rc == 0)
            *fd = openat(dir, name, FOLDER);
    }
    if (rc == 0 && *fd < 0)
        rc = errno == ENOTDIR ? err_set(err, LIBRARY_EEXISTS,
                                        "expected a folder at \"%.120s\", got a file", name)
                              : failed(err, "read", name);
    return rc;
}

/* Goes down to the folder of the path's last part; *dir is replaced by it. */
static int go_down(int *dir, const char *path, char base[TREE_PATH_MAX + 1], struct err *err)
{
    int rc = 0;

    for (const char *slash; rc == 0 && (slash = strchr(path, '/')); path = slash + 1) {
        char part[TREE_PATH_MAX + 1];
        int below;

        snprintf(part, sizeof part, "%.*s", (int)(slash - path), path);
        rc = enter(*dir, part, &below, err);
        close(*dir);
        *dir = below;
    }
    snprintf(base, TREE_PATH_MAX + 1, "%s", path);
    return rc;
}

static int check_place(int dir, const char *base, struct err *err)
{
    struct stat st;
    int rc = check_case(dir, base, err);

    if (rc || (fstatat(dir, base, &st, AT_SYMLINK_NOFOLLOW) && errno == ENOENT))
        return rc;
    return S_ISREG(st.st_mode)
               ? 0
               : err_set(err, LIBRARY_EEXISTS,
                         "expected a file or nothing at \"%.120s\", got a folder", base);
}

int tree_intake_open(const struct tree_shelf *s, const char *name, const char *path,
                     unsigned number, struct tree_intake *in, struct err *err)
{
    char on_disk[TREE_NAME_MAX + 2];
    int rc = tree_name_check(name, err);

    *in = (struct tree_intake){.dir = -1, .fd = -1};
    name_on_disk(on_disk, name, true);
    if (rc == 0)
        rc = tree_path_check(path, err);
    if (rc == 0)
        rc = enter(s->fd, on_disk, &in->dir, err);
    if (rc == 0)
        rc = go_down(&in->dir, path, in->base, err);
    if (rc == 0)
        rc = check_place(in->dir, in->base, err);
    snprintf(in->temporary, sizeof in->temporary, TREE_TEMPORARY "%u", number);
    if (rc == 0)
        in->fd = openat(in->dir, in->temporary,
                        O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (rc == 0 && in->fd < 0)
        rc = failed(err, "made", path);
    mbedtls_sha256_init(&in->hash);
    mbedtls_sha256_starts(&in->hash, 0);
    if (rc)
        tree_intake_drop(in);
    return rc;
}

static int check_space(const struct tree_shelf *s, size_t n, struct err *err)
{
    struct statvfs v;

    if (fstatvfs(s->fd, &v))
        return failed(err, "read", "disk");
    if ((uint64_t)v.f_bavail * v.f_frsize < s->reserve + n)
        return err_set(err, LIBRARY_ESPACE,
                       "the disk is full: the last %llu MiB are kept for what the box learns",
                       (unsigned long long)(s->reserve >> 20));
    return 0;
}

int tree_intake_write(const struct tree_shelf *s, struct tree_intake *in, const void *bytes,
                      size_t n, struct err *err)
{
    int rc = check_space(s, n, err);

    mbedtls_sha256_update(&in->hash, bytes, n);
    if (rc)
        return rc;
    if (file_write(in->fd, bytes, n))
        return failed(err, "written", in->base);
    in->at += n;
    return 0;
}

static void intake_close(struct tree_intake *in)
{
    if (in->fd >= 0)
        close(in->fd);
    if (in->dir >= 0)
        close(in->dir);
    in->fd = in->dir = -1;
    mbedtls_sha256_free(&in->hash);
}

void tree_intake_drop(struct tree_intake *in)
{
    if (in->fd >= 0)
        unlinkat(in->dir, in->temporary, 0);
    intake_close(in);
}

int tree_intake_finish(struct tree_intake *in, const uint8_t *sha256, struct err *err)
{
    uint8_t have[TREE_HASH_BYTES];
    struct stat st;
    int rc = 0;

    mbedtls_sha256_finish(&in->hash, have);
    if (sha256 && memcmp(have, sha256, sizeof have) != 0)
        rc = err_set(err, LIBRARY_EHASH,
                     "the bytes of %.120s do not have the SHA-256 that was announced", in->base);
    if (rc == 0 && fsync(in->fd))
        rc = failed(err, "written", in->base);
    if (rc == 0 && fstatat(in->dir, in->base, &st, AT_SYMLINK_NOFOLLOW) == 0)
        in->before = (struct tree_size){1, (uint64_t)st.st_size};
    if (rc == 0 && renameat(in->dir, in->temporary, in->dir, in->base))
        rc = failed(err, "made", in->base);
    if (rc) {
        tree_intake_drop(in);
        return rc;
    }
    rc = sync_folder(in->dir, err);
    intake_close(in);
    return rc;
}

/* ---- a tree ---- */

/* NAME or .NAME is ~NAME from here on; what had that name before is gone. */
static int set_aside(const struct tree_shelf *s, const char *on_disk, const char *name,
                     char aside[TREE_NAME_MAX + 2], struct err *err)
{
    int rc;

    snprintf(aside, TREE_NAME_MAX + 2, "%c%.*s", LEAVING, TREE_NAME_MAX, name);
    rc = faccessat(s->fd, aside, F_OK, AT_SYMLINK_NOFOLLOW) == 0 ? sweep(s, aside, err) : 0;
    if (rc == 0 && renameat(s->fd, on_disk, s->fd, aside))
        rc = errno == ENOENT ? err_set(err, LIBRARY_EUNKNOWN, "there is no tree \"%s\"", on_disk)
                             : failed(err, "renamed", on_disk);
    return rc ? rc : sync_folder(s->fd, err);
}

static int check_announced(const struct tree_shelf *s, const char *name,
                           const struct tree_size *announced, struct err *err)
{
    struct err why = {0};
    struct tree_size have;
    int rc = upload_size(s, name, &have, &why);

    if (rc == LIBRARY_EUNKNOWN)
        return err_set(err, rc, "nothing of a tree \"%s\" has been uploaded", name);
    if (rc)
        return err_set(err, rc, "%s", why.text);
    if (have.files > CONTENT_TREE_FILES_MAX)
        return err_set(err, LIBRARY_EFULL, "expected at most %d files in a tree",
                       CONTENT_TREE_FILES_MAX);
    if (have.files == announced->files && have.bytes == announced->bytes)
        return 0;
    return err_set(
        err, LIBRARY_EPARTIAL,
        "expected %llu files with %llu bytes, as announced; the box has %llu files with %llu bytes",
        (unsigned long long)announced->files, (unsigned long long)announced->bytes,
        (unsigned long long)have.files, (unsigned long long)have.bytes);
}

/* The new tree goes by way of ~NAME, so that no moment leaves the older one under the name of an
 * upload. */
static int replace(const struct tree_shelf *s, const char *on_disk, const char *name,
                   struct err *err)
{
    char aside[TREE_NAME_MAX + 2];
    int rc = set_aside(s, on_disk, name, aside, err);

    if (rc == 0 && renameat2(s->fd, aside, s->fd, name, RENAME_EXCHANGE)) {
        rc = failed(err, "renamed", name);
        (void)renameat(s->fd, aside, s->fd, on_disk); /* or the next sweep would take the upload */
    }
    return rc;
}

int tree_shelf_publish(const struct tree_shelf *s, const char *name,
                       const struct tree_size *announced, bool replaces, struct err *err)
{
    char on_disk[TREE_NAME_MAX + 2];
    int rc = tree_name_check(name, err);
    bool there;

    name_on_disk(on_disk, name, true);
    if (rc == 0)
        rc = check_announced(s, name, announced, err);
    if (rc)
        return rc;
    there = faccessat(s->fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
    if (there && !replaces)
        return err_set(err, LIBRARY_EEXISTS, "there is a tree \"%s\" already: expected \"replace\"",
                       name);
    if (there)
        rc = replace(s, on_disk, name, err);
    else if (renameat2(s->fd, on_disk, s->fd, name, RENAME_NOREPLACE))
        rc = failed(err, "renamed", name);
    return rc ? rc : sync_folder(s->fd, err);
}

int tree_shelf_remove(const struct tree_shelf *s, const char *name, bool partial, struct err *err)
{
    char on_disk[TREE_NAME_MAX + 2], aside[TREE_NAME_MAX + 2];
    int rc = tree_name_check(name, err);

    name_on_disk(on_disk, name, partial);
    return rc ? rc : set_aside(s, on_disk, name, aside, err);
}
