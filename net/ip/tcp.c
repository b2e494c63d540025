#include "net/ip/tcp.h"

#include <stdbool.h>
#include <stddef.h>

#include "lwip/priv/tcp_priv.h"
#include "net/ip/hooks.h"

err_t ip_tcp_listen(struct tcp_pcb **out, uint16_t port, tcp_accept_fn accept, void *arg)
{
    struct tcp_pcb *pcb = tcp_new();
    err_t err = pcb ? tcp_bind(pcb, IP_ADDR_ANY, port) : ERR_MEM;

    *out = err == ERR_OK ? tcp_listen(pcb) : NULL;
    if (!*out) {
        if (pcb)
            tcp_abort(pcb);
        return err == ERR_OK || err == ERR_MEM ? ERR_MEM : ERR_USE;
    }
    tcp_arg(*out, arg);
    tcp_accept(*out, accept);
    return ERR_OK;
}

static bool is_half_open(const struct tcp_pcb *p, const struct tcp_pcb_listen *listener)
{
    return p->state == SYN_RCVD && p->listener == listener;
}

static unsigned half_open_of(const struct tcp_pcb_listen *listener, const ip_addr_t *address)
{
    unsigned n = 0;

    for (const struct tcp_pcb *p = tcp_active_pcbs; p; p = p->next)
        n += is_half_open(p, listener) && ip_addr_eq(&p->remote_ip, address);
    return n;
}

/* The oldest of those whose addresses hold more half-open connections than the newcomer's. lwIP
 * puts new connections before older ones in its list, and its clock tells apart what has been heard
 * of since. */
static struct tcp_pcb *half_open_oldest(const struct tcp_pcb_listen *listener, unsigned more_than)
{
    struct tcp_pcb *oldest = NULL;

    for (struct tcp_pcb *p = tcp_active_pcbs; p; p = p->next)
        if (is_half_open(p, listener) && half_open_of(listener, &p->remote_ip) > more_than &&
            (!oldest || (int32_t)(p->tmr - oldest->tmr) <= 0))
            oldest = p;
    return oldest;
}

err_t ip_tcp_before(const struct tcp_pcb *pcb, const struct tcp_hdr *h)
{
    const struct tcp_pcb_listen *listener = (const struct tcp_pcb_listen *)pcb;
    struct tcp_pcb *oldest;

    if (pcb->state != LISTEN || (TCPH_FLAGS(h) & (TCP_SYN | TCP_ACK | TCP_RST)) != TCP_SYN ||
        listener->accepts_pending < listener->backlog)
        return ERR_OK;
    oldest = half_open_oldest(listener, half_open_of(listener, ip_current_src_addr()));
    if (oldest)
        tcp_abandon(oldest, 0);
    return ERR_OK;
}

/* From here on lwIP does not call us about this connection. */
static struct tcp_pcb *forget(struct tcp_pcb **at)
{
    struct tcp_pcb *pcb = *at;

    *at = NULL;
    if (pcb) {
        tcp_arg(pcb, NULL);
        tcp_recv(pcb, NULL);
        tcp_sent(pcb, NULL);
        tcp_err(pcb, NULL);
    }
    return pcb;
}

void ip_tcp_abort(struct tcp_pcb **at)
{
    struct tcp_pcb *pcb = forget(at);

    if (pcb)
        tcp_abort(pcb);
}

err_t ip_tcp_close(struct tcp_pcb **at)
{
    struct tcp_pcb *pcb = forget(at);

    if (!pcb || tcp_close(pcb) == ERR_OK)
        return ERR_OK;
    tcp_abort(pcb);
    return ERR_ABRT;
}
