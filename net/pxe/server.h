/* PXE and HTTP boot as the DHCP server's boot hook: facts out of the message, the plan's answer
 * into boot fields. What is answered when: net/pxe/policy.h. Pure but for a small memory by MAC:
 * some UEFI firmware calls itself architecture 0 on port 4011, so what it said in its DISCOVER
 * counts; and a sentence for the log is not said anew for each request sent again. One thread. */
#ifndef NET_PXE_SERVER_H
#define NET_PXE_SERVER_H

#include "net/dhcp/hook.h"
#include "net/pxe/policy.h"

#define PXE_MEMORY 512 /* machines; a newcomer takes the place of the one with the same hash */

struct pxe_event {
    uint8_t mac[6];
    enum pxe_stage stage;
    int verdict;       /* 0, or a PXE_E* code */
    int entry;         /* index, -1: none yet (menu, script) */
    const char *what;  /* "the file", "the script", "a menu", "port 4011"; "" with an error */
    const char *chose; /* the entry that a person took in the firmware's menu; "" */
    const char *file;  /* name or URL, "" when none */
    uint16_t arch;     /* as the machine says it */
    bool again;        /* the same as the last one about this machine */
};

struct pxe_server {
    const struct boot_plan *plan; /* borrowed */
    /* Everything that is decided except PXE_ENOTASKED; lent for the call. May be NULL. */
    void (*tell)(void *ctx, const struct pxe_event *);
    void *ctx;
    struct pxe_memory {
        uint8_t mac[6];
        bool used, has_arch;
        uint16_t arch;
        uint32_t last; /* hash of the last event */
    } memory[PXE_MEMORY];
};

/* What a DHCP message says about its machine. */
void pxe_facts_of(const struct dhcp_message *, struct pxe_facts *);
/* struct dhcp_boot_hook's function; ctx is a struct pxe_server. */
bool pxe_server_boot(void *server, const struct dhcp_message *, enum dhcp_boot_kind,
                     struct dhcp_boot *);
/* "00:25:00:aa:bb:cc (architecture 7) is sent to the file: payload/..." or "... is given nothing to
 * boot: <reason>". */
void pxe_event_text(const struct pxe_event *, char *to, size_t cap);

#endif
