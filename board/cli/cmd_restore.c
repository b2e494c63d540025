/* ringcast restore: an image from a file, an HTTP server or the ring onto a disk or into a file. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "board/cli/commands.h"
#include "board/core/restore.h"
#include "board/errors/command.h"
#include "imaging/image/sign.h"
#include "net/wire/json.h"
#include "net/wire/units.h"

/* the longest honest silence: a sender that waits for its other receivers' boot */
#define TIMEOUT_S 120

struct command_line {
    struct restore r;
    const char *keys[RESTORE_KEYS_MAX];
    unsigned n_keys;
    bool erase, noprompt, json;
};

static const char help[] =
    "usage: ringcast restore --source SOURCE --target DISK --erase [OPTION...]\n"
    "\n"
    "  --source SOURCE     IMAGE.ring, http(s)://HOST[:PORT]/PATH or "
    "ringcast://HOST[:PORT][/NAME]\n"
    "  --target DISK       a disk nobody uses, or a file\n"
    "  --create            make the file if there is none\n"
    "  --erase             needed: everything on the target is lost\n"
    "  --key FILE          a public key whose signature is trusted; may be repeated\n"
    "  --trust FILE        https: authorities (PEM) believed beside the public ones\n"
    "  --fingerprint HEX   https: of the server's certificate, whatever its name, date and "
    "authority\n"
    "  --any-signer        take the image whoever signed it, or nobody\n"
    "  --noverify          do not read back what was written\n"
    "  --noprompt          do not ask on the terminal before erasing\n"
    "  --timeout SECONDS   give up when nothing arrives for so long (120; 0: never)\n"
    "  --interface IF      network interface (needed when there are several)\n"
    "  --address CIDR      our address on it, or dhcp (the default)\n"
    "  --write-limit RATE  write no faster, e.g. 40MB\n"
    "  --memory SIZE       use no more (288 MB, and half of what is free beyond 1 GB)\n"
    "  --json              the result as JSON on stdout\n";

static int usage(const char *said)
{
    fprintf(stderr, "ringcast restore: %s; 'ringcast restore --help' says more\n", said);
    return EXIT_USAGE;
}

static int set_option(struct command_line *c, int option)
{
    struct restore *r = &c->r;
    char *end;

    switch (option) {
    case 's':
        r->from.where = optarg;
        return 0;
    case 't':
        snprintf(r->disk, sizeof r->disk, "%s", optarg);
        return 0;
    case 'e':
        c->erase = true;
        return 0;
    case 'c':
        r->create = true;
        return 0;
    case 'v':
        r->noverify = true;
        return 0;
    case 'p':
        c->noprompt = true;
        return 0;
    case 'j':
        c->json = true;
        return 0;
    case 'y':
        r->any_signer = true;
        return 0;
    case 'f':
        r->from.fingerprint = optarg;
        return 0;
    case 'u':
        r->from.trust = optarg;
        return 0;
    case 'i':
        r->from.interface = optarg;
        return 0;
    case 'a':
        r->from.address = optarg;
        return 0;
    case 'k':
        if (c->n_keys == RESTORE_KEYS_MAX)
            return usage("expected at most 8 --key");
        c->keys[c->n_keys++] = optarg;
        return 0;
    case 'o':
        r->from.timeout_s = (int)strtol(optarg, &end, 10);
        if (*end || end == optarg || r->from.timeout_s < 0 || r->from.timeout_s > 86400)
            return usage("expected --timeout in whole seconds, 0 to 86400");
        return 0;
    case 'w':
        if (units_rate(optarg, &r->write_limit) || r->write_limit == 0)
            return usage("expected a rate like 40MB or 300Mbit after --write-limit");
        return 0;
    case 'm':
        if (units_size(optarg, &r->memory) || r->memory == 0)
            return usage("expected a size like 288M after --memory");
        return 0;
    default:
        return usage("an option is unknown or lacks its value");
    }
}

