/* ringcast pack: a disk, partition or image file into a .ring image. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <mbedtls/platform_util.h>

#include "board/cli/commands.h"
#include "board/core/image_report.h"
#include "board/core/interrupt.h"
#include "board/core/progress.h"
#include "imaging/pack/pack.h"
#include "imaging/pack/squeeze.h"
#include "net/os/clock.h"
#include "net/wire/units.h"
#include "net/wire/utf8.h"

#define LEVEL 9 /* of LZ4 HC: above it the time doubles for a percent of size */

struct packing {
    struct pack_options opt;
    struct progress progress;
    const char *key_path;
    bool is_unsigned, json;
};

static const char help[] =
    "usage: ringcast pack SOURCE -o IMAGE.ring (--key NAME.key | --unsigned) [OPTION...]\n"
    "\n"
    "SOURCE is a disk, a partition or an image of one; .gz, .xz and .zst are unpacked on\n"
    "the way, - is standard input. It is only read. Holes, zeros and, on ext2/3/4, free\n"
    "blocks cost nothing (free blocks of compressed and piped sources are packed too).\n"
    "While it works it needs up to 4 GB of room beside the image.\n"
    "\n"
    "  -o, --output FILE   the image; appears when it is whole\n"
    "  --key NAME.key      sign with this key ('ringcast key' makes one)\n"
    "  --unsigned          do not sign\n"
    "  --name TEXT         how the image is called (default: after the source)\n"
    "  --label TEXT        your version of it, up to 32 bytes\n"
    "  --level N           LZ4 effort, 1 to 12 (9)\n"
    "  --threads N         for compression (one a CPU)\n"
    "  --force             replace an existing output\n"
    "  --json              the result as JSON on stdout\n";

static int usage(const char *said)
{
    fprintf(stderr, "ringcast pack: %s; 'ringcast pack --help' says more\n", said);
    return EXIT_USAGE;
}

static void show_progress(void *ctx, const struct pack_progress *now)
{
    struct packing *p = ctx;
    char note[48] = "";

    if (p->progress.total != now->total)
        progress_start(&p->progress, "packing", now->total, false);
    if (now->stored)
        snprintf(note, sizeof note, "compressed %.2f : 1", (double)now->raw / (double)now->stored);
    progress_at(&p->progress, now->done, note);
}

static void show_note(void *ctx, const char *text)
{
    struct packing *p = ctx;

    progress_end(&p->progress);
    fprintf(stderr, "ringcast pack: note: %s\n", text);
}

/* A number of `low` .. `high`, or 0. */
static unsigned long number(const char *text, unsigned long low, unsigned long high)
{
    char *end;
    unsigned long v = strtoul(text, &end, 10);

    return *text >= '0' && *text <= '9' && *end == 0 && v >= low && v <= high ? v : 0;
}

/* What is wrong with the option's value, or NULL. */
static const char *set_option(struct packing *p, int option)
{
    switch (option) {
    case 'o':
        p->opt.output = optarg;
        return NULL;
    case 'k':
        p->key_path = optarg;
        return NULL;
    case 'u':
        p->is_unsigned = true;
        return NULL;
    case 'n':
        p->opt.name = optarg;
        return strlen(optarg) >= 1 && strlen(optarg) <= IMG_NAME_MAX &&
                       utf8_is_plain(optarg, strlen(optarg))
                   ? NULL
                   : "a name is 1 to 64 bytes of plain UTF-8";
    case 'l':
        p->opt.label = optarg;
        return strlen(optarg) <= IMG_LABEL_MAX && utf8_is_plain(optarg, strlen(optarg))
                   ? NULL
                   : "a label is up to 32 bytes of plain UTF-8";
    case 'L':
        p->opt.level = (int)number(optarg, 1, 12);
        return p->opt.level ? NULL : "a level is 1 to 12";
    case 't':
        p->opt.threads = (unsigned)number(optarg, 1, SQUEEZE_THREADS_MAX);
        return p->opt.threads ? NULL : "threads are 1 to 64";
    case 'f':
        p->opt.force = true;
        return NULL;
    case 'j':
        p->json = true;
        return NULL;
    default:
        return "an option is unknown or lacks its value";
    }
}

