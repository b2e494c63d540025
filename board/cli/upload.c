#include "board/cli/upload.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "board/cli/commands.h"
#include "board/core/progress.h"

#define PIECE (16u << 20) /* a handshake each */
#define TRIES 5           /* in a row without a byte that the box kept, a second apart */
#define ID_MAX 32

struct sending {
    struct client *c;
    int fd;
    uint64_t bytes, offset;
    char name[CLIENT_TEXT], id[ID_MAX];
    char *piece;
};

/* Of an object with "id" and "offset"; false: it has none. */
static bool take_offset(struct sending *s, const struct json_doc *d, int object)
{
    return json_get_str(d, object, "id", s->id, sizeof s->id) > 0 &&
           json_get_u64(d, object, "offset", s->bytes, &s->offset);
}

static bool answer_offset(struct sending *s, const struct api_answer *a)
{
    static struct json_doc d;

    return json_read(&d, a->body, a->n) == 0 && take_offset(s, &d, JSON_ROOT);
}

/* After the last '/', and up to the last '.': debian-12.ring is debian-12. */
static void name_after(char out[CLIENT_TEXT], const char *path)
{
    const char *from = strrchr(path, '/') ? strrchr(path, '/') + 1 : path,
               *end = strrchr(from, '.');

    snprintf(out, CLIENT_TEXT, "%.*s",
             (int)(end && end > from ? end - from : (ptrdiff_t)strlen(from)), from);
}

/* ---- where it begins ---- */

static int begin(struct sending *s, const struct upload *u)
{
    char body[2048];
    struct json j = json_on(body, sizeof body);
    struct api_answer a;
    int rc;

    json_open(&j, NULL, '{');
    json_str(&j, "name", s->name);
    json_u64(&j, "bytes", s->bytes);
    if (u->label)
        json_str(&j, "version", u->label);
    json_close(&j);
    if (!json_text(&j))
        return client_usage(s->c, "the name or the label is too long");
    rc = client_ask(s->c, "POST", "/api/v1/uploads", body, &a);
    if (rc)
        return rc;
    if (!answer_offset(s, &a))
        rc = err_set(&s->c->err, CLI_EANSWER, "the box's answer names no upload");
    api_free(&a);
    return rc ? client_failed(s->c) : 0;
}

static int find_begun(struct sending *s)
{
    char name[CLIENT_TEXT];
    struct client_doc d;
    struct api_answer a;
    int rc = client_ask(s->c, "GET", "/api/v1/uploads", NULL, &a);

    if (rc)
        return rc;
    rc = client_read(s->c, &a, &d);
    if (rc == 0) {
        for (int i = json_next(d.json, JSON_ROOT, JSON_NONE); i != JSON_NONE && !s->id[0];
             i = json_next(d.json, JSON_ROOT, i))
            if (strcmp(client_text(d.json, i, "name", name), s->name) == 0 &&
                client_number(d.json, i, "bytes") == s->bytes)
                (void)take_offset(s, d.json, i);
        client_doc_free(&d);
    }
    api_free(&a);
    return rc;
}

/* ---- pieces ---- */

/* What the box has by now; a failure leaves what is known. */
static void ask_offset(struct sending *s)
{
    char path[64];
    struct api_request r = {.method = "GET", .path = path, .timeout_ms = s->c->timeout_ms};
    struct api_answer a;

    snprintf(path, sizeof path, "/api/v1/uploads/%s", s->id);
    if (api_get(&s->c->box, &r, &a, NULL) == 0) {
        (void)answer_offset(s, &a);
        api_free(&a);
    }
}

static int send_piece(struct sending *s)
{
    char path[64], offset[64];
    struct api_request r = {.method = "PUT",
                            .path = path,
                            .type = "application/octet-stream",
                            .headers = offset,
                            .body = s->piece,
                            .timeout_ms = s->c->timeout_ms};
    struct api_answer a;
    ssize_t n = pread(s->fd, s->piece,
                      s->bytes - s->offset < PIECE ? (size_t)(s->bytes - s->offset) : PIECE,
                      (off_t)s->offset);
    int rc;

    if (n <= 0)
        return err_set(&s->c->err, CLI_EFILE, "cannot read %s: %s", s->name,
                       n ? strerror(errno) : "it has become shorter");
    r.n_body = (size_t)n;
    snprintf(path, sizeof path, "/api/v1/uploads/%s", s->id);
    snprintf(offset, sizeof offset, "Upload-Offset: %" PRIu64 "\r\n", s->offset);
    rc = api_get(&s->c->box, &r, &a, &s->c->err);
    if (rc)
        return rc;
    if (!answer_offset(s, &a))
        rc = err_set(&s->c->err, CLI_EANSWER, "the box's answer does not say what it has");
    api_free(&a);
    return rc;
}

