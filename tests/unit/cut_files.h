/* A file layer that forgets: it stands in front of the C library's calls in the program that
 * includes it, notes everything that is done to the files of one folder, and can then lay the
 * folder out anew as a disk might hold it when the power went before any one of those calls. What
 * has not been brought to the disk by fsync may be there, may not, may be there in part; names that
 * came, went or changed since the folder itself was synced likewise, in the order in which that
 * happened. */
#ifndef TESTS_UNIT_CUT_FILES_H
#define TESTS_UNIT_CUT_FILES_H

#include <stdlib.h>

#include "net/wire/must.h"
#include "net/wire/rng.h"
#include "tests/unit/fault_files.h"

#define CUT_FDS 256
#define CUT_NAME 64
#define CUT_FILES 128
#define CUT_LOG 4096

enum cut_what {
    CUT_CREATE,
    CUT_TRUNCATE,
    CUT_WRITE,
    CUT_FSYNC,
    CUT_RENAME,
    CUT_UNLINK,
    CUT_SYNC_FOLDER
};

struct cut_call {
    enum cut_what what;
    int file; /* its number: a file keeps it when its name changes */
    char name[CUT_NAME], to[CUT_NAME];
    uint64_t at;
    size_t n;
    uint8_t *bytes;
};

static struct cut_files {
    char folder[256];
    bool on;
    /* What a call to a file of the folder ("": to the folder itself) does: 0, an errno or an enum
     * fault_lie. */
    int (*fault)(enum fault_call call, const char *name);
    int64_t room; /* bytes that still fit; negative: no end */
    int files;
    int of_fd[CUT_FDS]; /* 1 + file; 0: not ours */
    bool folder_fd[CUT_FDS];
    struct {
        char name[CUT_NAME];
        int file;
    } now[CUT_FILES]; /* names as they are; "" free */
    struct cut_call log[CUT_LOG];
    unsigned n;
} cut = {.room = -1};

/* The name inside of the folder; NULL: not there. */
static const char *cut_name(const char *path)
{
    size_t n = strlen(cut.folder);

    if (!n || strncmp(path, cut.folder, n) != 0 || path[n] != '/' || !path[n + 1] ||
        strchr(path + n + 1, '/'))
        return NULL;
    return path + n + 1;
}

/* With or without slashes at its end. */
static bool cut_is_folder(const char *path)
{
    size_t n = strlen(cut.folder);

    return n && strncmp(path, cut.folder, n) == 0 && strspn(path + n, "/") == strlen(path + n);
}

