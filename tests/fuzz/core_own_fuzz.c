/* What a box says is a machine's own: whatever decodes stays below the partition's root, and
 * encodes to the same bytes. */
#include <stdlib.h>
#include <string.h>

#include "board/core/own.h"
#include "net/wire/must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static struct own o;
    uint8_t back[SESSION_OWN_MAX];
    int rc;

    if (n > SESSION_OWN_MAX || !own_decode(&o, data, n))
        return 0;
    for (unsigned i = 0; i < o.n; i++) {
        const char *path = o.file[i].path;

        MUST(path[0] && path[0] != '/' && strncmp(path, "../", 3) != 0 && !strstr(path, "/../") &&
             strcmp(path, "..") != 0);
        MUST(o.file[i].bytes >= data && o.file[i].bytes + o.file[i].n <= data + n);
    }
    rc = own_encode(&o, back, sizeof back);
    MUST(rc == 0 ? !o.host[0] && !o.n : (size_t)rc == n && memcmp(back, data, n) == 0);
    return 0;
}
