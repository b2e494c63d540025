#include "net/os/random.h"

#include <errno.h>
#include <stdint.h>
#include <sys/random.h>

#include "net/wire/must.h"

void random_fill(void *to, size_t n)
{
    uint8_t *at = to;

    while (n) {
        ssize_t got = getrandom(at, n, 0);

        MUST(got > 0 || (got < 0 && errno == EINTR));
        if (got < 0)
            continue;
        at += got;
        n -= (size_t)got;
    }
}

unsigned random_word(void)
{
    unsigned v;

    random_fill(&v, sizeof v);
    return v;
}

int random_mbedtls(void *ctx, unsigned char *to, size_t n)
{
    (void)ctx;
    random_fill(to, n);
    return 0;
}
