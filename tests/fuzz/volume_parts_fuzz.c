/* Partition tables, the input being the disk. The checksums of a GPT are set right first. */
#include <stdlib.h>
#include <string.h>

#include "imaging/hash/crc.h"
#include "imaging/volume/parts.h"
#include "net/wire/must.h"
#include "net/wire/utf8.h"
#include "tests/fuzz/image_support.h"

static void mend(const struct memory *m, unsigned log2, uint64_t lba)
{
    uint64_t at = lba << log2, table, bytes;
    uint8_t *h = m->bytes + at;

    if (at > m->n || m->n - at < (size_t)1 << log2 || memcmp(h, "EFI PART", 8) != 0)
        return;
    table = le(h + 72, 8) << log2;
    bytes = le(h + 80, 4) * le(h + 84, 4);
    if (table <= m->n && bytes <= m->n - table)
        put_le32(h + 88, crc32_ieee(0, m->bytes + table, bytes));
    memset(h + 16, 0, 4);
    if (le(h + 12, 4) <= (size_t)1 << log2)
        put_le32(h + 16, crc32_ieee(0, h, le(h + 12, 4)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static struct parts p;
    struct memory m = {malloc(n + 1), n};
    struct readat disk = {.ctx = &m, .read = read_memory};

    memcpy(m.bytes, data, n);
    for (unsigned log2 = 9; log2 <= 12; log2 += 3) {
        mend(&m, log2, 1);
        if (n >> log2)
            mend(&m, log2, (n >> log2) - 1);
    }
    parts_read(&p, &disk, n, 0);
    MUST(p.sector_log2 == 9 || p.sector_log2 == 12);
    for (unsigned i = 0; i < p.n; i++) {
        MUST(p.part[i].bytes > 0 && p.part[i].first <= n && p.part[i].bytes <= n - p.part[i].first);
        MUST(utf8_is_plain(p.part[i].name, strlen(p.part[i].name)));
    }
    free(m.bytes);
    return 0;
}
