/* Frames that wait for their time, as lines with a delay hold them: a bounded heap, first by time,
 * then by arrival. */
#ifndef TESTS_BOOT_HELD_H
#define TESTS_BOOT_HELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/wire/mono.h"

#define HELD_FRAMES 65536
#define HELD_BYTES (64u << 20)

struct held_frame {
    struct mono due;
    uint64_t order;
    uint32_t ports; /* where it goes */
    size_t n;
    uint8_t *framed; /* its own copy, with the length in front */
};

struct held {
    struct held_frame *heap; /* HELD_FRAMES, made at the first need */
    size_t count, bytes;
    uint64_t order, dropped;
};

/* Copies the frame; false when there is no room for it. */
bool held_put(struct held *, struct mono due, uint32_t ports, const uint8_t *framed, size_t n);
/* The earliest; NULL when there is none. */
const struct held_frame *held_first(const struct held *);
/* Takes the earliest out, if it is due: the caller frees its bytes. */
bool held_take(struct held *, struct mono now, struct held_frame *out);

#endif
