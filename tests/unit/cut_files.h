/* A file layer that forgets: it stands in front of the C library's calls in the program that includes it, notes everything that is done
 * to the files of one folder, and can then lay the folder out anew as a disk might hold it when the power went before any one of those
 * calls. What has not been brought to the disk by fsync may be there, may not, may be there in part; names that came, went or changed since
 * the folder itself was synced likewise, in the order in which that happened. */
#ifndef TESTS_UNIT_CUT_FILES_H
#define TESTS_UNIT_CUT_FILES_H

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "net/wire/must.h"
#include "net/wire/rng.h"

#define CUT_FDS 256
#define CUT_NAME 64
#define CUT_FILES 128
#define CUT_LOG 4096

enum cut_what { CUT_CREATE, CUT_TRUNCATE, CUT_WRITE, CUT_FSYNC, CUT_RENAME, CUT_UNLINK, CUT_SYNC_FOLDER };

struct cut_call {
    enum cut_what what;
    int file; /* its number: a file keeps it when its name changes */
    char name[CUT_NAME], to[CUT_NAME];
    uint64_t at;
    size_t n;
    uint8_t *bytes;
};

static struct cut_files {
    pthread_mutex_t lock;
    char folder[256];
    bool on;
    /* The errno with which a call to a file of the folder fails, 0: it does not; or an enum cut_lie. */
    int (*fault)(const char *call, const char *name);
    int64_t room; /* bytes that still fit; negative: no end */
    int files;
    int of_fd[CUT_FDS];  /* 1 + file; 0: not ours */
    bool folder_fd[CUT_FDS];
    struct {
        char name[CUT_NAME];
        int file;
    } now[CUT_FILES]; /* names as they are; "" free */
    struct cut_call log[CUT_LOG];
    unsigned n;
} cut = {.lock = PTHREAD_MUTEX_INITIALIZER, .room = -1};

/* The name inside of the folder; NULL: not there. */
static const char *cut_name(const char *path)
{
    size_t n = strlen(cut.folder);

    if (!n || strncmp(path, cut.folder, n) != 0 || path[n] != '/' || strchr(path + n + 1, '/'))
        return NULL;
    return path + n + 1;
}

/* What a disk may do with a write, or a call with its bytes, and say nothing. */
enum cut_lie { CUT_SHORT = -1, CUT_LOST = -2, CUT_TORN = -3, CUT_ASTRAY = -4 };

static _Thread_local int cut_lie; /* of the call under way */

/* A call to a file of the folder ("" the folder itself), by path or by descriptor, may be made to fail. */
static bool cut_fails(const char *call, const char *path, int fd)
{
    char link[64], at[512] = "";
    ssize_t n = 0;
    int e;

    cut_lie = 0;
    if (!cut.fault || !cut.folder[0])
        return false;
    if (!path) {
        snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
        n = syscall(SYS_readlinkat, AT_FDCWD, link, at, sizeof at - 1);
        at[n > 0 ? n : 0] = 0;
        path = at;
    }
    path = strcmp(path, cut.folder) == 0 ? "" : cut_name(path);
    e = path ? cut.fault(call, path) : 0;
    if (e > 0)
        errno = e;
    else
        cut_lie = e;
    return e > 0;
}

static int *cut_file_named(const char *name)
{
    for (int i = 0; i < CUT_FILES; i++)
        if (strcmp(cut.now[i].name, name) == 0)
            return &cut.now[i].file;
    return NULL;
}

static void cut_forget_name(const char *name)
{
    for (int i = 0; i < CUT_FILES; i++)
        if (strcmp(cut.now[i].name, name) == 0)
            cut.now[i].name[0] = 0;
}

static void cut_set_name(const char *name, int file)
{
    cut_forget_name(name);
    for (int i = 0; i < CUT_FILES; i++)
        if (!cut.now[i].name[0]) {
            snprintf(cut.now[i].name, CUT_NAME, "%s", name);
            cut.now[i].file = file;
            return;
        }
    MUST(!"too many files");
}

