#include "board/box/web/api_library.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "imaging/hash/sha256.h"
#include "net/http/errors.h"
#include "net/ip/errors.h"
#include "net/tls/trust.h"
#include "net/wire/json_read.h"

#define WAITERS 16

struct api_library {
    struct library *library;
    struct json_doc doc;
    struct waiter {            /* for a deletion */
        struct web_call *call; /* NULL: free */
        char name[IMG_NAME_MAX + 1];
    } waiter[WAITERS];
};

/* ---- refusals ---- */

static unsigned status_of(int code)
{
    switch (code) {
    case LIBRARY_EUNKNOWN:
    case LIBRARY_ESTICK:
        return 404;
    case LIBRARY_EPROTECTED:
        return 403;
    case LIBRARY_EEXISTS:
    case LIBRARY_EOFFSET:
    case LIBRARY_EBUSY:
    case LIBRARY_EUSED:
    case LIBRARY_ERECORD:
        return 409;
    case LIBRARY_EKIND:
        return 415;
    case LIBRARY_EFULL:
    case LIBRARY_ESPACE:
        return 507;
    case LIBRARY_ENAME:
    case LIBRARY_ETEXT:
    case LIBRARY_EREQUEST:
    case LIBRARY_ECONFIRM:
    case HTTP_EURL:
    case HTTP_ETRUST:
    case IP_ENAME:
        return 422;
    default:
        return 500;
    }
}

static void refuse(struct web_call *c, const struct err *err)
{
    web_problem(c, status_of(err->code), err->code, "%s", err->text);
}

static void refuse_unknown(struct web_call *c)
{
    web_problem(c, 404, LIBRARY_EUNKNOWN, "there is no such upload");
}

/* ---- what is shown ---- */

static const char *state_text(const struct library_image *m)
{
    static const char *const text[] = {
        [LIBRARY_ASKING] = "asking",     [LIBRARY_RECEIVING] = "receiving",
        [LIBRARY_CHECKING] = "checking", [LIBRARY_FAILED] = "failed",
        [LIBRARY_PACKING] = "packing",   [LIBRARY_VERIFYING] = "verifying",
        [LIBRARY_READY] = "ready",       [LIBRARY_BAD] = "bad"};

    return text[m->state];
}

static void put_signer(struct json *j, const struct library_facts *f)
{
    uint8_t hash[SHA256_BYTES];

    if (f->by_box) {
        json_str(j, "signer", "this box");
    } else if (f->is_signed) {
        sha256(hash, f->signer, sizeof f->signer);
        json_hex(j, "signer", hash, sizeof hash);
    } else {
        json_str(j, "signer", "");
    }
}

static void put_hash(struct json *j, const char *key, const uint8_t *hash, bool there)
{
    if (there)
        json_hex(j, key, hash, IMG_HASH_BYTES);
    else
        json_str(j, key, "");
}

static void put_image(struct json *j, const struct library_image *m)
{
    static const char *const origin[] = {"library", "disk", "folder"};
    const struct library_facts *f = &m->facts;

    json_open(j, NULL, '{');
    json_str(j, "name", m->record.name);
    json_str(j, "version", m->record.version);
    json_str(j, "note", m->record.note);
    json_u64(j, "bytes", f->bytes);
    json_u64(j, "raw_bytes", f->raw_bytes);
    json_u64(j, "min_target_bytes", f->min_target_bytes);
    json_u64(j, "used_bytes", f->used_bytes);
    json_str(j, "state", state_text(m));
    json_u64(j, "percent", m->percent);
    put_signer(j, f);
    put_hash(j, "root", f->root, f->used_bytes != 0);
    put_hash(j, "sha256", m->sha256, m->hashed);
    json_bool(j, "protected", m->record.protected || m->origin == LIBRARY_FOLDER);
    json_bool(j, "served", m->served);
    json_str(j, "origin", origin[m->origin]);
    json_str(j, "cause", m->cause);
    json_close(j);
}

static void list_images(void *ctx, struct web_call *c)
{
    struct api_library *a = ctx;
    const struct library_image *m;
    struct json j = web_json(c);

    json_open(&j, NULL, '[');
    for (unsigned i = 0; (m = library_at(a->library, i)); i++)
        if (library_listed(m))
            put_image(&j, m);
    json_close(&j);
    web_json_send(c, 200, &j);
}

