#include "imaging/send/body.h"

#include <stdlib.h>
#include <string.h>

#include "imaging/fec/fec.h"
#include "imaging/send/errors.h"

#define REPAIRS (1u << SEND_BODY_LG_T)

static const uint8_t *source_symbol(const struct send_body *b, uint32_t i)
{
    return b->bytes + (size_t)i * IMG_SYMBOL_BYTES;
}

static void encode_block(const struct send_body *b, uint32_t sbn, uint8_t *acc,
                         struct fec_scratch *scratch)
{
    uint32_t start = sbn * SEND_BODY_K_MAX, left = b->symbols - start;
    unsigned k = left < SEND_BODY_K_MAX ? left : SEND_BODY_K_MAX;
    const uint8_t *sym[REPAIRS];
    uint8_t *out[REPAIRS];

    fec_clear(acc, SEND_BODY_LG_T);
    for (unsigned first = 0; first < k; first += REPAIRS) {
        unsigned n = k - first < REPAIRS ? k - first : REPAIRS;

        for (unsigned i = 0; i < n; i++)
            sym[i] = source_symbol(b, start + first + i);
        fec_absorb_source(acc, SEND_BODY_LG_T, first, n, sym, scratch);
    }
    for (unsigned i = 0; i < REPAIRS; i++)
        out[i] = b->repair + ((size_t)sbn * REPAIRS + i) * IMG_SYMBOL_BYTES;
    fec_repair(acc, SEND_BODY_LG_T, 0, REPAIRS, out, scratch);
}

static int encode_blocks(struct send_body *b, uint32_t blocks, struct err *err)
{
    struct fec_scratch *scratch = aligned_alloc(64, sizeof *scratch);
    uint8_t *acc = aligned_alloc(64, fec_acc_bytes(SEND_BODY_LG_T));
    bool good = scratch && acc;

    for (uint32_t i = 0; good && i < blocks; i++)
        encode_block(b, i, acc, scratch);
    free(acc);
    free(scratch);
    return good ? 0
                : err_set(err, SEND_ERR_MEMORY,
                          "there is no memory for the repair of the image's body");
}

int send_body_open(struct send_body *b, const struct img_file *image, struct err *err)
{
    uint64_t bytes = image->head.body_bytes;
    uint32_t symbols = (uint32_t)((bytes + IMG_SYMBOL_BYTES - 1) / IMG_SYMBOL_BYTES);
    uint32_t blocks = (symbols + SEND_BODY_K_MAX - 1) / SEND_BODY_K_MAX;
    int rc;

    *b = (struct send_body){.symbols = symbols,
                            .bytes = calloc(symbols, IMG_SYMBOL_BYTES),
                            .repair = malloc((size_t)blocks * REPAIRS * IMG_SYMBOL_BYTES)};
    rc = b->bytes && b->repair
             ? img_file_body(image, b->bytes, err)
             : err_set(err, SEND_ERR_MEMORY, "there is no memory for the image's body");
    if (rc == 0)
        rc = encode_blocks(b, blocks, err);
    if (rc)
        send_body_close(b);
    return rc;
}

void send_body_close(struct send_body *b)
{
    free(b->bytes);
    free(b->repair);
    *b = (struct send_body){0};
}

const uint8_t *send_body_symbol(const struct send_body *b, uint32_t sbn, unsigned k, unsigned esi)
{
    if (esi < k)
        return source_symbol(b, sbn * SEND_BODY_K_MAX + esi);
    return b->repair + ((size_t)sbn * REPAIRS + (esi - k)) * IMG_SYMBOL_BYTES;
}
