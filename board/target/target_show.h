/* What a target shows: one page from what is known of the machine and of how it stands (screen.h
 * draws it). Its number, as the box calls it, stands in the corner of every page. While somebody
 * looks for the machine it is all that is shown, and blinks. PASS and FAIL come with a receipt
 * (receipt.h) for a telephone, and stay: FAIL until the machine is switched off, because nothing
 * may paint over it. A machine that has ended hears nothing of the box any more, so it does not
 * blink. */
#ifndef BOARD_TARGET_TARGET_SHOW_H
#define BOARD_TARGET_TARGET_SHOW_H

#include "board/core/watch.h"
#include "board/screen/screen.h"
#include "board/target/receipt.h"
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
    char number[8]; /* "" while the box has given none */
    bool wanted;    /* somebody looks for it */
    /* what became of the attempt before, when that matters to whoever reads this; "" */
    char before[TARGET_TEXT];
    unsigned beat; /* calls of target_show_progress so far: it blinks with every second one */
    struct img_head head;
    bool has_head;
    uint8_t key[IMG_PUBKEY_BYTES];
    char receipt[RECEIPT_BYTES];
};

/* Opens the screen and reads who the machine is: /sys/class/dmi/id below root. `key` is the box's.
 */
void target_show_open(struct target_show *, const char *root, const char *framebuffer,
                      const uint8_t key[IMG_PUBKEY_BYTES]);
void target_show_close(struct target_show *);

void target_show_mac(struct target_show *, const uint8_t mac[6]);
void target_show_image(struct target_show *, const struct img_head *);
void target_show_disk(struct target_show *, const struct disk_facts *);
/* What the box says of it: its number (0: none yet), and whether somebody looks for it. Seen from
 * the next page on. */
void target_show_label(struct target_show *, unsigned number, bool wanted);
/* No disk was chosen: each one and why. */
void target_show_left_out(struct target_show *, const struct inventory *, const struct disk_need *);

/* An attempt has ended and another will come: what became of the disk. Stands on each page until
 * the disk holds something again. */
void target_show_before(struct target_show *, const char *what);
/* It waits or works, and nothing can be counted: why. */
void target_show_waiting(struct target_show *, const char *sentence);
/* It is being imaged. */
void target_show_progress(struct target_show *, const struct watch_view *);
void target_show_pass(struct target_show *, const char *sentence);
void target_show_fail(struct target_show *, const char *sentence, int error);

#endif