const struct option cmd_pack_options[] = {{"output", 1, 0, 'o'},   {"key", 1, 0, 'k'},
                                          {"unsigned", 0, 0, 'u'}, {"name", 1, 0, 'n'},
                                          {"label", 1, 0, 'l'},    {"level", 1, 0, 'L'},
                                          {"threads", 1, 0, 't'},  {"force", 0, 0, 'f'},
                                          {"json", 0, 0, 'j'},     {0}};

static const char *parse(struct packing *p, int argc, char **argv)
{
    const char *wrong = NULL;
    int c;

    opterr = 0;
    while (!wrong && (c = getopt_long(argc, argv, "o:", cmd_pack_options, NULL)) != -1)
        wrong = set_option(p, c);
    if (wrong)
        return wrong;
    if (optind != argc - 1)
        return "expected one SOURCE";
    p->opt.source = argv[optind];
    if (!p->opt.output || !p->opt.output[0])
        return "expected -o IMAGE.ring";
    if (!p->key_path == !p->is_unsigned)
        return "expected either --key NAME.key or --unsigned";
    return NULL;
}

/* SOURCE_DATE_EPOCH makes two packings of the same source the same bytes. */
static const char *set_defaults(struct packing *p)
{
    const char *epoch = getenv("SOURCE_DATE_EPOCH");
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    char *end;

    p->opt.level = LEVEL;
    p->opt.label = "";
    p->opt.threads = cpus < 1                     ? 1
                     : cpus > SQUEEZE_THREADS_MAX ? SQUEEZE_THREADS_MAX
                                                  : (unsigned)cpus;
    p->opt.created = (uint64_t)time(NULL);
    if (!epoch)
        return NULL;
    p->opt.created = strtoull(epoch, &end, 10);
    return *epoch >= '0' && *epoch <= '9' && *end == 0 ? NULL : "SOURCE_DATE_EPOCH is no number";
}

static void print_result(const struct packing *p, const struct pack_result *r, int64_t ns)
{
    static char buf[8192];
    char raw[UNITS_TEXT], data[UNITS_TEXT], file[UNITS_TEXT], took[UNITS_TEXT];
    struct json j = json_on(buf, sizeof buf);

    fprintf(stderr, "%s: %s of disk, %s of data, in %s of image; %s\n", p->opt.output,
            units_size_text(raw, r->head.raw_bytes), units_size_text(data, r->head.data_bytes),
            units_size_text(file, r->file_bytes), units_time_text(took, ns));
    if (!p->json)
        return;
    json_open(&j, NULL, '{');
    json_bool(&j, "ok", true);
    json_str(&j, "file", p->opt.output);
    json_u64(&j, "file_bytes", r->file_bytes);
    json_u64(&j, "stored_bytes", r->stored_bytes);
    json_u64(&j, "zero_bytes", r->zero_bytes);
    json_u64(&j, "free_bytes", r->free_bytes);
    json_fixed(&j, "seconds", (double)ns / 1e9, 3);
    report_head_json(&j, &r->head);
    json_close(&j);
    report_json(&j);
}

static int run(struct packing *p)
{
    struct pack_result result;
    struct sign_key key;
    struct err e = {0};
    struct mono start = clock_now();
    int rc = p->key_path ? sign_key_read(&key, p->key_path, &e) : 0;

    if (p->key_path)
        p->opt.key = &key;
    p->opt.stop = interrupt_watch();
    p->opt.progress = show_progress;
    p->opt.note = show_note;
    p->opt.ctx = p;
    progress_start(&p->progress, "packing", 0, false);
    if (rc == 0)
        rc = img_pack(&p->opt, &result, &e);
    mbedtls_platform_zeroize(&key, sizeof key);
    progress_end(&p->progress);
    if (rc)
        return report_failure("pack", &e, p->json);
    print_result(p, &result, mono_sub(clock_now(), start));
    return EXIT_DONE;
}

int cmd_pack(int argc, char **argv)
{
    static struct packing p;
    const char *wrong = set_defaults(&p);

    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            fputs(help, stdout);
            return EXIT_DONE;
        }
    if (!wrong)
        wrong = parse(&p, argc, argv);
    return wrong ? usage(wrong) : run(&p);
}
