/* The list of expected machines: what is taken can be written, and is read again as the same. */
#include <stdlib.h>
#include <string.h>

#include "board/box/schedule/expected.h"
#include "net/wire/must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static struct expected e, again;
    static char text[EXPECTED_CSV_MAX];
    struct err err = {0};
    size_t written;

    if (expected_parse(&e, (const char *)data, n, &err)) {
        MUST(err.code < 0 && err.text[0] && e.n == 0);
        return 0;
    }
    written = expected_write(&e, text, sizeof text);
    MUST(written <= sizeof text);
    MUST(expected_parse(&again, text, written, &err) == 0);
    MUST(memcmp(&e, &again, sizeof e) == 0);
    return 0;
}
