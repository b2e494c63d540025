/* DATA/checked: what is accepted encodes to the same bytes. */
#include <string.h>

#include "board/box/library/checked.h"
#include "net/wire/must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static char text[CHECKED_TEXT_MAX];
    static struct checked c;

    if (checked_decode(&c, (const char *)data, n))
        MUST(checked_encode(&c, text) == n && memcmp(text, data, n) == 0);
    else
        MUST(c.n == 0);
    return 0;
}
