/* An ext2 file system of 8 MiB, made byte by byte: one group of 1 KiB blocks; super, descriptors,
 * bitmaps and table in blocks 1 .. 20, block 100 used, all else free. */
#ifndef TESTS_UNIT_TINY_EXT_H
#define TESTS_UNIT_TINY_EXT_H

#include <stdint.h>
#include <string.h>

#define BLOCK 1024
#define BLOCKS 8192 /* after block 0: one group of 8191 */
#define BITMAP_AT (3 * BLOCK)
#define DESC_AT (2 * BLOCK)
#define ROOT_AT (5 * BLOCK + 128) /* the second inode: the root directory */

static inline void tiny_le(uint8_t *to, uint64_t v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        to[i] = (uint8_t)(v >> 8 * i);
}

static inline void tiny_ext(uint8_t disk[BLOCK * BLOCKS])
{
    memset(disk, 0, BLOCK * BLOCKS);
    tiny_le(disk + BLOCK + 4, BLOCKS, 4);
    tiny_le(disk + BLOCK + 20, 1, 4);    /* first data block */
    tiny_le(disk + BLOCK + 32, 8192, 4); /* blocks a group */
    tiny_le(disk + BLOCK + 40, 128, 4);  /* inodes a group: 16 blocks */
    tiny_le(disk + BLOCK + 56, 0xEF53, 2);
    tiny_le(disk + BLOCK + 58, 1, 2); /* clean */
    tiny_le(disk + DESC_AT + 0, 3, 4);
    tiny_le(disk + DESC_AT + 4, 4, 4);
    tiny_le(disk + DESC_AT + 8, 5, 4);
    tiny_le(disk + DESC_AT + 12, 8191 - 21, 2); /* free */
    tiny_le(disk + ROOT_AT, 0x41ED, 2);
    for (unsigned b = 1; b <= 20; b++)
        disk[BITMAP_AT + (b - 1) / 8] |= (uint8_t)(1 << (b - 1) % 8);
    disk[BITMAP_AT + 99 / 8] |= 1 << 99 % 8;
}

#define GROUP1 4097 /* the first block of the second group of tiny_ext_two */

/* The same in two groups, the second with a copy of the superblock in front. */
static inline void tiny_ext_two(uint8_t disk[BLOCK * BLOCKS])
{
    tiny_ext(disk);
    tiny_le(disk + BLOCK + 32, 4096, 4);
    tiny_le(disk + DESC_AT + 12, 4096 - 21, 2);
    tiny_le(disk + DESC_AT + 32, GROUP1 + 2, 4);
    tiny_le(disk + DESC_AT + 36, GROUP1 + 3, 4);
    tiny_le(disk + DESC_AT + 40, GROUP1 + 4, 4);
    tiny_le(disk + DESC_AT + 44, 4095 - 20, 2);
    memcpy(disk + GROUP1 * BLOCK, disk + BLOCK, BLOCK);
    disk[(GROUP1 + 2) * BLOCK] = disk[(GROUP1 + 2) * BLOCK + 1] = 0xFF;
    disk[(GROUP1 + 2) * BLOCK + 2] = 0xF;
}

#endif
