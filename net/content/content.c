#include "net/content/content.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "net/wire/must.h"

/* ---- names ---- */

/* One part of a name, without slashes: ".." leads nowhere, and "." is no part at all. */
static int add_part(const char *part, size_t n, char out[CONTENT_NAME_MAX + 1], size_t *used)
{
    size_t slash = *used > 0;

    if (n == 0 || (n == 1 && part[0] == '.'))
        return 0;
    if ((n == 2 && memcmp(part, "..", 2) == 0) || n + slash > CONTENT_NAME_MAX - *used)
        return CONTENT_ENAME;
    if (slash)
        out[(*used)++] = '/';
    memcpy(out + *used, part, n);
    *used += n;
    return 0;
}

int content_name(const void *bytes, size_t n, char out[CONTENT_NAME_MAX + 1])
{
    const char *in = bytes;
    char part[CONTENT_NAME_MAX];
    size_t used = 0, length = 0;
    int rc = 0;

    for (size_t i = 0; i < n && rc == 0; i++) {
        bool slash = in[i] == '/' || in[i] == '\\';

        if ((unsigned char)in[i] < ' ' || in[i] == 0x7f || (!slash && length == sizeof part))
            return CONTENT_ENAME;
        if (!slash) {
            part[length++] = in[i];
            continue;
        }
        rc = add_part(part, length, out, &used);
        length = 0;
    }
    if (rc == 0 && length == 0)
        return CONTENT_ENAME; /* nothing, or the name of a folder */
    if (rc == 0)
        rc = add_part(part, length, out, &used);
    out[used] = 0;
    return rc == 0 && used == 0 ? CONTENT_ENAME : rc;
}

const char *content_type(const char *name)
{
    static const struct {
        const char *ending, *type;
    } types[] = {{".efi", "application/efi"}, {".ipxe", "text/plain"},  {".txt", "text/plain"}, {".cfg", "text/plain"},
                 {".html", "text/html"},      {".json", "application/json"}, {".xml", "application/xml"}};
    const char *dot = strrchr(name, '.');

    for (size_t i = 0; dot && i < sizeof types / sizeof *types; i++)
        if (strcasecmp(dot, types[i].ending) == 0)
            return types[i].type;
    return "application/octet-stream";
}

/* ---- reading ---- */

int content_read(const struct content *c, uint64_t offset, uint8_t *to, size_t n)
{
    if (offset > c->size || n > c->size - offset)
        return CONTENT_EREAD;
    if (n == 0)
        return 0;
    if (!c->bytes)
        return c->read(c->ctx, offset, to, n);
    memcpy(to, c->bytes + offset, n);
    return 0;
}

void content_close(struct content *c)
{
    if (c->close)
        c->close(c->ctx);
    *c = (struct content){0};
}

/* ---- memory ---- */

void content_memory(struct content *out, const void *bytes, size_t n, const char *type)
{
    static const uint8_t none[1];

    *out = (struct content){.size = n, .type = type, .bytes = n ? bytes : none};
}

/* ---- files: the descriptor is all the context there is ---- */

static int fd_of(void *ctx)
{
    return (int)(intptr_t)ctx;
}

static int file_read(void *ctx, uint64_t offset, uint8_t *to, size_t n)
{
    while (n) {
        ssize_t now = pread(fd_of(ctx), to, n, (off_t)offset);

        if (now <= 0)
            return CONTENT_EREAD;
        offset += (size_t)now;
        to += now;
        n -= (size_t)now;
    }
    return 0;
}

static void file_close(void *ctx)
{
    close(fd_of(ctx));
}

int content_fd(struct content *out, int fd, const char *type)
{
    struct stat st;

    if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        if (fd >= 0)
            close(fd);
        return CONTENT_EOPEN;
    }
    *out = (struct content){.size = (uint64_t)st.st_size,
                            .type = type,
                            .ctx = (void *)(intptr_t)fd,
                            .read = file_read,
                            .close = file_close};
    return 0;
}

int content_file(struct content *out, const char *path, const char *type, struct err *err)
{
    /* Without O_NONBLOCK a pipe by that name would hold us for ever. */
    int rc = content_fd(out, open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), type);

    return rc ? err_set(err, rc, "expected a file at \"%.180s\", and it cannot be opened as one", path) : 0;
}

int content_load(struct content *out, const char *path, size_t max, const char *type, struct err *err)
{
    struct content file;
    uint8_t *bytes;
    int rc = content_file(&file, path, type, err);

    if (rc)
        return rc;
    if (file.size > max) {
        rc = err_set(err, CONTENT_ELARGE, "expected at most %zu bytes in \"%.120s\", got %llu", max, path,
                     (unsigned long long)file.size);
        content_close(&file);
        return rc;
    }
    bytes = malloc(file.size ? file.size : 1);
    rc = bytes ? content_read(&file, 0, bytes, file.size) : CONTENT_EMEMORY;
    if (rc) {
        free(bytes);
        err_set(err, rc, rc == CONTENT_EMEMORY ? "no memory for \"%.180s\"" : "\"%.180s\" cannot be read", path);
    } else {
        content_memory(out, bytes, file.size, type);
    }
    content_close(&file);
    return rc;
}

/* ---- overlay ---- */

static int overlay_read(void *ctx, uint64_t offset, uint8_t *to, size_t n)
{
    const struct content_overlay *o = ctx;
    int rc = content_read(&o->under, offset, to, n);
    uint64_t from = offset > o->at ? offset : o->at;
    uint64_t end = offset + n < o->at + o->n ? offset + n : o->at + o->n;

    if (rc == 0 && from < end)
        memcpy(to + (from - offset), o->bytes + (from - o->at), end - from);
    return rc;
}

static void overlay_close(void *ctx)
{
    content_close(&((struct content_overlay *)ctx)->under);
}

void content_overlaid(struct content *out, struct content_overlay *o)
{
    MUST(o->at <= o->under.size && o->n <= o->under.size - o->at);
    *out = (struct content){.size = o->under.size,
                            .type = o->under.type,
                            .ctx = o,
                            .read = overlay_read,
                            .close = overlay_close};
}

/* ---- finding ---- */

#define FIND_BYTES 65536

int content_find(const struct content *c, const void *magic, size_t n, uint64_t *at, struct err *err)
{
    uint8_t *buf = malloc(FIND_BYTES);
    unsigned found = 0;
    int rc = buf ? 0 : CONTENT_EMEMORY;

    MUST(n > 0 && n <= FIND_BYTES / 2);
    for (uint64_t from = 0; rc == 0 && from < c->size; from += FIND_BYTES - (n - 1)) {
        size_t have = c->size - from < FIND_BYTES ? (size_t)(c->size - from) : FIND_BYTES;
        const uint8_t *hit, *p = buf;

        rc = content_read(c, from, buf, have);
        while (rc == 0 && (hit = memmem(p, (size_t)(buf + have - p), magic, n))) {
            *at = from + (uint64_t)(hit - buf);
            found++;
            p = hit + 1;
        }
    }
    free(buf);
    if (rc)
        return err_set(err, rc, "the content to fill in cannot be read");
    if (found != 1)
        return err_set(err, CONTENT_EMAGIC, "expected the place to fill in exactly once, got it %u times", found);
    return 0;
}
