#include "imaging/hash/merkle.h"

#include <string.h>

#include "net/wire/must.h"

static void parent(uint8_t out[SHA256_BYTES], const uint8_t left[SHA256_BYTES],
                   const uint8_t right[SHA256_BYTES])
{
    uint8_t both[2 * SHA256_BYTES];

    memcpy(both, left, SHA256_BYTES);
    memcpy(both + SHA256_BYTES, right, SHA256_BYTES);
    sha256(out, both, sizeof both);
}

void merkle_start(struct merkle *m)
{
    m->leaves = 0;
}

void merkle_add(struct merkle *m, const uint8_t leaf[SHA256_BYTES])
{
    unsigned top = (unsigned)__builtin_popcount(m->leaves);
    uint8_t node[SHA256_BYTES];

    MUST(m->leaves < UINT32_MAX);
    memcpy(node, leaf, SHA256_BYTES);
    for (uint32_t full = m->leaves; full & 1; full >>= 1)
        parent(node, m->stack[--top], node);
    memcpy(m->stack[top], node, SHA256_BYTES);
    m->leaves++;
}

/* A lone last node moves up until it meets a larger subtree to its left: the stack is folded from
 * its top. */
void merkle_root(const struct merkle *m, uint8_t root[SHA256_BYTES])
{
    unsigned top = (unsigned)__builtin_popcount(m->leaves);

    if (top == 0) {
        sha256(root, NULL, 0);
        return;
    }
    memcpy(root, m->stack[--top], SHA256_BYTES);
    while (top)
        parent(root, m->stack[--top], root);
}
