/* Who this box is: the key it signs images with, made on its first start, and the page of text that
 * tells its targets whom to believe.
 *
 * The page is 1024 bytes, lines of "word value", padded with newlines. The payload for targets
 * carries an empty one; the box lays its own over it while it hands the payload out:
 *
 *   RINGCAST-BOX-IDENTITY-1
 *   address 10.77.0.1
 *   session-port 7800
 *   key 04a1...                 the public key, SEC1 uncompressed, 130 hexadecimal digits
 *   after-pass reboot           or poweroff, wait
 *   disk auto                   or a rule of imaging/disk/choose.h
 */
#ifndef BOARD_BOX_STORE_IDENTITY_H
#define BOARD_BOX_STORE_IDENTITY_H

#include <stdint.h>

#include "board/errors/box.h"
#include "imaging/image/sign.h"

#define IDENTITY_BYTES 1024
#define IDENTITY_MAGIC "RINGCAST-BOX-IDENTITY-1\n"
#define IDENTITY_DISK_MAX 255

/* FOLDER/identity.key, made if there is none (ENOENT). One that cannot be read, or is damaged, is
 * an error and stays as it is: another key in its place would be a stranger to every target. A
 * power cut while it is made leaves none, or a whole one. */
int identity_open(struct sign_key *, const char *folder, struct err *);

struct identity_page {
    uint32_t address; /* host order */
    uint16_t port;
    uint8_t key[IMG_PUBKEY_BYTES];
    const char *after_pass, *disk; /* one line each; disk at most IDENTITY_DISK_MAX bytes */
};
void identity_page(const struct identity_page *, uint8_t out[IDENTITY_BYTES]);

#endif
