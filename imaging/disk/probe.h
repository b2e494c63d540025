/* What the bytes on a disk say against erasing it: partition types and signatures of RAIDs,
 * volumes, pools and file systems that reach beyond this disk or this machine, and the mark of the
 * Ringcast box's own disk. Foreign bytes: everything is bounded.
 *
 * The marks are those of imaging/volume/marks.h, on the whole disk and in every partition; file
 * systems that stand alone count nothing. Firmware RAIDs that leave no such mark are not seen here.
 */
#ifndef IMAGING_DISK_PROBE_H
#define IMAGING_DISK_PROBE_H

#include "imaging/disk/facts.h"
#include "imaging/volume/parts.h"

/* Adds bars to facts, whose bytes and sector are known. `scratch` is the caller's, its content of
 * no meaning. */
void probe_disk(struct disk_facts *facts, const struct readat *disk, struct parts *scratch);

#endif
