#include "tests/boot/count.h"

#include <stdbool.h>

#include "net/wire/reader.h"

static enum count_kind udp_kind(uint32_t to, struct reader r)
{
    unsigned from_port = rd_u16(&r), to_port = rd_u16(&r);

    if (r.bad)
        return COUNT_other;
    if (to_port == 67 || to_port == 68 || to_port == 4011 || from_port == 4011)
        return COUNT_dhcp;
    if (to_port == 69)
        return COUNT_tftp;
    return to >> 28 == 0xe && to >> 8 != 0xe00000 ? COUNT_group : COUNT_udp;
}

enum count_kind count_kind(const uint8_t *frame, size_t n)
{
    struct reader r = reader_on(frame, n);
    unsigned type, head, proto, fragment;
    uint32_t to;

    rd_bytes(&r, 12);
    type = rd_u16(&r);
    if (type == 0x0806 || type == 0x86dd)
        return type == 0x0806 ? COUNT_arp : COUNT_ipv6;
    head = rd_u8(&r) & 15;
    rd_bytes(&r, 5);
    fragment = rd_u16(&r) & 0x1fff;
    rd_u8(&r);
    proto = rd_u8(&r);
    rd_bytes(&r, 6);
    to = rd_u32(&r);
    if (r.bad || type != 0x0800 || head < 5)
        return COUNT_other;
    rd_bytes(&r, head * 4 - 20);
    if (fragment)
        return COUNT_udp;
    return proto == 2    ? COUNT_igmp
           : proto == 6  ? COUNT_tcp
           : proto == 17 ? udp_kind(to, r)
                         : COUNT_other;
}

void count_report(const struct count *c, const char *key, struct json *j)
{
#define COUNT_NAME(kind) #kind,
    static const char *const names[] = {COUNT_KINDS(COUNT_NAME)};
    uint64_t frames = 0, bytes = 0;

    json_open(j, key, '{');
    for (int k = 0; k < COUNT_ALL; k++) {
        frames += c->frames[k];
        bytes += c->bytes[k];
        if (c->frames[k])
            json_u64(j, names[k], c->frames[k]);
    }
    json_u64(j, "frames", frames);
    json_u64(j, "bytes", bytes);
    json_close(j);
}
