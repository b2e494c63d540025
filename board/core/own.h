/* What is a machine's own: its host name and files, as the box gathers them and the machine
 * believes them (net/session/SPEC.md section 7).
 *
 *   machines.csv: host name ──┐
 *   personal/ext4, personal/fat, then personal/52-49-4e-47-00-01/ext4 and fat ──> own_gather
 *           ──> own_encode ──> own_hash, signed
 *   the machine: signature right? ──> own_decode ──> settle.h
 *
 * The folder "personal" lies beside ringcast.conf; what lies below its "ext4" and "fat" is for
 * every machine, what lies below a folder named like a MAC for that machine, and goes before the
 * same path of all. Files only; modes are not kept. Everything together has to fit one message:
 * 4032 bytes. */
#ifndef BOARD_CORE_OWN_H
#define BOARD_CORE_OWN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "imaging/disk/choose.h"
#include "imaging/image/image.h"
#include "net/session/codec.h"

#define OWN_FILES_MAX 32
#define OWN_PATH_MAX 200
#define OWN_HOST_MAX 63
#define OWN_WRITTEN_MAX 12
#define OWN_KNOWN_MAX SESSION_INSIDE_MAX

enum own_where { OWN_EXT4 = 1, OWN_FAT = 2 };

struct own_file {
    enum own_where where;
    char path[OWN_PATH_MAX + 1];
    const uint8_t *bytes; /* borrowed */
    size_t n;
};

struct own {
    char host[OWN_HOST_MAX + 1]; /* "": none */
    unsigned n;
    struct own_file file[OWN_FILES_MAX];
    unsigned n_written, n_known;
    /* what of the machine's disks the box has written; set by disks.h */
    struct disk_written written[OWN_WRITTEN_MAX];
    struct disk_known known[OWN_KNOWN_MAX]; /* what was inside it at its last attempt */
    uint8_t store[SESSION_OWN_MAX];         /* of what own_gather has read */
    size_t stored;
};

/* Fills `own` from `folder` (NULL or missing: nothing lies there), the host name being set already.
 * 0, PC_EOWN (it does not fit), PC_EFOLDER. */
int own_gather(struct own *, const char *folder, const uint8_t mac[6], struct err *);
/* Bytes of the content (0: there is nothing at all); PC_EOWN: more than `cap`. */
int own_encode(const struct own *, uint8_t *to, size_t cap);
/* Borrows `bytes`. False: it makes no sense. */
bool own_decode(struct own *, const uint8_t *bytes, size_t n);
/* What is signed. */
void own_hash(const struct session_ask *, const uint8_t *bytes, size_t n,
              uint8_t hash[IMG_HASH_BYTES]);

#endif