static int cut_strike(enum fault_call call, const char *path)
{
    if (!cut.fault || !cut.folder[0])
        return 0;
    path = cut_is_folder(path) ? "" : cut_name(path);
    return path ? cut.fault(call, path) : 0;
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

static int cut_of_fd(int fd)
{
    return fd >= 0 && fd < CUT_FDS ? cut.of_fd[fd] : 0;
}

static void cut_opened(int fd, const char *path, int flags)
{
    const char *name = cut_name(path);
    struct cut_call *c;
    int same;

    if (fd < 0 || fd >= CUT_FDS)
        return;
    /* one that is open already, once more */
    cut.of_fd[fd] = sscanf(path, "/proc/self/fd/%d", &same) == 1 ? cut_of_fd(same) : 0;
    cut.folder_fd[fd] = cut_is_folder(path);
    if (name && (flags & O_CREAT) && !cut_file_named(name)) {
        cut_set_name(name, cut.files++);
        cut_note(CUT_CREATE, *cut_file_named(name), name);
    }
    if (name && cut_file_named(name))
        cut.of_fd[fd] = 1 + *cut_file_named(name);
    if (name && (flags & O_TRUNC) && cut.of_fd[fd] &&
        (c = cut_note(CUT_TRUNCATE, cut.of_fd[fd] - 1, name)))
        c->at = 0;
}

static void cut_named(const struct fault_change *f)
{
    const char *a = cut_name(f->path), *b = f->to ? cut_name(f->to) : NULL;
    int *file = a ? cut_file_named(a) : NULL;
    struct cut_call *c;

    if (!a || !file)
        return;
    if (f->call == FAULT_LINK && b) {
        cut_note(CUT_CREATE, *file, b);
        cut_set_name(b, *file);
    } else if (f->call == FAULT_UNLINK) {
        cut_note(CUT_UNLINK, 0, a);
        cut_forget_name(a);
    } else if (b) {
        c = cut_note(CUT_RENAME, 0, a);
        if (c)
            strcpy(c->to, b);
        cut_set_name(b, *file);
        cut_forget_name(a);
    }
}

static void cut_wrote(const struct fault_change *f)
{
    int file = cut_of_fd(f->fd);
    struct cut_call *c = file ? cut_note(CUT_WRITE, file - 1, "") : NULL;

    if (!c)
        return;
    c->at = (uint64_t)f->at;
    c->n = f->n;
    c->bytes = malloc(f->n);
    memcpy(c->bytes, f->bytes, f->n);
}

static void cut_changed(const struct fault_change *f)
{
    int file = cut_of_fd(f->fd);
    struct cut_call *c;

    if (f->call == FAULT_OPEN)
        cut_opened(f->fd, f->path, f->flags);
    else if (f->path)
        cut_named(f);
    else if (f->call == FAULT_DUP && f->fd < CUT_FDS)
        cut.of_fd[f->fd] = cut_of_fd(f->flags);
    else if (f->call == FAULT_WRITE)
        cut_wrote(f);
    else if (f->call == FAULT_TRUNCATE && file && (c = cut_note(CUT_TRUNCATE, file - 1, "")))
        c->at = (uint64_t)f->at;
    else if (f->call == FAULT_FSYNC && (file || (f->fd < CUT_FDS && cut.folder_fd[f->fd])))
        cut_note(file ? CUT_FSYNC : CUT_SYNC_FOLDER, file - 1, "");
}

static size_t cut_fits(int fd, size_t n)
{
    if (!cut_of_fd(fd) || cut.room < 0)
        return n;
    n = (uint64_t)cut.room < n ? (size_t)cut.room : n;
    cut.room -= (int64_t)n;
    return n;
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
        if (strcmp(d->row[i].name, c->name) == 0 ||
            (c->what == CUT_RENAME && strcmp(d->row[i].name, c->to) == 0))
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

/* Any prefix of what came last, over what was synced. */
static void cut_lay_prefix(int fd, const struct cut_inode *f, struct rng *rng)
{
    size_t n = (size_t)rng_below(rng, f->n);

    MUST(!n || syscall(SYS_pwrite64, fd, f->bytes, n, 0) == (long)n);
}

/* Of what came last each sector or not, in any combination; the file's length is the new one, the
 * old one or between. */
static void cut_lay_holes(int fd, const struct cut_inode *f, struct rng *rng)
{
    size_t least = f->n < f->n_safe ? f->n : f->n_safe, most = f->n < f->n_safe ? f->n_safe : f->n;
    size_t length = rng_below(rng, 3) == 0 ? least + (size_t)rng_below(rng, most - least + 1)
                    : rng_below(rng, 2)    ? f->n
                                           : f->n_safe;

    for (size_t at = 0; at < f->n; at += 512) {
        size_t n = f->n - at < 512 ? f->n - at : 512;

        if (rng_below(rng, 2))
            MUST(syscall(SYS_pwrite64, fd, f->bytes + at, n, at) == (long)n);
    }
    MUST(syscall(SYS_ftruncate, fd, length) == 0);
}

static void cut_lay_file(const char *path, struct cut_inode *f, enum cut_luck luck, struct rng *rng)
{
    bool now = luck == CUT_EVERYTHING || luck == CUT_BYTES_ONLY ||
               (luck >= CUT_DICE && rng_below(rng, 4) == 0);
    unsigned torn = luck >= CUT_DICE && !now && f->n ? (unsigned)rng_below(rng, 3) : 0;
    size_t n = now ? f->n : f->n_safe;
    int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    const uint8_t *from = now ? f->bytes : f->safe;

    MUST(fd >= 0);
    MUST(!n || syscall(SYS_pwrite64, fd, from, n, 0) == (long)n);
    if (torn == 1)
        cut_lay_prefix(fd, f, rng);
    else if (torn == 2)
        cut_lay_holes(fd, f, rng);
    if (luck == CUT_NAMES_ZEROS && f->n > f->n_safe)
        MUST(syscall(SYS_ftruncate, fd, f->n) == 0);
    close(fd);
}

/* Lays out in `folder`, which is there and empty, what the disk holds when the power goes before
 * call `n`. */
static inline void cut_lay_out(unsigned n, enum cut_luck luck, const char *folder)
{
    static struct cut_disk d;
    struct rng rng = {n * 64 + luck};
    struct cut_names names;
    char path[512];

    memset(&d, 0, sizeof d);
    for (unsigned i = 0; i < n; i++)
        cut_replay(&d, &cut.log[i], i);
    names = luck == CUT_NOTHING_UNSYNCED || luck == CUT_BYTES_ONLY || luck >= CUT_DICE ? d.safe
                                                                                       : d.names;
    for (unsigned i = 0, some = luck >= CUT_DICE ? (unsigned)rng_below(&rng, d.n_pending + 1) : 0;
         i < some; i++)
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

/* From here on everything in the folder is noted; what is there already has to be put there after
 * this. */
static inline void cut_begin(const char *folder)
{
    snprintf(cut.folder, sizeof cut.folder, "%s", folder);
    cut.on = true;
    fault.strike = cut_strike;
    fault_watch.changed = cut_changed;
    fault_watch.fits = cut_fits;
}

static inline void cut_end(void)
{
    fault.strike = NULL;
    fault_watch.changed = NULL;
    fault_watch.fits = NULL;
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
