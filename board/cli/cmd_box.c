/* ringcast box: the appliance, in the foreground. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "board/box/box.h"
#include "board/cli/commands.h"
#include "board/core/image_report.h"
#include "board/core/interrupt.h"
#include "board/log/log.h"
#include "imaging/fec/fec.h"

static const char help[] =
    "usage: ringcast box [--config FILE] [--interface IF|auto] [--images DIR] [--payload DIR] "
    "[--sticks DIR]\n"
    "                    --data DIR\n"
    "\n"
    "  --config FILE      ringcast.conf; without it the defaults hold\n"
    "  --interface IF     where the machines are; auto (the default): the first with a link\n"
    "  --images DIR       .ring images to serve; raw images there are packed first\n"
    "  --payload DIR      what targets boot\n"
    "  --sticks DIR       where USB sticks are mounted: DIR/0 to DIR/3, and DIR/0.note to "
    "DIR/3.note about them\n"
    "  --data DIR         where the box keeps its key, its memory and its image library\n"
    "  --data-lost WHY    DIR cannot be read: hand out addresses, offer nothing to boot, say WHY "
    "on screen and page\n"
    "  --data-grown-before  an earlier start has kept its memory in DIR: without one there it is "
    "lost\n"
    "  --arm MAC          image this machine again although it has passed; while no box runs\n"
    "  --check            read the configuration and say whether it can be understood\n"
    "\n"
    "Hands out addresses, boots machines, images them. Ends on SIGINT or SIGTERM.\n";

const struct option cmd_box_options[] = {{"config", 1, 0, 'c'},    {"interface", 1, 0, 'k'},
                                         {"images", 1, 0, 'i'},    {"payload", 1, 0, 'p'},
                                         {"sticks", 1, 0, 's'},    {"data", 1, 0, 'd'},
                                         {"check", 0, 0, 'n'},     {"arm", 1, 0, 'a'},
                                         {"data-lost", 1, 0, 'l'}, {"data-grown-before", 0, 0, 'g'},
                                         {"help", 0, 0, 'h'},      {0, 0, 0, 0}};

struct arguments {
    struct box_paths paths;
    bool check;
    const char *arm;
};

static int usage(const char *said)
{
    fprintf(stderr, "ringcast box: %s; 'ringcast box --help' says more\n", said);
    return EXIT_USAGE;
}

static int parse(struct arguments *a, int argc, char **argv)
{
    int c;

    optind = 1;
    opterr = 0;
    while ((c = getopt_long(argc, argv, "h", cmd_box_options, NULL)) != -1) {
        if (c == 'h') {
            fputs(help, stdout);
            exit(EXIT_DONE);
        }
        if (c == '?')
            return usage("an option is unknown or lacks its value");
        a->check |= c == 'n';
        a->paths.data_grown_before |= c == 'g';
        a->paths.data_lost = c == 'l' ? optarg : a->paths.data_lost;
        a->arm = c == 'a' ? optarg : a->arm;
        a->paths.config = c == 'c' ? optarg : a->paths.config;
        a->paths.interface = c == 'k' ? optarg : a->paths.interface;
        a->paths.images = c == 'i' ? optarg : a->paths.images;
        a->paths.payload = c == 'p' ? optarg : a->paths.payload;
        a->paths.sticks = c == 's' ? optarg : a->paths.sticks;
        a->paths.data = c == 'd' ? optarg : a->paths.data;
    }
    if (optind < argc)
        return usage("expected options only");
    return a->paths.data || a->check ? 0 : usage("expected --data DIR");
}

static int load(struct box_config *config, const char *path, struct err *err)
{
    bool missing;
    int rc = box_config_open(config, path, &missing, err);

    if (path && missing)
        log_line("there is no %s: the defaults hold", path);
    return rc;
}

static int arm(const struct arguments *a)
{
    struct err err = {0};
    uint8_t mac[6];

    if (!box_mac_parse(a->arm, mac))
        return usage("expected a MAC such as 52:49:4e:47:00:01 after --arm");
    return box_arm(a->paths.data, mac, &err) ? report_failure("box", &err, false) : EXIT_DONE;
}

int cmd_box(int argc, char **argv)
{
    static struct arguments a;
    static struct box_config config;
    struct err err = {0};
    int rc = parse(&a, argc, argv);

    if (rc)
        return rc;
    if (a.arm && a.paths.data)
        return arm(&a);
    rc = load(&config, a.paths.config, &err);
    if (a.check)
        return rc ? report_failure("box", &err, false) : EXIT_DONE;
    fec_init(NULL);
    if (rc)
        box_refuse(&err, interrupt_watch());
    else
        rc = box_run(&config, &a.paths, interrupt_watch(), &err);
    return rc ? report_failure("box", &err, false) : EXIT_DONE;
}
