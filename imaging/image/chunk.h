/* One chunk: stored bytes to raw bytes and back (SPEC section 4, CHNK). No state; any thread. */
#ifndef IMAGING_IMAGE_CHUNK_H
#define IMAGING_IMAGE_CHUNK_H

#include <stddef.h>
#include <stdint.h>

/* Unpacks stored bytes (1 .. raw_len of them) into exactly raw_len bytes. Foreign bytes are safe:
 * 0, or IMG_EUNPACK when they are no LZ4 block of that length. raw and stored must not overlap.
 * Says nothing about the hash. */
int img_chunk_unpack(uint8_t *raw, size_t raw_len, const uint8_t *stored, size_t stored_len);

/* Bytes of workspace that img_chunk_pack needs (LZ4 HC's state). */
size_t img_chunk_pack_workspace(void);
/* Packs raw_len bytes into `stored` (room for raw_len) with LZ4 HC at `level` (1 .. 12); returns
 * the stored length, which is raw_len, with the bytes copied as they are, when LZ4 does not make
 * them shorter. */
size_t img_chunk_pack(uint8_t *stored, const uint8_t *raw, size_t raw_len, int level,
                      void *workspace);

#endif
