/* The journal's file as anybody may have left it: records lie within it, one behind the other, and
 * what was moved together is read again. */
#include <stdlib.h>
#include <string.h>

#include "board/box/store/tape.h"
#include "net/wire/must.h"

static size_t walk(const struct tape *t, size_t n)
{
    struct tape_record rec;
    size_t at = TAPE_MAGIC_BYTES;

    while (at < t->n && tape_at(t, at, &rec)) {
        MUST(rec.bytes == TAPE_HEAD_BYTES + rec.nkey + rec.nvalue && rec.bytes <= t->n - at);
        MUST(rec.key >= t->bytes && rec.value + rec.nvalue <= t->bytes + n);
        at += rec.bytes;
    }
    return at;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static uint8_t bytes[TAPE_MAX];
    struct tape_found f;
    struct tape t;

    if (n > sizeof bytes)
        return 0;
    memcpy(bytes, data, n);
    f = tape_load(&t, bytes, n);
    if (f.what == TAPE_NEWER)
        return 0;
    MUST(t.n >= TAPE_MAGIC_BYTES && t.n <= (n > TAPE_MAGIC_BYTES ? n : TAPE_MAGIC_BYTES));
    MUST(f.end <= n); /* what is lost may be more: a mark tells how long the file was */
    MUST(f.what != TAPE_WHOLE || (f.end == n && t.n == n && f.lost == 0));
    MUST(walk(&t, n) == t.n);
    return 0;
}
