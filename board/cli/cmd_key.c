/* ringcast key: makes a key pair to sign images with. */
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include <mbedtls/platform_util.h>

#include "board/cli/commands.h"
#include "board/core/image_report.h"
#include "imaging/image/sign.h"

static const char help[] =
    "usage: ringcast key -o|--output NAME\n"
    "\n"
    "Makes an ECDSA P-256 key pair: NAME.key signs images and stays with you (mode 0600),\n"
    "NAME.pub lets receivers and 'ringcast verify --key' tell your images from others.\n"
    "Both are PEM files that openssl reads. Existing files are never replaced.\n";

static int make(const char *name)
{
    char key_path[PATH_MAX], pub_path[PATH_MAX];
    struct sign_key key;
    struct err e = {0};
    int rc;

    if (snprintf(key_path, sizeof key_path, "%s.key", name) >= (int)sizeof key_path ||
        snprintf(pub_path, sizeof pub_path, "%s.pub", name) >= (int)sizeof pub_path) {
        fputs("ringcast key: the name is too long\n", stderr);
        return EXIT_USAGE;
    }
    rc = sign_key_make(&key, &e);
    if (rc == 0)
        rc = sign_key_write(&key, key_path, pub_path, &e);
    mbedtls_platform_zeroize(&key, sizeof key);
    if (rc)
        return report_failure("key", &e, false);
    fprintf(stderr, "%s signs (keep it secret), %s verifies\n", key_path, pub_path);
    return EXIT_DONE;
}

const struct option cmd_key_options[] = {{"output", 1, 0, 'o'}, {"help", 0, 0, 'h'}, {0}};

int cmd_key(int argc, char **argv)
{
    const char *name = NULL;
    int c;

    opterr = 0;
    while ((c = getopt_long(argc, argv, "o:h", cmd_key_options, NULL)) != -1) {
        if (c == 'h') {
            fputs(help, stdout);
            return EXIT_DONE;
        }
        if (c != 'o') {
            name = NULL;
            break;
        }
        name = optarg;
    }
    if (!name || !name[0] || optind != argc) {
        fputs("ringcast key: expected -o NAME; 'ringcast key --help' says more\n", stderr);
        return EXIT_USAGE;
    }
    return make(name);
}
