#include "board/box/library/checked.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "imaging/hash/crc.h"
#include "net/os/file.h"
#include "net/wire/must.h"

#define MAGIC "ringcast checked 1\n"
#define LINE_MAX_BYTES 200

_Static_assert(CHECKED_MAX *LINE_MAX_BYTES + 64 < CHECKED_TEXT_MAX, "all lines find room");

/* ---- how a file looks ---- */

/* ext4, XFS, Btrfs, F2FS, memory, overlay: inode numbers and nanoseconds are the same after the
 * next start. */
static bool lasts(long type)
{
    static const uint32_t known[] = {0xEF53,     0x58465342, 0x9123683E,
                                     0xF2F52010, 0x01021994, 0x794c7630};

    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if ((uint32_t)type == known[i])
            return true;
    return false;
}

bool checked_look(int fd, struct checked_look *l)
{
    struct statfs fs;
    struct stat st;

    if (fstat(fd, &st) || fstatfs(fd, &fs))
        return false;
    *l = (struct checked_look){.size = (uint64_t)st.st_size,
                               .inode = st.st_ino,
                               .changed_ns =
                                   st.st_mtim.tv_sec * INT64_C(1000000000) + st.st_mtim.tv_nsec,
                               .status_ns =
                                   st.st_ctim.tv_sec * INT64_C(1000000000) + st.st_ctim.tv_nsec,
                               .lasts = lasts((long)fs.f_type)};
    return true;
}

static bool same_look(const struct checked_look *a, const struct checked_look *b)
{
    return a->size == b->size && a->inode == b->inode && a->changed_ns == b->changed_ns &&
           a->status_ns == b->status_ns && a->lasts == b->lasts;
}

void checked_boot(char boot[CHECKED_BOOT + 1])
{
    int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, boot, CHECKED_BOOT);

    if (fd >= 0)
        close(fd);
    boot[n == CHECKED_BOOT ? CHECKED_BOOT : 0] = 0;
}

/* ---- the text ---- */

size_t checked_encode(const struct checked *c, char text[CHECKED_TEXT_MAX])
{
    size_t n = (size_t)snprintf(text, CHECKED_TEXT_MAX, MAGIC);

    for (unsigned i = 0; i < c->n; i++) {
        const struct checked_entry *e = &c->entry[i];

        for (size_t k = 0; k < sizeof e->path; k++)
            n += (size_t)snprintf(text + n, CHECKED_TEXT_MAX - n, "%02x", e->path[k]);
        n += (size_t)snprintf(text + n, CHECKED_TEXT_MAX - n,
                              " %" PRIu64 " %" PRIu64 " %" PRId64 " %" PRId64 " %s\n", e->look.size,
                              e->look.inode, e->look.changed_ns, e->look.status_ns, e->boot);
    }
    return n + (size_t)snprintf(text + n, CHECKED_TEXT_MAX - n, "end %08x\n",
                                crc32_ieee(0, (const uint8_t *)text, n));
}

static bool read_entry(const char *line, struct checked_entry *e)
{
    char path[33], back[LINE_MAX_BYTES];
    int n = 0;

    memset(e, 0, sizeof *e);
    if (sscanf(line, "%32[0-9a-f] %" SCNu64 " %" SCNu64 " %" SCNd64 " %" SCNd64 " %36[0-9a-f-]%n",
               path, &e->look.size, &e->look.inode, &e->look.changed_ns, &e->look.status_ns,
               e->boot, &n) != 6 ||
        strlen(path) != 32 || line[n] != '\n')
        return false;
    for (size_t i = 0; i < sizeof e->path; i++) {
        char digits[3] = {path[2 * i], path[2 * i + 1], 0};

        e->path[i] = (uint8_t)strtoul(digits, NULL, 16);
    }
    e->look.lasts = strcmp(e->boot, "-") == 0;
    snprintf(back, sizeof back, "%s %" PRIu64 " %" PRIu64 " %" PRId64 " %" PRId64 " %s\n", path,
             e->look.size, e->look.inode, e->look.changed_ns, e->look.status_ns, e->boot);
    return strncmp(line, back, strlen(back)) == 0 &&
           (e->look.lasts || strlen(e->boot) == CHECKED_BOOT);
}

