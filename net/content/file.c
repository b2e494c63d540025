/* Contents out of files, and what needs memory of its own. */
#include "net/content/content.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "net/wire/must.h"

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

    return rc ? err_set(err, rc, "expected a file at \"%.180s\", and it cannot be opened as one",
                        path)
              : 0;
}

int content_load(struct content *out, const char *path, size_t max, const char *type,
                 struct err *err)
{
    struct content file;
    uint8_t *bytes;
    int rc = content_file(&file, path, type, err);

    if (rc)
        return rc;
    if (file.size > max) {
        rc = err_set(err, CONTENT_ELARGE, "expected at most %zu bytes in \"%.120s\", got %llu", max,
                     path, (unsigned long long)file.size);
        content_close(&file);
        return rc;
    }
    bytes = malloc(file.size ? file.size : 1);
    rc = bytes ? content_read(&file, 0, bytes, file.size) : CONTENT_EMEMORY;
    if (rc) {
        free(bytes);
        err_set(err, rc,
                rc == CONTENT_EMEMORY ? "no memory for \"%.180s\"" : "\"%.180s\" cannot be read",
                path);
    } else {
        content_memory(out, bytes, file.size, type);
    }
    content_close(&file);
    return rc;
}

/* ---- finding ---- */

#define FIND_BYTES 65536

int content_find(const struct content *c, const void *magic, size_t n, uint64_t *at,
                 struct err *err)
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
        return err_set(err, CONTENT_EMAGIC,
                       "expected the place to fill in exactly once, got it %u times", found);
    return 0;
}
