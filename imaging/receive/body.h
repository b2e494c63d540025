/* The image's body (TOI 0) from packets: all in memory, decoded where it lies. It is small and must
 * be whole before any symbol of the stream has a meaning. */
#ifndef IMAGING_RECEIVE_BODY_H
#define IMAGING_RECEIVE_BODY_H

#include "imaging/fec/fec.h"
#include "imaging/image/image.h"
#include "imaging/receive/track.h"

struct body_object {
    uint64_t bytes;
    uint32_t blocks;
    struct track track;
    struct track_window *windows; /* one block each */
    void *track_memory;
    /* source symbols of all blocks, one after another; the first `bytes` are the body */
    uint8_t *symbols;
    uint8_t *repair; /* T symbols a block */
    struct fec_scratch *scratch;
};

/* Memory for a body of `bytes` (1 …); 0 or RECEIVE_EMEMORY. */
int body_init(struct body_object *b, uint64_t bytes, struct err *err);
void body_free(struct body_object *b);

/* One authentic packet of TOI 0; borrows the symbol. True when it brought something. */
bool body_symbol(struct body_object *b, uint32_t cci, uint32_t sbn, uint16_t k, uint16_t esi,
                 uint8_t lg_t, const uint8_t *symbol);

/* What was received is wrong: all anew. */
void body_reset(struct body_object *b);

static inline bool body_complete(const struct body_object *b)
{
    return track_complete(&b->track);
}

#endif
