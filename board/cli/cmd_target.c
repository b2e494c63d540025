/* ringcast target: the receiver of a machine that was booted from the network, started by init with
 * its box's page. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "board/cli/commands.h"
#include "board/supervisor/pid1.h"
#include "board/target/target.h"

#define SHOWN_S 5 /* PASS stays on the screen for so long before the machine goes */

static const char help[] =
    "usage: ringcast target --identity FILE [OPTION...]\n"
    "\n"
    "  --identity FILE     the page of the box that served this machine\n"
    "  --interface IF      network interface, or auto (the default): any with a link\n"
    "  --address CIDR      our address on it, or dhcp (the default)\n"
    "  --framebuffer FILE  /dev/fb0; none: lines on stderr alone\n"
    "  --disk-root DIR     where sys, proc and dev are; for tests\n"
    "  --once              wait for nothing: the first failure ends it\n";

struct arguments {
    const char *identity;
    struct target_options o;
};

static int usage(const char *said)
{
    fprintf(stderr, "ringcast target: %s; 'ringcast target --help' says more\n", said);
    return EXIT_USAGE;
}

const struct option cmd_target_options[] = {{"identity", 1, 0, 'i'}, {"interface", 1, 0, 'n'},
                                            {"address", 1, 0, 'a'},  {"disk-root", 1, 0, 'd'},
                                            {"once", 0, 0, 'o'},     {"framebuffer", 1, 0, 'f'},
                                            {"help", 0, 0, 'h'},     {0, 0, 0, 0}};

static int parse(struct arguments *a, int argc, char **argv)
{
    int c;

    a->o = (struct target_options){.address = "dhcp", .root = "", .framebuffer = "/dev/fb0"};
    optind = 1;
    opterr = 0;
    while ((c = getopt_long(argc, argv, "h", cmd_target_options, NULL)) != -1) {
        switch (c) {
        case 'i':
            a->identity = optarg;
            break;
        case 'n':
            a->o.interface = strcmp(optarg, "auto") ? optarg : NULL;
            break;
        case 'a':
            a->o.address = optarg;
            break;
        case 'd':
            a->o.root = optarg;
            break;
        case 'o':
            a->o.once = true;
            break;
        case 'f':
            a->o.framebuffer = strcmp(optarg, "none") ? optarg : NULL;
            break;
        case 'h':
            fputs(help, stdout);
            exit(EXIT_DONE);
        default:
            return usage("an option is unknown or lacks its value");
        }
    }
    return optind < argc || !a->identity ? usage("expected --identity and nothing besides options")
                                         : 0;
}

static int read_page(struct target_page *page, const char *path, struct err *err)
{
    uint8_t bytes[TARGET_PAGE_BYTES + 1];
    size_t n;
    FILE *f = fopen(path, "rb");

    if (!f)
        return err_set(err, TARGET_EPAGE, "%s: %s", path, strerror(errno));
    n = fread(bytes, 1, sizeof bytes, f);
    fclose(f);
    return target_page_parse(page, bytes, n, err);
}

/* Without anything else on this machine, what was shown last must stay to be read. */
static void stay(void)
{
    while (!source_stopped())
        sleep(1);
}

/* What becomes of a machine that passed. */
static void go(enum target_after after)
{
    if (after == TARGET_WAIT) {
        stay();
        return;
    }
    sleep(SHOWN_S);
    pid1_wish(after == TARGET_REBOOT ? "reboot" : "poweroff");
}

int cmd_target(int argc, char **argv)
{
    static struct arguments a;
    struct err err = {0};
    int rc = parse(&a, argc, argv);

    if (rc)
        return rc;
    restore_catch_signals();
    rc = read_page(&a.o.page, a.identity, &err) ? EXIT_FAILED : target_run(&a.o);
    if (err.code)
        fprintf(stderr, "FAIL: %s\n", err.text);
    if (pid1_there() && rc == EXIT_DONE)
        go(a.o.page.after);
    else if (pid1_there())
        stay();
    return rc;
}
