/* Numbers nobody can guess, from the kernel. Any thread. */
#ifndef NET_IP_RANDOM_H
#define NET_IP_RANDOM_H

#include <stddef.h>

/* A kernel that cannot give random bytes once it runs is beyond help: ends the program. */
void ip_random_fill(void *to, size_t n);
unsigned ip_random(void);

#endif
