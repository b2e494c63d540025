#include "net/wire/json_read.h"

#include <limits.h>
#include <string.h>

#include "net/wire/must.h"
#include "net/wire/utf8.h"

/* The grammar of RFC 8259, one function a rule, each leaving `at` behind what it took. */
struct parser {
    struct json_doc *doc;
    const char *at, *end;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static int hex_digit(char c)
{
    return is_digit(c)            ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

static char peek(const struct parser *p)
{
    return p->at < p->end ? *p->at : 0;
}

static bool take(struct parser *p, char c)
{
    bool there = peek(p) == c && p->at < p->end;

    p->at += there;
    return there;
}

static void skip_blanks(struct parser *p)
{
    while (p->at < p->end && (*p->at == ' ' || *p->at == '\t' || *p->at == '\r' || *p->at == '\n'))
        p->at++;
}

/* ---- numbers, strings, words ---- */

static bool digits(struct parser *p)
{
    const char *from = p->at;

    while (is_digit(peek(p)))
        p->at++;
    return p->at > from;
}

static bool number(struct parser *p)
{
    take(p, '-');
    /* behind a leading zero no digit is taken: it is no end of a value either */
    if (!take(p, '0') && !digits(p))
        return false;
    if (take(p, '.') && !digits(p))
        return false;
    if (!take(p, 'e') && !take(p, 'E'))
        return true;
    if (!take(p, '+'))
        take(p, '-');
    return digits(p);
}

/* Behind the backslash. */
static bool escape(struct parser *p)
{
    if (!take(p, 'u')) {
        char c = peek(p);

        p->at++;
        return c && strchr("\"\\/bfnrt", c);
    }
    for (int i = 0; i < 4; i++, p->at++)
        if (hex_digit(peek(p)) < 0)
            return false;
    return true;
}

/* Behind the opening quote, to behind the closing one. What the bytes mean is json_text_of's
 * affair. */
static bool string(struct parser *p)
{
    while (p->at < p->end) {
        char c = *p->at++;

        if (c == '"')
            return true;
        if ((unsigned char)c < ' ' || (c == '\\' && !escape(p)))
            return false;
    }
    return false;
}

static bool word(struct parser *p, const char *text)
{
    size_t n = strlen(text);

    if ((size_t)(p->end - p->at) < n || memcmp(p->at, text, n) != 0)
        return false;
    p->at += n;
    return true;
}

/* ---- values ---- */

static int value(struct parser *p, int parent, unsigned depth);

/* A new value that begins here; its number, or JSON_ETOOLARGE. */
static int add(struct parser *p, enum json_kind kind, bool key, int parent)
{
    struct json_doc *d = p->doc;

    if (d->n == d->room)
        return JSON_ETOOLARGE;
    d->value[d->n] = (struct json_value){.kind = kind,
                                         .key = key,
                                         .parent = parent,
                                         .start = (int)(p->at - d->text)};
    return d->n++;
}

static bool known_key(const struct json_doc *d, int key)
{
    const struct json_value *v = &d->value[key];

    for (int i = v->parent + 1; i < key; i++) {
        const struct json_value *o = &d->value[i];

        if (o->key && o->parent == v->parent && o->end - o->start == v->end - v->start &&
            memcmp(d->text + o->start, d->text + v->start, (size_t)(v->end - v->start)) == 0)
            return true;
    }
    return false;
}

static int quoted(struct parser *p, bool key, int parent)
{
    int v;

    if (!take(p, '"'))
        return JSON_ESYNTAX;
    v = add(p, JSON_STRING, key, parent);
    if (v < 0)
        return v;
    if (!string(p))
        return JSON_ESYNTAX;
    p->doc->value[v].end = (int)(p->at - 1 - p->doc->text);
    return key && known_key(p->doc, v) ? JSON_ETWICE : 0;
}

/* "key": value */
static int member(struct parser *p, int object, unsigned depth)
{
    int rc;

    skip_blanks(p);
    rc = quoted(p, true, object);
    if (rc)
        return rc;
    skip_blanks(p);
    return take(p, ':') ? value(p, object, depth) : JSON_ESYNTAX;
}

/* What stands between brackets; `at` is on the opening one. */
static int nest(struct parser *p, int parent, unsigned depth)
{
    bool object = peek(p) == '{';
    char closing = object ? '}' : ']';
    int v, rc;

    if (depth == JSON_READ_DEPTH)
        return JSON_EDEPTH;
    v = add(p, object ? JSON_OBJECT : JSON_ARRAY, false, parent);
    if (v < 0)
        return v;
    p->at++;
    skip_blanks(p);
    rc = take(p, closing) ? 1 : 0;
    while (rc == 0) {
        rc = object ? member(p, v, depth + 1) : value(p, v, depth + 1);
        skip_blanks(p);
        if (rc == 0 && !take(p, ','))
            rc = take(p, closing) ? 1 : JSON_ESYNTAX;
    }
    p->doc->value[v].end = (int)(p->at - p->doc->text);
    return rc == 1 ? 0 : rc;
}

static int plain(struct parser *p, int parent)
{
    char c = peek(p);
    enum json_kind kind = c == 't' || c == 'f' ? JSON_BOOL : c == 'n' ? JSON_NULL : JSON_NUMBER;
    int v = add(p, kind, false, parent);

    if (v < 0)
        return v;
    if (kind == JSON_NUMBER ? !number(p)
                            : !word(p, c == 't'   ? "true"
                                       : c == 'f' ? "false"
                                                  : "null"))
        return JSON_ESYNTAX;
    p->doc->value[v].end = (int)(p->at - p->doc->text);
    return 0;
}

static int value(struct parser *p, int parent, unsigned depth)
{
    char c;

    skip_blanks(p);
    c = peek(p);
    if (c == '{' || c == '[')
        return nest(p, parent, depth);
    return c == '"' ? quoted(p, false, parent) : plain(p, parent);
}

int json_read(struct json_doc *d, const void *text, size_t n)
{
    d->n = 0;
    return n > JSON_READ_BYTES ? JSON_ETOOLARGE
                               : json_read_in(d, d->kept, JSON_READ_VALUES, text, n);
}

int json_read_in(struct json_doc *d, struct json_value *room, int values, const void *text,
                 size_t n)
{
    struct parser p = {.doc = d, .at = text, .end = (const char *)text + n};
    int rc;

    d->text = text;
    d->n = 0;
    d->room = values;
    d->value = room;
    if (n > INT_MAX)
        return JSON_ETOOLARGE;
    rc = value(&p, JSON_NONE, 0);
    skip_blanks(&p);
    if (rc == 0 && p.at < p.end)
        rc = JSON_ESYNTAX;
    if (rc)
        d->n = 0; /* then every question is answered "not there" */
    return rc;
}

/* ---- questions ---- */

enum json_kind json_kind(const struct json_doc *d, int value)
{
    return value >= 0 && value < d->n ? d->value[value].kind : 0;
}

int json_get(const struct json_doc *d, int object, const char *key)
{
    int n = (int)strlen(key);

    if (json_kind(d, object) != JSON_OBJECT)
        return JSON_NONE;
    for (int i = object + 1; i < d->n; i++) {
        const struct json_value *v = &d->value[i];

        if (v->key && v->parent == object && v->end - v->start == n &&
            memcmp(d->text + v->start, key, (size_t)n) == 0)
            return i + 1; /* a key's value follows it */
    }
    return JSON_NONE;
}

int json_next(const struct json_doc *d, int array, int before)
{
    if (json_kind(d, array) != JSON_ARRAY)
        return JSON_NONE;
    for (int i = before == JSON_NONE ? array + 1 : before + 1; i < d->n; i++)
        if (d->value[i].parent == array)
            return i;
    return JSON_NONE;
}

/* "\u" and what follows, at[0] the first digit; json_read has seen to four digits. */
static uint32_t four_digits(const char *at)
{
    uint32_t v = 0;

    for (int i = 0; i < 4; i++)
        v = v << 4 | (uint32_t)hex_digit(at[i]);
    return v;
}

/* The character that an escape stands for, *at behind its backslash; moves *at behind it. 0: none
 * that we take. */
static uint32_t escaped(const char **at, const char *end)
{
    static const char names[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
    char c = *(*at)++;
    const char *found = strchr(names, c);
    uint32_t cp, low;

    if (c && found)
        return (unsigned char)meant[found - names];
    if (c != 'u' || end - *at < 4)
        return 0;
    cp = four_digits(*at);
    *at += 4;
    if (cp < 0xD800 || cp > 0xDFFF)
        return cp;
    if (cp > 0xDBFF || end - *at < 6 || (*at)[0] != '\\' || (*at)[1] != 'u')
        return 0;
    low = four_digits(*at + 2);
    *at += 6;
    return low >= 0xDC00 && low <= 0xDFFF ? 0x10000 + ((cp - 0xD800) << 10) + (low - 0xDC00) : 0;
}

/* One character of a string; 0: none that we take. */
static uint32_t next_char(const char **at, const char *end)
{
    uint32_t cp = 0;
    size_t n;

    if (**at == '\\') {
        ++*at;
        return *at < end ? escaped(at, end) : 0;
    }
    n = utf8_read((const uint8_t *)*at, (size_t)(end - *at), &cp);
    *at += n;
    return n ? cp : 0;
}

int json_text_of(const struct json_doc *d, int value, char *out, size_t cap)
{
    const char *at, *end;
    size_t n = 0;

    MUST(cap > 0);
    out[0] = 0;
    if (json_kind(d, value) != JSON_STRING)
        return -1;
    at = d->text + d->value[value].start;
    end = d->text + d->value[value].end;
    while (at < end) {
        uint8_t utf8[4];
        uint32_t cp = next_char(&at, end);
        size_t len = cp ? utf8_write(utf8, cp) : 0;

        if (len == 0 || len >= cap - n) {
            out[0] = 0;
            return -1;
        }
        memcpy(out + n, utf8, len);
        n += len;
    }
    out[n] = 0;
    return (int)n;
}

bool json_u64_of(const struct json_doc *d, int value, uint64_t most, uint64_t *out)
{
    const char *at, *end;
    uint64_t v = 0;

    if (json_kind(d, value) != JSON_NUMBER)
        return false;
    at = d->text + d->value[value].start;
    end = d->text + d->value[value].end;
    for (; at < end; at++) {
        uint64_t digit = (uint64_t)(*at - '0');

        if (!is_digit(*at) || v > (UINT64_MAX - digit) / 10)
            return false;
        v = v * 10 + digit;
    }
    if (v > most)
        return false;
    *out = v;
    return true;
}

bool json_bool_of(const struct json_doc *d, int value, bool *out)
{
    if (json_kind(d, value) != JSON_BOOL)
        return false;
    *out = d->text[d->value[value].start] == 't';
    return true;
}
