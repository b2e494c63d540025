/* ringcast restore: an image from a file, an HTTP server or the ring onto a disk or into a file. */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "board/host/commands.h"
#include "board/host/errors.h"
#include "board/host/source.h"
#include "board/host/watch.h"
#include "imaging/fec/fec.h"
#include "imaging/image/sign.h"
#include "net/wire/json.h"
#include "net/wire/units.h"

#define KEYS_MAX 8
#define TIMEOUT_S 120 /* the longest honest silence: a sender that waits for its other receivers' boot */

struct restore {
    struct source_options from;
    const char *target;
    const char *keys[KEYS_MAX];
    unsigned n_keys;
    bool erase, noverify, noprompt, json, any_signer;
    uint64_t write_limit, memory;
    /* what became of it */
    struct err err;
    struct receive_counts counts; /* copied at the end */
    double seconds;
    uint32_t drops; /* packets the receive ring had no room for */
    bool passed;
};

static const char help[] =
    "usage: ringcast restore --source SOURCE --target DISK --erase [OPTION...]\n"
    "\n"
    "  --source SOURCE     IMAGE.ring, http://HOST[:PORT]/PATH or ringcast://HOST[:PORT][/NAME]\n"
    "  --target DISK       a disk nobody uses, or a file (made if absent)\n"
    "  --erase             needed: everything on the target is lost\n"
    "  --key FILE          a public key whose signature is trusted; may be repeated\n"
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

static int set_option(struct restore *r, int option)
{
    char *end;

    switch (option) {
    case 's': r->from.where = optarg; return 0;
    case 't': r->target = optarg; return 0;
    case 'e': r->erase = true; return 0;
    case 'v': r->noverify = true; return 0;
    case 'p': r->noprompt = true; return 0;
    case 'j': r->json = true; return 0;
    case 'y': r->any_signer = true; return 0;
    case 'i': r->from.interface = optarg; return 0;
    case 'a': r->from.address = optarg; return 0;
    case 'k':
        if (r->n_keys == KEYS_MAX)
            return usage("expected at most 8 --key");
        r->keys[r->n_keys++] = optarg;
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
    default: return usage("an option is unknown or lacks its value");
    }
}

static int parse(struct restore *r, int argc, char **argv)
{
    static const struct option options[] = {
        {"source", 1, 0, 's'},  {"target", 1, 0, 't'},    {"erase", 0, 0, 'e'},     {"noverify", 0, 0, 'v'},
        {"noprompt", 0, 0, 'p'}, {"json", 0, 0, 'j'},     {"key", 1, 0, 'k'},       {"any-signer", 0, 0, 'y'},
        {"timeout", 1, 0, 'o'}, {"interface", 1, 0, 'i'}, {"address", 1, 0, 'a'},   {"write-limit", 1, 0, 'w'},
        {"memory", 1, 0, 'm'},
        {"help", 0, 0, 'h'},    {0, 0, 0, 0}};
    int c, rc;

    r->from.timeout_s = TIMEOUT_S;
    r->from.address = "dhcp";
    optind = 1;
    opterr = 0;
    while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        if (c == 'h') {
            fputs(help, stdout);
            exit(EXIT_DONE);
        }
        rc = set_option(r, c);
        if (rc)
            return rc;
    }
    if (optind < argc || !r->from.where || !r->target)
        return usage("expected --source and --target and nothing else");
    if (!r->erase)
        return usage("expected --erase: everything on the target will be lost");
    return 0;
}

static void on_signal(int number)
{
    (void)number;
    atomic_store(&source_interrupted, 1);
}

/* One of the named keys must have signed. */
static int check_trust(const struct restore *r, const struct img_head *head, struct err *err)
{
    uint8_t pub[IMG_PUBKEY_BYTES];
    struct err one = {0};
    int rc = IMG_EUNTRUSTED;

    if (r->any_signer)
        return img_head_signed(head) ? img_signature_check(head, err) : 0;
    if (r->n_keys == 0)
        return err_set(err, HOST_ENOKEY, "expected --key FILE with a trusted public key (or --any-signer)");
    for (unsigned i = 0; i < r->n_keys && rc; i++) {
        memset(&one, 0, sizeof one);
        rc = sign_pub_read(pub, r->keys[i], &one);
        if (rc)
            break;
        rc = img_trust_check(head, pub, &one);
    }
    return rc ? err_set(err, rc, "%s", one.text) : 0;
}

