#include "board/box/library/shelf.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "net/os/file.h"
#include "net/os/serving.h"
#include "net/wire/must.h"

#define FOUND_MAX 256

static int failed(struct err *err, const char *what, const char *path)
{
    bool full = errno == ENOSPC || errno == EDQUOT;

    return err_set(err, full ? LIBRARY_ESPACE : LIBRARY_EDISK, "%s cannot be %s: %s", path, what,
                   strerror(errno));
}

const char *shelf_path(const struct shelf *s, uint32_t id, const char *kind,
                       char to[SHELF_PATH_MAX])
{
    snprintf(to, SHELF_PATH_MAX, "%s/%08x.%s", s->folder, id, kind);
    return to;
}

int shelf_open(struct shelf *s, const char *folder, struct err *err)
{
    MUST_NOT_SERVE();
    if (snprintf(s->folder, sizeof s->folder, "%s", folder) >= (int)sizeof s->folder)
        return err_set(err, LIBRARY_EDISK, "the path of the library is too long");
    s->mark_bytes = SHELF_MARK_BYTES;
    if (mkdir(folder, 0700) && errno != EEXIST)
        return failed(err, "made", folder);
    return 0;
}

/* ---- small steps ---- */

/* Names that came and went are on the disk from here on. */
static int sync_at(const char *folder, struct err *err)
{
    return file_sync_folder(folder) ? failed(err, "written", folder) : 0;
}

static int sync_folder(const struct shelf *s, struct err *err)
{
    return sync_at(s->folder, err);
}

/* A small file, whole or not at all: written beside its name first. */
static int put_file(const struct shelf *s, uint32_t id, const char *kind, const void *bytes,
                    size_t n, struct err *err)
{
    char path[SHELF_PATH_MAX], temp[SHELF_PATH_MAX];

    shelf_path(s, id, kind, path);
    snprintf(temp, sizeof temp, "%s/.%08x.%s", s->folder, id, kind);
    return file_replace(path, temp, bytes, n, 0600) ? failed(err, "written", path) : 0;
}

/* The bytes of a small file; how many, or -1 with errno: a file that is not there is ENOENT and
 * nothing else is. */
static ssize_t get_file(const struct shelf *s, uint32_t id, const char *kind, void *to, size_t cap)
{
    char path[SHELF_PATH_MAX];

    return file_load(shelf_path(s, id, kind, path), to, cap);
}

/* What is not there is gone already. */
static int remove_file(const struct shelf *s, uint32_t id, const char *kind, struct err *err)
{
    char path[SHELF_PATH_MAX];

    if (unlink(shelf_path(s, id, kind, path)) && errno != ENOENT)
        return failed(err, "removed", path);
    return 0;
}

/* ---- what is there after a start ---- */

enum { HAS_META = 1, HAS_PART = 2, HAS_MARK = 4, HAS_RAW = 8, HAS_RING = 16 };

struct listing {
    unsigned n;
    struct listed {
        uint32_t id;
        unsigned has;
    } item[FOUND_MAX];
};

static const struct {
    const char *kind;
    unsigned bit;
} kinds[] = {{"meta", HAS_META},
             {"part", HAS_PART},
             {"mark", HAS_MARK},
             {"raw", HAS_RAW},
             {"ring", HAS_RING}};

static struct listed *item_of(struct listing *l, uint32_t id)
{
    for (unsigned i = 0; i < l->n; i++)
        if (l->item[i].id == id)
            return &l->item[i];
    if (l->n == FOUND_MAX)
        return NULL;
    l->item[l->n] = (struct listed){.id = id};
    return &l->item[l->n++];
}

