/* ringcast serve: images, round and round. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "board/cli/commands.h"
#include "board/core/image_report.h"
#include "board/core/interrupt.h"
#include "board/core/serve.h"
#include "board/core/serve_log.h"
#include "imaging/fec/fec.h"
#include "net/wire/json.h"

static const char help[] =
    "usage: ringcast serve [--config FILE] --interface IF [OPTION...] IMAGE.ring...\n"
    "\n"
    "  --config FILE        ringcast.conf (keys named like the options here), or asr's plist\n"
    "  --interface IF       where the receivers are\n"
    "  --address CIDR       our address there, or dhcp (the default)\n"
    "  --rate RATE|auto     of each stream, e.g. 800Mbit or 100MB; auto (the default) follows\n"
    "                       what the receivers report\n"
    "  --floor RATE         auto never goes below (a twentieth of the ceiling)\n"
    "  --ceiling RATE       auto never goes above (95 % of the link, shared by the images)\n"
    "  --client-rate RATE   what the slowest receiver's disk writes\n"
    "  --group ADDRESS      multicast group of the first image (239.82.67.0), others follow\n"
    "  --port N             of handshake, beacons and stream (7800)\n"
    "  --ttl N              of the stream (3)\n"
    "  --loop-suspend N     stop after N loops that nobody needed, 0: never; auto (the\n"
    "                       default): at once\n"
    "  --repair P|fixed|auto  repair symbols in per cent; fixed: 2; auto (the default): as\n"
    "                       the receivers' losses ask\n"
    "  --offload on|off|auto  let kernel or card cut the packets\n"
    "  --mdns on|off        be found by name (on)\n"
    "  --check              print what would be done, as JSON, and do nothing\n"
    "  --json               a summary as JSON on stdout at the end\n"
    "\n"
    "Ends on SIGINT or SIGTERM: 0 when every machine passed, 3 when some did not.\n";

struct arguments {
    struct config config;
    bool json, check;
};

static int usage(const char *said)
{
    fprintf(stderr, "ringcast serve: %s; 'ringcast serve --help' says more\n", said);
    return EXIT_USAGE;
}

const struct option cmd_serve_options[] = {{"config", 1, 0, 'c'},       {"interface", 1, 0, 'k'},
                                           {"address", 1, 0, 'k'},      {"rate", 1, 0, 'k'},
                                           {"floor", 1, 0, 'k'},        {"ceiling", 1, 0, 'k'},
                                           {"client-rate", 1, 0, 'k'},  {"group", 1, 0, 'k'},
                                           {"port", 1, 0, 'k'},         {"ttl", 1, 0, 'k'},
                                           {"loop-suspend", 1, 0, 'k'}, {"repair", 1, 0, 'k'},
                                           {"offload", 1, 0, 'k'},      {"mdns", 1, 0, 'k'},
                                           {"check", 0, 0, 'n'},        {"json", 0, 0, 'j'},
                                           {"help", 0, 0, 'h'},         {0, 0, 0, 0}};

/* The configuration file counts before all options, wherever it stands. */
static int load_config(struct arguments *a, int argc, char **argv, struct err *err)
{
    int c, rc = 0;

    config_defaults(&a->config);
    optind = 1;
    opterr = 0;
    while (rc == 0 && (c = getopt_long(argc, argv, "h", cmd_serve_options, NULL)) != -1)
        if (c == 'c')
            rc = config_load(&a->config, optarg, err);
    return rc;
}

static int parse(struct arguments *a, int argc, char **argv)
{
    struct err err = {0};
    int c, index, rc = load_config(a, argc, argv, &err);

    optind = 1;
    while (rc == 0 && (c = getopt_long(argc, argv, "h", cmd_serve_options, &index)) != -1) {
        if (c == 'h') {
            fputs(help, stdout);
            exit(EXIT_DONE);
        }
        if (c == '?')
            return usage("an option is unknown or lacks its value");
        a->json |= c == 'j';
        a->check |= c == 'n';
        if (c == 'k')
            rc = config_set(&a->config, cmd_serve_options[index].name, optarg, &err);
    }
    if (optind < argc)
        a->config.n_images = 0; /* those of the command line take the place of the file's */
    for (; rc == 0 && optind < argc; optind++)
        rc = config_set(&a->config, "image", argv[optind], &err);
    if (rc == 0)
        rc = config_check(&a->config, &err);
    return rc ? usage(err.text) : 0;
}

static void print_choice(struct json *j, const char *key, uint64_t value, uint64_t is_auto)
{
    if (value == is_auto)
        json_str(j, key, "auto");
    else
        json_u64(j, key, value);
}

static void print_config(const struct config *c)
{
    static const char *const choice[] = {"auto", "on", "off"};
    static char buf[8192];
    struct json j = json_on(buf, sizeof buf);
    char group[IP_TEXT];

    json_open(&j, NULL, '{');
    json_str(&j, "interface", c->interface);
    json_str(&j, "address", c->address[0] ? c->address : "dhcp");
    print_choice(&j, "rate", c->rate_auto ? 0 : c->rate, 0);
    print_choice(&j, "floor", c->floor, 0);
    print_choice(&j, "ceiling", c->ceiling, 0);
    json_u64(&j, "client-rate", c->client_rate);
    json_str(&j, "group", ip_address_text(group, c->group));
    json_u64(&j, "port", c->port);
    json_u64(&j, "ttl", c->ttl);
    print_choice(&j, "loop-suspend", c->loop_suspend, CONFIG_SUSPEND_AUTO);
    if (c->repair_ppm == CONFIG_REPAIR_FIXED)
        json_str(&j, "repair", "fixed");
    else
        print_choice(&j, "repair_ppm", c->repair_ppm, CONFIG_REPAIR_AUTO);
    json_str(&j, "offload", choice[c->offload]);
    json_bool(&j, "mdns", c->mdns);
    json_open(&j, "images", '[');
    for (unsigned i = 0; i < c->n_images; i++)
        json_str(&j, NULL, c->image[i]);
    json_close(&j);
    json_close(&j);
    report_json(&j);
}

int cmd_serve(int argc, char **argv)
{
    static struct arguments a;
    static struct serve s;
    struct session_tally t;
    struct err err = {0};
    int rc = parse(&a, argc, argv), code;

    if (rc)
        return rc;
    if (a.check) {
        print_config(&a.config);
        return EXIT_DONE;
    }
    fec_init(NULL);
    rc = serve_open(&s, &a.config, &err);
    if (rc == 0) {
        serve_log_opening(&s);
        rc = serve_run(&s, interrupt_watch(), &err);
        serve_log_summary(&s);
    }
    t = serve_tally(&s);
    code = rc                                 ? report_failure("serve", &err, false)
           : t.failed + t.lost + t.unfinished ? EXIT_SOME
                                              : EXIT_DONE;
    if (a.json)
        serve_print_json(&s);
    serve_close(&s);
    return code;
}
