/* What the box remembers of a machine's disks: what is accepted is legal and is told again as it
 * was. */
#include <stdlib.h>
#include <string.h>

#include "board/box/orders/disks.h"
#include "net/wire/must.h"

static const uint8_t *value;
static size_t bytes;

static void same(void *ctx, const uint8_t mac[6], const uint8_t *again, size_t n)
{
    (void)ctx;
    (void)mac;
    MUST(n == bytes && memcmp(value, again, n) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static const uint8_t mac[6] = {2, 0, 0, 0, 0, 1};
    static struct disks d;
    struct own own = {0};

    memset(d.bucket, 0, sizeof d.bucket);
    d.n = d.dirty = d.counter = 0;
    d.store = same;
    value = data;
    bytes = n;
    if (!disks_restore(&d, mac, 6, data, n))
        return 0;
    disks_own(&d, mac, true, NULL, 0, &own);
    MUST(own.n_known <= OWN_KNOWN_MAX && own.n_written <= OWN_WRITTEN_MAX);
    d.row[0].dirty = true;
    d.dirty = 1;
    disks_flush(&d);
    return 0;
}
