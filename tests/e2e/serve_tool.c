/* What the box gives out, without the box: TFTP on a stack of its own, for the scripts beside this file.
 *
 *   serve_tool IF ADDRESS/PREFIX FOLDER [NAME]...
 *
 * The folder is a tree; each NAME in it is loaded into memory first and goes before the tree. Serves until SIGTERM. What happens
 * is told on stderr; the counters are one JSON object on stdout at the end. */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/content/tree.h"
#include "net/ip/stack.h"
#include "net/tftp/bind.h"

#define LOADED_MAX 8

static volatile sig_atomic_t ended;

static void on_end(int signal)
{
    (void)signal;
    ended = 1;
}

static void tell(void *ctx, const struct tftp_event *e)
{
    static const char *const words[] = {"begun", "done", "probed", "broken", "left", "refused", "unreadable"};
    char text[IP_TEXT];

    (void)ctx;
    fprintf(stderr, "tftp %s %s %s%s%s\n", ip_address_text(text, e->client.address), e->name, words[e->what],
            *e->text ? ": " : "", e->text);
}

static void must(int rc, const struct err *err)
{
    if (rc == 0)
        return;
    fprintf(stderr, "serve_tool: %s (%d)\n", err->text, err->code);
    exit(1);
}

static struct content_entry entries[LOADED_MAX];
static struct content_table table = {.entries = entries};
static struct content_mount mounts[2];
static struct content_mounts all = {mounts, 2};

static struct content_source open_content(const char *folder, char **names, int n)
{
    struct content_tree *tree;
    struct err err = {0};
    char path[512];

    must(content_tree_open(&tree, folder, &err), &err);
    for (int i = 0; i < n && i < LOADED_MAX; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        entries[i].name = names[i];
        must(content_load(&entries[i].content, path, 64 << 20, content_type(names[i]), &err), &err);
        table.n++;
    }
    mounts[0] = (struct content_mount){"", content_table_source(&table)};
    mounts[1] = (struct content_mount){"", content_tree_source(tree)};
    return content_mounts_source(&all);
}

static void report(const struct tftp_counts *t)
{
    printf("{\"tftp\": {\"begun\": %" PRIu64 ", \"done\": %" PRIu64 ", \"probed\": %" PRIu64 ", \"broken\": %" PRIu64
           ", \"left\": %" PRIu64 ", \"refused\": %" PRIu64 ", \"blocks\": %" PRIu64 ", \"repeated\": %" PRIu64 "}}\n",
           t->begun, t->done, t->probed, t->broken, t->left, t->refused, t->blocks, t->repeated);
}

int main(int argc, char **argv)
{
    struct ip_config config = {.prefix = 24};
    struct tftp_bind_config tftp_config = {.tell = tell};
    struct tftp_bind *tftp;
    struct ip_stack *stack;
    struct err err = {0};

    if (argc < 4)
        return fprintf(stderr, "usage: serve_tool IF ADDRESS/PREFIX FOLDER [NAME]...\n"), 2;
    signal(SIGTERM, on_end);
    must(ip_config_parse(&config, argv[2], &err), &err);
    tftp_config.source = open_content(argv[3], argv + 4, argc - 4);
    must(ip_stack_open(&stack, argv[1], &config, &err), &err);
    must(tftp_bind_open(&tftp, stack, &tftp_config, &err), &err);
    fprintf(stderr, "ready\n");
    while (!ended) {
        ip_stack_wait(stack, tftp_bind_pause(tftp), -1);
        tftp_bind_tick(tftp, ip_stack_now(stack));
    }
    report(tftp_bind_counts(tftp));
    tftp_bind_close(tftp);
    ip_stack_close(stack);
    return 0;
}