static void put_upload(struct json *j, const struct library_image *m)
{
    char id[12];

    snprintf(id, sizeof id, "%u", m->id);
    json_open(j, NULL, '{');
    json_str(j, "id", id);
    json_str(j, "name", m->record.name);
    json_u64(j, "offset", m->offset);
    json_u64(j, "bytes", m->record.bytes);
    json_str(j, "state", state_text(m));
    json_u64(j, "percent", m->percent);
    put_hash(j, "sha256", m->sha256, m->hashed);
    json_str(j, "cause", m->cause);
    json_close(j);
}

static void send_upload(struct web_call *c, unsigned status, const struct library_image *m)
{
    struct json j = web_json(c);
    char offset[24];

    snprintf(offset, sizeof offset, "%llu", (unsigned long long)m->offset);
    web_header(c, "Upload-Offset", offset);
    put_upload(&j, m);
    web_json_send(c, status, &j);
}

static void list_uploads(void *ctx, struct web_call *c)
{
    struct api_library *a = ctx;
    const struct library_image *m;
    struct json j = web_json(c);

    json_open(&j, NULL, '[');
    for (unsigned i = 0; (m = library_at(a->library, i)); i++)
        if (!library_listed(m))
            put_upload(&j, m);
    json_close(&j);
    web_json_send(c, 200, &j);
}

/* ---- what is asked ---- */

static bool read_body(struct api_library *a, struct web_call *c)
{
    if (strcmp(c->type, "application/json") == 0 && json_read(&a->doc, c->body, c->n_body) == 0 &&
        json_kind(&a->doc, JSON_ROOT) == JSON_OBJECT)
        return true;
    web_problem(c, 400, LIBRARY_EREQUEST, "expected an object of JSON (application/json)");
    return false;
}

/* A text that may be left out. False: it is there, and no text, or too long. */
static bool get_text(const struct json_doc *d, const char *key, char *to, size_t cap)
{
    int value = json_get(d, JSON_ROOT, key);

    to[0] = 0;
    return value == JSON_NONE || json_kind(d, value) == JSON_NULL ||
           json_text_of(d, value, to, cap) >= 0;
}

static bool get_flag(const struct json_doc *d, const char *key, bool *to)
{
    int value = json_get(d, JSON_ROOT, key);

    *to = false;
    return value == JSON_NONE || json_bool_of(d, value, to);
}

static bool get_hash(const struct json_doc *d, struct record *r)
{
    char text[2 * IMG_HASH_BYTES + 1], digit[3] = "", *end;

    if (!get_text(d, "sha256", text, sizeof text))
        return false;
    r->hashed = text[0] != 0;
    if (r->hashed && (strlen(text) != sizeof text - 1 ||
                      strspn(text, "0123456789abcdefABCDEF") != sizeof text - 1))
        return false;
    for (size_t i = 0; r->hashed && i < sizeof r->sha256; i++) {
        memcpy(digit, text + 2 * i, 2);
        r->sha256[i] = (uint8_t)strtoul(digit, &end, 16);
    }
    return true;
}

/* What uploads and pulls have in common. The texts' own rules are the library's. */
static int get_record(const struct json_doc *d, struct record *r, struct err *err)
{
    *r = (struct record){.created = (uint64_t)time(NULL)};
    if (json_get_str(d, JSON_ROOT, "name", r->name, sizeof r->name) < 0)
        return err_set(err, LIBRARY_ENAME, "expected \"name\", a text of 1 to %d bytes",
                       IMG_NAME_MAX);
    if (!get_text(d, "version", r->version, sizeof r->version))
        return err_set(err, LIBRARY_ETEXT, "expected \"version\" to be a text of at most %d bytes",
                       IMG_LABEL_MAX);
    if (!get_text(d, "note", r->note, sizeof r->note))
        return err_set(err, LIBRARY_ETEXT, "expected \"note\" to be a text of at most %d bytes",
                       RECORD_NOTE_MAX);
    if (!get_hash(d, r))
        return err_set(err, LIBRARY_EREQUEST, "expected \"sha256\" to be 64 hexadecimal digits");
    if (!get_flag(d, "replace", &r->replaces) || !get_flag(d, "protected", &r->protected))
        return err_set(err, LIBRARY_EREQUEST,
                       "expected \"replace\" and \"protected\" to be true or false");
    return 0;
}

