/* Random bytes from the kernel (getrandom), which nobody can guess. Any thread. */
#ifndef NET_OS_RANDOM_H
#define NET_OS_RANDOM_H

#include <stddef.h>

/* Ends the program when the kernel gives none: nothing that needs them may go on. */
void random_fill(void *to, size_t n);
unsigned random_word(void);
/* The same in the shape that mbedTLS takes; `ctx` is not used, the result is always 0. */
int random_mbedtls(void *ctx, unsigned char *to, size_t n);

#endif
