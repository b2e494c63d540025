/* The image's head: what is accepted encodes to the same bytes again. */
#include <string.h>

#include "imaging/image/image.h"
#include "net/wire/must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    uint8_t bytes[IMG_HEAD_BYTES] = {0}, again[IMG_HEAD_BYTES];
    struct img_head h;
    struct err err = {0};

    memcpy(bytes, data, n < sizeof bytes ? n : sizeof bytes);
    if (img_head_decode(bytes, &h, &err) != 0) {
        MUST(err.code < 0 && err.text[0]);
        return 0;
    }
    img_head_encode(&h, again);
    MUST(memcmp(bytes, again, sizeof bytes) == 0);
    return 0;
}
