/* ringcast verify: is every bit of an image as it was packed, and by whom? */
#include <getopt.h>
#include <stdio.h>

#include "board/cli/commands.h"
#include "board/core/image_report.h"
#include "board/core/interrupt.h"
#include "board/core/progress.h"
#include "imaging/image/check.h"
#include "imaging/image/sign.h"
#include "net/os/clock.h"
#include "net/wire/units.h"

static const char help[] =
    "usage: ringcast verify IMAGE.ring [--key NAME.pub] [--json]\n"
    "\n"
    "Reads all of the image: head, signature and tables, every chunk (does it decompress, has\n"
    "it its hash), every stored repair symbol. With --key the image must be signed by that\n"
    "key, else the exit code is 5. A damaged image is exit code 1.\n";

struct verifying {
    const char *image, *key_path;
    bool json;
    struct progress progress;
};

static void show_progress(void *ctx, uint64_t done)
{
    struct verifying *v = ctx;

    progress_at(&v->progress, done, NULL);
}

static int check(struct verifying *v, struct img_file *f, struct err *e)
{
    uint8_t pub[IMG_PUBKEY_BYTES];
    int rc = v->key_path ? sign_pub_read(pub, v->key_path, e) : 0;

    if (rc == 0)
        rc = img_file_open(f, v->image, e);
    if (rc)
        return rc;
    if (v->key_path)
        rc = img_trust_check(&f->head, pub, e);
    if (rc == 0) {
        progress_start(&v->progress, "verifying", f->head.stream_bytes, false);
        rc = img_check(f, interrupt_watch(), show_progress, v, e);
        progress_end(&v->progress);
    }
    if (rc)
        img_file_close(f);
    return rc;
}

static void print_result(const struct verifying *v, const struct img_file *f, int64_t ns)
{
    static char buf[8192];
    char size[UNITS_TEXT], took[UNITS_TEXT];
    struct json j = json_on(buf, sizeof buf);
    bool is_signed = img_head_signed(&f->head);

    fprintf(stderr, "%s is whole: %u chunks, %s, %s; %s\n", v->image, f->head.data_chunks,
            units_size_text(size, f->bytes),
            v->key_path ? "signed by the trusted key"
            : is_signed ? "signed (by whom was not asked)"
                        : "not signed",
            units_time_text(took, ns));
    if (!v->json)
        return;
    json_open(&j, NULL, '{');
    json_bool(&j, "ok", true);
    json_str(&j, "file", v->image);
    json_bool(&j, "trusted", v->key_path != NULL);
    json_fixed(&j, "seconds", (double)ns / 1e9, 3);
    report_head_json(&j, &f->head);
    json_close(&j);
    report_json(&j);
}

static int run(struct verifying *v)
{
    struct mono start = clock_now();
    struct img_file f;
    struct err e = {0};

    if (check(v, &f, &e) != 0)
        return report_failure("verify", &e, v->json);
    print_result(v, &f, mono_sub(clock_now(), start));
    img_file_close(&f);
    return EXIT_DONE;
}

const struct option cmd_verify_options[] = {{"key", 1, 0, 'k'},
                                            {"json", 0, 0, 'j'},
                                            {"help", 0, 0, 'h'},
                                            {0}};

int cmd_verify(int argc, char **argv)
{
    static struct verifying v;
    bool wrong = false;
    int c;

    opterr = 0;
    while ((c = getopt_long(argc, argv, "h", cmd_verify_options, NULL)) != -1) {
        if (c == 'h') {
            fputs(help, stdout);
            return EXIT_DONE;
        }
        if (c == 'k')
            v.key_path = optarg;
        v.json |= c == 'j';
        wrong |= c == '?';
    }
    if (wrong || optind != argc - 1) {
        fputs("ringcast verify: expected one IMAGE.ring; 'ringcast verify --help' says more\n",
              stderr);
        return EXIT_USAGE;
    }
    v.image = argv[optind];
    return run(&v);
}
