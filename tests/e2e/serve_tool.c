/* What the box gives out, without the box: TFTP and HTTP on a stack of its own, for the scripts
 * beside this file.
 *
 *   serve_tool [--igmp SECONDS] IF ADDRESS/PREFIX FOLDER [NAME]...
 *
 * The folder is a tree; each NAME in it is loaded into memory first and goes before the tree.
 * "hello" is a text made for who asks. With --igmp it is an IGMP querier too, and asks every so
 * many seconds, for answers within one. Serves until SIGTERM. What happens is told on stderr; the
 * counters are one JSON object on stdout at the end. */
#include <inttypes.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/content/tree.h"
#include "net/http/server/bind.h"
#include "net/igmp/bind.h"
#include "net/ip/stack.h"
#include "net/os/clock.h"
#include "net/tftp/bind.h"

#define LOADED_MAX 8
#define LEAST(a, b) ((a) < (b) ? (a) : (b))

static atomic_int ended;

static void on_end(int signal)
{
    (void)signal;
    ended = 1;
}

static void tell_tftp(void *ctx, const struct tftp_event *e)
{
    static const char *const words[] = {"begun", "done",    "probed",    "broken",
                                        "left",  "refused", "unreadable"};
    char text[IP_TEXT];

    (void)ctx;
    fprintf(stderr, "tftp %s %s %s%s%s\n", ip_address_text(text, e->client.address), e->name,
            words[e->what], *e->text ? ": " : "", e->text);
}

static void tell_http(void *ctx, const struct http_event *e)
{
    char text[IP_TEXT];

    (void)ctx;
    fprintf(stderr, "http %s %s %u %" PRIu64 "%s\n", ip_address_text(text, e->address), e->name,
            e->status, e->bytes, e->cut ? ", cut" : "");
}

static int hello(void *ctx, const uint8_t *mac, uint8_t *out, size_t cap)
{
    (void)ctx;
    return mac ? snprintf((char *)out, cap, "hello %02x-%02x\n", mac[4], mac[5])
               : snprintf((char *)out, cap, "who?\n");
}

static void must(int rc, const struct err *err)
{
    if (rc == 0)
        return;
    fprintf(stderr, "serve_tool: %s (%d)\n", err->text, err->code);
    exit(1);
}

static struct content_texts texts;
static struct content_entry entries[LOADED_MAX + 1] = {
    {.name = "hello", .make = hello, .content = {.type = "text/plain"}}};
static struct content_table table = {.entries = entries, .n = 1, .texts = &texts};
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
        entries[i + 1].name = names[i];
        must(content_load(&entries[i + 1].content, path, 64 << 20, content_type(names[i]), &err),
             &err);
        table.n++;
    }
    mounts[0] = (struct content_mount){"", content_table_source(&table)};
    mounts[1] = (struct content_mount){"", content_tree_source(tree)};
    return content_mounts_source(&all);
}

static void report(const struct tftp_counts *t, const struct http_counts *h,
                   const struct igmp_querier *q)
{
    printf("{\"tftp\": {\"begun\": %" PRIu64 ", \"done\": %" PRIu64 ", \"probed\": %" PRIu64
           ", \"broken\": %" PRIu64 ", \"left\": %" PRIu64 ", \"refused\": %" PRIu64
           ", \"blocks\": %" PRIu64 ", \"repeated\": %" PRIu64 "},\n",
           t->begun, t->done, t->probed, t->broken, t->left, t->refused, t->blocks, t->repeated);
    printf(" \"http\": {\"connections\": %" PRIu64 ", \"answers\": %" PRIu64
           ", \"refused\": %" PRIu64 ", \"cut\": %" PRIu64 ", \"cleared\": %" PRIu64
           ", \"late\": %" PRIu64 ", \"bytes\": %" PRIu64 "},\n",
           h->connections, h->answers, h->refused, h->cut, h->cleared, h->late, h->bytes);
    printf(" \"igmp\": {\"asking\": %d, \"queries\": %" PRIu64 ", \"foreign\": %" PRIu64
           ", \"reports\": %" PRIu64 ", \"leaves\": %" PRIu64 ", \"elected\": %" PRIu64 "}}\n",
           q->asking, q->counts.queries, q->counts.foreign, q->counts.reports, q->counts.leaves,
           q->counts.elected);
}

static struct ip_stack *stack;
static struct tftp_bind *tftp;
static struct http_bind *http;
static struct igmp_bind *igmp; /* NULL: not asked for */

static int pause_ms(void)
{
    int ms = LEAST(tftp_bind_pause(tftp), http_bind_pause(http));

    return igmp ? LEAST(ms, igmp_bind_pause(igmp, clock_now())) : ms;
}

static void serve(void)
{
    fprintf(stderr, "ready\n");
    while (!ended) {
        ip_stack_wait(stack, pause_ms(), -1);
        tftp_bind_tick(tftp, ip_stack_now(stack));
        http_bind_tick(http, ip_stack_now(stack));
        if (igmp)
            igmp_bind_tick(igmp, ip_stack_now(stack));
    }
}

int main(int argc, char **argv)
{
    static const struct igmp_querier nobody;
    struct igmp_timing timing = {.response_ds = 10};
    struct ip_config config = {.prefix = 24};
    struct tftp_bind_config tftp_config = {.tell = tell_tftp};
    struct http_bind_config http_config = {.tell = tell_http};
    struct err err = {0};

    if (argc > 2 && strcmp(argv[1], "--igmp") == 0) {
        timing.query_s = (unsigned)atoi(argv[2]);
        argv += 2;
        argc -= 2;
    }
    if (argc < 4)
        return fprintf(stderr,
                       "usage: serve_tool [--igmp SECONDS] IF ADDRESS/PREFIX FOLDER [NAME]...\n"),
               2;
    signal(SIGTERM, on_end);
    must(ip_config_parse(&config, argv[2], &err), &err);
    tftp_config.source = http_config.source = open_content(argv[3], argv + 4, argc - 4);
    must(ip_stack_open(&stack, argv[1], &config, &err), &err);
    must(tftp_bind_open(&tftp, stack, &tftp_config, &err), &err);
    must(http_bind_open(&http, stack, &http_config, HTTP_PORT, &err), &err);
    if (timing.query_s)
        must(igmp_bind_open(&igmp, stack, &timing, &err), &err);
    serve();
    report(tftp_bind_counts(tftp), http_bind_counts(http),
           igmp ? igmp_bind_querier(igmp) : &nobody);
    tftp_bind_close(tftp);
    http_bind_close(http);
    igmp_bind_close(igmp);
    ip_stack_close(stack);
    return 0;
}