bool checked_decode(struct checked *c, const char *bytes, size_t n)
{
    char text[CHECKED_TEXT_MAX], end[24];
    size_t at = strlen(MAGIC), body = n - 13;
    bool good;

    c->n = 0;
    if (n < at + 13 || n >= sizeof text || memchr(bytes, 0, n))
        return false;
    memcpy(text, bytes, n);
    text[n] = 0;
    snprintf(end, sizeof end, "end %08x\n", crc32_ieee(0, (const uint8_t *)text, body));
    good = strncmp(text, MAGIC, at) == 0 && strcmp(text + body, end) == 0;
    while (good && at < body) {
        const char *line = strchr(text + at, '\n');

        good = line && c->n < CHECKED_MAX && read_entry(text + at, &c->entry[c->n]);
        c->n++;
        at = good ? (size_t)(line - text) + 1 : at;
    }
    if (!good || at != body)
        c->n = 0;
    return good && at == body;
}

/* ---- the file ---- */

/* The file says what is known, or there is none: an older one might know what has been found
 * damaged since. */
static bool keep(const struct checked *c)
{
    char temp[CHECKED_PATH + 8], *text = malloc(CHECKED_TEXT_MAX);
    bool done;

    snprintf(temp, sizeof temp, "%s.new", c->file);
    done = text && file_replace(c->file, temp, text, checked_encode(c, text), 0600) == 0;
    free(text);
    if (done)
        return true;
    unlink(temp);
    return (unlink(c->file) == 0 || errno == ENOENT) && file_sync_name(c->file) == 0;
}

void checked_open(struct checked *c, const char *data, const char *boot)
{
    char *text = malloc(CHECKED_TEXT_MAX);
    ssize_t n;

    memset(c, 0, sizeof *c);
    pthread_mutex_init(&c->lock, NULL);
    snprintf(c->file, sizeof c->file, "%s/checked", data);
    snprintf(c->boot, sizeof c->boot, "%s", boot);
    n = text ? file_load(c->file, text, CHECKED_TEXT_MAX) : -1;
    if (n > 0)
        (void)checked_decode(c, text, (size_t)n);
    free(text);
}

void checked_close(struct checked *c)
{
    pthread_mutex_destroy(&c->lock);
}

/* ---- questions ---- */

static struct checked_entry entry_of(const struct checked *c, const char *path,
                                     const struct checked_look *look)
{
    struct checked_entry e = {.look = *look};
    uint8_t hash[SHA256_BYTES];

    sha256(hash, path, strlen(path));
    memcpy(e.path, hash, sizeof e.path);
    snprintf(e.boot, sizeof e.boot, "%s", look->lasts ? "-" : c->boot);
    return e;
}

static unsigned find(const struct checked *c, const uint8_t path[16])
{
    unsigned i = 0;

    while (i < c->n && memcmp(c->entry[i].path, path, sizeof c->entry[i].path) != 0)
        i++;
    return i;
}

bool checked_knows(struct checked *c, const char *path, int fd)
{
    struct checked_look now;
    struct checked_entry e;
    bool known = false;
    unsigned i;

    if (!checked_look(fd, &now))
        return false;
    e = entry_of(c, path, &now);
    pthread_mutex_lock(&c->lock);
    i = find(c, e.path);
    known = i < c->n && e.boot[0] && same_look(&c->entry[i].look, &now) &&
            strcmp(c->entry[i].boot, e.boot) == 0;
    pthread_mutex_unlock(&c->lock);
    return known;
}

bool checked_note(struct checked *c, const char *path, int fd, const struct checked_look *before)
{
    struct checked_look now;
    struct checked_entry e = entry_of(c, path, before);
    bool same = checked_look(fd, &now) && same_look(&now, before), kept;
    unsigned i;

    pthread_mutex_lock(&c->lock);
    i = find(c, e.path);
    if (i == c->n && c->n == CHECKED_MAX)
        i = 0;
    if (i < c->n)
        memmove(c->entry + i, c->entry + i + 1, (--c->n - i) * sizeof c->entry[0]);
    if (same && e.boot[0])
        c->entry[c->n++] = e;
    kept = keep(c);
    pthread_mutex_unlock(&c->lock);
    return kept;
}
