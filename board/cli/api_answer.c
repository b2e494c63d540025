#include "board/cli/api_answer.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "board/cli/api.h"
#include "net/http/codec.h"
#include "net/wire/json_read.h"
#include "net/wire/utf8.h"

/* "Set-Cookie: NAME=VALUE; ..." among the header's lines, which the parser has found legal. */
static void take_cookie(struct api_answer *a, const char *header, size_t n)
{
    static const char name[] = "\nSet-Cookie:";

    for (const char *at = header, *end = header + n; (at = memchr(at, '\n', (size_t)(end - at)));
         at++) {
        size_t length;

        if ((size_t)(end - at) < sizeof name || strncasecmp(at, name, sizeof name - 1) != 0)
            continue;
        at += sizeof name - 1;
        at += strspn(at, " ");
        length = strcspn(at, "; \r\n");
        if (length <= API_COOKIE_MAX) {
            memcpy(a->cookie, at, length);
            a->cookie[length] = 0;
        }
    }
}

/* The size line of a chunk (RFC 9112 section 7.1): hexadecimal digits, perhaps an extension, CR LF.
 * NULL: it is none. */
static const char *chunk_size(const char *at, const char *end, size_t *size)
{
    const char *line = memchr(at, '\n', (size_t)(end - at));
    size_t digits = strspn(at, "0123456789abcdefABCDEF");

    if (!line || line - at > 100 || digits == 0 || digits > 7 ||
        (at[digits] != '\r' && at[digits] != ';'))
        return NULL;
    *size = strtoul(at, NULL, 16);
    return line + 1;
}

/* Chunks behind each other, in place. */
static bool join_chunks(struct api_answer *a)
{
    const char *at = a->body, *end = a->body + a->n;
    size_t size;

    for (a->n = 0; (at = chunk_size(at, end, &size)); at += size + 2) {
        if (size == 0)
            return true;
        if ((size_t)(end - at) < size + 2)
            return false;
        memmove(a->body + a->n, at, size);
        a->n += size;
    }
    return false;
}

int api_answer_read(struct api_answer *a, char *bytes, size_t n, struct err *err)
{
    static struct http_parser p;
    size_t used;
    int rc;

    memset(a, 0, sizeof *a);
    bytes[n] = 0;
    http_parser_init(&p);
    rc = http_parser_feed(&p, (const uint8_t *)bytes, n, &used);
    if (rc <= 0)
        return err_set(err, CLI_EANSWER, "expected an answer of a box, got %s",
                       n ? "something else" : "nothing");
    take_cookie(a, bytes, used);
    a->status = p.answer.status;
    a->body = bytes + used;
    a->n = n - used;
    if (p.answer.chunked ? !join_chunks(a) : p.answer.has_length && a->n < p.answer.length)
        return err_set(err, CLI_EANSWER, "the box's answer was cut short");
    if (!p.answer.chunked && p.answer.has_length)
        a->n = (size_t)p.answer.length;
    a->body[a->n] = 0;
    return 0;
}

const char *api_answer_reason(const struct api_answer *a, char out[API_REASON_MAX + 1])
{
    static struct json_doc d;

    if (json_read(&d, a->body, a->n) == 0)
        if (json_get_str(&d, JSON_ROOT, "detail", out, API_REASON_MAX + 1) > 0 ||
            json_get_str(&d, JSON_ROOT, "title", out, API_REASON_MAX + 1) > 0)
            if (utf8_is_plain(out, strlen(out)))
                return out;
    snprintf(out, API_REASON_MAX + 1, "it answers with status %u", a->status);
    return out;
}
