#include "net/wire/json.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "net/wire/must.h"
#include "net/wire/utf8.h"

static void put(struct json *j, const char *s, size_t n)
{
    if (j->bad || n >= j->cap - j->len) {
        j->bad = true;
        return;
    }
    memcpy(j->buf + j->len, s, n);
    j->len += n;
    j->buf[j->len] = 0;
}

static void puts_json(struct json *j, const char *s)
{
    put(j, s, strlen(s));
}

/* One character inside a string, escaped where it must be; a control character always. */
static void put_char(struct json *j, uint32_t cp)
{
    char text[8];
    uint8_t utf8[4];

    if (cp == '"' || cp == '\\')
        put(j, (const char[2]){'\\', (char)cp}, 2);
    else if (utf8_is_control(cp))
        put(j, text, (size_t)snprintf(text, sizeof text, "\\u%04x", (unsigned)cp & 0xFFFF));
    else
        put(j, (const char *)utf8, utf8_write(utf8, cp));
}

static void put_string(struct json *j, const uint8_t *s, size_t n)
{
    puts_json(j, "\"");
    while (n) {
        uint32_t cp = 0xFFFD;
        size_t len = utf8_read(s, n, &cp);

        put_char(j, cp);
        len = len ? len : 1;
        s += len;
        n -= len;
    }
    puts_json(j, "\"");
}

/* What stands before a value: the comma after the one before, and its key. */
static void begin(struct json *j, const char *key)
{
    MUST((key != NULL) == (j->depth > 0 && j->closing[j->depth - 1] == '}'));
    if (j->some)
        puts_json(j, ",");
    j->some = true;
    if (key) {
        put_string(j, (const uint8_t *)key, strlen(key));
        puts_json(j, ":");
    }
}

struct json json_on(char *buf, size_t cap)
{
    MUST(cap >= 1);
    buf[0] = 0;
    return (struct json){.buf = buf, .cap = cap};
}

void json_open(struct json *j, const char *key, char bracket)
{
    MUST((bracket == '{' || bracket == '[') && j->depth < JSON_DEPTH);
    begin(j, key);
    put(j, &bracket, 1);
    j->closing[j->depth++] = bracket == '{' ? '}' : ']';
    j->some = false;
}

void json_close(struct json *j)
{
    MUST(j->depth > 0);
    put(j, &j->closing[--j->depth], 1);
    j->some = true;
}

void json_strn(struct json *j, const char *key, const void *text, size_t n)
{
    begin(j, key);
    put_string(j, text, n);
}

void json_str(struct json *j, const char *key, const char *text)
{
    if (text)
        json_strn(j, key, text, strlen(text));
    else
        json_null(j, key);
}

void json_u64(struct json *j, const char *key, uint64_t v)
{
    char text[24];

    begin(j, key);
    put(j, text, (size_t)snprintf(text, sizeof text, "%llu", (unsigned long long)v));
}

void json_i64(struct json *j, const char *key, int64_t v)
{
    char text[24];

    begin(j, key);
    put(j, text, (size_t)snprintf(text, sizeof text, "%lld", (long long)v));
}

void json_bool(struct json *j, const char *key, bool v)
{
    begin(j, key);
    puts_json(j, v ? "true" : "false");
}

void json_null(struct json *j, const char *key)
{
    begin(j, key);
    puts_json(j, "null");
}

void json_fixed(struct json *j, const char *key, double v, unsigned digits)
{
    char text[48];

    MUST(digits <= 9);
    if (!(fabs(v) <= 0x1p53)) {
        json_null(j, key);
        return;
    }
    begin(j, key);
    put(j, text, (size_t)snprintf(text, sizeof text, "%.*f", (int)digits, v));
}

void json_hex(struct json *j, const char *key, const uint8_t *bytes, size_t n)
{
    static const char digit[] = "0123456789abcdef";

    begin(j, key);
    puts_json(j, "\"");
    for (size_t i = 0; i < n; i++)
        put(j, (const char[2]){digit[bytes[i] >> 4], digit[bytes[i] & 15]}, 2);
    puts_json(j, "\"");
}

const char *json_text(struct json *j)
{
    return j->bad || j->depth ? NULL : j->buf;
}
