/* The symbols of object 0, the image's body: its bytes in blocks, and their repair symbols, made
 * once when the sender opens (`imaging/packet/SPEC.md` section 3). */
#ifndef IMAGING_SEND_BODY_H
#define IMAGING_SEND_BODY_H

#include <stdint.h>

#include "imaging/image/file.h"
#include "net/wire/err.h"

#define SEND_BODY_LG_T 8
#define SEND_BODY_K_MAX 12288

struct send_body {
    uint8_t *bytes;   /* NULL: not open */
    uint32_t symbols; /* source symbols, the last one padded */
    uint8_t *repair;  /* 2^SEND_BODY_LG_T symbols a block */
};

/* Reads the body once and encodes it: some 10 ms a 50 GB of disk, and as many bytes of memory as
 * the body has. On an error nothing is open. */
int send_body_open(struct send_body *b, const struct img_file *image, struct err *err);
void send_body_close(struct send_body *b);

/* Symbol esi of block sbn, which has k source symbols. */
const uint8_t *send_body_symbol(const struct send_body *b, uint32_t sbn, unsigned k, unsigned esi);

#endif
