#include "board/host/ini_text.h"

#include <stdbool.h>
#include <string.h>

#include <ini.h>

#include "board/host/config.h"

#define LINE_MAX_BYTES 512

struct ini_text {
    struct ini_place place;
    const char *at, *end;
    ini_entry *entry;
    void *ctx;
    struct err *err;
};

/* fgets on a text in memory, counting lines; one that is too long ends the reading, and n is what inih has room for. */
static char *ini_line(char *to, int n, void *ctx)
{
    struct ini_text *t = ctx;
    size_t len = 0, left = (size_t)(t->end - t->at);

    if (left == 0 || t->err->code)
        return NULL;
    while (len < left && t->at[len++] != '\n')
        ;
    t->place.line++;
    if (len >= (size_t)n) {
        err_set(t->err, CONFIG_ESYNTAX, "%s:%u: expected a line of at most %d bytes", t->place.file, t->place.line, n - 3);
        return NULL;
    }
    memcpy(to, t->at, len);
    to[len] = 0;
    t->at += len;
    return to;
}

static int on_entry(void *ctx, const char *section, const char *key, const char *value)
{
    struct ini_text *t = ctx;

    return t->entry(t->ctx, &t->place, section, key, value, t->err) == 0;
}

int ini_text_read(const char *file, const char *text, size_t n, ini_entry *entry, void *ctx, struct err *err)
{
    struct err why = {0};
    struct ini_text t = {.place = {.file = file}, .at = text, .end = text + n, .entry = entry, .ctx = ctx, .err = &why};
    int rc;

    ini_allow_multiline = false; /* an indented line is a line */
    ini_stop_on_first_error = true;
    ini_max_line = LINE_MAX_BYTES;
    rc = ini_parse_stream(ini_line, &t, on_entry, &t);
    if (rc && !why.code)
        err_set(&why, CONFIG_ESYNTAX, "%s:%d: expected KEY = VALUE, a [section] or a comment", file, rc);
    return why.code ? err_set(err, why.code, "%s", why.text) : 0;
}
