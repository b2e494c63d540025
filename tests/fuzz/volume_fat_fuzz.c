/* A FAT volume, the input being its beginning, or one that is as large as its boot sector says. */
#include <stdlib.h>
#include <string.h>

#include "imaging/volume/fat.h"
#include "net/wire/must.h"
#include "tests/fuzz/image_support.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static const char path[3][FAT_NAME + 1] = {"EFI        ", "BOOT       ", "BOOTX64 EFI"};
    struct memory m = {malloc(n + 1), n};
    struct readat volume = {.ctx = &m, .read = read_memory};
    int rc;

    memcpy(m.bytes, data, n);
    if (n >= 512) {
        m.bytes[510] = 0x55;
        m.bytes[511] = 0xAA;
    }
    rc = fat_has(&volume, n, path, 3);
    MUST(rc >= -1 && rc <= 1);
    rc = fat_has(&volume, UINT64_C(1) << 40, path, 3);
    MUST(rc >= -1 && rc <= 1);
    free(m.bytes);
    return 0;
}
