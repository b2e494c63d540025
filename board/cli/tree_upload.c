#include "board/cli/tree_upload.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <mbedtls/sha256.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "board/core/progress.h"
#include "imaging/hash/sha256.h"

#define TRIES 5             /* of a file, when the line breaks */
#define SLOWEST_PER_MS 1000 /* bytes: what a file's time is reckoned by */
#define PATH_TEXT 4096
#define LEVELS_MAX 32

struct sending {
    struct client *c;
    const char *name;
    struct progress progress;
    uint64_t bytes, files, sent;
    int fd;
};

/* ---- the folder ---- */

typedef int each_file(struct sending *, const char *file, const char *relative,
                      const struct stat *);

static int walk(struct sending *s, const char *folder, const char *relative, unsigned levels,
                each_file *each);

static int walk_one(struct sending *s, const char *file, const char *relative, unsigned levels,
                    each_file *each)
{
    struct stat st;

    if (lstat(file, &st))
        return err_set(&s->c->err, CLI_EFILE, "cannot read %s: %s", file, strerror(errno));
    if (S_ISDIR(st.st_mode) && levels)
        return walk(s, file, relative, levels - 1, each);
    if (S_ISREG(st.st_mode))
        return each(s, file, relative, &st);
    if (S_ISDIR(st.st_mode))
        return err_set(&s->c->err, CLI_EFILE, "expected at most %d levels of folders", LEVELS_MAX);
    fprintf(stderr, "left out, as it is no file: %s\n", file);
    return 0;
}

static int walk(struct sending *s, const char *folder, const char *relative, unsigned levels,
                each_file *each)
{
    struct dirent **entry = NULL;
    int n = scandir(folder, &entry, NULL, alphasort), rc = 0;

    if (n < 0)
        return err_set(&s->c->err, CLI_EFILE, "cannot read %s: %s", folder, strerror(errno));
    for (int i = 0; i < n; free(entry[i++])) {
        char file[PATH_TEXT], below[PATH_TEXT];
        bool dots = strcmp(entry[i]->d_name, ".") == 0 || strcmp(entry[i]->d_name, "..") == 0;

        if (rc || dots)
            continue;
        if (snprintf(file, sizeof file, "%s/%s", folder, entry[i]->d_name) >= (int)sizeof file ||
            snprintf(below, sizeof below, "%s%s%s", relative, *relative ? "/" : "",
                     entry[i]->d_name) >= (int)sizeof below)
            rc = err_set(&s->c->err, CLI_EFILE, "expected a shorter path than %.150s", folder);
        else
            rc = walk_one(s, file, below, levels, each);
    }
    free(entry);
    return rc;
}

static int count(struct sending *s, const char *file, const char *relative, const struct stat *st)
{
    (void)file;
    (void)relative;
    s->files++;
    s->bytes += (uint64_t)st->st_size;
    return 0;
}

/* ---- a file ---- */

static int read_some(struct sending *s, char *to, size_t n, struct err *err)
{
    while (n) {
        ssize_t got = read(s->fd, to, n);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return err_set(err, CLI_EFILE, "cannot read a file of %s: %s", s->name,
                           got ? strerror(errno) : "it has become shorter");
        to += got;
        n -= (size_t)got;
    }
    return 0;
}

static int hash_file(struct sending *s, uint64_t bytes, char hex[2 * SHA256_BYTES + 1])
{
    mbedtls_sha256_context hash;
    uint8_t sum[SHA256_BYTES];
    char piece[16384];
    int rc = 0;

    mbedtls_sha256_init(&hash);
    mbedtls_sha256_starts(&hash, 0);
    for (uint64_t left = bytes; rc == 0 && left;) {
        size_t n = left < sizeof piece ? (size_t)left : sizeof piece;

        rc = read_some(s, piece, n, &s->c->err);
        mbedtls_sha256_update(&hash, (const uint8_t *)piece, n);
        left -= n;
    }
    mbedtls_sha256_finish(&hash, sum);
    mbedtls_sha256_free(&hash);
    for (unsigned i = 0; i < SHA256_BYTES; i++)
        snprintf(hex + 2 * i, 3, "%02x", sum[i]);
    return rc;
}

