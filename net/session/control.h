/* A receiver's control thread: owns the stack while the data path works, answers ARP, IGMP and
 * ping, and sends beacons from a mailbox that the data path writes.
 *
 *   data thread ──set──> mailbox ──> control thread ──> beacons ──> server
 *   data thread <──get── news    <── control thread <── acks
 */
#ifndef NET_SESSION_CONTROL_H
#define NET_SESSION_CONTROL_H

#include "net/session/bind.h"

struct session_control;

struct session_news {
    struct session_ack ack; /* the newest; tsi 0: none yet */
    int64_t silent_ns;      /* since the last ack, or since the start */
};

/* Joins the group on the stack (IGMP) and starts the thread, which adopts the stack. Copies the
 * welcome. *said: how many beacons there were under this id, 0 at first; kept until
 * session_control_stop, which brings it up to date. Whoever joins again goes on counting: a server
 * that was there all the time takes lower numbers for old ones. */
int session_control_start(struct session_control **, struct ip_stack *, struct session_server_at,
                          const struct session_welcome *, const struct session_asker *,
                          uint32_t *said, struct err *);
/* From one other thread, at any time; cheap. A changed state (SESSION_MANIFEST .. SESSION_LEAVING)
 * leaves at once, the rest with the next beacon. Figures beyond their fields are told as the
 * largest there is. */
void session_control_set(struct session_control *, const struct session_facts *);
/* What the machine says of itself from now on (SPEC section 6). */
void session_control_about(struct session_control *, const struct session_info *);
void session_control_get(struct session_control *, struct session_news *);
/* Sends `last` until it is acked or wait_ms have passed, leaves the group, ends the thread. The
 * caller owns the stack again. NULL for `last`: says nothing. True when the last word was acked:
 * the server has it. */
bool session_control_stop(struct session_control *, const struct session_facts *last, int wait_ms);

#endif
