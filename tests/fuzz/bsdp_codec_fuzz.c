/* A Mac's class identifier, and one instance of its option 43: what decodes is legal, and the same
 * bytes read the same. */
#include <string.h>

#include "net/bsdp/codec.h"
#include "net/wire/must.h"

static void class_holds(const uint8_t *data, size_t n)
{
    static struct bsdp_request q;

    memset(&q, 0, sizeof q);
    if (bsdp_class_decode(data, n, &q) != 0)
        return;
    MUST(strlen(q.arch) <= BSDP_ARCH_MAX && strlen(q.model) <= BSDP_MODEL_MAX &&
         !strchr(q.arch, '/'));
    MUST(n == sizeof BSDP_CLASS + strlen(q.arch) + 1 + strlen(q.model));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static struct bsdp_request one, two;

    class_holds(data, n);
    memset(&one, 0, sizeof one);
    memset(&two, 0, sizeof two);
    MUST(bsdp_vendor_decode(data, n, &one) == bsdp_vendor_decode(data, n, &two));
    MUST(memcmp(&one, &two, sizeof one) == 0);
    MUST(one.n_filter <= BSDP_FILTER_MAX && (one.has_filter || !one.n_filter));
    return 0;
}
