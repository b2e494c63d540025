/* A line for every file that a machine asked for by HTTP or TFTP: in memory, and in two files on
 * the data disk.
 *
 *   2026-12-01 12:44:40 http 10.77.0.50 52:49:4e:47:00:01 "lab 1" 200 1234 t/m1.gz
 *   UTC, protocol, address, MAC and name ("-": not known), result, bytes, name of the file
 *
 * access_log_add never waits: it copies the line into ACCESS_MEMORY bytes, where the oldest lines
 * give way. A thread of its own writes them to FOLDER/access.log; at ACCESS_FILE_MAX bytes this
 * becomes access.log.1, in place of the one before. A disk that is full or fails costs lines, which
 * are counted and said in the file; it is tried again every ten seconds. So that strangers do not
 * wear the disk out, no more than ACCESS_BURST bytes at once and ACCESS_RATE bytes a second go to
 * it; what is beyond is counted likewise, and is in memory all the same. Nothing here is synced: a
 * power cut may cost the last lines. */
#ifndef BOARD_BOX_BOOT_ACCESS_LOG_H
#define BOARD_BOX_BOOT_ACCESS_LOG_H

#include <stdint.h>

#include "net/web/route.h"
#include "net/wire/err.h"

#define ACCESS_MEMORY (1u << 20)
#define ACCESS_FILE_MAX (4u << 20)
#define ACCESS_BURST (8u << 20)
#define ACCESS_RATE 4096
#define ACCESS_LINE_MAX 512

struct access_log;

struct access_entry {
    const char *protocol, *result; /* a word each */
    uint32_t address;              /* host order */
    const uint8_t *mac;            /* NULL: not known */
    const char *machine;           /* its name; NULL or "": none */
    uint64_t bytes;
    const char *file; /* foreign: what is no plain UTF-8 comes as '?' */
};

/* `folder`: NULL: memory alone. 0 or PC_EMEMORY. */
int access_log_open(struct access_log **, const char *folder, struct err *);
/* NULL: nothing is noted. Any thread. */
void access_log_add(struct access_log *, const struct access_entry *, uint64_t unix_seconds);
struct access_counts {
    uint64_t lines, lost; /* lost: that are not in the files */
};
struct access_counts access_log_counts(struct access_log *);
/* GET /api/v1/access.log: both files and what is not in them yet, one reader at a time. */
void access_log_routes(struct access_log *, struct web_routes *);
/* Writes what waits. Safe on NULL. */
void access_log_close(struct access_log *);

#endif
