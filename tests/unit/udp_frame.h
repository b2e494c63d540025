/* A UDP datagram as the frame that carries it, for tests that are the other machine. */
#ifndef TESTS_UNIT_UDP_FRAME_H
#define TESTS_UNIT_UDP_FRAME_H

#include "net/wire/writer.h"

struct udp_ends {
    const uint8_t *mac, *to_mac; /* the frame's, six bytes each */
    uint32_t from, to;           /* addresses, in host order */
    uint16_t sport, dport;
};

/* The frame's length; 0: it does not fit. UDP's checksum is left out, as RFC 768 allows. */
static inline size_t udp_frame(uint8_t *frame, size_t cap, const struct udp_ends *e,
                               const void *bytes, size_t n)
{
    struct writer w = writer_on(frame, cap);
    uint32_t sum = 0;

    wr_copy(&w, e->to_mac, 6);
    wr_copy(&w, e->mac, 6);
    wr_u16(&w, 0x0800);
    wr_u16(&w, 0x4500);
    wr_u16(&w, 28 + n);
    wr_u32(&w, 0);
    wr_u16(&w, 0x4011);
    wr_u16(&w, 0);
    wr_u32(&w, e->from);
    wr_u32(&w, e->to);
    wr_u16(&w, e->sport);
    wr_u16(&w, e->dport);
    wr_u16(&w, 8 + n);
    wr_u16(&w, 0);
    wr_copy(&w, bytes, n);
    if (w.bad)
        return 0;
    for (int i = 14; i < 34; i += 2)
        sum += (uint32_t)(frame[i] << 8 | frame[i + 1]);
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    frame[24] = (uint8_t)(~sum >> 8);
    frame[25] = (uint8_t)~sum;
    return w.done;
}

#endif
