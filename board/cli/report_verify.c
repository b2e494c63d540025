/* ringcast report verify: is a report as the box signed it? */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "board/cli/commands.h"
#include "board/cli/report_verify.h"
#include "board/core/image_report.h"
#include "board/core/seal.h"

#define FILE_MAX                                                                                   \
    (64u << 20) /* of the largest report there can be this is several times the size               \
                 */

static const char help[] =
    "usage: ringcast report verify FILE --key NAME.pub [--json]\n"
    "\n"
    "FILE is a report as it was downloaded from a box: CSV, JSON or HTML. Its last line holds the\n"
    "box's signature over every byte before. NAME.pub is the box's public key (identity.pub in\n"
    "the box's data folder).\n"
    "\n"
    "Exit codes: 0 the report is whole and that box's; 1 it is damaged, altered, cut short or\n"
    "no report; 5 it is signed by another key.\n";

struct verifying {
    const char *file, *key_path;
    bool json;
};

static int read_file(const char *path, uint8_t **bytes, size_t *n, struct err *err)
{
    FILE *f = fopen(path, "re");

    if (!f)
        return err_set(err, REPORT_EFILE, "%s cannot be opened: %s", path, strerror(errno));
    *bytes = malloc(FILE_MAX + 1);
    *n = *bytes ? fread(*bytes, 1, FILE_MAX + 1, f) : 0;
    if (!*bytes || ferror(f) || *n > FILE_MAX)
        err_set(err, REPORT_EFILE, "%s cannot be read whole, or is larger than a report can be",
                path);
    fclose(f);
    return err->code;
}

static int verify(const struct verifying *v)
{
    uint8_t pub[IMG_PUBKEY_BYTES], *bytes = NULL;
    enum report_format format = REPORT_CSV;
    struct err err = {0};
    size_t n = 0;
    int rc = sign_pub_read(pub, v->key_path, &err);

    if (rc == 0)
        rc = read_file(v->file, &bytes, &n, &err);
    if (rc == 0)
        rc = seal_check(bytes, n, pub, &format, &err);
    free(bytes);
    if (rc) {
        int code = report_failure("report verify", &err, v->json);

        return rc == REPORT_EUNTRUSTED ? EXIT_UNTRUSTED : code;
    }
    fprintf(stderr, "%s is whole, %s, signed by the trusted key\n", v->file,
            report_format_name(format));
    if (v->json)
        printf("{\"ok\":true,\"format\":\"%s\"}\n", report_format_name(format));
    return EXIT_DONE;
}

static int usage(const char *said)
{
    fprintf(stderr, "ringcast report: %s; 'ringcast report --help' says more\n", said);
    return EXIT_USAGE;
}

int report_verify(int argc, char **argv)
{
    static const struct option options[] = {{"key", 1, 0, 'k'},
                                            {"json", 0, 0, 'j'},
                                            {"help", 0, 0, 'h'},
                                            {0}};
    struct verifying v = {0};
    int c;

    opterr = 0;
    while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        if (c == 'h') {
            fputs(help, stdout);
            return EXIT_DONE;
        }
        if (c == '?')
            return usage("an option is unknown or lacks its value");
        v.key_path = c == 'k' ? optarg : v.key_path;
        v.json |= c == 'j';
    }
    if (argc - optind != 2 || strcmp(argv[optind], "verify") != 0 || !v.key_path)
        return usage("expected verify FILE --key NAME.pub");
    v.file = argv[optind + 1];
    return verify(&v);
}
