/* What a target shows: one page from what is known of the machine and of how it stands (screen.h draws it). */
#ifndef BOARD_PC_TARGET_SHOW_H
#define BOARD_PC_TARGET_SHOW_H

#include "board/host/watch.h"
#include "board/pc/screen.h"
#include "imaging/disk/choose.h"

#define TARGET_TEXT 320
#define TARGET_DISKS 6 /* lines about disks that were left out */

struct target_show {
    struct screen *screen;
    /* The machine; "" while not known. */
    char machine[TARGET_TEXT], serial[64], mac[24], image[TARGET_TEXT];
    char disk[TARGET_TEXT], disk_serial[DISK_TEXT_MAX];
    char left_out[TARGET_DISKS][DISK_LINE_MAX]; /* with a refusal: every disk and why */
    unsigned n_left_out;
};

/* Opens the screen and reads who the machine is: /sys/class/dmi/id below root. */
void target_show_open(struct target_show *, const char *root, const char *framebuffer);
void target_show_close(struct target_show *);

void target_show_mac(struct target_show *, const uint8_t mac[6]);
void target_show_image(struct target_show *, const struct img_head *);
void target_show_disk(struct target_show *, const struct disk_facts *);
/* No disk was chosen: each one and why. */
void target_show_left_out(struct target_show *, const struct inventory *, const struct disk_need *);

/* It waits or works, and nothing can be counted: why. */
void target_show_waiting(struct target_show *, const char *sentence);
/* It is being imaged. */
void target_show_progress(struct target_show *, const struct watch_view *);
void target_show_pass(struct target_show *, const char *sentence);
void target_show_fail(struct target_show *, const char *sentence);

#endif
