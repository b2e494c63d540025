#include "net/content/content.h"

#include <string.h>
#include <strings.h>

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
    } types[] = {{".efi", "application/efi"}, {".ipxe", "text/plain"},
                 {".txt", "text/plain"},      {".cfg", "text/plain"},
                 {".html", "text/html"},      {".json", "application/json"},
                 {".xml", "application/xml"}};
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

const uint8_t *content_lend(const struct content *c, uint64_t offset, size_t *n)
{
    if (!c->bytes)
        return c->lend ? c->lend(c->ctx, offset, n) : NULL;
    *n = c->size - offset;
    return c->bytes + offset;
}

/* ---- memory ---- */

void content_memory(struct content *out, const void *bytes, size_t n, const char *type)
{
    static const uint8_t none[1];

    *out = (struct content){.size = n, .type = type, .bytes = n ? bytes : none};
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

static const uint8_t *overlay_lend(void *ctx, uint64_t offset, size_t *n)
{
    const struct content_overlay *o = ctx;
    const uint8_t *bytes;

    if (offset >= o->at && offset < o->at + o->n) {
        *n = o->at + o->n - offset;
        return o->bytes + (offset - o->at);
    }
    bytes = content_lend(&o->under, offset, n);
    if (bytes && offset<o->at && * n> o->at - offset)
        *n = o->at - offset;
    return bytes;
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
                            .lend = overlay_lend,
                            .close = overlay_close};
}
