/* A stored chunk: three bytes of raw length, the rest is what is stored. */
#include <stdlib.h>
#include <string.h>

#include "imaging/image/chunk.h"
#include "imaging/image/errors.h"
#include "net/wire/must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    size_t raw_len = n >= 3 ? ((size_t)data[0] << 16 | (size_t)data[1] << 8 | data[2]) % 140000 : 0;
    uint8_t *raw = malloc(raw_len + 1), *stored = malloc(n + 1);
    int rc;

    if (n >= 3) {
        memcpy(stored, data + 3, n - 3);
        rc = img_chunk_unpack(raw, raw_len, stored, n - 3);
        MUST(rc == 0 || rc == IMG_EUNPACK);
    }
    free(stored);
    free(raw);
    return 0;
}
