/* ringcast expected: the list of machines that a box expects. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "board/cli/client.h"
#include "board/cli/commands.h"

#define LIST_MAX (1u << 20) /* what a box takes is less: it says so itself */

static const char help[] =
    "usage: ringcast expected [show] [OPTION...]\n"
    "       ringcast expected put FILE [OPTION...]\n"
    "\n"
    "Prints the list of machines that the box expects, as CSV: MAC,name,asset,position,image,host "
    "name. Or puts\n"
    "that of FILE ('-': standard input) in its place; one with a line that makes no sense changes "
    "nothing.\n"
    "\n" CLIENT_HELP "\n"
    "Exit codes: 0; 1 no answer, or the box refused; 5 not the box that was pinned.\n";

const struct option cmd_expected_options[] = {CLIENT_OPTIONS, {0}};

static int show(struct client *c)
{
    struct api_answer a;
    int rc = client_ask(c, "GET", "/api/v1/expected", NULL, &a);

    if (rc)
        return rc;
    if (c->json) {
        err_set(&c->err, CLI_EANSWER, "expected no --json: the list is CSV");
        rc = client_failed(c);
    } else if (fwrite(a.body, 1, a.n, stdout) != a.n || fflush(stdout)) {
        err_set(&c->err, CLI_EFILE, "cannot write the list: %s", strerror(errno));
        rc = client_failed(c);
    }
    api_free(&a);
    return rc;
}

/* The whole file into `to` of LIST_MAX bytes; its length, or -1. */
static long read_list(struct client *c, const char *path, char *to)
{
    int fd = strcmp(path, "-") == 0 ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    size_t n = 0;
    ssize_t one = 1;

    while (fd >= 0 && one > 0 && n < LIST_MAX) {
        one = read(fd, to + n, LIST_MAX - n);
        n += one > 0 ? (size_t)one : 0;
    }
    if (fd < 0 || one < 0)
        err_set(&c->err, CLI_EFILE, "cannot read %s: %s", path, strerror(errno));
    else if (n == LIST_MAX)
        err_set(&c->err, CLI_EFILE, "%s: expected a list of less than 1 MB", path);
    else if (n == 0)
        err_set(&c->err, CLI_EFILE, "%s: expected a list, got nothing", path);
    if (fd > STDIN_FILENO)
        close(fd);
    return c->err.code ? -1 : (long)n;
}

static int put(struct client *c, const char *path)
{
    struct api_request r = {.method = "PUT",
                            .path = "/api/v1/expected",
                            .type = "text/csv",
                            .timeout_ms = c->timeout_ms};
    char *list = malloc(LIST_MAX);
    long n = list ? read_list(c, path, list) : err_set(&c->err, CLI_EMEMORY, "out of memory");
    struct api_answer a;
    int rc;

    r.body = list;
    r.n_body = n > 0 ? (size_t)n : 0;
    rc = n < 0 || api_get(&c->box, &r, &a, &c->err) ? client_failed(c)
                                                    : client_said(c, &a, "the list is taken");
    free(list);
    return rc;
}

int cmd_expected(int argc, char **argv)
{
    struct client c = {.command = "expected"};
    int rc = client_begin(&c, argc, argv, cmd_expected_options, help, NULL, NULL),
        words = argc - optind;
    char **word = argv + optind;

    if (rc)
        return rc - 1;
    if (words == 0 || (words == 1 && strcmp(word[0], "show") == 0))
        return show(&c);
    if (words == 2 && strcmp(word[0], "put") == 0)
        return put(&c, word[1]);
    return client_usage(&c, "expected show, or put FILE");
}
