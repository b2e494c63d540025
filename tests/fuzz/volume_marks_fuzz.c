/* The marks of other owners, the input being the volume, or the beginning of one whose end cannot
 * be read. */
#include <stdlib.h>
#include <string.h>

#include "imaging/volume/marks.h"
#include "net/wire/must.h"
#include "tests/fuzz/image_support.h"

static uint64_t size;

static void found(void *ctx, enum mark_kind kind, const char *what)
{
    ++*(unsigned *)ctx;
    MUST(kind <= MARK_POOL && what && what[0]);
}

static void unreadable(void *ctx, uint64_t at)
{
    (void)ctx;
    MUST(at < size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct memory m = {malloc(n + 1), n};
    const struct readat volume = {.ctx = &m, .read = read_memory};
    unsigned marks = 0;
    const struct mark_watcher to = {&marks, found, unreadable};
    uint8_t type[16] = {0};

    memcpy(m.bytes, data, n);
    memcpy(type, data, n < sizeof type ? n : sizeof type);
    size = n && data[0] & 1 ? n + (UINT64_C(1) << 40) : n;
    marks_look(&volume, size, &to);
    marks_type(IMG_TABLE_GPT, type, &to);
    marks_type(IMG_TABLE_MBR, type, &to);
    MUST(marks < 1000);
    free(m.bytes);
    return 0;
}
