/* A file that appears under its name when it is whole, or not at all; and files that have no name.
 */
#ifndef IMAGING_PACK_OUTFILE_H
#define IMAGING_PACK_OUTFILE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "net/wire/err.h"

struct outfile {
    int fd;
    bool force;
    char path[PATH_MAX], temp[PATH_MAX]; /* the temporary name is in the same directory */
};

/* Opens a temporary file beside `path`. IMG_EEXISTS when path exists and force is not set; what is
 * not a plain file is never replaced. */
int outfile_open(struct outfile *, const char *path, bool force, struct err *);
/* Syncs the file, gives it its name, atomically, and syncs the folder. On an error of the last step
 * the file has its name all the same. */
int outfile_publish(struct outfile *, struct err *);
/* Closes it; removes the temporary file if it was not published. Harmless after either. */
void outfile_close(struct outfile *);

/* All n bytes at `at`; IMG_EOUTPUT otherwise. */
int write_all(int fd, uint64_t at, const void *buf, size_t n, struct err *);
/* A file without a name in the directory of `beside`: gone when it is closed. The descriptor, or
 * IMG_EOUTPUT. */
int scratch_file(const char *beside, struct err *);

#endif
