/* What the box remembers of machines' disks, by MAC: which were inside at the last attempt, and
 * which it has written, with the marks that the image laid there (imaging/volume/marks_id.h). Told
 * to the machine, signed, before it chooses (own.h): a machine that has lost a disk must not take
 * the next one, and one that bears LVM because of our image may be imaged again.
 *
 *   SESSION_TOLD (tagged: a member) ──> disks inside: added ────────┐
 *   PASS ──> serial number and marks of the image ──────────────────┼──> row ──> journal (rationed)
 *   an order that names the machine ──> disks inside forgotten ─────┘     └──> disks_own ──> own.h
 *
 * A machine is named by such an order until its next PASS, and by standing on the list of expected
 * machines: then the marks of any image of the box, and of what was written there before, may be on
 * any of its disks.
 *
 * When all rows are taken, the one that changed longest ago among those without a written disk
 * goes, then none: a machine that finds no place is imaged as one that was never seen. Pure: time
 * is an argument, memory the caller's (8 MB, of which rows that were never used cost nothing). */
#ifndef BOARD_BOX_ORDERS_DISKS_H
#define BOARD_BOX_ORDERS_DISKS_H

#include "board/core/own.h"
#include "net/session/server.h"
#include "net/wire/mono.h"

#define DISKS_ROWS_MAX 8192
#define DISKS_WRITTEN_MAX 4 /* of a machine */
#define DISKS_KEY_BYTES 6
#define DISKS_VALUE_MAX                                                                            \
    (2 + 4 + 2 + OWN_KNOWN_MAX * (9 + DISK_SERIAL_MAX) +                                           \
     DISKS_WRITTEN_MAX * (1 + DISK_SERIAL_MAX + IMG_MARKS_BYTES))

struct disks_row {
    uint8_t mac[6];
    bool named, dirty;
    uint8_t n_known, n_written;
    uint16_t next;    /* 1 + row of the same hash */
    uint32_t changed; /* by a counter */
    struct mono stored;
    struct disk_known known[OWN_KNOWN_MAX];
    bool told;                        /* in this run of the core */
    char serial[DISK_SERIAL_MAX + 1]; /* of the disk that it writes */
    /* newest first; serial "" where the disk tells none */
    struct disk_written written[DISKS_WRITTEN_MAX];
};

struct disks {
    unsigned n, dirty, at; /* at: where the next look for what is to be stored begins */
    uint32_t counter;
    struct mono second;
    /* A row's new value; may be NULL. */
    void (*store)(void *ctx, const uint8_t mac[6], const uint8_t *value, size_t n);
    void *ctx;
    uint16_t bucket[DISKS_ROWS_MAX / 2];
    struct disks_row row[DISKS_ROWS_MAX];
};

/* Zeroed before. A value that `store` was given in an earlier run; false: it cannot be understood.
 */
bool disks_restore(struct disks *, const uint8_t *key, size_t nkey, const uint8_t *value, size_t n);
/* `head` is that of the event's image. */
void disks_event(struct disks *, const struct session_event *, const struct img_head *head);
/* A person has named the machine to be imaged. */
void disks_named(struct disks *, const uint8_t mac[6]);
/* Often: rows that changed are stored, at most 16 a second and each every ten seconds. */
void disks_tick(struct disks *, struct mono now);
/* All that changed is stored. */
void disks_flush(struct disks *);

/* Adds to `own` what the machine is to know. `marks`: of the images that the box has. */
void disks_own(const struct disks *, const uint8_t mac[6], bool listed,
               const uint8_t (*marks)[IMG_MARKS_BYTES], unsigned n, struct own *);

#endif
