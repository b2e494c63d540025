/* JSON of strangers, read within bounds (RFC 8259). The text is borrowed and stays as it is; values
 * are asked for by name and come out as what was wanted, or not at all.
 *
 *     struct json_doc doc;
 *     char name[64];
 *
 *     if (json_read(&doc, text, n) == 0 && json_get_str(&doc, JSON_ROOT, "name", name,
 *                                                        sizeof name) > 0) ...
 *
 * A value is named by its number in the document: JSON_ROOT is the outermost, JSON_NONE is none,
 * and every question about JSON_NONE answers "not there", so that questions can be chained. Objects
 * whose keys repeat are refused: two readers could understand them in two ways. Strings that are
 * not UTF-8, or hold the character 0 or half of a surrogate pair, do not come out. */
#ifndef NET_WIRE_JSON_READ_H
#define NET_WIRE_JSON_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JSON_READ_VALUES 1024 /* keys and values in all */
#define JSON_READ_DEPTH 16    /* levels of brackets */
#define JSON_READ_BYTES (256u << 10)

#define JSON_ROOT 0
#define JSON_NONE (-1)

enum json_kind { JSON_OBJECT = 1, JSON_ARRAY, JSON_STRING, JSON_NUMBER, JSON_BOOL, JSON_NULL };

struct json_value {
    enum json_kind kind;
    bool key;
    int start, end; /* of the text; a string's without its quotes */
    int parent;     /* a value's is its object or array (not its key); a key's is its object */
};

struct json_doc {
    const char *text; /* borrowed while values are asked for */
    int n, room;
    struct json_value *value; /* `kept`, or the caller's: a document is not copied */
    struct json_value kept[JSON_READ_VALUES];
};

/* 0, or a negative code of this header. The document is one value; nothing but white space stands
 * around it. */
int json_read(struct json_doc *, const void *text, size_t n);
/* The same of a longer text (at most INT_MAX bytes), with room for `values` keys and values,
 * borrowed while values are asked for. */
int json_read_in(struct json_doc *, struct json_value *room, int values, const void *text,
                 size_t n);

/* The member of an object; JSON_NONE when `object` is none or has no such member. */
int json_get(const struct json_doc *, int object, const char *key);
/* The element after `before` of an array, the first when `before` is JSON_NONE; JSON_NONE behind
 * the last. */
int json_next(const struct json_doc *, int array, int before);
/* JSON_NONE: 0, which is no kind. */
enum json_kind json_kind(const struct json_doc *, int value);

/* Text of a string value, NUL added; its length, or -1: not there, no string, longer than cap - 1,
 * or not legal. `out` is then "". */
int json_text_of(const struct json_doc *, int value, char *out, size_t cap);
/* A whole number without sign, fraction or exponent, at most `most`. False: not there, or another.
 */
bool json_u64_of(const struct json_doc *, int value, uint64_t most, uint64_t *out);
bool json_bool_of(const struct json_doc *, int value, bool *out);

/* The same of a member. */
static inline int json_get_str(const struct json_doc *d, int object, const char *key, char *out,
                               size_t cap)
{
    return json_text_of(d, json_get(d, object, key), out, cap);
}

static inline bool json_get_u64(const struct json_doc *d, int object, const char *key,
                                uint64_t most, uint64_t *out)
{
    return json_u64_of(d, json_get(d, object, key), most, out);
}

static inline bool json_get_bool(const struct json_doc *d, int object, const char *key, bool *out)
{
    return json_bool_of(d, json_get(d, object, key), out);
}

#define JSON_ERRORS(X)                                                                             \
    X(JSON_ESYNTAX, -120, "this is not JSON")                                                      \
    X(JSON_ETOOLARGE, -121, "this JSON is longer or has more values than is read here")            \
    X(JSON_EDEPTH, -122, "this JSON is nested deeper than is read here")                           \
    X(JSON_ETWICE, -123, "an object of this JSON has the same member twice")

#define X(name, code, sentence) name = code,
enum json_error { JSON_ERRORS(X) };
#undef X

#endif