static struct cut_call *cut_note(enum cut_what what, int file, const char *name)
{
    struct cut_call *c = &cut.log[cut.n];

    if (!cut.on)
        return NULL;
    MUST(cut.n < CUT_LOG && strlen(name) < CUT_NAME);
    cut.n++;
    *c = (struct cut_call){.what = what, .file = file};
    strcpy(c->name, name);
    return c;
}

static void cut_opened(int fd, const char *path, int flags)
{
    const char *name = cut_name(path);
    struct cut_call *c;

    if (fd < 0 || fd >= CUT_FDS)
        return;
    pthread_mutex_lock(&cut.lock);
    cut.of_fd[fd] = 0;
    cut.folder_fd[fd] = strcmp(path, cut.folder) == 0;
    if (name && (flags & O_CREAT) && !cut_file_named(name)) {
        cut_set_name(name, cut.files++);
        cut_note(CUT_CREATE, *cut_file_named(name), name);
    }
    if (name && cut_file_named(name))
        cut.of_fd[fd] = 1 + *cut_file_named(name);
    if (name && (flags & O_TRUNC) && cut.of_fd[fd] && (c = cut_note(CUT_TRUNCATE, cut.of_fd[fd] - 1, name)))
        c->at = 0;
    pthread_mutex_unlock(&cut.lock);
}