static void send_begun(struct api_library *a, struct web_call *c, unsigned status, uint32_t id)
{
    const struct library_image *m = library_upload(a->library, id);
    char where[48];

    if (!m) {
        refuse_unknown(c);
        return;
    }
    snprintf(where, sizeof where, "/api/v1/uploads/%u", id);
    web_header(c, "Location", where);
    send_upload(c, status, m);
}

/* What an upload and a pull say alike, then what only one of them says, and begins it. */
static void begin(struct api_library *a, struct web_call *c, unsigned status,
                  int (*read_rest)(const struct json_doc *, struct record *, struct err *),
                  int (*start)(struct library *, const struct record *, uint32_t *, struct err *))
{
    struct err err = {0};
    struct record r;
    uint32_t id;
    int rc;

    if (!read_body(a, c))
        return;
    rc = get_record(&a->doc, &r, &err);
    if (rc == 0)
        rc = read_rest(&a->doc, &r, &err);
    if (rc == 0)
        rc = start(a->library, &r, &id, &err);
    if (rc)
        refuse(c, &err);
    else
        send_begun(a, c, status, id);
}

static int read_bytes(const struct json_doc *d, struct record *r, struct err *err)
{
    return json_get_u64(d, JSON_ROOT, "bytes", IMG_MAX_RAW, &r->bytes)
               ? 0
               : err_set(err, LIBRARY_EREQUEST, "expected \"bytes\", how large the file is");
}

static void begin_upload(void *ctx, struct web_call *c)
{
    begin(ctx, c, 201, read_bytes, library_begin);
}

static int read_url(const struct json_doc *d, struct record *r, struct err *err)
{
    char pin[3 * TLS_PIN_BYTES];
    bool good = get_text(d, "fingerprint", pin, sizeof pin);

    r->pinned = good && pin[0];
    if (!good || (r->pinned && !tls_pin_parse(pin, r->pin)))
        return err_set(err, LIBRARY_EREQUEST,
                       "expected \"fingerprint\" to be the SHA-256 of the server's certificate, 64 "
                       "hexadecimal digits");
    return json_get_str(d, JSON_ROOT, "url", r->url, sizeof r->url) >= 1
               ? 0
               : err_set(err, LIBRARY_EREQUEST,
                         "expected \"url\", an address of the form http(s)://host[:port]/path");
}

static void begin_pull(void *ctx, struct web_call *c)
{
    begin(ctx, c, 202, read_url, library_pull);
}

/* ---- sticks ---- */

static void put_stick(struct json *j, unsigned place, const struct stick *s)
{
    json_open(j, NULL, '{');
    json_u64(j, "stick", place);
    json_str(j, "device", s->device);
    json_str(j, "label", s->label);
    json_bool(j, "looking", s->looking);
    json_open(j, "files", '[');
    for (unsigned i = 0; i < s->n; i++) {
        json_open(j, NULL, '{');
        json_str(j, "path", s->file[i].path);
        json_str(j, "name", s->file[i].name);
        json_u64(j, "bytes", s->file[i].bytes);
        json_close(j);
    }
    json_close(j);
    json_u64(j, "left_out", s->left_out);
    json_str(j, "cause", s->cause);
    json_close(j);
}

static void list_sticks(void *ctx, struct web_call *c)
{
    struct api_library *a = ctx;
    struct json j = web_json(c);
    const struct stick *s;

    json_open(&j, NULL, '[');
    for (unsigned place = 0; place < STICKS_MAX; place++)
        if ((s = library_stick(a->library, place)))
            put_stick(&j, place, s);
    json_close(&j);
    web_json_send(c, 200, &j);
}

