/* A GPT at the beginning of a disk, made byte by byte, with one partition. */
#ifndef TESTS_UNIT_TINY_GPT_H
#define TESTS_UNIT_TINY_GPT_H

#include <stdint.h>
#include <string.h>

#include "imaging/hash/crc.h"
#include "tests/unit/tiny_ext.h"

#define TINY_GPT_HEAD (128 * 1024) /* bytes of the disk that are made */

/* The checksums, after a change. */
static inline void tiny_gpt_seal(uint8_t *head, unsigned log2)
{
    uint8_t *h = head + (1 << log2);
    size_t entries = h[80], each = (size_t)h[84] | (size_t)h[85] << 8;

    tiny_le(h + 88, crc32_ieee(0, head + (2 << log2), entries * each), 4);
    memset(h + 16, 0, 4);
    tiny_le(h + 16, crc32_ieee(0, h, 92), 4);
}

/* Of a disk of so many sectors, whose partition is [first, last]. */
static inline void tiny_gpt(uint8_t *head, unsigned log2, uint64_t sectors, uint64_t first,
                            uint64_t last)
{
    uint8_t *h = head + (1 << log2), *e = head + (2 << log2);
    uint64_t table = (16384u + (1u << log2) - 1) >> log2;

    memset(head, 0, TINY_GPT_HEAD);
    head[446 + 4] = 0xEE;
    tiny_le(head + 446 + 8, 1, 4);
    tiny_le(head + 446 + 12, sectors - 1, 4);
    head[510] = 0x55;
    head[511] = 0xAA;
    memcpy(h, "EFI PART", 8);
    tiny_le(h + 8, 0x10000, 4);
    tiny_le(h + 12, 92, 4);
    tiny_le(h + 24, 1, 8);
    tiny_le(h + 32, sectors - 1, 8);
    tiny_le(h + 40, 2 + table, 8);
    tiny_le(h + 48, sectors - 2 - table, 8);
    memset(h + 56, 0x77, 16);
    tiny_le(h + 72, 2, 8);
    tiny_le(h + 80, 128, 4);
    tiny_le(h + 84, 128, 4);
    memset(e, 0xA2, 16);
    memset(e + 16, 0x11, 16);
    tiny_le(e + 32, first, 8);
    tiny_le(e + 40, last, 8);
    tiny_gpt_seal(head, log2);
}

#endif
