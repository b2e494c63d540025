/* The data partition's file system anew, as it was when the box was flashed.
 *
 * tools/image keeps the file system that it makes as a list (/etc/ringcast/data): a head of 24
 * bytes, "RCDATA1\n", the file system's size in bytes and the number of blocks that follow, then
 * for each block of 4096 bytes that is not all zeros 8 bytes, its offset, and the block. Numbers
 * are little endian; offsets grow. All other blocks are zeros. The list is checked whole before the
 * first write, and block 0, where the superblock is, is zeroed first and written last: a power cut
 * in between leaves no file system. Pure: the partition comes as a function. */
#ifndef ROOTFS_INIT_ANEW_H
#define ROOTFS_INIT_ANEW_H

#include <stddef.h>
#include <stdint.h>

#define ANEW_BLOCK 4096
#define ANEW_FILE_MAX (1u << 20)

struct anew_disk {
    void *ctx;
    /* One block; what was written before is on the medium when `sync` returns 0. 0, or negative. */
    int (*write)(void *ctx, uint64_t at, const uint8_t block[ANEW_BLOCK]);
    int (*sync)(void *ctx);
    uint64_t bytes;
};

enum anew_result {
    ANEW_DONE = 0,
    ANEW_ELIST = -1,  /* the list is damaged: nothing was written */
    ANEW_EROOM = -2,  /* the partition is smaller than the file system: nothing was written */
    ANEW_EWRITE = -3, /* the partition cannot be written: there is no file system on it now */
};

int anew_write(const struct anew_disk *, const uint8_t *list, size_t n);

#endif
