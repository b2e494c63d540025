/* A file that says it is a report. */
#include "board/core/seal.h"
#include "net/wire/must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static const uint8_t pub[IMG_PUBKEY_BYTES] = {4, 1};
    enum report_format format;
    struct err err = {0};

    MUST(seal_check(data, n, pub, &format, &err) < 0 && err.code < 0 && err.text[0]);
    return 0;
}
