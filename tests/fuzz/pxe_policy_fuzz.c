/* A netboot request through the boot hook, and the script for its machine: first byte the settings,
 * then a datagram. An answer is well formed, decides the same twice, and never sends iPXE to iPXE.
 */
#include <string.h>

#include "net/pxe/script.h"
#include "net/pxe/server.h"
#include "net/wire/must.h"

static struct boot_entry entries[4];
static struct pxe_server server;
static struct dhcp_boot one, two;
static char script[PXE_SCRIPT_MAX];

static bool wants(void *ctx, const uint8_t mac[6])
{
    (void)ctx;
    return mac[5] % 2;
}

static struct boot_plan plan_of(uint8_t how)
{
    static const struct boot_choice choice = {{0, 0x25, 0, 0xaa, 0xbb, 0xcc}, 2};

    entries[0] = boot_entry_ring("Image this machine", 1);
    entries[1] = (struct boot_entry){.name = "ESXi",
                                     .kind = BOOT_TREE,
                                     .id = 2,
                                     .loader = {"e/b", "e/u", "e/m"}};
    entries[2] =
        (struct boot_entry){.name = "Script", .kind = BOOT_TREE, .id = 5000, .script = "s/go.ipxe"};
    entries[3] =
        (struct boot_entry){.name = "UEFI", .kind = BOOT_TREE, .id = 4, .loader = {"", "u/u", ""}};
    return (struct boot_plan){.entries = entries,
                              .n_entries = 1 + how % 4,
                              .fallback = how / 4 % (1u + how % 4),
                              .choices = &choice,
                              .n_choices = how % 4 >= 2 && how & 16,
                              .address = 0x0A4D0001,
                              .menu_seconds = how & 32 ? 5 : 0,
                              .uefi_direct = how & 64,
                              .wants_imaging = how & 128 ? wants : NULL};
}

static void judge(const struct dhcp_message *m, const struct dhcp_boot *b)
{
    struct pxe_facts f;

    pxe_facts_of(m, &f);
    MUST(b->siaddr == 0x0A4D0001 && b->n <= sizeof b->options);
    for (size_t at = 0; at < b->n; at += 2u + b->options[at + 1])
        MUST(b->n - at >= 2 && b->n - at - 2 >= b->options[at + 1]);
    MUST(!f.ipxe || !memmem(b->file, sizeof b->file, "undionly", 8));
    MUST(memchr(b->file, 0, sizeof b->file));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static struct dhcp_message m;
    struct boot_plan plan;

    if (n < 1)
        return 0;
    plan = plan_of(data[0]);
    server = (struct pxe_server){.plan = &plan};
    if (dhcp_decode(data + 1, n - 1, &m) != 0)
        return 0;
    for (int kind = DHCP_BOOT_LEASE; kind <= DHCP_BOOT_BINL; kind++) {
        bool answered = pxe_server_boot(&server, &m, (enum dhcp_boot_kind)kind, &one);

        MUST(pxe_server_boot(&server, &m, (enum dhcp_boot_kind)kind, &two) == answered);
        MUST(memcmp(&one, &two, sizeof one) == 0);
        if (answered)
            judge(&m, &one);
    }
    MUST(pxe_script(&plan, m.chaddr, script) == strlen(script));
    return 0;
}
