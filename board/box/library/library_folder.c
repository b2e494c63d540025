#include "board/box/library/library_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "board/log/log.h"
#include "imaging/pack/container.h"
#include "net/os/serving.h"

#define FILES_MAX 64
#define OTHERS_MAX 8 /* lines about files that are no images */

struct folder {
    const char *path, *data;
    bool writable;
    void (*each)(void *ctx, const struct folder_file *);
    void *ctx;
};

static bool ends_with(const char *name, const char *const *endings)
{
    size_t n = strlen(name);

    for (; *endings; endings++) {
        size_t e = strlen(*endings);

        if (n > e && strcasecmp(name + n - e, *endings) == 0)
            return true;
    }
    return false;
}

static const char *const ring_endings[] = {".ring", NULL}, *const raw_endings[] = {".img", ".raw",
                                                                                   ".dd", ".iso",
                                                                                   NULL};

bool folder_takes(const char *file)
{
    return file[0] != '.' && (ends_with(file, ring_endings) || ends_with(file, raw_endings));
}

void folder_name(char to[IMG_NAME_MAX + 1], const char *file)
{
    const char *dot = strrchr(file, '.');
    size_t n = dot ? (size_t)(dot - file) : strlen(file);

    n = n > IMG_NAME_MAX ? IMG_NAME_MAX : n;
    while (n && ((unsigned char)file[n] & 0xC0) == 0x80)
        n--; /* no character is cut */
    snprintf(to, IMG_NAME_MAX + 1, "%.*s", (int)n, file);
    if (record_name_check(to, NULL))
        snprintf(to, IMG_NAME_MAX + 1, "image");
}

