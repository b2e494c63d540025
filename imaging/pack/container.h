/* Files that hold a disk, or something else, but are not the bytes of a disk: containers of virtual
 * machines, archives, compressed files, other programs' images, web pages. Taken for a disk they
 * would be packed without an error and start nothing. One rule for all ways by which a source
 * comes: `pack`, the box's folder, uploads, pulls and sticks. Pure.
 *
 * A hybrid ISO is a disk (it has a boot sector) and passes; an ISO that starts from a CD only does
 * not. */
#ifndef IMAGING_PACK_CONTAINER_H
#define IMAGING_PACK_CONTAINER_H

#include <stddef.h>
#include <stdint.h>

#include "net/wire/err.h"

#define CONTAINER_HEAD 36864 /* so many of the first bytes can tell something */
#define CONTAINER_TAIL 512   /* and so many of the last */

struct container {
    const char *what;   /* with its article: "a qcow2 disk" */
    const char *advice; /* what a person has to do with it */
};

/* What the file is that begins with these n bytes and ends with these m (fewer, or 0, where they
 * are not at hand); NULL: a disk as far as these bytes tell. The answer is static. */
const struct container *container_find(const uint8_t *head, size_t n, const uint8_t *tail,
                                       size_t m);

/* Fills err with "expected EXPECTED, got WHAT: ADVICE"; returns `code`. */
int container_refuse(const struct container *, const char *expected, int code, struct err *err);

#endif
