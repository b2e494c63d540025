/* The ext bitmaps, the input being the volume. The superblock's checksum is set right first. */
#include <stdlib.h>
#include <string.h>

#include "imaging/hash/crc.h"
#include "imaging/volume/fs.h"
#include "net/wire/must.h"
#include "tests/fuzz/image_support.h"

#define RUNS 2000 /* a volume of the largest size has billions */

static void walk(struct fs *fs, uint64_t from, uint64_t size)
{
    uint64_t end;

    for (int i = 0; i < RUNS && from < size; i++, from = end) {
        fs_ext.run(fs, from, &end);
        MUST(end > from);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct memory m = {malloc(n + 1), n};
    struct readat volume = {.ctx = &m, .read = read_memory};
    uint64_t size =
        n > 1024 && data[0] & 1 ? UINT64_C(1) << 48 : n; /* or a volume whose end cannot be read */
    char note[FS_NOTE];
    struct fs *fs;

    memcpy(m.bytes, data, n);
    if (n >= 2048)
        put_le32(m.bytes + 2044, crc32c(~0u, m.bytes + 1024, 1020));
    struct img_part part = {.bytes = size};

    if (fs_find(&volume, &part, IMG_TABLE_NONE, &fs, note) && fs) {
        walk(fs, 0, size);
        walk(fs, size / 2, size);
        fs_ext.close(fs);
    }
    free(m.bytes);
    return 0;
}
