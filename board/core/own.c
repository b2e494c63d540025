#include "board/core/own.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "board/errors/box.h"
#include "mbedtls/sha256.h"
#include "net/os/serving.h"
#include "net/wire/must.h"
#include "net/wire/reader.h"
#include "net/wire/utf8.h"
#include "net/wire/writer.h"

#define VERSION 1
#define DEPTH_MAX 8
#define NAMES_MAX 64 /* in one folder */

static const char purpose[] = "ringcast-own-1"; /* with its NUL */

/* ---- what may be ---- */

static bool host_legal(const char *s)
{
    size_t n = strlen(s);

    for (size_t i = 0; i < n; i++)
        if (!((s[i] >= 'a' && s[i] <= 'z') || (s[i] >= 'A' && s[i] <= 'Z') ||
              (s[i] >= '0' && s[i] <= '9') || (s[i] == '-' && i > 0 && i + 1 < n)))
            return false;
    return n <= OWN_HOST_MAX;
}

/* Relative, and nowhere else than below where it begins. */
static bool path_legal(const char *path)
{
    size_t n = strlen(path);

    if (n == 0 || n > OWN_PATH_MAX || !utf8_is_plain(path, n))
        return false;
    while (*path) {
        size_t part = strcspn(path, "/");

        if (part == 0 || (part == 1 && path[0] == '.') ||
            (part == 2 && path[0] == '.' && path[1] == '.'))
            return false;
        path += part;
        if (*path && !*++path)
            return false;
    }
    return true;
}

/* ---- gathering ---- */

/* The file of that path, or a new one; NULL: there are too many. */
static struct own_file *place(struct own *o, enum own_where where, const char *path)
{
    unsigned i = 0;

    while (i < o->n && (o->file[i].where != where || strcmp(o->file[i].path, path) != 0))
        i++;
    if (i == OWN_FILES_MAX)
        return NULL;
    o->n += i == o->n;
    return &o->file[i];
}

static int too_much(const char *path, struct err *err)
{
    return err_set(
        err, PC_EOWN,
        "expected files for a machine of %d bytes in all and %d at most, %.200s is too much",
        SESSION_OWN_MAX, OWN_FILES_MAX, path);
}

/* All of the file, at most cap bytes; -1. */
static ssize_t read_all(int fd, uint8_t *to, size_t cap)
{
    ssize_t n = fd < 0 ? -1 : 1;
    size_t have = 0;

    while (n > 0 && have < cap && (n = read(fd, to + have, cap - have)) > 0)
        have += (size_t)n;
    return n < 0 ? -1 : (ssize_t)have;
}

