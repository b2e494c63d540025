#include "imaging/image/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "imaging/hash/sha256.h"
#include "imaging/image/sign.h"
#include "net/os/serving.h"

int img_file_read(const struct img_file *f, uint64_t offset, void *buf, size_t n, struct err *e)
{
    char *to = buf;

    while (n) {
        ssize_t got = pread(f->fd, to, n, (off_t)offset);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return err_set(e, IMG_EOPEN, "the image cannot be read at byte %llu: %s",
                           (unsigned long long)offset, got ? strerror(errno) : "it ends there");
        to += got;
        offset += (uint64_t)got;
        n -= (size_t)got;
    }
    return 0;
}

static int64_t changed_ns(const struct stat *st)
{
    return st->st_mtim.tv_sec * INT64_C(1000000000) + st->st_mtim.tv_nsec;
}

bool img_file_same(const struct img_file *f)
{
    struct stat st;

    return fstat(f->fd, &st) == 0 && (uint64_t)st.st_size == f->bytes &&
           changed_ns(&st) == f->mtime_ns;
}

static int open_sized(struct img_file *f, const char *path, struct err *e)
{
    struct stat st;

    f->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (f->fd < 0 || fstat(f->fd, &st) != 0)
        return err_set(e, IMG_EOPEN, "%s cannot be opened: %s", path, strerror(errno));
    if (!S_ISREG(st.st_mode))
        return err_set(e, IMG_EOPEN, "%s is not a file", path);
    if (st.st_size < IMG_STREAM_OFFSET)
        return err_set(e, IMG_ESIZE,
                       "%s is too short for an image: expected %d bytes or more, got %lld", path,
                       IMG_STREAM_OFFSET, (long long)st.st_size);
    f->bytes = (uint64_t)st.st_size;
    f->mtime_ns = changed_ns(&st);
    return 0;
}

static int load_head(struct img_file *f, struct err *e)
{
    static const uint8_t zeros[IMG_STREAM_OFFSET - IMG_HEAD_BYTES];
    uint8_t start[IMG_STREAM_OFFSET];
    uint64_t expect;
    int rc = img_file_read(f, 0, start, sizeof start, e);

    if (rc == 0)
        rc = img_head_decode(start, &f->head, e);
    if (rc)
        return rc;
    memcpy(f->head_bytes, start, IMG_HEAD_BYTES);
    img_head_id(&f->head, f->id);
    expect = IMG_STREAM_OFFSET + f->head.stream_bytes + f->head.body_bytes;
    if (f->bytes != expect)
        return err_set(e, IMG_ESIZE, "the image is %s: its head says %llu bytes, the file has %llu",
                       f->bytes < expect ? "truncated" : "too long", (unsigned long long)expect,
                       (unsigned long long)f->bytes);
    if (memcmp(start + IMG_HEAD_BYTES, zeros, sizeof zeros) != 0)
        return err_set(e, IMG_EPADDING, "the bytes behind the image's head are not zero");
    return img_head_signed(&f->head) ? img_signature_check(&f->head, e) : 0;
}

static int read_body(const struct img_file *f, uint8_t *to, struct err *e)
{
    return img_file_read(f, IMG_STREAM_OFFSET + f->head.stream_bytes, to, f->head.body_bytes, e);
}

int img_file_body(const struct img_file *f, uint8_t *to, struct err *e)
{
    uint8_t hash[IMG_HASH_BYTES];
    int rc = read_body(f, to, e);

    if (rc)
        return rc;
    sha256(hash, to, f->head.body_bytes);
    if (memcmp(hash, f->head.body_hash, sizeof hash) != 0)
        return err_set(e, IMG_EBODYHASH,
                       "the image's body does not have the hash that its head states");
    return 0;
}

static int load_body(struct img_file *f, struct err *e)
{
    uint8_t *bytes = malloc(f->head.body_bytes);
    int rc = bytes ? read_body(f, bytes, e)
                   : err_set(e, IMG_EMEMORY, "there is no memory for the image's tables");

    if (rc == 0)
        rc = img_body_parse(bytes, f->head.body_bytes, &f->head, &f->body, e);
    free(bytes);
    return rc;
}

int img_file_open(struct img_file *f, const char *path, struct err *e)
{
    int rc;

    MUST_NOT_SERVE();
    memset(f, 0, sizeof *f);
    rc = open_sized(f, path, e);
    if (rc == 0)
        rc = load_head(f, e);
    if (rc == 0)
        rc = load_body(f, e);
    if (rc)
        img_file_close(f);
    return rc;
}

void img_file_close(struct img_file *f)
{
    img_body_free(&f->body);
    if (f->fd >= 0)
        close(f->fd);
    memset(f, 0, sizeof *f);
    f->fd = -1;
}
