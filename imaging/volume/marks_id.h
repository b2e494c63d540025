/* By what the marks (marks.h) that an image lays on a disk are known again there. A mark alone says
 * that somebody's volume is on the disk; with the identity that its maker gave it (the UUID of an
 * LVM volume, of a Linux RAID, of a btrfs, the GUID of a ZFS pool) it says which. The digest covers
 * kind, partition and identity of every mark, the types of partitions too. */
#ifndef IMAGING_VOLUME_MARKS_ID_H
#define IMAGING_VOLUME_MARKS_ID_H

#include "imaging/volume/parts.h"

/* False, and zeros: the disk bears no mark, or one that cannot be told from another of its kind.
 * `scratch` is the caller's. */
bool marks_digest(uint8_t digest[IMG_MARKS_BYTES], const struct readat *disk, uint64_t bytes,
                  struct parts *scratch);

#endif
