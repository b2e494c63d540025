/* Any bytes as JSON: what is read is a tree within the text, and every question about it ends. */
#include <stdlib.h>
#include <string.h>

#include "net/wire/json_read.h"
#include "net/wire/must.h"

static void ask(const struct json_doc *d, int v, unsigned depth)
{
    char text[32];
    uint64_t number;
    bool on;

    MUST(depth <= JSON_READ_DEPTH + 1 && d->value[v].start <= d->value[v].end);
    (void)json_text_of(d, v, text, sizeof text);
    (void)json_u64_of(d, v, 1000, &number);
    (void)json_bool_of(d, v, &on);
    (void)json_get(d, v, "a");
    for (int at = json_next(d, v, JSON_NONE); at != JSON_NONE; at = json_next(d, v, at)) {
        MUST(at > v && d->value[at].end <= d->value[v].end);
        ask(d, at, depth + 1);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static struct json_doc doc;
    uint8_t *copy = malloc(n ? n : 1);

    memcpy(copy, bytes, n);
    if (json_read(&doc, copy, n) == 0) {
        MUST(doc.n >= 1);
        ask(&doc, JSON_ROOT, 1);
    } else {
        MUST(json_get(&doc, JSON_ROOT, "a") == JSON_NONE);
    }
    free(copy);
    return 0;
}
