/* Records and marks of the library: what is accepted is legal all through and encodes to the same
 * bytes. */
#include <string.h>

#include "board/box/library/record.h"
#include "net/wire/must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    char text[RECORD_TEXT_MAX];
    uint8_t bytes[MARK_BYTES];
    struct record r;
    struct mark m;

    if (record_decode(data, n, &r) == 0) {
        MUST(record_check(&r, NULL) == 0);
        MUST(record_encode(&r, text) == n && memcmp(text, data, n) == 0);
    }
    if (mark_decode(data, n, &m) == 0) {
        mark_encode(&m, bytes);
        MUST(n == sizeof bytes && memcmp(bytes, data, n) == 0);
    }
    (void)record_look(data, n < RECORD_LOOK ? n : RECORD_LOOK, data, n, n, NULL);
    return 0;
}