int open(const char *path, int flags, ...)
{
    va_list ap;
    int mode, fd;

    va_start(ap, flags);
    mode = flags & O_CREAT ? va_arg(ap, int) : 0;
    va_end(ap);
    if (cut_fails("open", path, -1))
        return -1;
    fd = (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
    cut_opened(fd, path, flags);
    return fd;
}

ssize_t pread(int fd, void *to, size_t n, off_t at)
{
    if (cut_fails("pread", NULL, fd))
        return -1;
    return syscall(SYS_pread64, fd, to, cut_lie == CUT_SHORT ? (n + 1) / 2 : n, at);
}

int mkostemp(char *template, int flags)
{
    static atomic_uint count;
    int fd;

    snprintf(template + strlen(template) - 6, 7, "%06u", atomic_fetch_add(&count, 1));
    fd = (int)syscall(SYS_openat, AT_FDCWD, template, flags | O_RDWR | O_CREAT | O_EXCL, 0600);
    cut_opened(fd, template, flags | O_CREAT);
    return fd;
}

ssize_t pwrite(int fd, const void *bytes, size_t n, off_t at)
{
    int file = fd >= 0 && fd < CUT_FDS ? cut.of_fd[fd] : 0;
    struct cut_call *c;
    ssize_t put;

    if (cut_fails("pwrite", NULL, fd))
        return -1;
    if (cut_lie == CUT_SHORT)
        n = (n + 1) / 2;
    if (cut_lie == CUT_LOST || cut_lie == CUT_TORN || cut_lie == CUT_ASTRAY) {
        if (cut_lie != CUT_LOST)
            (void)!syscall(SYS_pwrite64, fd, bytes, cut_lie == CUT_TORN ? n / 2 : n, cut_lie == CUT_TORN ? at : at + 512);
        return (ssize_t)n;
    }
    if (!file)
        return syscall(SYS_pwrite64, fd, bytes, n, at);
    pthread_mutex_lock(&cut.lock);
    if (cut.room >= 0 && (size_t)cut.room < n)
        n = (size_t)cut.room;
    put = n ? syscall(SYS_pwrite64, fd, bytes, n, at) : -1;
    if (!n)
        errno = ENOSPC;
    cut.room -= cut.room > 0 ? (int64_t)n : 0;
    if (n && (c = cut_note(CUT_WRITE, file - 1, ""))) {
        c->at = (uint64_t)at;
        c->n = n;
        c->bytes = malloc(n);
        memcpy(c->bytes, bytes, n);
    }
    pthread_mutex_unlock(&cut.lock);
    return put;
}

int ftruncate(int fd, off_t n)
{
    struct cut_call *c;

    if (cut_fails("ftruncate", NULL, fd))
        return -1;
    if (fd >= 0 && fd < CUT_FDS && cut.of_fd[fd]) {
        pthread_mutex_lock(&cut.lock);
        c = cut_note(CUT_TRUNCATE, cut.of_fd[fd] - 1, "");
        if (c)
            c->at = (uint64_t)n;
        pthread_mutex_unlock(&cut.lock);
    }
    return (int)syscall(SYS_ftruncate, fd, n);
}

int fsync(int fd)
{
    if (cut_fails("fsync", NULL, fd))
        return -1;
    if (fd >= 0 && fd < CUT_FDS && (cut.of_fd[fd] || cut.folder_fd[fd])) {
        pthread_mutex_lock(&cut.lock);
        cut_note(cut.folder_fd[fd] ? CUT_SYNC_FOLDER : CUT_FSYNC, cut.of_fd[fd] - 1, "");
        pthread_mutex_unlock(&cut.lock);
    }
    return 0; /* real disks may take their time */
}

int rename(const char *from, const char *to)
{
    const char *a = cut_name(from), *b = cut_name(to);
    struct cut_call *c;

    if (cut_fails("rename", from, -1))
        return -1;
    if (a && b) {
        pthread_mutex_lock(&cut.lock);
        c = cut_note(CUT_RENAME, 0, a);
        if (c)
            strcpy(c->to, b);
        if (cut_file_named(a))
            cut_set_name(b, *cut_file_named(a));
        cut_forget_name(a);
        pthread_mutex_unlock(&cut.lock);
    }
    return (int)syscall(SYS_renameat, AT_FDCWD, from, AT_FDCWD, to);
}

int unlink(const char *path)
{
    const char *name = cut_name(path);

    if (cut_fails("unlink", path, -1))
        return -1;
    if (name) {
        pthread_mutex_lock(&cut.lock);
        if (cut_file_named(name))
            cut_note(CUT_UNLINK, 0, name);
        cut_forget_name(name);
        pthread_mutex_unlock(&cut.lock);
    }
    return (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
}

struct dirent *readdir(DIR *d)
{
    static struct dirent *(*real)(DIR *);

    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "readdir");
    return cut_fails("readdir", NULL, dirfd(d)) ? NULL : real(d);
}

/* ---- what may be there afterwards ---- */

enum cut_luck {
    CUT_NOTHING_UNSYNCED, /* only what was synced */
    CUT_EVERYTHING,       /* all that was done */
    CUT_NAMES_ONLY,       /* all names, but files hold what was synced */
    CUT_NAMES_ZEROS,      /* likewise, with their length, and zeros where bytes were not synced */
    CUT_BYTES_ONLY,       /* all bytes, under the names that were synced */
    CUT_DICE              /* from here on: some of it, by chance */
};

struct cut_disk {
    struct cut_inode {
        uint8_t *bytes, *safe;
        size_t n, n_safe;
    } file[CUT_FILES];
    struct cut_names {
        struct {
            char name[CUT_NAME];
            int file;
        } row[CUT_FILES];
    } names, safe;
    unsigned pending[CUT_LOG], n_pending; /* changes of names since the folder was synced */
};

static void cut_resize(struct cut_inode *f, size_t n)
{
    f->bytes = realloc(f->bytes, n + 1);
    if (n > f->n)
        memset(f->bytes + f->n, 0, n - f->n);
    f->n = n;
}

static void cut_name_call(struct cut_names *d, const struct cut_call *c)
{
    int file = c->file;

    for (int i = 0; c->what == CUT_RENAME && i < CUT_FILES; i++)
        if (strcmp(d->row[i].name, c->name) == 0)
            file = d->row[i].file;
    for (int i = 0; i < CUT_FILES; i++)
        if (strcmp(d->row[i].name, c->name) == 0 || (c->what == CUT_RENAME && strcmp(d->row[i].name, c->to) == 0))
            d->row[i].name[0] = 0;
    for (int i = 0; c->what != CUT_UNLINK && i < CUT_FILES; i++)
        if (!d->row[i].name[0]) {
            strcpy(d->row[i].name, c->what == CUT_RENAME ? c->to : c->name);
            d->row[i].file = file;
            return;
        }
}

static void cut_replay(struct cut_disk *d, const struct cut_call *c, unsigned number)
{
    struct cut_inode *f = &d->file[c->file < 0 ? 0 : c->file];

    MUST(c->what == CUT_SYNC_FOLDER || (c->file >= 0 && c->file < CUT_FILES));
    switch (c->what) {
    case CUT_TRUNCATE:
        cut_resize(f, c->at);
        break;
    case CUT_WRITE:
        if (c->at + c->n > f->n)
            cut_resize(f, c->at + c->n);
        memcpy(f->bytes + c->at, c->bytes, c->n);
        break;
    case CUT_FSYNC:
        f->safe = realloc(f->safe, f->n + 1);
        if (f->n)
            memcpy(f->safe, f->bytes, f->n);
        f->n_safe = f->n;
        break;
    case CUT_SYNC_FOLDER:
        d->safe = d->names;
        d->n_pending = 0;
        break;
    default:
        cut_name_call(&d->names, c);
        d->pending[d->n_pending++] = number;
    }
}

static void cut_lay_file(const char *path, struct cut_inode *f, enum cut_luck luck, struct rng *rng)
{
    bool now = luck == CUT_EVERYTHING || luck == CUT_BYTES_ONLY || (luck >= CUT_DICE && rng_below(rng, 3) == 0);
    bool torn = luck >= CUT_DICE && !now && rng_below(rng, 2) == 0;
    size_t n = now ? f->n : f->n_safe;
    int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    const uint8_t *from = now ? f->bytes : f->safe;

    MUST(fd >= 0);
    MUST(!n || syscall(SYS_pwrite64, fd, from, n, 0) == (long)n);
    if (torn && f->n) { /* any prefix of what came last, over what was synced */
        n = (size_t)rng_below(rng, f->n);
        MUST(!n || syscall(SYS_pwrite64, fd, f->bytes, n, 0) == (long)n);
    }
    if (luck == CUT_NAMES_ZEROS && f->n > f->n_safe)
        MUST(syscall(SYS_ftruncate, fd, f->n) == 0);
    close(fd);
}

/* Lays out in `folder`, which is there and empty, what the disk holds when the power goes before call `n`. */
static inline void cut_lay_out(unsigned n, enum cut_luck luck, const char *folder)
{
    static struct cut_disk d;
    struct rng rng = {n * 64 + luck};
    struct cut_names names;
    char path[512];

    memset(&d, 0, sizeof d);
    for (unsigned i = 0; i < n; i++)
        cut_replay(&d, &cut.log[i], i);
    names = luck == CUT_NOTHING_UNSYNCED || luck == CUT_BYTES_ONLY || luck >= CUT_DICE ? d.safe : d.names;
    for (unsigned i = 0, some = luck >= CUT_DICE ? (unsigned)rng_below(&rng, d.n_pending + 1) : 0; i < some; i++)
        cut_name_call(&names, &cut.log[d.pending[i]]);
    for (int i = 0; i < CUT_FILES; i++)
        if (names.row[i].name[0]) {
            snprintf(path, sizeof path, "%s/%s", folder, names.row[i].name);
            cut_lay_file(path, &d.file[names.row[i].file], luck, &rng);
        }
    for (int i = 0; i < CUT_FILES; i++) {
        free(d.file[i].bytes);
        free(d.file[i].safe);
    }
}

/* From here on everything in the folder is noted; what is there already has to be put there after this. */
static inline void cut_begin(const char *folder)
{
    snprintf(cut.folder, sizeof cut.folder, "%s", folder);
    cut.on = true;
}

static void cut_end(void)
{
    for (unsigned i = 0; i < cut.n; i++)
        free(cut.log[i].bytes);
    memset(cut.now, 0, sizeof cut.now);
    memset(cut.of_fd, 0, sizeof cut.of_fd);
    memset(cut.folder_fd, 0, sizeof cut.folder_fd);
    cut.folder[0] = 0;
    cut.on = false;
    cut.fault = NULL;
    cut.files = 0;
    cut.n = 0;
    cut.room = -1;
}

#endif