static int ask(const struct restore *r, const struct source *s, const struct disk *disk, struct err *err)
{
    char size[UNITS_TEXT], line[8] = "";

    if (r->noprompt || !isatty(STDIN_FILENO))
        return 0;
    fprintf(stderr, "Everything on %s (%s) will be lost; '%s' takes its place. Type yes to go on: ", r->target,
            units_size_text(size, disk->bytes), s->head.name);
    if (fgets(line, sizeof line, stdin) && !strcmp(line, "yes\n"))
        return 0;
    return err_set(err, HOST_ECONSENT, "not erased: expected yes");
}

/* A slip of the keyboard must not erase the image itself. */
static bool same_file(const char *a, const char *b)
{
    struct stat x, y;

    return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

static int open_target(const struct restore *r, const struct source *s, struct disk *disk, struct err *err)
{
    struct disk_want want = {s->head.min_target_bytes, s->head.raw_bytes,
                             s->head.table != IMG_TABLE_NONE ? 1u << s->head.sector_log2 : 0};
    int rc = s->ops == &source_file && same_file(r->from.where, r->target)
                 ? err_set(err, DISK_EBUSY, "%s is the source itself", r->target)
                 : disk_target_open(disk, r->target, &want, err);

    if (!rc && r->write_limit)
        rc = disk_limit(disk, r->write_limit, err);
    return rc;
}

static bool go_on(void *ctx, unsigned permille)
{
    (void)ctx;
    (void)permille;
    return !source_stopped();
}

/* Body and stream onto the open target. */
static int run_stages(struct restore *r, struct source *s, struct disk *disk, struct watch *watch,
                      struct receive_counts *early)
{
    struct receive_options opt = {.verify = !r->noverify, .patient = s->ops != &source_ring,
                                  .memory = (size_t)r->memory, .scanned = go_on};
    struct err fed = {0};
    struct receive *receive;
    int rc = s->ops->body(s, early, &r->err);

    if (!rc)
        rc = receive_open(&receive, &s->head, &s->body, disk, &opt, &r->err);
    if (rc)
        return rc;
    watch_receiving(watch, receive, &s->body);
    if (s->ops->feed(s, receive, &fed))
        receive_stop(receive, &fed);
    watch_state(watch, SESSION_VERIFYING);
    rc = receive_finish(receive, &r->err);
    watch_stop(watch, rc ? SESSION_FAIL : SESSION_PASS, rc);
    memcpy(&r->counts, receive_counts(receive), sizeof r->counts);
    receive_close(receive);
    return rc;
}

static int onto_target(struct restore *r, struct source *s, struct disk *disk)
{
    struct receive_counts early;
    struct watch watch;
    int rc;

    memset(&early, 0, sizeof early);
    rc = watch_start(&watch, s, &early, &r->err);
    if (rc)
        return rc;
    rc = run_stages(r, s, disk, &watch, &early);
    watch_stop(&watch, rc ? SESSION_FAIL : SESSION_PASS, rc);
    r->drops = watch.facts.drops;
    s->ops->close(s, &watch.facts);
    s->ops = NULL;
    return rc;
}

static int restore(struct restore *r, struct source *s)
{
    struct session_facts leaving = {.state = SESSION_LEAVING};
    struct disk disk = {0};
    int rc = s->ops->open(s, &r->from, &r->err);

    if (rc)
        return rc;
    rc = check_trust(r, &s->head, &r->err);
    if (!rc)
        rc = open_target(r, s, &disk, &r->err);
    if (!rc)
        rc = ask(r, s, &disk, &r->err);
    if (!rc)
        rc = onto_target(r, s, &disk);
    if (s->ops)
        s->ops->close(s, &leaving);
    disk_close(&disk);
    return rc;
}

/* How long it took against the time in which as many packets had come as the image has symbols. */
static double ratio_to_bound(const struct receive_counts *c)
{
    double bound = (double)atomic_load(&c->bound_ns) - (double)atomic_load(&c->first_ns);
    double took = (double)atomic_load(&c->last_ns) - (double)atomic_load(&c->first_ns);

    return atomic_load(&c->bound_ns) && bound > 0 ? took / bound : 1;
}

static double loss_of(const struct receive_counts *c)
{
    double lost = (double)atomic_load(&c->lost);
    double all = lost + (double)(atomic_load(&c->packets) + atomic_load(&c->body_packets) + atomic_load(&c->early));

    return all > 0 ? lost / all : 0;
}

static void print_counts(struct json *j, const struct receive_counts *c)
{
    json_u64(j, "packets", atomic_load(&c->packets));
    json_u64(j, "packets_wanted", atomic_load(&c->wanted));
    json_u64(j, "packets_lost", atomic_load(&c->lost));
    json_fixed(j, "loss", loss_of(c), 6);
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

static void print_json(const struct restore *r, const struct source *s)
{
    char buf[4096];
    struct json j = json_on(buf, sizeof buf);
    const struct receive_counts *c = &r->counts;

    json_open(&j, NULL, '{');
    json_str(&j, "result", r->passed ? "pass" : "fail");
    json_i64(&j, "error", r->err.code);
    json_str(&j, "cause", r->err.code ? r->err.text : NULL);
    json_str(&j, "source", r->from.where);
    json_str(&j, "target", r->target);
    json_str(&j, "image", s->head.name);
    json_str(&j, "label", s->head.label);
    json_hex(&j, "root", s->head.root, sizeof s->head.root);
    json_fixed(&j, "seconds", r->seconds, 3);
    json_fixed(&j, "receive_seconds", (double)(atomic_load(&c->last_ns) - atomic_load(&c->first_ns)) / 1e9, 3);
    json_fixed(&j, "ratio_to_bound", ratio_to_bound(c), 4);
    json_bool(&j, "hash_verified", r->passed && !r->noverify);
    json_u64(&j, "data_chunks", s->head.data_chunks);
    print_counts(&j, c);
    json_u64(&j, "ring_drops", r->drops);
    json_close(&j);
    puts(json_text(&j) ? json_text(&j) : "{}");
}

static int exit_code(const struct restore *r)
{
    if (r->passed)
        return EXIT_DONE;
    if (disk_refusal(r->err.code) || r->err.code == HOST_ECONSENT)
        return EXIT_REFUSED;
    if (r->err.code == IMG_EUNTRUSTED || r->err.code == IMG_ESIGNATURE || r->err.code == HOST_ENOKEY)
        return EXIT_UNTRUSTED;
    return EXIT_FAILED;
}

static void catch_signals(void)
{
    struct sigaction a = {.sa_handler = on_signal};

    sigaction(SIGINT, &a, NULL);
    sigaction(SIGTERM, &a, NULL);
    signal(SIGPIPE, SIG_IGN);
}

int cmd_restore(int argc, char **argv)
{
    static struct restore r;
    static struct source s;
    struct mono start;
    char took[UNITS_TEXT];
    int rc = parse(&r, argc, argv);

    if (rc)
        return rc;
    catch_signals();
    fec_init(NULL);
    start = host_now();
    s.ops = source_for(r.from.where);
    rc = restore(&r, &s);
    r.passed = rc == 0;
    r.seconds = (double)mono_sub(host_now(), start) / 1e9;
    if (r.json)
        print_json(&r, &s);
    if (r.passed)
        fprintf(stderr, "PASS: %s is on %s%s, %s\n", s.head.name, r.target,
                r.noverify ? ", not read back" : ", read back and verified",
                units_time_text(took, (int64_t)(r.seconds * 1e9)));
    else
        fprintf(stderr, "FAIL: %s\n", r.err.text);
    if (s.owns_body)
        img_body_free(&s.body);
    return exit_code(&r);
}
