/* DHCP messages: what is decoded stays within the datagram, and what is written again decodes to
 * the same. */
#include <string.h>

#include "net/dhcp/hook.h"
#include "net/wire/must.h"

static void same_again(const struct dhcp_message *m)
{
    static uint8_t out[DHCP_MESSAGE_MAX];
    static struct dhcp_message again;
    struct dhcp_writer dw;
    unsigned i, j = 0;

    dhcp_write_start(&dw, out, sizeof out, m);
    for (i = 0; i < m->n; i++)
        if (m->option[i].code != DHCP_O_TYPE && m->option[i].code != DHCP_O_OVERLOAD &&
            !dhcp_put(&dw, m->option[i].code, m->option[i].at, m->option[i].n))
            return; /* larger than anything we write */
    MUST(dhcp_decode(out, dhcp_write_end(&dw), &again) == 0);
    MUST(again.type == m->type && again.xid == m->xid && again.ciaddr == m->ciaddr &&
         again.giaddr == m->giaddr);
    MUST(strcmp(again.file, m->file) == 0 && strcmp(again.sname, m->sname) == 0);
    for (i = 0; i < again.n; i++) {
        const struct dhcp_option *a = &again.option[i], *b;

        if (a->code == DHCP_O_TYPE)
            continue;
        do
            b = &m->option[j++];
        while (b->code == DHCP_O_TYPE || b->code == DHCP_O_OVERLOAD);
        MUST(a->code == b->code && a->n == b->n && memcmp(a->at, b->at, a->n) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static struct dhcp_message m;
    uint8_t joined[512];
    size_t limit;

    if (dhcp_decode(data, n, &m))
        return 0;
    MUST(m.n <= DHCP_OPTIONS_MAX && m.type <= DHCP_TYPE_MAX && !(m.chaddr[0] & 1));
    for (unsigned i = 0; i < m.n; i++) {
        MUST(m.option[i].at >= data && m.option[i].at + m.option[i].n <= data + n);
        MUST(dhcp_option_joined(&m, m.option[i].code, joined, sizeof joined) != DHCP_EABSENT);
    }
    limit = dhcp_reply_limit(&m, DHCP_FRAME_MAX);
    MUST(limit >= 548 && limit <= DHCP_FRAME_MAX);
    same_again(&m);
    return 0;
}
