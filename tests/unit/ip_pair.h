/* Two lwIP stacks joined by a line that loses frames: one in this process, one in a child, because
 * a process has one. */
#ifndef TESTS_UNIT_IP_PAIR_H
#define TESTS_UNIT_IP_PAIR_H

#include <sys/types.h>

#include "net/ip/stack.h"

#define PAIR_PARENT UINT32_C(0x0A000001) /* 10.0.0.1/24 */
#define PAIR_CHILD UINT32_C(0x0A000002)

struct ip_pair {
    pid_t child;
    struct ip_stack *stack;
};

/* Starts `child` in a process of its own, on a stack of its own; it is killed by ip_pair_down. Of
 * the frames either side sends, loss_percent are lost, drawn from `seed`. */
void ip_pair_up(struct ip_pair *, unsigned loss_percent, uint64_t seed,
                void (*child)(struct ip_stack *));
void ip_pair_down(struct ip_pair *);

#endif
