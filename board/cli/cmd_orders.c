/* ringcast orders: what a person wants of a room, told to its box. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "board/cli/client.h"
#include "board/cli/commands.h"
#include "board/core/ini_text.h"
#include "net/wire/units.h"

static const char help[] =
    "usage: ringcast orders session IMAGE [--start RULE] [--rate RATE] [--targets "
    "all|expected|named] [--include]\n"
    "                                     [--arm MINUTES] [--yes]\n"
    "       ringcast orders start|stop|suspend|resume SESSION\n"
    "       ringcast orders identify|unidentify|arm MAC\n"
    "       ringcast orders wake expected|MAC...\n"
    "\n"
    "  --start RULE         now (the default); ready:N when N machines wait; at:HH:MM by the clock "
    "of this\n"
    "                       computer; quiet:M when nobody has joined for M minutes\n"
    "  --rate RATE          such as 300Mbit; auto (the default): what the machines can take\n"
    "  --targets WHO        all (the default), or only machines of the expected list; named: only "
    "those whose\n"
    "                       line of it names the image\n"
    "  --include            also machines that have this image already\n"
    "  --yes                does not ask whether the machines' disks may be erased\n"
    "  --arm MINUTES        from then on it takes no more machines; not begun by then, it is "
    "over\n" CLIENT_HELP "\n"
    "Options of the login may stand anywhere. Exit codes: 0; 1 no answer, or the box refused; 2 "
    "the order\n"
    "makes no sense; 5 not the box that was pinned.\n";

const struct option cmd_orders_options[] = {{"start", 1, 0, 's'},   {"rate", 1, 0, 'r'},
                                            {"targets", 1, 0, 't'}, {"arm", 1, 0, 'a'},
                                            {"include", 0, 0, 'i'}, {"yes", 0, 0, 'y'},
                                            CLIENT_OPTIONS,         {0}};

struct wish {
    const char *rule, *rate, *targets, *arm;
    bool include, yes;
};

static bool own_option(void *ctx, int option, const char *value)
{
    struct wish *w = ctx;

    w->rule = option == 's' ? value : w->rule;
    w->rate = option == 'r' ? value : w->rate;
    w->targets = option == 't' ? value : w->targets;
    w->arm = option == 'a' ? value : w->arm;
    w->include |= option == 'i';
    w->yes |= option == 'y';
    return true;
}

/* Seconds until this computer's clock shows HH:MM the next time; 0: that is no time of day, which
 * the box says better. */
static uint64_t seconds_until(const char *at)
{
    time_t now = time(NULL), then;
    struct tm tm;
    int hour = -1, minute = -1, n = 0;

    if (sscanf(at, "%2d:%2d%n", &hour, &minute, &n) != 2 || at[n] || hour < 0 || hour > 23 ||
        minute < 0 || minute > 59 || !localtime_r(&now, &tm))
        return 0;
    tm.tm_hour = hour;
    tm.tm_min = minute;
    tm.tm_sec = 0;
    tm.tm_isdst = -1;
    then = mktime(&tm);
    if (then <= now) {
        tm.tm_mday++;
        tm.tm_isdst = -1;
        then = mktime(&tm);
    }
    return then > now ? (uint64_t)(then - now) : 0;
}

/* "now", "ready:10", "at:22:00", "quiet:5" as the member `start`. */
static bool put_rule(struct json *j, const char *rule)
{
    const char *value = rule + strcspn(rule, ":");
    size_t n = (size_t)(value - rule);
    uint32_t number = 0;
    bool ready = n == 5 && memcmp(rule, "ready", n) == 0,
         quiet = n == 5 && memcmp(rule, "quiet", n) == 0;
    bool at = n == 2 && memcmp(rule, "at", n) == 0;

    value += *value == ':';
    if (!ready && !quiet && !at && strcmp(rule, "now") != 0)
        return false;
    if ((ready || quiet) && ini_number(&number, value, "", NULL, 1, 1000000, "", NULL))
        return false;
    if (at && !*value)
        return false;
    json_open(j, "start", '{');
    json_strn(j, "rule", rule, n);
    if (ready || quiet)
        json_u64(j, ready ? "n" : "minutes", number);
    if (at)
        json_str(j, "at", value);
    if (at && seconds_until(value))
        json_u64(j, "in_s", seconds_until(value));
    json_close(j);
    return true;
}

