/* The page of text by which a target knows its box: 1024 bytes in its initial ramdisk, laid there
 * by the box that served it.
 *
 *   RINGCAST-BOX-IDENTITY-1
 *   address 10.77.0.1
 *   session-port 7800
 *   key 04a1...                 whose images are believed: SEC1 uncompressed, 130 hexadecimal
 *                               digits
 *   after-pass reboot           or poweroff, wait
 *   disk auto                   or a rule of imaging/disk/choose.h
 *
 * in any order after the first line, each word once, padded with newlines. Pure. A page that is not
 * exactly so is refused: a target that does not know whom to believe writes nothing. */
#ifndef BOARD_CORE_TARGET_PAGE_H
#define BOARD_CORE_TARGET_PAGE_H

#include <stddef.h>
#include <stdint.h>

#include "imaging/disk/choose.h"
#include "imaging/image/image.h"
#include "net/wire/err.h"

#define TARGET_PAGE_BYTES 1024

/* X(name, code, sentence) */
#define TARGET_ERRORS(X)                                                                           \
    X(TARGET_EPAGE, -2250, "the box's page in the payload cannot be read or understood")

#define X(name, code, text) name = (code),
enum target_error { TARGET_ERRORS(X) };
#undef X

enum target_after { TARGET_REBOOT = 1, TARGET_POWEROFF, TARGET_WAIT };

struct target_page {
    uint32_t address; /* host order */
    uint16_t port;
    uint8_t key[IMG_PUBKEY_BYTES];
    enum target_after after;
    char rule[DISK_RULE_MAX]; /* as written */
    struct disk_pick pick;    /* as understood */
};

/* n bytes, at most TARGET_PAGE_BYTES. 0, TARGET_EPAGE or DISK_ERULE. */
int target_page_parse(struct target_page *, const uint8_t *bytes, size_t n, struct err *);

#endif
