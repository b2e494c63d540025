/* Bytes both ways, without waiting: what a protocol runs on, be it TLS over TCP or a test's memory.
 */
#ifndef NET_WIRE_STREAM_H
#define NET_WIRE_STREAM_H

#include <stddef.h>

/* Returned by both: it has ended, or it is broken. */
#define STREAM_END (-1)

struct wire_stream {
    /* How many of at most n bytes came; 0: none at this moment. */
    int (*read)(void *ctx, void *to, size_t n);
    /* How many of n bytes were taken; 0: no room at this moment: call again with the same bytes,
     * more may follow them. */
    int (*write)(void *ctx, const void *from, size_t n);
    void *ctx;
};

#endif