/* The body, or NULL and what is wrong with the wish. */
static const char *session_body(struct json *j, const struct wish *w, const char *image,
                                const char **wrong)
{
    uint64_t bytes_s = 0;
    uint32_t minutes = 0;

    *wrong = NULL;
    json_open(j, NULL, '{');
    json_str(j, "image", image);
    if (!put_rule(j, w->rule ? w->rule : "now"))
        *wrong = "expected now, ready:N, at:HH:MM or quiet:MINUTES after --start";
    if (w->rate && strcmp(w->rate, "auto") != 0 && units_rate(w->rate, &bytes_s))
        *wrong = "expected a rate such as 300Mbit, or auto, after --rate";
    if (bytes_s)
        json_u64(j, "rate", bytes_s * 8);
    if (w->targets && strcmp(w->targets, "all") != 0 && strcmp(w->targets, "expected") != 0 &&
        strcmp(w->targets, "named") != 0)
        *wrong = "expected all, expected or named after --targets";
    json_str(j, "targets", w->targets ? w->targets : "all");
    if (w->include)
        json_bool(j, "include", true);
    if (w->arm && ini_number(&minutes, w->arm, "", NULL, 1, 100000, "", NULL))
        *wrong = "expected minutes after --arm";
    if (minutes)
        json_u64(j, "arm_minutes", minutes);
    json_close(j);
    return *wrong ? NULL : json_text(j);
}

/* Whether the disks may be erased, in a person's own word. */
static bool agreed(const struct wish *w, const char *image)
{
    bool all = !w->targets || strcmp(w->targets, "all") == 0;
    char line[8] = "";

    if (w->yes)
        return true;
    if (!isatty(STDIN_FILENO))
        return false;
    fprintf(stderr,
            "This erases the disk of %s that boots from that box's network, and writes %s to it. "
            "Type yes to go on: ",
            all ? "every machine" : "every machine of the list", image);
    return fgets(line, sizeof line, stdin) && strcmp(line, "yes\n") == 0;
}

static int new_session(struct client *c, const struct wish *w, const char *image)
{
    char body[2048];
    const char *wrong;
    struct json j = json_on(body, sizeof body);

    if (!session_body(&j, w, image, &wrong))
        return client_usage(c, wrong ? wrong : "the image's name is too long");
    if (!agreed(w, image))
        return client_usage(c, "nothing is ordered: expected yes, or --yes");
    return client_order(c, "POST", "/api/v1/sessions", body,
                        "the session is made; 'ringcast sessions' says how it stands");
}

static int about_session(struct client *c, const char *verb, const char *id)
{
    char path[128];
    uint32_t number;

    if (ini_number(&number, id, "", NULL, 1, UINT32_MAX, "", NULL))
        return client_usage(c, "expected the number of a session, as 'ringcast sessions' shows it");
    snprintf(path, sizeof path, "/api/v1/sessions/%u/%s", number, verb);
    return client_order(c, "POST", path, "{}", "done");
}

static int about_machine(struct client *c, const char *verb, const char *mac)
{
    bool off = strcmp(verb, "unidentify") == 0;
    char path[128], after[16];

    snprintf(after, sizeof after, "/%s", off ? "identify" : verb);
    if (!client_path(path, sizeof path, "/api/v1/machines/", mac, after))
        return client_usage(c, "expected a MAC such as 52:49:4e:47:00:01");
    return client_order(c, "POST", path,
                        strcmp(verb, "identify") == 0 ? "{\"on\":true}"
                        : off                         ? "{\"on\":false}"
                                                      : "{}",
                        "done");
}

static bool one_of(const char *word, const char *const *words)
{
    for (; *words; words++)
        if (strcmp(word, *words) == 0)
            return true;
    return false;
}

int cmd_orders(int argc, char **argv)
{
    static const char *const session_verbs[] = {"start", "stop", "suspend", "resume", NULL};
    static const char *const machine_verbs[] = {"identify", "unidentify", "arm", NULL};
    struct client c = {.command = "orders"};
    struct wish w = {0};
    int rc = client_begin(&c, argc, argv, cmd_orders_options, help, own_option, &w),
        words = argc - optind;
    char **word = argv + optind;

    if (rc)
        return rc - 1;
    if (words == 2 && strcmp(word[0], "session") == 0)
        return new_session(&c, &w, word[1]);
    if (w.rule || w.rate || w.targets || w.arm || w.include || w.yes)
        return client_usage(
            &c, "--start, --rate, --targets, --include, --arm and --yes go with 'session IMAGE'");
    if (words == 2 && one_of(word[0], session_verbs))
        return about_session(&c, word[0], word[1]);
    if (words == 2 && one_of(word[0], machine_verbs))
        return about_machine(&c, word[0], word[1]);
    if (words >= 2 && strcmp(word[0], "wake") == 0)
        return client_wake(&c, word + 1, words - 1);
    return client_usage(&c, "expected an order");
}
