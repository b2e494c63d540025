#include "net/ip/tcp.h"

#include <stddef.h>

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
