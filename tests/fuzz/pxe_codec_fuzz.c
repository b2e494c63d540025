/* The sub-option decoders of a netbooting machine's request: one byte says which. */
#include <string.h>

#include "net/pxe/codec.h"
#include "net/wire/must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct pxe_facts f = {0};
    uint8_t out[PXE_VENDOR_MAX];

    if (n < 1)
        return 0;
    switch (data[0] % 5) {
    case 0:
        if (pxe_vendor_decode(data + 1, n - 1, &f) == 0 && f.has_item)
            MUST(pxe_vendor_item(f.item, f.layer, out) == 7);
        break;
    case 1:
        pxe_class_decode(data + 1, n - 1, &f);
        MUST(!f.has_arch || f.class_id != PXE_CLASS_NONE);
        break;
    case 2:
        pxe_arch_decode(data + 1, n - 1, &f);
        MUST(f.has_arch == (n >= 3));
        break;
    case 3:
        pxe_user_class_decode(data + 1, n - 1, &f);
        MUST(!f.ipxe || n >= 5);
        break;
    default:
        pxe_ipxe_decode(data + 1, n - 1, &f);
        MUST(f.ipxe);
    }
    return 0;
}
