/* What leaves through one port: frames as QEMU's stream sockets carry them, each after its length
 * in four bytes.
 *
 * Frames of a batch are only noted, where they lie; outq_send hands them to the socket in one call,
 * without a copy, neighbours as one piece. What the socket does not take is copied into a bounded
 * queue, and as long as that holds anything, frames are copied behind it. A frame that finds no
 * room is dropped and counted; one of which the socket took the beginning is always finished. */
#ifndef TESTS_BOOT_OUTQ_H
#define TESTS_BOOT_OUTQ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#define FRAME_MAX 9216             /* a jumbo frame with its headers */
#define FRAME_ROOM (FRAME_MAX + 4) /* and its length */
#define OUTQ_PIECES 128

struct outq {
    uint8_t *bytes;
    size_t cap; /* what frames may fill; FRAME_ROOM more is there to finish one */
    size_t head, used;
    struct iovec pieces[OUTQ_PIECES];
    size_t n_pieces;
    uint64_t dropped; /* frames */
};

/* Keeps malloc'd memory of cap + FRAME_ROOM bytes until outq_end. */
void outq_init(struct outq *, size_t cap);
void outq_end(struct outq *);
/* Forgets everything: the line went down. */
void outq_clear(struct outq *);

/* A frame with its length in front, n bytes in all. Borrowed until the next outq_send when *noted
 * comes back true: when the caller's buffer ends earlier, it sends before that. False: it was
 * dropped. */
bool outq_put(struct outq *, const uint8_t *framed, size_t n, bool *noted);
/* Sends to fd what there is, without waiting. False when the line is dead. */
bool outq_send(struct outq *, int fd);
/* There is something that fd did not take. */
static inline bool outq_waiting(const struct outq *q)
{
    return q->used > 0;
}

#endif
