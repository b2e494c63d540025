#include "board/core/ini_text.h"

#include <string.h>

#include <ini.h>

#include "board/core/config.h"
#include "net/wire/utf8.h"

#define LINE_MAX_BYTES 512

struct ini_text {
    struct ini_place place;
    const char *at, *end;
    ini_entry *entry;
    void *ctx;
    struct err *err;
};

/* fgets on a text in memory, counting lines; one that is too long ends the reading, and n is what
 * inih has room for. */
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
        err_set(t->err, CONFIG_ESYNTAX, "%s:%u: expected a line of at most %d bytes", t->place.file,
                t->place.line, n - 3);
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

int ini_text_read(const char *file, const char *text, size_t n, ini_entry *entry, void *ctx,
                  struct err *err)
{
    struct err why = {0};
    struct ini_text t = {.place = {.file = file},
                         .at = text,
                         .end = text + n,
                         .entry = entry,
                         .ctx = ctx,
                         .err = &why};
    int rc;

    ini_allow_multiline = false; /* an indented line is a line */
    ini_stop_on_first_error = true;
    ini_max_line = LINE_MAX_BYTES;
    rc = ini_parse_stream(ini_line, &t, on_entry, &t);
    if (rc && !why.code)
        err_set(&why, CONFIG_ESYNTAX, "%s:%d: expected KEY = VALUE, a [section] or a comment", file,
                rc);
    return why.code ? err_set(err, why.code, "%s", why.text) : 0;
}

int ini_wrong(const char *what, const char *value, struct err *err)
{
    return err_set(err, CONFIG_EVALUE, "expected %s, got \"%.80s\"", what, value);
}

int ini_text(char *to, size_t cap, const char *value, const char *what, struct err *err)
{
    size_t n = strlen(value);

    if (n == 0 || n >= cap || !utf8_is_plain(value, n))
        return ini_wrong(what, value, err);
    memcpy(to, value, n + 1);
    return 0;
}

int ini_truth(bool *to, const char *value, const char *what, struct err *err)
{
    static const char *const word[] = {"on", "off", "yes", "no", "true", "false"};

    for (size_t i = 0; i < sizeof word / sizeof *word; i++)
        if (strcmp(value, word[i]) == 0) {
            *to = i % 2 == 0;
            return 0;
        }
    return ini_wrong(what, value, err);
}

int ini_number(uint32_t *to, const char *value, const char *units, const uint32_t *factor,
               uint32_t low, uint32_t high, const char *what, struct err *err)
{
    uint64_t v = 0;
    size_t n = 0;
    const char *unit;

    for (; value[n] >= '0' && value[n] <= '9' && n < 10; n++)
        v = v * 10 + (uint64_t)(value[n] - '0');
    unit = value[n] ? strchr(units, value[n]) : NULL;
    if (n == 0 || (value[n] && (!unit || value[n + 1])))
        return ini_wrong(what, value, err);
    v *= unit ? factor[unit - units] : 1;
    if (v < low || v > high)
        return ini_wrong(what, value, err);
    *to = (uint32_t)v;
    return 0;
}
