/* What a telephone takes from the screen of a machine that has passed or failed: a few lines of
 * text in a QR code.
 *
 *   RINGCAST RECEIPT 1
 *   result PASS                     or FAIL and the error's number
 *   mac 52:49:4e:47:00:01
 *   serial PF2ABCDE                 of the machine; then of its disk; left out when not known
 *   disk S4GENX0N123456
 *   image debian
 *   version 2026.11
 *   root 6f1e...                    the image's root hash, 64 hexadecimal digits
 *   time 2026-11-22T12:00:00Z       by the machine's own clock, which nobody has set
 *   box 0123456789abcdef            whose key signed the image: the first 8 bytes of the SHA-256 of
 *                                   the key
 *
 * It is a note and no proof: the machine itself writes it, and it is not signed. What the box signs
 * is its report, whose rows have the same MAC, serials and root hash. Pure. */
#ifndef BOARD_TARGET_RECEIPT_H
#define BOARD_TARGET_RECEIPT_H

#include <stdbool.h>
#include <stdint.h>

#include "imaging/image/image.h"

#define RECEIPT_BYTES 413 /* fits a code of board/screen/qr.h whatever is in it */

struct receipt {
    bool passed;
    int error; /* of a failure */
    /* Foreign texts, cut at 40 bytes, control characters shown as '?'; NULL or "": left out. */
    const char *mac, *serial, *disk_serial;
    const struct img_head *head; /* NULL: no image was chosen yet */
    uint64_t time;               /* seconds since 1970 */
    const uint8_t *key;          /* IMG_PUBKEY_BYTES of the box; NULL: left out */
};

/* Returns `to`. */
const char *receipt_text(char to[RECEIPT_BYTES], const struct receipt *);

#endif
