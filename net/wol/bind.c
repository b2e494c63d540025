#include "net/wol/bind.h"

#include "lwip/netif.h"
#include "lwip/pbuf.h"

void wol_bind_tick(struct wol *w, struct ip_stack *stack, struct mono now)
{
    uint8_t mac[6];
    struct pbuf *p;

    while (wol_next(w, now, mac)) {
        p = pbuf_alloc(PBUF_RAW, WOL_FRAME_BYTES, PBUF_RAM);
        if (!p)
            return;
        wol_frame(mac, ip_stack_mac(stack), p->payload);
        netif_default->linkoutput(netif_default, p);
        pbuf_free(p);
    }
}
