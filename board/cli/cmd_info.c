/* ringcast info: what an image says of itself. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "board/cli/commands.h"
#include "board/core/image_report.h"
#include "imaging/image/file.h"
#include "net/wire/units.h"

static const char help[] =
    "usage: ringcast info IMAGE.ring [--json]\n"
    "\n"
    "What the image says of itself. Head, signature and tables are checked, the chunks are\n"
    "not: that is 'ringcast verify'.\n";

/* What the tables add up to. */
struct sums {
    uint64_t stored, chunks[3];
};

static struct sums add_up(const struct img_body *b)
{
    struct sums s = {0};

    for (uint32_t i = 0; i < b->nruns; i++)
        s.chunks[b->runs[i].state] += b->runs[i].count;
    for (uint32_t i = 0; i < b->ndata; i++)
        s.stored += b->data[i].stored;
    return s;
}

static const char *fs_name(uint8_t fs)
{
    return fs == IMG_FS_EXT ? "ext" : "unknown";
}

static void parts_json(struct json *j, const struct img_body *b)
{
    json_open(j, "partitions", '[');
    for (uint32_t i = 0; i < b->nparts; i++) {
        const struct img_part *p = &b->parts[i];

        json_open(j, NULL, '{');
        json_u64(j, "first", p->first);
        json_u64(j, "bytes", p->bytes);
        json_hex(j, "type", p->type, sizeof p->type);
        json_str(j, "fs", fs_name(p->fs));
        json_str(j, "name", p->name);
        json_close(j);
    }
    json_close(j);
}

static void windows_json(struct json *j, const struct img_body *b)
{
    json_open(j, "windows", '[');
    for (uint32_t i = 0; i < b->nwindows; i++) {
        const struct img_window *w = &b->windows[i];

        json_open(j, NULL, '{');
        json_u64(j, "blocks", w->d);
        json_u64(j, "symbols", w->k);
        json_u64(j, "repair", w->r);
        json_u64(j, "first_chunk", w->first);
        json_u64(j, "chunks", w->chunks);
        json_u64(j, "offset", w->offset);
        json_close(j);
    }
    json_close(j);
}

static int print_json(const struct img_file *f, struct err *e)
{
    /* A name of 255 bytes grows sixfold at most when it is escaped. */
    size_t room = 4096 + (size_t)f->body.nparts * 2048 + (size_t)f->body.nwindows * 256;
    struct sums s = add_up(&f->body);
    char *buf = malloc(room);
    struct json j;

    if (!buf)
        return err_set(e, IMG_EMEMORY, "no memory for %zu bytes of JSON", room);
    j = json_on(buf, room);
    json_open(&j, NULL, '{');
    json_bool(&j, "ok", true);
    report_head_json(&j, &f->head);
    json_u64(&j, "zero_chunks", s.chunks[IMG_ZERO]);
    json_u64(&j, "free_chunks", s.chunks[IMG_FREE]);
    json_u64(&j, "stored_bytes", s.stored);
    json_u64(&j, "file_bytes", f->bytes);
    parts_json(&j, &f->body);
    windows_json(&j, &f->body);
    json_close(&j);
    report_json(&j);
    free(buf);
    return 0;
}

static void print_line(const char *what, const char *text)
{
    printf("%-14s%s\n", what, text);
}

static void print_size(const char *what, uint64_t bytes)
{
    char text[UNITS_TEXT];

    printf("%-14s%s (%llu bytes)\n", what, units_size_text(text, bytes), (unsigned long long)bytes);
}

static void print_parts(const struct img_file *f)
{
    static const char *const tables[] = {"none", "MBR", "GPT"};
    char size[UNITS_TEXT];

    printf("%-14s%s, %u partitions, sectors of %u bytes%s\n", "table", tables[f->head.table],
           f->body.nparts, 1u << f->head.sector_log2,
           img_head_sector(&f->head) ? "" : " (assumed)");
    for (uint32_t i = 0; i < f->body.nparts; i++) {
        const struct img_part *p = &f->body.parts[i];

        printf("  %-2u at %-14llu %-10s %-8s %s\n", i + 1, (unsigned long long)p->first,
               units_size_text(size, p->bytes), fs_name(p->fs), p->name);
    }
}

static void print_text(const struct img_file *f)
{
    struct sums s = add_up(&f->body);
    char id[65], made[32];

    report_hash(id, f->id);
    report_time(made, f->head.created);
    print_line("name", f->head.name);
    if (f->head.label[0])
        print_line("label", f->head.label);
    print_line("id", id);
    print_line("created", made);
    print_line("signed", img_head_signed(&f->head) ? "yes, and the signature fits" : "no");
    print_size("disk", f->head.raw_bytes);
    print_size("target", f->head.min_target_bytes);
    print_size("data", f->head.data_bytes);
    print_size("stored", s.stored);
    print_size("file", f->bytes);
    printf("%-14s%u data, %llu zero, %llu free, of 128 KiB\n", "chunks", f->head.data_chunks,
           (unsigned long long)s.chunks[IMG_ZERO], (unsigned long long)s.chunks[IMG_FREE]);
    printf("%-14s%u windows, %u source blocks\n", "stream", f->head.windows, f->head.blocks);
    print_parts(f);
}

static int run(const char *path, bool json)
{
    struct img_file f;
    struct err e = {0};

    int rc = img_file_open(&f, path, &e);

    if (rc)
        return report_failure("info", &e, json);
    if (json)
        rc = print_json(&f, &e);
    else
        print_text(&f);
    img_file_close(&f);
    return rc ? report_failure("info", &e, false) : EXIT_DONE;
}

const struct option cmd_info_options[] = {{"json", 0, 0, 'j'}, {"help", 0, 0, 'h'}, {0}};

int cmd_info(int argc, char **argv)
{
    bool json = false, wrong = false;
    int c;

    opterr = 0;
    while ((c = getopt_long(argc, argv, "h", cmd_info_options, NULL)) != -1) {
        if (c == 'h') {
            fputs(help, stdout);
            return EXIT_DONE;
        }
        json |= c == 'j';
        wrong |= c != 'j';
    }
    if (wrong || optind != argc - 1) {
        fputs("ringcast info: expected one IMAGE.ring; 'ringcast info --help' says more\n", stderr);
        return EXIT_USAGE;
    }
    return run(argv[optind], json);
}