/* A line that breaks is worth another try; what the box or the file says is not. */
static bool may_pass(int code)
{
    return code == CLI_ECONNECT || code == CLI_ETIMEOUT || code == CLI_ETLS || code == CLI_EANSWER;
}

static int send_all(struct sending *s)
{
    struct progress p;
    unsigned tries = 0;
    int rc = 0;

    progress_start(&p, "sending", s->bytes, false);
    while (s->offset < s->bytes && tries < TRIES) {
        uint64_t before = s->offset;

        rc = send_piece(s);
        if (rc && !may_pass(rc))
            break;
        if (rc) {
            nanosleep(&(struct timespec){1, 0}, NULL);
            ask_offset(s);
        }
        tries = s->offset > before ? 0 : tries + 1;
        progress_at(&p, s->offset, NULL);
    }
    progress_end(&p);
    return s->offset == s->bytes ? 0
           : rc                  ? rc
                : err_set(&s->c->err, CLI_EANSWER, "the box keeps nothing of what it is sent");
}

static int upload_open(struct sending *s, const struct upload *u)
{
    struct stat st;

    s->fd = open(u->path, O_RDONLY | O_CLOEXEC);
    if (s->fd < 0 || fstat(s->fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size == 0)
        return err_set(&s->c->err, CLI_EFILE, "cannot send %s: %s", u->path,
                       s->fd < 0 ? strerror(errno) : "it is no file, or empty");
    s->bytes = (uint64_t)st.st_size;
    s->piece = malloc(PIECE);
    if (u->name)
        snprintf(s->name, sizeof s->name, "%s", u->name);
    else
        name_after(s->name, u->path);
    return s->piece ? 0 : err_set(&s->c->err, CLI_EMEMORY, "out of memory");
}

/* ---- the box's verdict ---- */

/* What the box says of the upload now. 0, or a code with its sentence: CLI_EREFUSED with the box's
 * cause when it will be no image. */
static int ask_state(struct sending *s, char state[CLIENT_TEXT])
{
    static struct json_doc d;
    char path[64], cause[CLIENT_TEXT];
    struct api_request r = {.method = "GET", .path = path, .timeout_ms = s->c->timeout_ms};
    struct api_answer a;
    int rc;

    snprintf(path, sizeof path, "/api/v1/uploads/%s", s->id);
    s->c->err = (struct err){0};
    rc = api_get(&s->c->box, &r, &a, &s->c->err);
    if (rc)
        return rc;
    if (json_read(&d, a.body, a.n))
        rc = err_set(&s->c->err, CLI_EANSWER, "the box's answer is not JSON");
    client_text(&d, JSON_ROOT, "state", state);
    if (rc == 0 && (strcmp(state, "failed") == 0 || strcmp(state, "bad") == 0)) {
        client_text(&d, JSON_ROOT, "cause", cause);
        rc = err_set(&s->c->err, CLI_EREFUSED, "the box does not take %.80s: %.200s", s->name,
                     cause[0] ? cause : state);
    }
    api_free(&a);
    return rc;
}

/* The box checks the file that it was sent, and packs a raw disk: waits for the end of both. A
 * broken line is worth another try. */
static int await_verdict(struct sending *s)
{
    char state[CLIENT_TEXT] = "", said[CLIENT_TEXT] = "";
    unsigned tries = 0;
    int rc;

    do {
        rc = ask_state(s, state);
        tries = rc ? tries + 1 : 0;
        if (rc == 0 && strcmp(state, said) != 0 && strcmp(state, "ready") != 0)
            fprintf(stderr, "%s: %s\n", s->name, state);
        memcpy(said, state, sizeof said);
        if (strcmp(state, "ready") != 0)
            nanosleep(&(struct timespec){rc != 0, rc ? 0 : 300000000}, NULL);
    } while (rc ? may_pass(rc) && tries < TRIES : strcmp(state, "ready") != 0);
    return rc;
}

int upload_file(struct client *c, const struct upload *u)
{
    struct sending s = {.c = c};
    int rc = upload_open(&s, u) ? client_failed(c) : 0;

    if (rc == 0 && u->resume)
        rc = find_begun(&s);
    if (rc == 0 && !s.id[0])
        rc = begin(&s, u);
    if (rc == 0 && send_all(&s))
        rc = client_failed(c);
    if (rc == 0 && await_verdict(&s))
        rc = client_failed(c);
    if (rc == 0)
        fprintf(stderr, "%s is on the box and ready\n", s.name);
    if (rc == 0 && c->json)
        printf("{\"id\":\"%s\",\"offset\":%" PRIu64 "}\n", s.id, s.offset);
    if (s.fd >= 0)
        close(s.fd);
    free(s.piece);
    return rc;
}
