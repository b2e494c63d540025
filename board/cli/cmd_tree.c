/* ringcast tree: the trees of a box, which other systems boot from. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "board/cli/client.h"
#include "board/cli/commands.h"
#include "board/cli/tree_upload.h"
#include "net/wire/units.h"

static const char help[] =
    "usage: ringcast tree [list] [OPTION...]\n"
    "       ringcast tree upload DIR NAME [--replace] [OPTION...]\n"
    "       ringcast tree delete NAME --yes [--partial] [OPTION...]\n"
    "\n"
    "Folders with other systems' boot loaders on the data partition of a box: lists them; sends a "
    "folder, file\n"
    "by file, and publishes it when the box has all of it; deletes one. An entry of ringcast.conf "
    "gives a tree\n"
    "out by folder = /data/trees/NAME.\n"
    "\n"
    "  --yes                yes, delete it: nobody is asked on the terminal\n"
    "  --replace            take the place of a tree of that name\n"
    "  --partial            delete what has come of an upload, and not the tree\n" CLIENT_HELP "\n"
    "Exit codes: 0; 1 no answer, or the box refused; 4 --yes is missing; 5 not the box that was "
    "pinned.\n";

const struct option cmd_tree_options[] = {
    {"yes", 0, 0, 'y'}, {"replace", 0, 0, 'r'}, {"partial", 0, 0, 'p'}, CLIENT_OPTIONS, {0}};

struct wanted {
    bool yes, replace, partial;
};

static bool own_option(void *ctx, int option, const char *value)
{
    struct wanted *w = ctx;

    (void)value;
    w->yes |= option == 'y';
    w->replace |= option == 'r';
    w->partial |= option == 'p';
    return true;
}

static void print_trees(const struct json_doc *d)
{
    char name[CLIENT_TEXT], state[CLIENT_TEXT], entry[CLIENT_TEXT], cause[CLIENT_TEXT],
        size[UNITS_TEXT];

    for (int i = json_next(d, JSON_ROOT, JSON_NONE); i != JSON_NONE;
         i = json_next(d, JSON_ROOT, i)) {
        bool offered = client_text(d, i, "entry", entry)[0],
             bad = client_text(d, i, "cause", cause)[0];

        printf("%-24s %-8s %10s in %" PRIu64 " files%s%s%s%s\n", client_text(d, i, "name", name),
               client_text(d, i, "state", state),
               units_size_text(size, client_number(d, i, "bytes")), client_number(d, i, "files"),
               offered ? ", entry " : "", entry, bad ? ": " : "", cause);
    }
}

static int list(struct client *c)
{
    struct client_doc d;
    struct api_answer a;
    int rc = client_ask(c, "GET", "/api/v1/trees", NULL, &a);

    if (rc)
        return rc;
    rc = client_read(c, &a, &d);
    if (rc == 0) {
        if (c->json)
            puts(a.body);
        else
            print_trees(d.json);
        client_doc_free(&d);
    }
    api_free(&a);
    return rc;
}

static int delete_tree(struct client *c, const struct wanted *w, const char *name)
{
    char path[512], body[512];
    struct json j = json_on(body, sizeof body);

    if (!c->yes) {
        err_set(&c->err, CLI_ECONSENT, "expected --yes: a tree that is deleted is gone");
        return client_failed(c);
    }
    json_open(&j, NULL, '{');
    json_str(&j, "name", name);
    json_bool(&j, "partial", w->partial);
    json_close(&j);
    if (!client_path(path, sizeof path, "/api/v1/trees/", name, "") || !json_text(&j))
        return client_usage(c, "the name is too long");
    return client_order(c, "DELETE", path, body, "deleted");
}

int cmd_tree(int argc, char **argv)
{
    struct client c = {.command = "tree"};
    struct wanted w = {0};
    int rc = client_begin(&c, argc, argv, cmd_tree_options, help, own_option, &w),
        words = argc - optind;

    if (rc)
        return rc - 1;
    c.yes = w.yes;
    if (words == 0 || (words == 1 && strcmp(argv[optind], "list") == 0))
        return list(&c);
    if (words == 2 && strcmp(argv[optind], "delete") == 0)
        return delete_tree(&c, &w, argv[optind + 1]);
    if (words == 3 && strcmp(argv[optind], "upload") == 0)
        return tree_upload(&c, argv[optind + 1], argv[optind + 2], w.replace);
    return client_usage(&c, "expected list, upload DIR NAME or delete NAME");
}