static int read_file(const struct json_doc *d, struct record *r, struct err *err)
{
    char path[STICK_PATH_MAX + 1];
    uint64_t stick;

    if (!json_get_u64(d, JSON_ROOT, "stick", STICKS_MAX - 1, &stick))
        return err_set(err, LIBRARY_EREQUEST, "expected \"stick\", its number");
    if (json_get_str(d, JSON_ROOT, "path", path, sizeof path) < 1)
        return err_set(err, LIBRARY_EREQUEST, "expected \"path\", as the stick's list has it");
    library_import_url(r, (unsigned)stick, path);
    return 0;
}

static void begin_import(void *ctx, struct web_call *c)
{
    begin(ctx, c, 202, read_file, library_import);
}

/* ---- an upload ---- */

static uint32_t id_of(const struct web_call *c)
{
    char *end;
    unsigned long id = strtoul(c->param[0], &end, 10);

    return *end || c->param[0][0] < '0' || c->param[0][0] > '9' || id > UINT32_MAX ? 0
                                                                                   : (uint32_t)id;
}

static void show_upload(void *ctx, struct web_call *c)
{
    struct api_library *a = ctx;
    const struct library_image *m = library_upload(a->library, id_of(c));

    if (m)
        send_upload(c, 200, m);
    else
        refuse_unknown(c);
}

/* 409, with the offset that is expected. */
static void refuse_offset(struct web_call *c, const struct library_image *m, const struct err *err)
{
    struct json j = web_json(c);
    char offset[24];

    snprintf(offset, sizeof offset, "%llu", (unsigned long long)m->offset);
    web_header(c, "Upload-Offset", offset);
    json_open(&j, NULL, '{');
    json_str(&j, "type", "about:blank");
    json_str(&j, "title", "Conflict");
    json_u64(&j, "status", 409);
    json_str(&j, "detail", err->text);
    json_i64(&j, "code", err->code);
    json_u64(&j, "offset", m->offset);
    json_close(&j);
    web_json_send(c, 409, &j);
}

static void refuse_piece(struct api_library *a, struct web_call *c, const struct err *err)
{
    const struct library_image *m = library_upload(a->library, id_of(c));

    if (m && err->code == LIBRARY_EOFFSET)
        refuse_offset(c, m, err);
    else
        refuse(c, err);
}

/* The connection has ended, after its bytes or in the middle of them. */
static void upload_gone(void *ctx, struct web_call *c)
{
    struct api_library *a = ctx;

    library_pause(a->library, id_of(c));
}

static void upload(void *ctx, struct web_call *c)
{
    struct api_library *a = ctx;
    const struct library_image *m = library_upload(a->library, id_of(c));
    struct err err = {0};

    if (!m) {
        refuse_unknown(c);
        return;
    }
    if (!c->has_offset)
        err_set(&err, LIBRARY_EREQUEST,
                "expected a header Upload-Offset: where these bytes belong");
    else if (m->state != LIBRARY_RECEIVING)
        err_set(&err, LIBRARY_EBUSY, "no more bytes are expected of this upload, it is %s%s%s",
                state_text(m), m->cause[0] ? ": " : "", m->cause);
    else if (c->offset != m->offset)
        err_set(&err, LIBRARY_EOFFSET, "expected bytes from %llu on, got them from %llu on",
                (unsigned long long)m->offset, (unsigned long long)c->offset);
    else if (c->length > m->record.bytes - m->offset)
        err_set(&err, LIBRARY_EOFFSET, "expected at most %llu bytes more",
                (unsigned long long)(m->record.bytes - m->offset));
    if (err.code)
        refuse_piece(a, c, &err);
    else
        c->gone = upload_gone;
}

/* c->offset is where the next byte belongs. */
static size_t upload_bytes(void *ctx, struct web_call *c, const uint8_t *bytes, size_t n)
{
    struct api_library *a = ctx;
    const struct library_image *m;
    struct err err = {0};
    long took =
        n || c->length == 0 ? library_put(a->library, id_of(c), c->offset, bytes, n, &err) : 0;

    if (took < 0) {
        refuse_piece(a, c, &err);
        return n;
    }
    c->offset += (uint64_t)took;
    if (n)
        return (size_t)took;
    library_pause(a->library, id_of(c));
    m = library_upload(a->library, id_of(c));
    if (m)
        send_upload(c, 200, m);
    else
        refuse_unknown(c);
    return 0;
}

