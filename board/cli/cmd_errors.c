/* ringcast errors: every code of every room with its sentence, so that the number on a screen can
 * be looked up. */
#include "board/cli/api.h"
#include "board/cli/commands.h"
#include "board/core/config.h"
#include "board/core/target_page.h"
#include "board/errors/box.h"
#include "board/errors/command.h"
#include "board/errors/library.h"
#include "board/errors/report.h"
#include "board/errors/schedule.h"
#include "board/screen/screen.h"
#include "imaging/carousel/carousel.h"
#include "imaging/disk/disk.h"
#include "imaging/fec/fec.h"
#include "imaging/image/errors.h"
#include "imaging/packet/packet.h"
#include "imaging/receive/plan.h"
#include "imaging/send/errors.h"
#include "net/bsdp/errors.h"
#include "net/content/errors.h"
#include "net/dhcp/errors.h"
#include "net/http/errors.h"
#include "net/igmp/errors.h"
#include "net/ip/errors.h"
#include "net/mdns/bind.h"
#include "net/pxe/errors.h"
#include "net/ring/ring.h"
#include "net/session/errors.h"
#include "net/syslog/errors.h"
#include "net/tftp/errors.h"
#include "net/tls/errors.h"
#include "net/web/errors.h"
#include "net/webhook/errors.h"
#include "net/wire/json_read.h"
#include "net/wol/errors.h"

#include <stddef.h>
#include <stdio.h>

struct row {
    int code;
    const char *name, *sentence;
};

#define X(name, code, sentence) {code, #name, sentence},
static const struct row rows[] = {
    FEC_ERRORS(X) PACKET_ERRORS(X) IMG_ERRORS(X) CAROUSEL_ERRORS(X) SEND_ERRORS(X) RECEIVE_ERRORS(X)
        DISK_ERRORS(X) RING_ERRORS(X) IP_ERRORS(X) SESSION_ERRORS(X) HTTP_ERRORS(X) MDNS_ERRORS(X)
            DHCP_ERRORS(X) HOST_ERRORS(X) CONFIG_ERRORS(X) SCREEN_ERRORS(X) LIBRARY_ERRORS(X)
                PC_ERRORS(X) TARGET_ERRORS(X) PLAN_ERRORS(X) WOL_ERRORS(X) REPORT_ERRORS(X)
                    SYSLOG_ERRORS(X) WEBHOOK_ERRORS(X) TFTP_ERRORS(X) IGMP_ERRORS(X)
                        CONTENT_ERRORS(X) BSDP_ERRORS(X) PXE_ERRORS(X) CLI_ERRORS(X) JSON_ERRORS(X)
                            TLS_ERRORS(X) WEB_ERRORS(X)};
#undef X

const char *error_sentence(int code)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].code == code)
            return rows[i].sentence;
    return NULL;
}

int cmd_errors(int argc, char **argv)
{
    (void)argv;
    if (argc > 1) {
        fputs("usage: ringcast errors\n", stderr);
        return EXIT_USAGE;
    }
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        printf("%5d  %-22s %s\n", rows[i].code, rows[i].name, rows[i].sentence);
    return EXIT_DONE;
}
