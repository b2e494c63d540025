/* A file into a box's library, in pieces, each of which the box keeps: what was sent before the
 * line broke is not sent again. */
#ifndef BOARD_CLI_UPLOAD_H
#define BOARD_CLI_UPLOAD_H

#include "board/cli/client.h"

struct upload {
    const char *path;
    const char *name, *label; /* NULL: after the file; none */
    /* goes on with an upload of that name and size that an earlier run began */
    bool resume;
};

/* The exit code; says how far it is on stderr. Ends with the box's verdict: it waits until the
 * image is ready or refused. */
int upload_file(struct client *, const struct upload *);

#endif
