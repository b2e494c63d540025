#include "imaging/image/chunk.h"

#include <string.h>

#include <lz4.h>
#include <lz4hc.h>

#include "imaging/image/image.h"

int img_chunk_unpack(uint8_t *raw, size_t raw_len, const uint8_t *stored, size_t stored_len)
{
    if (stored_len == 0 || stored_len > raw_len || raw_len > IMG_CHUNK_BYTES)
        return IMG_EUNPACK;
    if (stored_len == raw_len) {
        memcpy(raw, stored, raw_len);
        return 0;
    }
    return LZ4_decompress_safe((const char *)stored, (char *)raw, (int)stored_len, (int)raw_len) ==
                   (int)raw_len
               ? 0
               : IMG_EUNPACK;
}

size_t img_chunk_pack_workspace(void)
{
    return (size_t)LZ4_sizeofStateHC();
}

size_t img_chunk_pack(uint8_t *stored, const uint8_t *raw, size_t raw_len, int level,
                      void *workspace)
{
    int n = (int)raw_len, most = n - 1;

    /* What the fast compressor finds nothing in is not worth the slow one's time. */
    if (LZ4_compress_fast_extState(workspace, (const char *)raw, (char *)stored, n, most, 1) > 0)
        n = LZ4_compress_HC_extStateHC(workspace, (const char *)raw, (char *)stored, n, most,
                                       level);
    else
        n = 0;
    if (n > 0)
        return (size_t)n;
    memcpy(stored, raw, raw_len);
    return raw_len;
}
