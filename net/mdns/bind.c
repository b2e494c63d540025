#include "net/mdns/bind.h"

#include <stdio.h>
#include <string.h>

#include "lwip/apps/mdns.h"
#include "lwip/netif.h"
#include "net/wire/utf8.h"

#define ITEMS_MAX 32

static struct {
    bool up;
    unsigned conflicts; /* names tried in vain */
    char host[MDNS_TEXT_MAX + 1], instance[MDNS_TEXT_MAX + 1];
    unsigned n;
    char item[ITEMS_MAX][MDNS_TEXT_MAX + 1];
} advert;

/* Copies whole characters, as many as fit into MDNS_TEXT_MAX bytes. */
static size_t copy_text(char to[MDNS_TEXT_MAX + 1], const char *from)
{
    size_t n = 0, left = strlen(from), step;
    uint32_t cp;

    while (left > n && (step = utf8_read((const uint8_t *)from + n, left - n, &cp)) &&
           n + step <= MDNS_TEXT_MAX)
        n += step;
    memcpy(to, from, n);
    to[n] = 0;
    return n;
}

static void give_items(struct mdns_service *service, void *arg)
{
    (void)arg;
    for (unsigned i = 0; i < advert.n; i++)
        mdns_resp_add_service_txtitem(service, advert.item[i], (u8_t)strlen(advert.item[i]));
}

/* "box" is taken: "box-2", "box-3" ... Slot 0 is the host's name, above it are services. */
static void on_result(struct netif *netif, u8_t result, s8_t slot)
{
    char name[MDNS_TEXT_MAX + 16], cut[MDNS_TEXT_MAX + 1];

    if (result != MDNS_PROBING_CONFLICT)
        return;
    snprintf(name, sizeof name, slot ? "%.56s (%u)" : "%.58s-%u",
             slot ? advert.instance : advert.host, ++advert.conflicts + 1);
    copy_text(cut, name);
    if (slot)
        mdns_resp_rename_service(netif, (u8_t)(slot - 1), cut);
    else
        mdns_resp_rename_netif(netif, cut);
}

int mdns_advertise(struct ip_stack *stack, const char *instance, uint16_t port,
                   const char *const *items, unsigned n, struct err *err)
{
    static bool ready;
    size_t room = MDNS_ITEMS_BYTES;

    (void)stack;
    if (!ready) {
        mdns_resp_init();
        mdns_resp_register_name_result_cb(on_result);
    }
    ready = true;
    memset(&advert, 0, sizeof advert);
    copy_text(advert.host, netif_get_hostname(netif_default));
    copy_text(advert.instance, instance);
    for (unsigned i = 0; i < n && advert.n < ITEMS_MAX; i++) {
        size_t bytes = copy_text(advert.item[advert.n], items[i]) + 1;

        if (bytes > room)
            break;
        room -= bytes;
        advert.n++;
    }
    if (mdns_resp_add_netif(netif_default, advert.host) != ERR_OK)
        return err_set(err, MDNS_ESTART, "the mDNS responder cannot be started");
    advert.up = true;
    if (mdns_resp_add_service(netif_default, advert.instance, "_ringcast", DNSSD_PROTO_TCP, port,
                              give_items, NULL) < 0) {
        mdns_withdraw(stack);
        return err_set(err, MDNS_ESTART, "the mDNS responder cannot be started");
    }
    return 0;
}

void mdns_withdraw(struct ip_stack *stack)
{
    (void)stack;
    if (advert.up)
        mdns_resp_remove_netif(netif_default);
    advert.up = false;
}
