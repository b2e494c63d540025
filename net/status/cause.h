/* Who keeps a machine from being quicker, or what ended it, as one sentence for the person who has
 * to do something about it. Pure.
 *
 *   "The cable runs at 100 Mbit/s; the stream goes at 800 Mbit/s"
 *   "The disk writes 41 MB/s, the stream needs 110 MB/s"
 *   "The machine is slower than the stream: it drops 3.4 % of the packets"
 *   "3.1 % of the packets are lost on the way: look at the cable and the switch port"
 *   "Failed: the disk refused a write (error -903)"
 *
 * Of several culprits the one that explains most is named: a cable before a disk before the machine
 * before losses. Nothing is said of what costs little: less than 0.5 % loss is what repair is for.
 */
#ifndef NET_STATUS_CAUSE_H
#define NET_STATUS_CAUSE_H

#include "net/status/snapshot.h"

#define CAUSE_LOSS_PPM 5000

struct cause_facts {
    enum room_state state;
    int32_t error;          /* with ROOM_FAIL */
    const char *failure;    /* its sentence; NULL: not known */
    uint32_t link_mbps;     /* 0: not known */
    uint64_t stream_bits_s; /* of the session; 0: it stands */
    bool disk_limited;
    uint64_t disk_bytes_s; /* written */
    /* stream its disk could take; 0: not known. A disk that could take the one there is keeps
     * nobody back */
    uint64_t wanted_bits_s;
    uint32_t loss_ppm;    /* on the way */
    bool machine_limited; /* the machine, and not its disk */
    uint32_t drop_ppm;    /* lost by its own ring */
};

/* The sentence into `to` ("" with ROOM_NOBODY). */
enum room_culprit cause_say(const struct cause_facts *, char to[ROOM_CAUSE_MAX + 1]);

#endif