/* "/api/v1/trees/NAME/path/of/file?sha256=..": each part percent-encoded. */
static int path_of(struct sending *s, const char *relative, const char *hex, char *out, size_t cap)
{
    bool fits = client_path(out, cap, "/api/v1/trees/", s->name, "");

    for (const char *part = relative; fits && part;) {
        const char *slash = strchr(part, '/');
        char word[PATH_TEXT], before[PATH_TEXT + 2];

        snprintf(before, sizeof before, "%s/", out);
        snprintf(word, sizeof word, "%.*s", (int)(slash ? slash - part : (ptrdiff_t)strlen(part)),
                 part);
        fits = client_path(out, cap, before, word, "");
        part = slash ? slash + 1 : NULL;
    }
    if (fits)
        fits = strlen(out) + snprintf(NULL, 0, "?sha256=%s", hex) < cap;
    if (!fits)
        return err_set(&s->c->err, CLI_EFILE, "expected a shorter path than %.150s", relative);
    strcat(strcat(out, "?sha256="), hex);
    return 0;
}

static int fill(void *ctx, char *to, size_t n, struct err *err)
{
    struct sending *s = ctx;
    int rc = read_some(s, to, n, err);

    s->sent += n;
    progress_at(&s->progress, s->sent, NULL);
    return rc;
}

static bool may_pass(int code)
{
    return code == CLI_ECONNECT || code == CLI_ETIMEOUT || code == CLI_ETLS || code == CLI_EANSWER;
}

static int send_once(struct sending *s, const char *path, uint64_t bytes)
{
    struct api_request r = {.method = "PUT",
                            .path = path,
                            .type = "application/octet-stream",
                            .n_body = (size_t)bytes,
                            .fill = fill,
                            .ctx = s,
                            .timeout_ms =
                                s->c->timeout_ms + (int)(bytes / SLOWEST_PER_MS < INT32_MAX / 2
                                                             ? bytes / SLOWEST_PER_MS
                                                             : INT32_MAX / 2)};
    struct api_answer a;
    uint64_t before = s->sent;
    int rc;

    s->c->err = (struct err){0};
    if (lseek(s->fd, 0, SEEK_SET))
        return err_set(&s->c->err, CLI_EFILE, "cannot read a file of %s: %s", s->name,
                       strerror(errno));
    rc = api_get(&s->c->box, &r, &a, &s->c->err);
    if (rc == 0)
        api_free(&a);
    else
        s->sent = before;
    return rc;
}

static int send_open(struct sending *s, const char *relative, uint64_t bytes)
{
    char path[PATH_TEXT], hex[2 * SHA256_BYTES + 1];
    struct err why = {0};
    int rc = hash_file(s, bytes, hex);

    if (rc == 0)
        rc = path_of(s, relative, hex, path, sizeof path);
    if (rc)
        return rc;
    for (unsigned tries = 0; tries < TRIES; tries++) {
        rc = send_once(s, path, bytes);
        if (!rc || !may_pass(rc))
            break;
        nanosleep(&(struct timespec){1, 0}, NULL);
    }
    if (rc == 0)
        return 0;
    why = s->c->err;
    s->c->err = (struct err){0};
    return err_set(&s->c->err, why.code, "%.100s: %.150s", relative, why.text);
}

static int send_file(struct sending *s, const char *file, const char *relative,
                     const struct stat *st)
{
    int rc;

    s->fd = open(file, O_RDONLY | O_CLOEXEC);
    if (s->fd < 0)
        return err_set(&s->c->err, CLI_EFILE, "cannot read %s: %s", file, strerror(errno));
    rc = send_open(s, relative, (uint64_t)st->st_size);
    close(s->fd);
    return rc;
}

/* ---- all of it ---- */

static int publish(struct sending *s, bool replace)
{
    char path[512], body[256];
    struct json j = json_on(body, sizeof body);

    json_open(&j, NULL, '{');
    json_u64(&j, "files", s->files);
    json_u64(&j, "bytes", s->bytes);
    json_bool(&j, "replace", replace);
    json_close(&j);
    if (!client_path(path, sizeof path, "/api/v1/trees/", s->name, "") || !json_text(&j))
        return client_usage(s->c, "the name is too long");
    return client_order(s->c, "POST", path, body, "it is on the box");
}

int tree_upload(struct client *c, const char *folder, const char *name, bool replace)
{
    struct sending s = {.c = c, .name = name};
    int rc = walk(&s, folder, "", LEVELS_MAX, count);

    if (rc == 0 && s.files == 0)
        rc = err_set(&c->err, CLI_EFILE, "expected a folder with files in it, got %.150s", folder);
    if (rc)
        return client_failed(c);
    progress_start(&s.progress, "sending", s.bytes, false);
    rc = walk(&s, folder, "", LEVELS_MAX, send_file);
    progress_end(&s.progress);
    return rc ? client_failed(c) : publish(&s, replace);
}
