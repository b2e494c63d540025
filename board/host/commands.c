#include "board/host/commands.h"

#include <stddef.h>

const struct command commands[] = {
    {"restore", "an image from a file, a server or the ring onto a disk", cmd_restore},
    {"errors", NULL, cmd_errors},
    {NULL, NULL, NULL},
};
