/* ringcast status, ringcast sessions: what a room does at this moment, as its box tells it. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "board/cli/client.h"
#include "board/cli/commands.h"
#include "net/wire/mono.h"
#include "net/wire/units.h"

static const char status_help[] =
    "usage: ringcast status [--machines] [OPTION...]\n"
    "\n"
    "What the box does, its sessions, and the machines that failed.\n"
    "\n"
    "  --machines           a line for every machine\n" CLIENT_HELP "\n"
    "Exit codes: 0; 1 no answer; 3 the box answers, and at least one machine has failed; 5 it is "
    "not the\n"
    "box that was pinned.\n";

static const char sessions_help[] =
    "usage: ringcast sessions [OPTION...]\n"
    "\n"
    "The sessions of the box: number, state, image, what each waits for or does.\n"
    "'ringcast orders' makes, starts and stops them.\n"
    "\n" CLIENT_HELP;

const struct option cmd_status_options[] = {{"machines", 0, 0, 'm'}, CLIENT_OPTIONS, {0}};
const struct option cmd_sessions_options[] = {CLIENT_OPTIONS, {0}};

static void print_box(const struct json_doc *d)
{
    char name[CLIENT_TEXT], version[CLIENT_TEXT], guard[CLIENT_TEXT], free[UNITS_TEXT],
        up[UNITS_TEXT];
    int box = json_get(d, JSON_ROOT, "box"), t = json_get(d, JSON_ROOT, "totals");

    printf("%s %s, up %s, %s free, %s\n", client_text(d, box, "name", name),
           client_text(d, box, "version", version),
           units_time_text(up, (int64_t)client_number(d, box, "uptime_s") * MONO_S),
           units_size_text(free, client_number(d, box, "data_free_bytes")),
           client_text(d, box, "guard", guard));
    printf("%" PRIu64 " machines: %" PRIu64 " waiting, %" PRIu64 " imaging, %" PRIu64
           " verifying, %" PRIu64 " passed, %" PRIu64 " failed, %" PRIu64 " lost",
           client_number(d, t, "machines"), client_number(d, t, "waiting"),
           client_number(d, t, "imaging"), client_number(d, t, "verifying"),
           client_number(d, t, "passed"), client_number(d, t, "failed"),
           client_number(d, t, "lost"));
    if (client_number(d, t, "expected"))
        printf("; %" PRIu64 " expected, %" PRIu64 " never came", client_number(d, t, "expected"),
               client_number(d, t, "never_came"));
    putchar('\n');
}

/* How fast a stream goes, and what sets that. */
static void print_rate(const struct json_doc *d, int session)
{
    char rate[UNITS_TEXT], reason[CLIENT_TEXT];
    uint64_t bits = client_number(d, session, "rate_bits_s");

    if (bits)
        printf("%22s%s%s%s\n", "", units_rate_text(rate, bits / 8),
               client_text(d, session, "rate_reason", reason)[0] ? ", " : "", reason);
}

static void print_sessions(const struct json_doc *d, int sessions)
{
    char image[CLIENT_TEXT], state[CLIENT_TEXT], sentence[CLIENT_TEXT];

    for (int s = json_next(d, sessions, JSON_NONE); s != JSON_NONE; s = json_next(d, sessions, s)) {
        printf("session %-3" PRIu64 " %-9s %-24s %s\n", client_number(d, s, "id"),
               client_text(d, s, "state", state), client_text(d, s, "image", image),
               client_text(d, s, "sentence", sentence));
        print_rate(d, s);
    }
}

/* "41.2" as the answer has it; what is no number is none. */
static void number_text(const struct json_doc *d, int object, const char *key, char out[16])
{
    int v = json_get(d, object, key), n;

    out[0] = '-';
    out[1] = 0;
    if (json_kind(d, v) != JSON_NUMBER)
        return;
    n = d->value[v].end - d->value[v].start;
    if (n < 16) {
        memcpy(out, d->text + d->value[v].start, (size_t)n);
        out[n] = 0;
    }
}

static void print_machines(const struct json_doc *d, bool all)
{
    int machines = json_get(d, JSON_ROOT, "machines");
    char mac[CLIENT_TEXT], name[CLIENT_TEXT], state[CLIENT_TEXT], cause[CLIENT_TEXT], percent[16];

    for (int m = json_next(d, machines, JSON_NONE); m != JSON_NONE; m = json_next(d, machines, m)) {
        client_text(d, m, "state", state);
        if (!all && strcmp(state, "fail") != 0)
            continue;
        number_text(d, m, "percent", percent);
        printf("%4" PRIu64 " %-17s %-16s %-9s %5s %%  %s\n", client_number(d, m, "number"),
               client_text(d, m, "mac", mac), client_text(d, m, "name", name), state, percent,
               client_text(d, m, "cause", cause));
    }
}

static bool own_option(void *ctx, int option, const char *value)
{
    (void)value;
    return *(bool *)ctx = option == 'm';
}

int cmd_status(int argc, char **argv)
{
    struct client c = {.command = "status"};
    struct client_doc d;
    struct api_answer a;
    bool all = false;
    int rc = client_begin(&c, argc, argv, cmd_status_options, status_help, own_option, &all);

    if (rc)
        return rc - 1;
    if (optind < argc)
        return client_usage(&c, "expected options only");
    rc = client_ask(&c, "GET", "/api/v1/status", NULL, &a);
    if (rc)
        return rc;
    rc = client_read(&c, &a, &d);
    if (rc == 0) {
        rc = client_number(d.json, json_get(d.json, JSON_ROOT, "totals"), "failed") ? EXIT_SOME
                                                                                    : EXIT_DONE;
        if (c.json) {
            puts(a.body);
        } else {
            print_box(d.json);
            print_sessions(d.json, json_get(d.json, JSON_ROOT, "sessions"));
            print_machines(d.json, all);
        }
        client_doc_free(&d);
    }
    api_free(&a);
    return rc;
}

int cmd_sessions(int argc, char **argv)
{
    struct client c = {.command = "sessions"};
    struct client_doc d;
    struct api_answer a;
    int rc = client_begin(&c, argc, argv, cmd_sessions_options, sessions_help, NULL, NULL);

    if (rc)
        return rc - 1;
    if (optind < argc)
        return client_usage(&c, "expected options only");
    rc = client_ask(&c, "GET", "/api/v1/sessions", NULL, &a);
    if (rc)
        return rc;
    rc = client_read(&c, &a, &d);
    if (rc == 0) {
        if (c.json)
            puts(a.body);
        else
            print_sessions(d.json, JSON_ROOT);
        client_doc_free(&d);
    }
    api_free(&a);
    return rc;
}