const struct option cmd_restore_options[] = {{"source", 1, 0, 's'},      {"target", 1, 0, 't'},
                                             {"erase", 0, 0, 'e'},       {"create", 0, 0, 'c'},
                                             {"noverify", 0, 0, 'v'},    {"noprompt", 0, 0, 'p'},
                                             {"json", 0, 0, 'j'},        {"key", 1, 0, 'k'},
                                             {"any-signer", 0, 0, 'y'},  {"timeout", 1, 0, 'o'},
                                             {"interface", 1, 0, 'i'},   {"address", 1, 0, 'a'},
                                             {"write-limit", 1, 0, 'w'}, {"memory", 1, 0, 'm'},
                                             {"trust", 1, 0, 'u'},       {"fingerprint", 1, 0, 'f'},
                                             {"help", 0, 0, 'h'},        {0, 0, 0, 0}};

static int parse(struct command_line *l, int argc, char **argv)
{
    int c, rc;

    l->r.from.timeout_s = TIMEOUT_S;
    l->r.from.address = "dhcp";
    l->r.from.person = true;
    optind = 1;
    opterr = 0;
    while ((c = getopt_long(argc, argv, "h", cmd_restore_options, NULL)) != -1) {
        if (c == 'h') {
            fputs(help, stdout);
            exit(EXIT_DONE);
        }
        rc = set_option(l, c);
        if (rc)
            return rc;
    }
    if (optind < argc || !l->r.from.where || !l->r.disk[0])
        return usage("expected --source and --target and nothing else");
    if (!l->erase)
        return usage("expected --erase: everything on the target will be lost");
    return 0;
}

static int read_keys(struct command_line *c)
{
    int rc = 0;

    for (; c->r.n_keys < c->n_keys && !rc; c->r.n_keys++)
        rc = sign_pub_read(c->r.key[c->r.n_keys], c->keys[c->r.n_keys], &c->r.err);
    return rc;
}

/* Nothing finds the partitions of an image that lies inside a partition. */
static bool onto_partition(const struct restore *r, const struct img_head *head)
{
    return head->table != IMG_TABLE_NONE && disk_is_partition(r->disk);
}

static int ask(void *ctx, const struct img_head *head, const struct disk *disk, struct err *err)
{
    const struct command_line *c = ctx;
    char size[UNITS_TEXT], line[8] = "";

    if (onto_partition(&c->r, head))
        fprintf(stderr,
                "warning: %s is a partition, and the image is of a whole disk with its partition "
                "table\n",
                c->r.disk);
    if (c->noprompt || !isatty(STDIN_FILENO))
        return 0;
    fprintf(stderr, "Everything on %s (%s) will be lost; '%s' takes its place. Type yes to go on: ",
            c->r.disk, units_size_text(size, disk->bytes), head->name);
    if (fgets(line, sizeof line, stdin) && !strcmp(line, "yes\n"))
        return 0;
    return err_set(err, HOST_ECONSENT, "not erased: expected yes");
}

/* How long it took against the time in which as many packets had come as the image has symbols. */
static double ratio_to_bound(const struct receive_counts *c)
{
    double bound = (double)atomic_load(&c->bound_ns) - (double)atomic_load(&c->first_ns);
    double took = (double)atomic_load(&c->last_ns) - (double)atomic_load(&c->first_ns);

    return atomic_load(&c->bound_ns) && bound > 0 ? took / bound : 1;
}

static double loss_of(const struct receive_counts *c, uint32_t drops)
{
    uint64_t heard =
        atomic_load(&c->packets) + atomic_load(&c->body_packets) + atomic_load(&c->early);

    return session_loss_ppm(heard, atomic_load(&c->lost), drops) / 1e6;
}

static const char *table_fate(const struct restore *r)
{
    static const char *const fates[] = {"as it is", "moved", "left"};

    return fates[atomic_load(&r->counts.table)];
}

