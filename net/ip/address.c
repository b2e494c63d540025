/* Addresses as people write them. */
#include <stdio.h>
#include <string.h>

#include "net/ip/stack.h"

/* A decimal number of at most `digits` digits without leading zeros, up to `max`; NULL when there
 * is none. */
static const char *decimal(const char *at, unsigned digits, unsigned max, unsigned *out)
{
    unsigned v = 0, n = 0;

    while (n < digits && at[n] >= '0' && at[n] <= '9')
        v = v * 10 + (unsigned)(at[n++] - '0');
    if (n == 0 || (n > 1 && at[0] == '0') || v > max)
        return NULL;
    *out = v;
    return at + n;
}

/* A dotted quad at the start of `at`; returns what follows it, or NULL. */
static const char *quad(const char *at, uint32_t *out)
{
    uint32_t v = 0;

    for (int i = 0; i < 4; i++) {
        unsigned part;

        if (i && *at++ != '.')
            return NULL;
        at = decimal(at, 3, 255, &part);
        if (!at)
            return NULL;
        v = v << 8 | part;
    }
    *out = v;
    return at;
}

int ip_address_parse(const char *text, uint32_t *out)
{
    uint32_t v;
    const char *end = quad(text, &v);

    if (!end || *end)
        return IP_EADDRESS;
    *out = v;
    return 0;
}

const char *ip_address_text(char buf[IP_TEXT], uint32_t a)
{
    snprintf(buf, IP_TEXT, "%u.%u.%u.%u", a >> 24, a >> 16 & 255, a >> 8 & 255, a & 255);
    return buf;
}

/* An address a machine can have: not 0/8, loopback, multicast or above. */
static bool is_host(uint32_t a)
{
    return a >> 24 != 0 && a >> 24 != 127 && a >> 28 < 14;
}

int ip_config_parse(struct ip_config *c, const char *text, struct err *err)
{
    unsigned prefix = 24;
    uint32_t address;
    const char *at;

    if (strcmp(text, "dhcp") == 0) {
        c->address = 0;
        return 0;
    }
    at = quad(text, &address);
    if (at && *at == '/')
        at = decimal(at + 1, 2, 32, &prefix);
    if (!at || *at || prefix == 0 || !is_host(address))
        return err_set(err, IP_EADDRESS,
                       "expected an address such as 10.0.0.1/24, or dhcp, got \"%s\"", text);
    c->address = address;
    c->prefix = (uint8_t)prefix;
    return 0;
}
