/* A capture of one line in pcap's format with nanoseconds, which tshark and tcpdump read. Its size
 * is bounded: past the limit, frames are counted as `missed`. */
#ifndef TESTS_BOOT_CAPTURE_H
#define TESTS_BOOT_CAPTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct capture {
    FILE *file; /* NULL: nothing is captured */
    uint64_t left, missed;
};

/* False: the file cannot be made (errno says why). */
bool capture_open(struct capture *, const char *path, uint64_t limit);
void capture_frame(struct capture *, const uint8_t *frame, size_t n);
/* What was captured so far is in the file afterwards. */
void capture_flush(struct capture *);
void capture_close(struct capture *);

#endif