static void print_counts(struct json *j, const struct receive_counts *c, uint32_t drops)
{
    json_u64(j, "packets", atomic_load(&c->packets));
    json_u64(j, "packets_wanted", atomic_load(&c->wanted));
    json_u64(j, "packets_lost", atomic_load(&c->lost));
    json_fixed(j, "loss", loss_of(c, drops), 6);
    json_u64(j, "foreign", atomic_load(&c->foreign));
    json_u64(j, "forged", atomic_load(&c->forged));
    json_u64(j, "malformed", atomic_load(&c->malformed));
    json_u64(j, "stale", atomic_load(&c->stale));
    json_u64(j, "skipped", atomic_load(&c->skipped));
    json_u64(j, "blocks_left_out", atomic_load(&c->shed));
    json_u64(j, "blocks_decoded", atomic_load(&c->decoded));
    json_u64(j, "blocks_poisoned", atomic_load(&c->poisoned));
    json_u64(j, "parked_ram", atomic_load(&c->parked_ram));
    json_u64(j, "parked_disk", atomic_load(&c->parked_disk));
    json_u64(j, "kept_chunks", atomic_load(&c->kept));
    json_u64(j, "chunks_written", atomic_load(&c->written));
    json_u64(j, "chunks_proven", atomic_load(&c->proven));
    json_u64(j, "bytes_written", atomic_load(&c->write_bytes));
}

static void print_json(const struct restore *r)
{
    char buf[4096];
    struct json j = json_on(buf, sizeof buf);
    const struct receive_counts *c = &r->counts;

    json_open(&j, NULL, '{');
    json_str(&j, "result", !r->passed ? "fail" : r->noverify ? "written" : "pass");
    json_i64(&j, "error", r->err.code);
    json_str(&j, "cause", r->err.code ? r->err.text : NULL);
    json_str(&j, "source", r->from.where);
    json_str(&j, "target", r->disk);
    json_str(&j, "image", r->head.name);
    json_str(&j, "label", r->head.label);
    json_hex(&j, "root", r->head.root, sizeof r->head.root);
    json_fixed(&j, "seconds", r->seconds, 3);
    json_fixed(&j, "receive_seconds",
               (double)(atomic_load(&c->last_ns) - atomic_load(&c->first_ns)) / 1e9, 3);
    json_fixed(&j, "ratio_to_bound", ratio_to_bound(c), 4);
    json_bool(&j, "hash_verified", r->passed && !r->noverify);
    json_bool(&j, "onto_partition", onto_partition(r, &r->head));
    json_str(&j, "table_copy", table_fate(r));
    json_u64(&j, "data_chunks", r->head.data_chunks);
    print_counts(&j, c, r->drops);
    json_u64(&j, "ring_drops", r->drops);
    json_close(&j);
    puts(json_text(&j) ? json_text(&j) : "{}");
}

static void say_result(const struct restore *r)
{
    char took[UNITS_TEXT];

    if (r->passed)
        fprintf(stderr, "%s: %s is on %s%s%s, %s\n", r->noverify ? "WRITTEN, not verified" : "PASS",
                r->head.name, r->disk, r->noverify ? "" : ", read back and verified",
                atomic_load(&r->counts.table) == TABLE_LEFT
                    ? "; the copy of its partition table is not at the disk's end"
                    : "",
                units_time_text(took, (int64_t)(r->seconds * 1e9)));
    else
        fprintf(stderr, "FAIL: %s\n", r->err.text);
}

int cmd_restore(int argc, char **argv)
{
    static struct command_line c;
    int rc = parse(&c, argc, argv);

    if (rc)
        return rc;
    c.r.consent = ask;
    c.r.ctx = &c;
    restore_catch_signals();
    if (!read_keys(&c))
        restore_run(&c.r);
    if (c.json)
        print_json(&c.r);
    say_result(&c.r);
    return restore_exit(&c.r);
}
