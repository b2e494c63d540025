#include "net/syslog/bind.h"

#include <stdlib.h>

#include "lwip/udp.h"

struct syslog_bind {
    struct udp_pcb *pcb;
    struct syslog_counts counts;
};

int syslog_bind_open(struct syslog_bind **out, uint32_t address, uint16_t port, struct err *err)
{
    struct syslog_bind *b = calloc(1, sizeof *b);
    ip_addr_t to = {lwip_htonl(address)};

    *out = NULL;
    if (b)
        b->pcb = udp_new();
    if (!b || !b->pcb || udp_connect(b->pcb, &to, port) != ERR_OK) {
        syslog_bind_close(b);
        return err_set(err, SYSLOG_EMEMORY, "out of memory for syslog");
    }
    *out = b;
    return 0;
}

void syslog_bind_send(struct syslog_bind *b, const struct syslog_message *m)
{
    uint8_t bytes[SYSLOG_MAX];
    size_t n = syslog_encode(m, bytes);
    struct pbuf *p = pbuf_alloc(PBUF_TRANSPORT, (u16_t)n, PBUF_RAM);
    err_t rc = p ? pbuf_take(p, bytes, (u16_t)n) : ERR_MEM;

    if (rc == ERR_OK)
        rc = udp_send(b->pcb, p);
    if (p)
        pbuf_free(p);
    b->counts.sent += rc == ERR_OK;
    b->counts.failed += rc != ERR_OK;
}

const struct syslog_counts *syslog_bind_counts(const struct syslog_bind *b)
{
    return &b->counts;
}

void syslog_bind_close(struct syslog_bind *b)
{
    if (!b)
        return;
    if (b->pcb)
        udp_remove(b->pcb);
    free(b);
}
