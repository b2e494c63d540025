/* Received frames: a payload lies inside the frame, and completing a checksum stays inside it too.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "net/ring/frame.h"
#include "net/wire/must.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static const struct ring_flow flow = {.group = 0xefff0102, .port = 7800};
    uint8_t copy[2048];
    size_t got = 0;
    const uint8_t *p = frame_payload(bytes, n, &flow, &got);

    if (p)
        MUST(p >= bytes + FRAME_HEADER_BYTES && got <= n - (size_t)(p - bytes));
    if (n <= sizeof copy) {
        memcpy(copy, bytes, n);
        frame_checksum(copy, n);
    }
    return 0;
}