static int take_file(struct own *o, int folder, const char *name, enum own_where where,
                     const char *path, struct err *err)
{
    int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    size_t room = sizeof o->store - o->stored;
    uint8_t *to = o->store + o->stored, more;
    ssize_t n = read_all(fd, to, room);
    bool rest = n == (ssize_t)room && read(fd, &more, 1) == 1;
    struct own_file *f;

    if (fd >= 0)
        close(fd);
    if (n < 0)
        return err_set(err, PC_EFOLDER, "the file %.200s cannot be read", path);
    if (rest || !path_legal(path))
        return too_much(path, err);
    f = place(o, where, path);
    if (!f)
        return too_much(path, err);
    f->where = where;
    memcpy(f->path, path, strlen(path) + 1);
    f->bytes = to;
    f->n = (size_t)n;
    o->stored += (size_t)n;
    return 0;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* The names in a folder, sorted: the same files give the same bytes. */
static int list(int folder, char name[NAMES_MAX][256], unsigned *n, const char *path,
                struct err *err)
{
    int fd = dup(folder);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *e;
    int rc;

    if (!d) {
        if (fd >= 0)
            close(fd);
        return err_set(err, PC_EFOLDER, "the folder %.200s cannot be read", path);
    }
    for (*n = 0, errno = 0; *n < NAMES_MAX && (e = readdir(d)); errno = 0)
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            snprintf(name[(*n)++], 256, "%s", e->d_name);
    rc = *n < NAMES_MAX && errno ? err_set(err, PC_EFOLDER, "the folder %.200s cannot be read: %s",
                                           path, strerror(errno))
                                 : 0;
    closedir(d);
    if (rc)
        return rc;
    qsort(name, *n, 256, by_name);
    return *n == NAMES_MAX ? too_much(path, err) : 0;
}

static int walk(struct own *o, int folder, enum own_where where, const char *path, unsigned depth,
                struct err *err)
{
    char name[NAMES_MAX][256], below[2 * OWN_PATH_MAX + 256];
    unsigned n;
    int rc = depth == DEPTH_MAX ? too_much(path, err) : list(folder, name, &n, path, err);

    for (unsigned i = 0; rc == 0 && i < n; i++) {
        struct stat st;

        snprintf(below, sizeof below, "%.200s%s%.255s", path, path[0] ? "/" : "", name[i]);
        if (fstatat(folder, name[i], &st, AT_SYMLINK_NOFOLLOW))
            rc = err_set(err, PC_EFOLDER, "%.200s cannot be read", below);
        else if (S_ISREG(st.st_mode))
            rc = take_file(o, folder, name[i], where, below, err);
        else if (S_ISDIR(st.st_mode)) {
            int fd = openat(folder, name[i], O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

            rc = fd < 0 ? err_set(err, PC_EFOLDER, "the folder %.200s cannot be read", below)
                        : walk(o, fd, where, below, depth + 1, err);
            if (fd >= 0)
                close(fd);
        }
    }
    return rc;
}

int own_gather(struct own *o, const char *folder, const uint8_t mac[6], struct err *err)
{
    static const char *const kind[] = {"ext4", "fat"};
    char path[600], name[18];
    int rc = 0;

    MUST_NOT_SERVE();
    snprintf(name, sizeof name, "%02x-%02x-%02x-%02x-%02x-%02x", mac[0], mac[1], mac[2], mac[3],
             mac[4], mac[5]);
    for (unsigned i = 0; rc == 0 && folder && i < 4; i++) {
        int fd;

        snprintf(path, sizeof path, "%.500s/%s%s%s", folder, i < 2 ? "" : name, i < 2 ? "" : "/",
                 kind[i % 2]);
        fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0 && errno == ENOENT)
            continue;
        if (fd < 0)
            return err_set(err, PC_EFOLDER, "the folder %.200s cannot be read: %s", path,
                           strerror(errno));
        rc = walk(o, fd, i % 2 ? OWN_FAT : OWN_EXT4, "", 0, err);
        close(fd);
    }
    return rc;
}

/* ---- bytes ---- */

static void wr_text(struct writer *w, const char *s)
{
    wr_u8(w, strlen(s));
    wr_copy(w, s, strlen(s));
}

#define OF_SERIAL 1
#define OF_ANY 2

static void disks_write(struct writer *w, const struct own *o)
{
    wr_u8(w, o->n_written);
    for (unsigned i = 0; i < o->n_written; i++) {
        wr_u8(w, o->written[i].serial[0] ? OF_SERIAL : OF_ANY);
        wr_text(w, o->written[i].serial);
        wr_copy(w, o->written[i].marks, IMG_MARKS_BYTES);
    }
    wr_u8(w, o->n_known);
    for (unsigned i = 0; i < o->n_known; i++) {
        wr_u64(w, o->known[i].bytes);
        wr_text(w, o->known[i].text);
    }
}

int own_encode(const struct own *o, uint8_t *to, size_t cap)
{
    struct writer w = writer_on(to, cap);

    if (!o->host[0] && !o->n && !o->n_written && !o->n_known)
        return 0;
    MUST(host_legal(o->host));
    wr_u8(&w, VERSION);
    wr_text(&w, o->host);
    wr_u8(&w, o->n);
    for (unsigned i = 0; i < o->n; i++) {
        const struct own_file *f = &o->file[i];

        wr_u8(&w, f->where);
        wr_text(&w, f->path);
        wr_u16(&w, f->n);
        wr_copy(&w, f->bytes, f->n);
    }
    if (o->n_written || o->n_known)
        disks_write(&w, o);
    return w.bad ? PC_EOWN : (int)w.done;
}

static bool rd_text(struct reader *r, char *to, size_t max)
{
    size_t n = rd_u8(r);
    const uint8_t *p = n <= max ? rd_bytes(r, n) : NULL;

    if (!p || memchr(p, 0, n))
        return false;
    memcpy(to, p, n);
    to[n] = 0;
    return true;
}

static bool file_read(struct reader *r, struct own_file *f)
{
    f->where = rd_u8(r);
    if (!rd_text(r, f->path, OWN_PATH_MAX) || !path_legal(f->path) ||
        (f->where != OWN_EXT4 && f->where != OWN_FAT))
        return false;
    f->n = rd_u16(r);
    f->bytes = rd_bytes(r, f->n);
    return !r->bad;
}

static bool written_read(struct reader *r, struct disk_written *d)
{
    unsigned whose = rd_u8(r);
    bool legal = rd_text(r, d->serial, DISK_SERIAL_MAX);

    rd_copy(r, d->marks, IMG_MARKS_BYTES);
    return legal && whose == (d->serial[0] ? OF_SERIAL : OF_ANY);
}

static bool disks_read(struct reader *r, struct own *o)
{
    o->n_written = rd_u8(r);
    if (o->n_written > OWN_WRITTEN_MAX)
        return false;
    for (unsigned i = 0; i < o->n_written; i++)
        if (!written_read(r, &o->written[i]))
            return false;
    o->n_known = rd_u8(r);
    if (o->n_known > OWN_KNOWN_MAX)
        return false;
    for (unsigned i = 0; i < o->n_known; i++) {
        o->known[i].bytes = rd_u64(r);
        if (!rd_text(r, o->known[i].text, DISK_SERIAL_MAX))
            return false;
    }
    return o->n_written || o->n_known;
}

bool own_decode(struct own *o, const uint8_t *bytes, size_t n)
{
    struct reader r = reader_on(bytes, n);

    memset(o, 0, sizeof *o);
    if (n == 0)
        return true;
    if (rd_u8(&r) != VERSION || !rd_text(&r, o->host, OWN_HOST_MAX) || !host_legal(o->host))
        return false;
    o->n = rd_u8(&r);
    if (o->n > OWN_FILES_MAX)
        return false;
    for (unsigned i = 0; i < o->n; i++)
        if (!file_read(&r, &o->file[i]))
            return false;
    return (r.left == 0 || disks_read(&r, o)) && rd_done(&r);
}

void own_hash(const struct session_ask *a, const uint8_t *bytes, size_t n,
              uint8_t hash[IMG_HASH_BYTES])
{
    mbedtls_sha256_context c;

    mbedtls_sha256_init(&c);
    MUST(mbedtls_sha256_starts(&c, 0) == 0 &&
         mbedtls_sha256_update(&c, (const uint8_t *)purpose, sizeof purpose) == 0 &&
         mbedtls_sha256_update(&c, a->mac, sizeof a->mac) == 0 &&
         mbedtls_sha256_update(&c, a->id, sizeof a->id) == 0 &&
         mbedtls_sha256_update(&c, bytes, n) == 0 && mbedtls_sha256_finish(&c, hash) == 0);
    mbedtls_sha256_free(&c);
}
