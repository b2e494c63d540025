/* ringcast wake: machines are called by the box. */
#include <stdio.h>
#include <string.h>

#include "board/cli/client.h"
#include "board/cli/commands.h"

static const char help[] =
    "usage: ringcast wake [expected|MAC...] [OPTION...]\n"
    "\n"
    "The box sends magic packets to these machines, or (the default) to those of the expected list "
    "that still\n"
    "lack their image.\n"
    "\n" CLIENT_HELP "\n"
    "Exit codes: 0; 1 no answer, or the box refused; 5 not the box that was pinned.\n";

const struct option cmd_wake_options[] = {CLIENT_OPTIONS, {0}};

int client_wake(struct client *c, char **macs, int n)
{
    char body[4096];
    struct json j = json_on(body, sizeof body);

    json_open(&j, NULL, '{');
    if (n == 0 || (n == 1 && strcmp(macs[0], "expected") == 0)) {
        json_str(&j, "macs", "expected");
    } else {
        json_open(&j, "macs", '[');
        for (int i = 0; i < n; i++)
            json_str(&j, NULL, macs[i]);
        json_close(&j);
    }
    json_close(&j);
    if (!json_text(&j))
        return client_usage(c, "those are too many machines at once");
    return client_order(c, "POST", "/api/v1/wake", body, "magic packets are on their way");
}

int cmd_wake(int argc, char **argv)
{
    struct client c = {.command = "wake"};
    int rc = client_begin(&c, argc, argv, cmd_wake_options, help, NULL, NULL);

    return rc ? rc - 1 : client_wake(&c, argv + optind, argc - optind);
}
