/* ringcast report: the report of a box, fetched or judged. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "board/cli/client.h"
#include "board/cli/commands.h"
#include "board/cli/report_verify.h"

static const char help[] =
    "usage: ringcast report [get] [--format csv|json|html|pub] [--output FILE] [OPTION...]\n"
    "       ringcast report verify FILE --key NAME.pub [--json]\n"
    "\n"
    "Fetches the report of all attempts, a row each, signed by the box; or judges one that was "
    "fetched,\n"
    "without a box.\n"
    "\n"
    "  --format FORMAT      csv (the default), json or html; pub: the key that verifies them\n"
    "  -o, --output FILE    where it goes (standard output)\n"
    "  --key NAME.pub       the box's public key (identity.pub in its data folder, or --format "
    "pub)\n" CLIENT_HELP "\n"
    "Exit codes: 0; 1 no answer, the box refused, or the report is damaged; 5 not the box that was "
    "pinned,\n"
    "or not the key that signed.\n";

const struct option cmd_report_options[] = {
    {"format", 1, 0, 'f'}, {"output", 1, 0, 'o'}, {"key", 1, 0, 'k'}, CLIENT_OPTIONS, {0}};

struct wanted {
    const char *format, *output;
};

static bool own_option(void *ctx, int option, const char *value)
{
    struct wanted *w = ctx;

    if (option == 'o')
        w->output = value;
    if (option == 'f')
        w->format = value;
    return option == 'o' ||
           (option == 'f' && (strcmp(value, "csv") == 0 || strcmp(value, "json") == 0 ||
                              strcmp(value, "html") == 0 || strcmp(value, "pub") == 0));
}

static int write_out(struct client *c, const struct wanted *w, const struct api_answer *a)
{
    FILE *f = w->output ? fopen(w->output, "we") : stdout;
    bool done = f && fwrite(a->body, 1, a->n, f) == a->n;

    if (f)
        done = (f == stdout ? fflush(f) : fclose(f)) == 0 && done;
    if (done)
        return EXIT_DONE;
    err_set(&c->err, CLI_EFILE, "cannot write %s: %s", w->output ? w->output : "the report",
            strerror(errno));
    return client_failed(c);
}

static int get(int argc, char **argv)
{
    struct client c = {.command = "report"};
    struct wanted w = {.format = "csv"};
    struct api_answer a;
    char path[64];
    int rc = client_begin(&c, argc, argv, cmd_report_options, help, own_option, &w),
        words = argc - optind;

    if (rc)
        return rc - 1;
    if (words > 1 || (words == 1 && strcmp(argv[optind], "get") != 0))
        return client_usage(&c, "expected get, or verify FILE");
    snprintf(path, sizeof path, "/api/v1/report.%s", c.json ? "json" : w.format);
    rc = client_ask(&c, "GET", path, NULL, &a);
    if (rc)
        return rc;
    rc = write_out(&c, &w, &a);
    api_free(&a);
    return rc;
}

int cmd_report(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "verify") == 0)
            return report_verify(argc, argv);
    return get(argc, argv);
}