/* A half-made file: ".NUMBER.KIND" of put_file, ".NUMBER.KIND.XXXXXX" of the packer (outfile.h). */
static bool is_half_made(const char *name)
{
    const char *kind = name + 10, *dot;

    if (name[0] != '.' || strspn(name + 1, "0123456789abcdef") != 8 || name[9] != '.')
        return false;
    dot = strchr(kind, '.');
    if (dot &&
        (strlen(dot + 1) != 6 ||
         strspn(dot + 1, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789") != 6))
        return false;
    for (unsigned i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strncmp(kind, kinds[i].kind, dot ? (size_t)(dot - kind) : strlen(kind)) == 0 &&
            strlen(kinds[i].kind) == (dot ? (size_t)(dot - kind) : strlen(kind)))
            return true;
    return false;
}

/* Half-made files of an earlier run go. Others are not ours to judge. False: there are more numbers
 * than the list holds. */
static bool look_at(const struct shelf *s, struct listing *l, const char *name)
{
    char path[SHELF_PATH_MAX + 256], *end;
    unsigned long id = strtoul(name, &end, 16);

    if (is_half_made(name)) {
        snprintf(path, sizeof path, "%s/%s", s->folder, name);
        unlink(path);
    }
    if (strspn(name, "0123456789abcdef") != 8 || *end != '.')
        return true;
    for (unsigned i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(end + 1, kinds[i].kind) == 0) {
            struct listed *item = item_of(l, (uint32_t)id);

            if (!item)
                return false;
            item->has |= kinds[i].bit;
        }
    return true;
}

/* All of the folder, or an error: a list that ends early would make numbers look free that are not.
 */
static int list_folder(const struct shelf *s, struct listing *l, struct err *err)
{
    DIR *d = opendir(s->folder);
    struct dirent *e = NULL;
    int rc = 0;

    if (!d)
        return failed(err, "read", s->folder);
    while (rc == 0 && (errno = 0, e = readdir(d)))
        if (!look_at(s, l, e->d_name))
            rc = err_set(err, LIBRARY_EDISK,
                         "%s holds files of more than %d images: expected fewer, move some away",
                         s->folder, FOUND_MAX);
    if (rc == 0 && errno)
        rc = failed(err, "read", s->folder);
    closedir(d);
    return rc;
}

static int by_id(const void *a, const void *b)
{
    uint32_t x = ((const struct listed *)a)->id, y = ((const struct listed *)b)->id;

    return (x > y) - (x < y);
}

/* Where an upload goes on: at 0 when there is no mark, or one that stands for more than the file
 * holds. A mark stands for bytes that are on the disk. LIBRARY_EDISK: it is there and cannot be
 * read. */
static int read_mark(const struct shelf *s, uint32_t id, struct mark *m, struct err *err)
{
    uint8_t bytes[MARK_BYTES + 1];
    char path[SHELF_PATH_MAX];
    struct stat st;
    ssize_t n = get_file(s, id, "mark", bytes, sizeof bytes);

    *m = (struct mark){0};
    if (n < 0 && errno != ENOENT)
        return failed(err, "read", shelf_path(s, id, "mark", path));
    if (stat(shelf_path(s, id, "part", path), &st))
        return errno == ENOENT ? 0 : failed(err, "read", path);
    if (n != MARK_BYTES || mark_decode(bytes, MARK_BYTES, m) != 0 || (uint64_t)st.st_size < m->at)
        *m = (struct mark){0};
    return 0;
}

/* The record of what is there. On an error f->record is empty, and what is there is kept. */
static int read_record(const struct shelf *s, const struct listed *item, struct shelf_found *f)
{
    char text[RECORD_TEXT_MAX], path[SHELF_PATH_MAX];
    ssize_t n = item->has & HAS_META ? get_file(s, item->id, "meta", text, sizeof text) : 0;

    shelf_path(s, item->id, "meta", path);
    if (!(item->has & HAS_META))
        return err_set(&f->why, LIBRARY_ERECORD, "its record %s is missing", path);
    if (n < 0)
        return err_set(&f->why, LIBRARY_EDISK, "its record %s cannot be read: %s", path,
                       strerror(errno));
    if (record_decode(text, (size_t)n, &f->record) == 0)
        return 0;
    f->record = (struct record){0};
    return err_set(&f->why, LIBRARY_ERECORD,
                   "its record %s is damaged, or written by a newer version of this program", path);
}

/* False: there is a record that can be read, and nothing that it would belong to. */
static bool judge(const struct shelf *s, const struct listed *item, struct shelf_found *f)
{
    struct mark m;

    *f = (struct shelf_found){.id = item->id};
    f->kind = item->has & HAS_RING ? SHELF_RING : item->has & HAS_RAW ? SHELF_RAW : SHELF_PART;
    f->packed = (item->has & HAS_RING) && (item->has & HAS_RAW);
    if (read_record(s, item, f))
        return true;
    if (f->kind == SHELF_PART && read_mark(s, item->id, &m, &f->why) == 0 &&
        m.at <= f->record.bytes)
        f->at = m.at;
    return (item->has & (HAS_RING | HAS_RAW | HAS_PART)) != 0;
}

/* What a whole image has left behind of its coming. The raw disk stays until its image has been
 * opened (shelf_packed). */
static void tidy(const struct shelf *s, const struct listed *item, enum shelf_kind kind)
{
    if (kind == SHELF_PART)
        return;
    if (item->has & HAS_PART)
        remove_file(s, item->id, "part", NULL);
    if (item->has & HAS_MARK)
        remove_file(s, item->id, "mark", NULL);
}

int shelf_scan(const struct shelf *s, void (*each)(void *ctx, const struct shelf_found *),
               void *ctx, struct err *err)
{
    struct listing l = {0};
    struct shelf_found f;
    int rc = list_folder(s, &l, err);

    MUST_NOT_SERVE();
    if (rc)
        return rc;
    qsort(l.item, l.n, sizeof l.item[0], by_id);
    for (unsigned i = 0; i < l.n; i++) {
        if (!judge(s, &l.item[i], &f)) {
            (void)shelf_drop(s, l.item[i].id, NULL);
            continue;
        }
        if (f.why.code == 0)
            tidy(s, &l.item[i], f.kind);
        each(ctx, &f);
    }
    return 0;
}

/* ---- an upload ---- */

int shelf_note(const struct shelf *s, uint32_t id, const struct record *r, struct err *err)
{
    char text[RECORD_TEXT_MAX];

    return put_file(s, id, "meta", text, record_encode(r, text), err);
}

int shelf_begin(const struct shelf *s, uint32_t id, const struct record *r, struct err *err)
{
    char path[SHELF_PATH_MAX];
    int rc = shelf_note(s, id, r, err);
    int fd =
        rc ? -1
           : open(shelf_path(s, id, "part", path), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    MUST_NOT_SERVE();
    if (rc == 0 && fd < 0)
        rc = failed(err, "made", path);
    if (fd >= 0)
        close(fd);
    if (rc == 0)
        rc = sync_folder(s, err);
    if (rc)
        (void)shelf_drop(s, id, NULL);
    return rc;
}

static void hash_from(mbedtls_sha256_context *h, const struct mark *m)
{
    mbedtls_sha256_init(h);
    mbedtls_sha256_starts(h, 0);
    if (m->at == 0)
        return;
    h->MBEDTLS_PRIVATE(total)[0] = (uint32_t)m->at;
    h->MBEDTLS_PRIVATE(total)[1] = (uint32_t)(m->at >> 32);
    memcpy(h->MBEDTLS_PRIVATE(state), m->state, sizeof m->state);
    memcpy(h->MBEDTLS_PRIVATE(buffer), m->rest, sizeof m->rest);
}

static struct mark mark_of(const struct shelf_intake *in)
{
    struct mark m = {.at = in->at};

    memcpy(m.state, in->hash.MBEDTLS_PRIVATE(state), sizeof m.state);
    memcpy(m.rest, in->hash.MBEDTLS_PRIVATE(buffer), in->at % 64);
    return m;
}

int shelf_intake_open(const struct shelf *s, uint32_t id, struct shelf_intake *in, struct err *err)
{
    char path[SHELF_PATH_MAX];
    struct mark m;
    int rc = read_mark(s, id, &m, err);

    MUST_NOT_SERVE();
    in->id = id;
    in->at = in->marked = m.at;
    in->fd = -1;
    hash_from(&in->hash, &m);
    if (rc) {
        shelf_intake_close(in);
        return rc;
    }
    in->fd = open(shelf_path(s, id, "part", path), O_WRONLY | O_CLOEXEC);
    if (in->fd >= 0 && ftruncate(in->fd, (off_t)m.at) == 0)
        return 0;
    failed(err, "written", path);
    shelf_intake_close(in);
    return LIBRARY_EDISK;
}

/* Bytes first, then the mark that stands for them. */
static int set_mark(const struct shelf *s, struct shelf_intake *in, struct err *err)
{
    uint8_t bytes[MARK_BYTES];
    struct mark m = mark_of(in);
    int rc;

    if (fsync(in->fd))
        return failed(err, "written", "the upload");
    mark_encode(&m, bytes);
    rc = put_file(s, in->id, "mark", bytes, sizeof bytes, err);
    if (rc == 0)
        in->marked = in->at;
    return rc;
}

int shelf_write(const struct shelf *s, struct shelf_intake *in, const void *bytes, size_t n,
                struct err *err)
{
    MUST_NOT_SERVE();
    if (!shelf_has_room(s, n))
        return err_set(err, LIBRARY_ESPACE,
                       "the disk is full: the last %llu MiB are kept for what the box learns",
                       (unsigned long long)(s->reserve >> 20));
    if (file_write_at(in->fd, bytes, n, in->at))
        return failed(err, "written", "the upload");
    mbedtls_sha256_update(&in->hash, bytes, n);
    in->at += n;
    /* A mark that cannot be set costs what it would have saved, nothing else. */
    if (in->at - in->marked >= s->mark_bytes)
        (void)set_mark(s, in, NULL);
    return 0;
}

int shelf_finish(const struct shelf *s, struct shelf_intake *in, uint8_t sha256[IMG_HASH_BYTES],
                 struct err *err)
{
    int rc = set_mark(s, in, err);

    if (rc == 0)
        mbedtls_sha256_finish(&in->hash, sha256);
    shelf_intake_close(in);
    return rc;
}

void shelf_intake_pause(const struct shelf *s, struct shelf_intake *in)
{
    if (in->at > in->marked)
        (void)set_mark(s, in, NULL);
    shelf_intake_close(in);
}

void shelf_intake_close(struct shelf_intake *in)
{
    if (in->fd >= 0)
        close(in->fd);
    in->fd = -1;
    mbedtls_sha256_free(&in->hash);
}

/* ---- images ---- */

int shelf_settle(const struct shelf *s, uint32_t id, enum shelf_kind kind, struct err *err)
{
    char from[SHELF_PATH_MAX], to[SHELF_PATH_MAX];
    int rc;

    MUST_NOT_SERVE();
    MUST(kind != SHELF_PART);
    if (rename(shelf_path(s, id, "part", from),
               shelf_path(s, id, kind == SHELF_RING ? "ring" : "raw", to)))
        return failed(err, "made", to);
    rc = sync_folder(s, err);
    return rc ? rc : remove_file(s, id, "mark", err);
}

int shelf_packed(const struct shelf *s, uint32_t id, struct err *err)
{
    int rc = sync_folder(s, err); /* the ring has its name for good */

    MUST_NOT_SERVE();
    if (rc == 0)
        rc = remove_file(s, id, "raw", err);
    return rc ? rc : sync_folder(s, err);
}

/* The record goes last, when the rest is gone for good: what has no record is no image. */
int shelf_drop(const struct shelf *s, uint32_t id, struct err *err)
{
    int rc = 0;

    MUST_NOT_SERVE();
    for (unsigned i = 1; i < sizeof kinds / sizeof *kinds && rc == 0; i++)
        rc = remove_file(s, id, kinds[i].kind, err);
    if (rc == 0)
        rc = sync_folder(s, err);
    if (rc == 0)
        rc = remove_file(s, id, "meta", err);
    return rc ? rc : sync_folder(s, err);
}

int shelf_unlink(const char *path, struct err *err)
{
    const char *slash = strrchr(path, '/');
    char folder[SHELF_PATH_MAX];

    MUST_NOT_SERVE();
    if (unlink(path) && errno != ENOENT)
        return failed(err, "removed", path);
    snprintf(folder, sizeof folder, "%.*s", slash ? (int)(slash - path) : 1, slash ? path : ".");
    return sync_at(folder, err);
}

bool shelf_has_room(const struct shelf *s, uint64_t bytes)
{
    uint64_t free = s->reserve ? shelf_free(s) : UINT64_MAX;

    return free >= s->reserve && free - s->reserve >= bytes;
}

uint64_t shelf_free(const struct shelf *s)
{
    struct statvfs v;

    return statvfs(s->folder, &v) ? 0 : (uint64_t)v.f_bavail * v.f_frsize;
}
