#include "board/host/commands.h"

#include <stddef.h>

const struct command commands[] = {
    {"key", "make a key pair to sign images with", cmd_key},
    {"pack", "a disk, partition or image file into a .ring image", cmd_pack},
    {"info", "what an image says of itself", cmd_info},
    {"verify", "is every bit of an image as it was packed, and by whom", cmd_verify},
    {"serve", "images to any number of machines, round and round", cmd_serve},
    {"box", "the appliance: addresses, network boot, images and all", cmd_box},
    {"restore", "an image from a file, a server or the ring onto a disk", cmd_restore},
    {"target", "what a machine runs that was booted from a box", cmd_target},
    {"report", "is a box's report as the box signed it", cmd_report},
    {"errors", NULL, cmd_errors},
    {NULL, NULL, NULL},
};