static void abandon_upload(void *ctx, struct web_call *c)
{
    struct api_library *a = ctx;
    struct err err = {0};

    if (library_abandon(a->library, id_of(c), &err))
        refuse(c, &err);
    else
        web_empty(c, 204);
}

/* ---- an image ---- */

static void verify_image(void *ctx, struct web_call *c)
{
    struct api_library *a = ctx;
    struct err err = {0};
    struct json j = web_json(c);

    if (library_verify(a->library, c->param[0], &err)) {
        refuse(c, &err);
        return;
    }
    json_open(&j, NULL, '{');
    json_str(&j, "text", "it is being read from its first byte to its last");
    json_close(&j);
    web_json_send(c, 202, &j);
}

static void waiter_gone(void *ctx, struct web_call *c)
{
    struct api_library *a = ctx;

    for (unsigned i = 0; i < WAITERS; i++)
        if (a->waiter[i].call == c)
            a->waiter[i].call = NULL;
}

/* The answer comes when it is gone from the disk, for then no power cut brings it back. */
static void answer_later(struct api_library *a, struct web_call *c)
{
    for (unsigned i = 0; i < WAITERS; i++)
        if (!a->waiter[i].call) {
            a->waiter[i].call = c;
            snprintf(a->waiter[i].name, sizeof a->waiter[i].name, "%s", c->param[0]);
            c->gone = waiter_gone;
            return;
        }
    web_empty(c, 202);
}

static void delete_image(void *ctx, struct web_call *c)
{
    struct api_library *a = ctx;
    char name[IMG_NAME_MAX + 1];
    struct err err = {0};

    if (!read_body(a, c))
        return;
    (void)json_get_str(&a->doc, JSON_ROOT, "name", name, sizeof name);
    if (!library_named(a->library, c->param[0]))
        err_set(&err, LIBRARY_EUNKNOWN, "there is no image of that name");
    else if (strcmp(name, c->param[0]) != 0)
        err_set(&err, LIBRARY_ECONFIRM,
                "expected the image's name once more, as \"name\", before it is deleted");
    else
        (void)library_delete(a->library, name, &err);
    if (err.code)
        refuse(c, &err);
    else
        answer_later(a, c);
}

void api_library_tick(struct api_library *a)
{
    for (unsigned i = 0; a && i < WAITERS; i++) {
        struct waiter *w = &a->waiter[i];
        struct web_call *c = w->call;

        if (!c || library_leaving(a->library, w->name))
            continue;
        w->call = NULL;
        web_empty(c, 204);
    }
}

/* ---- all of it ---- */

struct api_library *api_library_open(struct library *library, struct web_routes *routes)
{
    static const struct web_route table[] = {
        {WEB_GET, "/api/v1/images", WEB_USER, list_images, NULL},
        {WEB_POST, "/api/v1/images/:name/verify", WEB_USER, verify_image, NULL},
        {WEB_DELETE, "/api/v1/images/:name", WEB_USER, delete_image, NULL},
        {WEB_GET, "/api/v1/uploads", WEB_USER, list_uploads, NULL},
        {WEB_POST, "/api/v1/uploads", WEB_USER, begin_upload, NULL},
        {WEB_GET, "/api/v1/uploads/:id", WEB_USER, show_upload, NULL},
        {WEB_PUT, "/api/v1/uploads/:id", WEB_USER, upload, upload_bytes},
        {WEB_DELETE, "/api/v1/uploads/:id", WEB_USER, abandon_upload, NULL},
        {WEB_POST, "/api/v1/pulls", WEB_USER, begin_pull, NULL},
        {WEB_GET, "/api/v1/sticks", WEB_USER, list_sticks, NULL},
        {WEB_POST, "/api/v1/imports", WEB_USER, begin_import, NULL},
    };
    struct api_library *a = calloc(1, sizeof *a);

    if (!a)
        return NULL;
    a->library = library;
    web_routes_add(routes, table, sizeof table / sizeof *table, a);
    return a;
}

void api_library_close(struct api_library *a)
{
    free(a);
}
