#include "board/cli/commands.h"

#include <stddef.h>

const struct command commands[] = {
    {"key", "make a key pair to sign images with", cmd_key, cmd_key_options, NULL},
    {"pack", "a disk, partition or image file into a .ring image", cmd_pack, cmd_pack_options, NULL},
    {"info", "what an image says of itself", cmd_info, cmd_info_options, NULL},
    {"verify", "is every bit of an image as it was packed, and by whom", cmd_verify, cmd_verify_options, NULL},
    {"serve", "images to any number of machines, round and round", cmd_serve, cmd_serve_options, NULL},
    {"box", "the appliance: addresses, network boot, images and all", cmd_box, cmd_box_options, NULL},
    {"restore", "an image from a file, a server or the ring onto a disk", cmd_restore, cmd_restore_options, NULL},
    {"target", "what a machine runs that was booted from a box", cmd_target, cmd_target_options, NULL},
    {"login", "make a box known to the commands below", cmd_login, cmd_login_options, NULL},
    {"status", "what a box and its machines do at this moment", cmd_status, cmd_status_options, NULL},
    {"sessions", "the sessions of a box", cmd_sessions, cmd_sessions_options, NULL},
    {"images", "the images of a box: list, verify, delete, upload, import, pull", cmd_images, cmd_images_options,
     "list verify delete upload sticks import pull"},
    {"tree", "the trees of a box, which other systems boot from: list, upload, delete", cmd_tree, cmd_tree_options, "list upload delete"},
    {"orders", "sessions made, started and stopped, machines armed and woken", cmd_orders, cmd_orders_options,
     "session start stop suspend resume identify unidentify arm wake"},
    {"expected", "the machines a box expects: show the list, or put one", cmd_expected, cmd_expected_options, "show put"},
    {"wake", "machines by magic packets from a box", cmd_wake, cmd_wake_options, "expected"},
    {"report", "the report of a box: fetch it, or judge one that was fetched", cmd_report, cmd_report_options, "get verify"},
    {"completion", "of this command line, for bash, zsh or fish", cmd_completion, NULL, "bash zsh fish"},
    {"errors", NULL, cmd_errors, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};
