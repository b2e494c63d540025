/* JSON into a caller's buffer. The writer never passes the end: what does not fit sets `bad`, and
 * json_text then gives NULL. Foreign text cannot leave its string: quotes, backslashes and every
 * control character (C0, DEL, C1) are escaped, bytes that are not UTF-8 become U+FFFD. One line,
 * keys in the order of the calls.
 *
 *     json_open(&j, NULL, '{');
 *     json_str(&j, "name", name);
 *     json_open(&j, "partitions", '[');
 *     ...
 *     json_close(&j);
 *     json_close(&j);
 *     puts(json_text(&j));
 *
 * `key` names the value inside an object and is NULL inside an array and at the top; keys are our
 * own literals. */
#ifndef NET_WIRE_JSON_H
#define NET_WIRE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JSON_DEPTH 16

struct json {
    char *buf;
    size_t cap, len; /* len < cap always: a final NUL has its place */
    bool bad;
    unsigned depth;
    char closing[JSON_DEPTH]; /* what ends each open level */
    bool some;                /* the open level has a value already */
};

/* Borrows buf of cap >= 1 bytes until the text is used up. */
struct json json_on(char *buf, size_t cap);
/* '{' or '[' */
void json_open(struct json *, const char *key, char bracket);
void json_close(struct json *);

void json_str(struct json *, const char *key, const char *text); /* NULL text: null */
void json_strn(struct json *, const char *key, const void *text, size_t n);
void json_u64(struct json *, const char *key, uint64_t);
void json_i64(struct json *, const char *key, int64_t);
void json_bool(struct json *, const char *key, bool);
void json_null(struct json *, const char *key);
/* A number with `digits` (0 .. 9) decimals; not finite or beyond 2^53: null. */
void json_fixed(struct json *, const char *key, double, unsigned digits);
/* Bytes as lower-case hexadecimal digits. */
void json_hex(struct json *, const char *key, const uint8_t *bytes, size_t n);

/* The finished text with its NUL; NULL when it did not fit or a level is still open. */
const char *json_text(struct json *);

#endif
