#include "net/ip/random.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/random.h>

#include "lwip/sys.h"
#include "mbedtls/sha256.h"
#include "net/ip/hooks.h"
#include "net/wire/must.h"

void ip_random_fill(void *to, size_t n)
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

unsigned ip_random(void)
{
    unsigned v;

    ip_random_fill(&v, sizeof v);
    return v;
}

u32_t ip_tcp_isn(const ip_addr_t *local_ip, u16_t local_port, const ip_addr_t *remote_ip, u16_t remote_port)
{
    static uint8_t secret[32];
    static bool made;
    uint8_t in[sizeof secret + 12], hash[32];
    uint32_t words[3] = {local_ip->addr, remote_ip->addr, (uint32_t)local_port << 16 | remote_port}, f;

    if (!made)
        ip_random_fill(secret, sizeof secret);
    made = true;
    memcpy(in, secret, sizeof secret);
    memcpy(in + sizeof secret, words, sizeof words);
    MUST(mbedtls_sha256(in, sizeof in, hash, 0) == 0);
    memcpy(&f, hash, sizeof f);
    return sys_now() * 250 + f; /* RFC 6528: M counts 4 us */
}
