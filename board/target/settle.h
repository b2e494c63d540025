/* What is a machine's own goes onto its disk: after every byte of the image has been verified,
 * before PASS is said.
 *
 *   settle_disk ──> the kernel reads the partition table anew ──> nodes of the partitions
 *           ──> settle_partitions
 *   settle_partitions: mount by the kernel's own ext4 or FAT ──> write aside, rename ──> unmount
 *           ──> mount read-only, compare
 *
 * The host name goes to etc/hostname of the first ext4 partition that has a folder etc; files go to
 * that partition, or to the first FAT partition. Links in the image are followed within it and lead
 * nowhere else. A partition on LVM or in a container is not looked into. A file is there whole or
 * as it was before; a failure leaves the image otherwise as verified, and is a FAIL with its cause.
 * The ext4 journal is replayed by mounting, as the machine's own first start would do. */
#ifndef BOARD_TARGET_SETTLE_H
#define BOARD_TARGET_SETTLE_H

#include "board/core/own.h"

#define SETTLE_PARTITIONS_MAX 64

/* `disk` is a block device that nobody holds open. Nothing to do is 0 without looking at it. Else
 * PC_EOWN and PC_ESETTLE. */
int settle_disk(const char *disk, const struct own *, struct err *);
/* The same on nodes of partitions, in their order. */
int settle_partitions(char node[][64], unsigned n, const struct own *, struct err *);

#endif
