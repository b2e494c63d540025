/* The room's formats for foreign readers, from a room full of hostile texts.
 *
 *   status_tool whole|change|metrics [MACHINES]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/status/json.h"
#include "net/status/metrics.h"

static const char *const hostile[] = {
    "\"}],\"machines\":[{\"mac\":\"evil",
    "</script><script>alert(1)</script>",
    "=cmd|'/C calc'!A0",
    "a\nb\r\nc",
    "\033[2J\033]0;x\007",
    "\xC0\x80\xFF\xFE",
    "\\\\\\\"",
    "\xE2\x80\xAEgpj.exe",
    "{mac=\"x\"} 1\n# TYPE evil counter\nevil 1",
    "%s%n%s%n",
    "B\xC3\xBCro 5",
};

static void fill(struct room_snapshot *room, unsigned machines)
{
    struct room_box box = {.name = "ring\"cast\\",
                           .version = "1.0\n2",
                           .address = 0x0A4D0001,
                           .unix_s = 1795348200,
                           .uptime_s = 12};
    struct room_session session = {.id = 1,
                                   .image = "debian \"12\"\\",
                                   .state = ROOM_SESSION_RUNNING,
                                   .rate = 800000000,
                                   .repair_ppm = 15000};
    struct mono now = {1000 * MONO_S};

    snapshot_begin(room, &box, now);
    snapshot_session(room, &session);
    for (unsigned i = 0; i < machines; i++) {
        struct session_receiver r = {.mac = {0x52, 0x54, 0, 0, (uint8_t)(i >> 8), (uint8_t)i},
                                     .used = true,
                                     .counter = 1,
                                     .joined = now,
                                     .heard = now,
                                     .facts = {.state = (enum session_state)(i % SESSION_STATES),
                                               .done = (uint16_t)(i % 10001)}};
        struct session_info info = {.link_mbps = i % 2 ? 1000 : 100};
        const char *text = hostile[i % (sizeof hostile / sizeof *hostile)];

        r.facts.error = r.facts.state == SESSION_FAIL ? -903 : 0;
        session_info_text(info.serial, SESSION_INFO_MAX, text);
        session_info_text(info.disk, SESSION_INFO_MAX, text);
        session_info_text(info.disk_serial, SESSION_INFO_MAX, text);
        snapshot_receiver(room, 1, 100000000, &r, "the disk refused a \"write\"");
        snapshot_about(room, r.mac, &info);
        snapshot_named(room, r.mac, text, text, text);
    }
    snapshot_end(room);
}

int main(int argc, char **argv)
{
    struct room_snapshot *room = malloc(sizeof *room);
    size_t cap = METRICS_MAX > STATUS_JSON_MAX ? METRICS_MAX : STATUS_JSON_MAX, n = 0;
    char *text = malloc(cap);

    if (argc < 2 || !room || !text)
        return 2;
    snapshot_init(room);
    fill(room, argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 22);
    if (!strcmp(argv[1], "whole"))
        n = status_json_whole(room, text, cap);
    else if (!strcmp(argv[1], "change"))
        n = status_json_change(room, text, cap);
    else if (!strcmp(argv[1], "metrics"))
        n = metrics_write(room, &(struct steps){0}, text, cap);
    fwrite(text, 1, n, stdout);
    free(text);
    free(room);
    return n ? 0 : 1;
}
