/* The image's body behind its head. Length, hash and root are set right first, or no input would
 * pass them; what is accepted then keeps every promise that senders and receivers rely on. */
#include <stdlib.h>
#include <string.h>

#include "imaging/hash/merkle.h"
#include "imaging/image/image.h"
#include "net/wire/must.h"

static void seal(struct img_head *h, const uint8_t *body, size_t n)
{
    size_t table = (size_t)h->data_chunks * 35;
    struct merkle tree;

    sha256(h->body_hash, body, n);
    merkle_start(&tree);
    for (size_t i = 0; i < h->data_chunks && table <= n; i++)
        merkle_add(&tree, body + n - table + 35 * i + 3);
    merkle_root(&tree, h->root);
}

static void check_block(const struct img_body *b, uint32_t sbn)
{
    const struct img_window *w = img_window_of_sbn(b, sbn);
    uint32_t n, at = 0;
    const uint32_t *list = img_block_chunks(b, sbn, &n);

    MUST(sbn - w->first_sbn < w->d);
    for (uint32_t i = 0; i < n; i++) {
        const struct img_chunk *c = &b->data[list[i]];

        MUST(c->start == at && list[i] - w->first < w->chunks && img_chunk_last_esi(c) < w->k);
        MUST(img_block_find(b, sbn, img_chunk_last_esi(c)) <= i);
        at += c->stored;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    uint8_t head[IMG_HEAD_BYTES];
    struct img_head h;
    struct img_body b;
    struct err err = {0};

    if (n < sizeof head)
        return 0;
    memcpy(head, data, sizeof head);
    data += sizeof head;
    n -= sizeof head;
    for (int i = 0; i < 8; i++)
        head[56 + i] = (uint8_t)((uint64_t)n >> (56 - 8 * i));
    if (img_head_decode(head, &h, NULL) != 0)
        return 0;
    seal(&h, data, n);
    if (img_body_parse(data, n, &h, &b, &err) != 0) {
        MUST(err.code < 0 && err.text[0]);
        return 0;
    }
    for (uint32_t i = 0; i < b.nblocks; i++)
        check_block(&b, i);
    for (uint32_t i = 0; i < b.ndata; i++)
        MUST(img_ordinal_of(&b, b.data[i].number) == i);
    for (uint32_t i = 0; i < b.nparts; i++)
        MUST(b.parts[i].first + b.parts[i].bytes <= b.raw_bytes);
    img_body_free(&b);
    return 0;
}
