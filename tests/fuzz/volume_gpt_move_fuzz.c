/* The first bytes of a disk and its size (the first eight bytes): what is moved stays on the disk,
 * and moving it once is enough. The checksums are set right first. */
#include <stdlib.h>
#include <string.h>

#include "imaging/hash/crc.h"
#include "imaging/volume/gpt_move.h"
#include "net/wire/must.h"
#include "tests/fuzz/image_support.h"

static void mend(uint8_t *bytes, size_t n, size_t sector)
{
    uint64_t at, size;

    if (n < 2 * sector)
        return;
    at = le(bytes + sector + 72, 8);
    size = le(bytes + sector + 80, 4) * le(bytes + sector + 84, 4);
    if (at < n / sector && size <= n - at * sector)
        put_le32(bytes + sector + 88, crc32_ieee(0, bytes + at * sector, size));
    memset(bytes + sector + 16, 0, 4);
    if (le(bytes + sector + 12, 4) <= sector)
        put_le32(bytes + sector + 16, crc32_ieee(0, bytes + sector, le(bytes + sector + 12, 4)));
}

static void try(const uint8_t *data, size_t n, unsigned log2, uint64_t disk)
{
    static uint8_t tail[GPT_MOVE_TAIL_MAX];
    uint8_t *head = malloc(n + 1);
    struct gpt_move m;
    struct err err = {0};
    int rc;

    memcpy(head, data, n);
    mend(head, n, (size_t)1 << log2);
    rc = gpt_move_plan(&m, head, n, log2, disk, &err);
    MUST(rc <= 1 && (rc >= 0 || err.text[0]));
    if (rc == 1) {
        MUST(m.tail_bytes <= sizeof tail && m.tail_at <= disk && m.tail_bytes <= disk - m.tail_at);
        gpt_move_tail(&m, head, tail);
        gpt_move_head(&m, head);
        MUST(gpt_move_plan(&m, head, n, log2, disk, &err) == 0);
    }
    free(head);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    if (n < 8 || n > 131072)
        return 0;
    try(data + 8, n - 8, 9, le(data, 8));
    try(data + 8, n - 8, 12, le(data, 8));
    return 0;
}
