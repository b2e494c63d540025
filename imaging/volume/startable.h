/* Whether machines can start from what is packed. New machines know no boot entry of the disk that
 * the image was made of: under UEFI they start \EFI\BOOT\BOOTX64.EFI of the EFI system partition,
 * or nothing. */
#ifndef IMAGING_VOLUME_STARTABLE_H
#define IMAGING_VOLUME_STARTABLE_H

#include "imaging/volume/parts.h"

/* Writes into `text` what a person should know, or "". The disk can be read everywhere. */
void startable_note(const struct parts *, const struct readat *disk, char *text, size_t room);

#endif
