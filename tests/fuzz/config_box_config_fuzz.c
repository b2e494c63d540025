/* ringcast.conf of the box. */
#include <stdlib.h>
#include <string.h>

#include "board/box/config/box_config.h"
#include "net/wire/must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static struct box_config c;
    struct err err = {0};

    box_config_defaults(&c);
    if (box_config_parse(&c, "f", (const char *)data, n, &err) == 0)
        MUST(c.address && c.prefix >= 8 && c.prefix <= 30 && c.dhcp.first <= c.dhcp.last &&
             c.dhcp.lease_s && c.after_pass[0]);
    else
        MUST(err.code < 0 && err.text[0]);
    return 0;
}
