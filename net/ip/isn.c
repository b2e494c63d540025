/* The initial sequence numbers of TCP (RFC 6528), which lwIP asks for. */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "lwip/sys.h"
#include "mbedtls/sha256.h"
#include "net/ip/hooks.h"
#include "net/os/random.h"
#include "net/wire/must.h"

u32_t ip_tcp_isn(const ip_addr_t *local_ip, u16_t local_port, const ip_addr_t *remote_ip,
                 u16_t remote_port)
{
    static uint8_t secret[32];
    static bool made;
    uint8_t in[sizeof secret + 12], hash[32];
    uint32_t words[3] = {local_ip->addr, remote_ip->addr, (uint32_t)local_port << 16 | remote_port},
             f;

    if (!made)
        random_fill(secret, sizeof secret);
    made = true;
    memcpy(in, secret, sizeof secret);
    memcpy(in + sizeof secret, words, sizeof words);
    MUST(mbedtls_sha256(in, sizeof in, hash, 0) == 0);
    memcpy(&f, hash, sizeof f);
    return sys_now() * 250 + f; /* RFC 6528: M counts 4 us */
}
