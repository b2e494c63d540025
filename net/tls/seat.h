/* Who keeps a seat when all are taken, and whose handshake is next: decisions of the TLS server as
 * pure steps. */
#ifndef NET_TLS_SEAT_H
#define NET_TLS_SEAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/wire/mono.h"

enum tls_standing {
    TLS_STRANGER, /* nobody has proved there who he is */
    TLS_RESTING,  /* somebody has, and nothing is under way: he opens another when he needs it */
    TLS_BUSY      /* and something is */
};

struct tls_seat {
    bool used;
    bool waits; /* for its turn to shake hands */
    enum tls_standing standing;
    uint32_t address;
    struct mono since; /* when the connection came */
};

/* Where a client at `address` sits: the index of a free seat, or of the one to be cleared for it:
 * of those of the lowest standing there is, that of the address with the most such seats, the
 * newcomer counted in, and there the oldest. */
size_t tls_seat_for(const struct tls_seat *, size_t n, uint32_t address);

/* Whose turn it is: of those that wait, one of the address with the fewest that do, and there the
 * oldest; n: nobody waits. So who begins more handshakes than there are turns keeps himself
 * waiting, and nobody else. */
size_t tls_seat_turn(const struct tls_seat *, size_t n);

/* Handshakes as a bucket: `full` is when it would be full again. */
struct tls_ration {
    struct mono full;
};

/* Takes one of `burst`, which come back one in `each_ns`. False: none is left now. */
bool tls_ration_take(struct tls_ration *, unsigned burst, int64_t each_ns, struct mono now);

#endif
