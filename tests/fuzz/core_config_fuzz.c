/* ringcast.conf and asr's property list. */
#include <stdlib.h>
#include <string.h>

#include "board/core/config.h"
#include "net/wire/must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct config c;
    struct err err = {0};

    config_defaults(&c);
    if (config_parse(&c, "f", (const char *)data, n, &err) == 0)
        MUST(c.ttl && c.port && c.group >> 28 == 14 && c.n_images <= CONFIG_IMAGES_MAX &&
             (c.rate_auto || c.rate));
    else
        MUST(err.code < 0 && err.text[0]);
    return 0;
}
