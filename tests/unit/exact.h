/* Bytes for a decoder, on the heap and exactly so long, so that the sanitizer sees every byte read
 * past the end. */
#ifndef TESTS_UNIT_EXACT_H
#define TESTS_UNIT_EXACT_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Until the next call. */
static inline uint8_t *exact(const void *bytes, size_t n)
{
    static uint8_t *kept;

    free(kept);
    kept = malloc(n ? n : 1);
    memcpy(kept, bytes, n);
    return kept;
}

#endif
