/* The Merkle root of SPEC section 6 over hashes that come one after the other, in constant memory:
 * a stack of the roots of complete subtrees, the largest at the bottom. */
#ifndef IMAGING_HASH_MERKLE_H
#define IMAGING_HASH_MERKLE_H

#include <stdint.h>

#include "imaging/hash/sha256.h"

struct merkle {
    uint32_t leaves; /* so far; its one bits are the subtrees on the stack */
    uint8_t stack[32][SHA256_BYTES];
};

void merkle_start(struct merkle *);
/* At most 2^32 - 1 times. */
void merkle_add(struct merkle *, const uint8_t leaf[SHA256_BYTES]);
void merkle_root(const struct merkle *, uint8_t root[SHA256_BYTES]);

#endif