static int by_name(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* The files whose names end so, sorted: the order of sessions shall not depend on the disk.
 * LIBRARY_EDISK when there may be more. */
static int files_list(const char *folder, const char *const *endings, char name[FILES_MAX][256])
{
    DIR *d = opendir(folder);
    struct dirent *e;
    int n = 0, cause;

    if (!d)
        return errno == ENOENT ? 0 : LIBRARY_EDISK;
    for (errno = 0; n <= FILES_MAX && (e = readdir(d)); errno = 0)
        if (e->d_name[0] != '.' && ends_with(e->d_name, endings) && n++ < FILES_MAX)
            snprintf(name[n - 1], sizeof name[0], "%s", e->d_name);
    cause = n > FILES_MAX ? EOVERFLOW : errno;
    closedir(d);
    errno = cause;
    if (cause)
        return LIBRARY_EDISK;
    qsort(name, (size_t)n, sizeof name[0], by_name);
    return n;
}

static bool make_ring(const struct folder *in, const char *name, struct folder_file *f)
{
    *f = (struct folder_file){.writable = in->writable};
    folder_name(f->name, name);
    return snprintf(f->path, sizeof f->path, "%s/%s", in->path, name) < (int)sizeof f->path;
}

/* All n bytes, or those up to the end of the file; -1. */
static ssize_t read_at(int fd, uint8_t *to, size_t n, off_t at)
{
    size_t have = 0;
    ssize_t got = 1;

    while (have < n && (got = pread(fd, to + have, n - have, at + (off_t)have)) > 0)
        have += (size_t)got;
    return got < 0 ? -1 : (ssize_t)have;
}

int folder_look(const char *path, struct err *err)
{
    uint8_t head[CONTAINER_HEAD], tail[CONTAINER_TAIL];
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat st = {0};
    ssize_t n = fd < 0 || fstat(fd, &st) ? -1 : read_at(fd, head, sizeof head, 0);
    ssize_t m = n < 0 || st.st_size < CONTAINER_TAIL
                    ? 0
                    : read_at(fd, tail, sizeof tail, st.st_size - CONTAINER_TAIL);

    if (fd >= 0)
        close(fd);
    if (n < 0 || m < 0)
        return err_set(err, LIBRARY_EDISK, "%s cannot be read", path);
    return record_look(head, (size_t)n, tail, (size_t)m, (uint64_t)st.st_size, err);
}

static bool make_raw(const struct folder *in, const char *name, struct folder_file *f)
{
    struct stat st;

    *f = (struct folder_file){.writable = in->writable};
    if (snprintf(f->source, sizeof f->source, "%s/%s", in->path, name) >= (int)sizeof f->source ||
        snprintf(f->path, sizeof f->path, "%s/packed/%s.ring", in->data, name) >=
            (int)sizeof f->path)
        return false;
    if (stat(f->source, &st) || !S_ISREG(st.st_mode) || st.st_size == 0)
        return false;
    folder_name(f->name, name);
    f->bytes = (uint64_t)st.st_size;
    return true;
}

/* Tells of a raw file, unless it is no disk by its bytes. */
static void tell_raw(const struct folder *in, const char *name)
{
    struct folder_file f;
    struct err err = {0};
    int rc;

    if (!make_raw(in, name, &f)) {
        log_line("%s/%s is skipped: expected a file with something in it", in->path, name);
        return;
    }
    rc = folder_look(f.source, &err);
    if (rc == RECORD_RING)
        log_line("%s is skipped: it is a .ring image: give it a name in .ring", f.source);
    else if (rc < 0)
        log_line("%s is skipped: %s (%d)", f.source, err.text, err.code);
    else
        in->each(in->ctx, &f);
}

static void tell_ring(const struct folder *in, const char *name)
{
    struct folder_file f;

    if (make_ring(in, name, &f))
        in->each(in->ctx, &f);
    else
        log_line("%s/%s is skipped: its path is too long", in->path, name);
}

static int tell(const struct folder *in, bool raw)
{
    char(*name)[256] = malloc(FILES_MAX * sizeof *name);
    int n = name ? files_list(in->path, raw ? raw_endings : ring_endings, name) : LIBRARY_EDISK;

    if (n < 0 && !raw)
        log_line("%s cannot be read whole: %s; none of its images is served", in->path,
                 name ? strerror(errno) : "out of memory");
    for (int i = 0; i < n; i++)
        (raw ? tell_raw : tell_ring)(in, name[i]);
    free(name);
    return n < 0 ? n : 0;
}

/* What a person put there for an image and the box does not take. */
static void tell_others(const struct folder *in)
{
    DIR *d = opendir(in->path);
    unsigned n = 0;
    struct dirent *e;

    while (d && (e = readdir(d))) {
        if (e->d_name[0] == '.' || folder_takes(e->d_name) ||
            (e->d_type != DT_REG && e->d_type != DT_UNKNOWN))
            continue;
        if (++n <= OTHERS_MAX)
            log_line(
                "%s/%s is passed over: expected a name in .ring, .img, .raw, .dd or .iso; "
                "compressed images and disks of virtual machines are unpacked or converted first",
                in->path, e->d_name);
    }
    if (n > OTHERS_MAX)
        log_line("%s: %u more files are passed over", in->path, n - OTHERS_MAX);
    if (d)
        closedir(d);
}

int folder_list(const char *folder, const char *data,
                void (*each)(void *ctx, const struct folder_file *), void *ctx)
{
    char local[SHELF_PATH_MAX], packed[SHELF_PATH_MAX];
    const struct folder in[2] = {{folder, data, false, each, ctx}, {local, data, true, each, ctx}};
    int rc = 0;

    MUST_NOT_SERVE();
    snprintf(local, sizeof local, "%s/images", data);
    snprintf(packed, sizeof packed, "%s/packed", data);
    mkdir(packed, 0700);
    for (int raw = 0; raw <= 1; raw++)
        for (unsigned i = folder ? 0 : 1; i < 2; i++)
            rc = tell(&in[i], raw) ? LIBRARY_EDISK : rc;
    for (unsigned i = folder ? 0 : 1; i < 2; i++)
        tell_others(&in[i]);
    return rc;
}
