#include "board/cli/client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "board/cli/commands.h"
#include "board/core/image_report.h"
#include "board/core/ini_text.h"
#include "net/wire/utf8.h"

#define TIMEOUT_S 30
#define ENDED 1 /* added to an exit code: the command ends with it */

int client_usage(const struct client *c, const char *said)
{
    fprintf(stderr, "ringcast %s: %s; 'ringcast %s --help' says more\n", c->command, said,
            c->command);
    return EXIT_USAGE;
}

int client_failed(const struct client *c)
{
    int code = report_failure(c->command, &c->err, c->json);

    return c->err.code == CLI_EPIN       ? EXIT_UNTRUSTED
           : c->err.code == CLI_ECONSENT ? EXIT_REFUSED
           : c->err.code == CLI_EUSAGE   ? EXIT_USAGE
                                         : code;
}

/* ---- options ---- */

static int set_option(struct client *c, int option, const char *value)
{
    uint32_t seconds;

    switch (option) {
    case 'B':
        return login_box_parse(&c->box, value, &c->err);
    case 'F':
        return login_pin_parse(&c->box, value, &c->err);
    case 'T':
        c->token_file = value;
        return 0;
    case 'L':
        c->login_file = value;
        return 0;
    case 'j':
        c->json = true;
        return 0;
    case 'O':
        if (ini_number(&seconds, value, "", NULL, 1, 86400, "seconds, 1 to 86400", &c->err))
            return c->err.code = CLI_EUSAGE;
        c->timeout_ms = (int)seconds * 1000;
        return 0;
    default:
        return 1;
    }
}

static int load(struct client *c)
{
    char path[1024];
    int rc = 0;

    if (c->token_file)
        rc = login_secret_read(c->box.token, sizeof c->box.token, c->token_file, &c->err);
    if (rc == 0 && (c->login_file || login_path(path, sizeof path)))
        rc = login_load(&c->box, c->login_file ? c->login_file : path, &c->err);
    if (rc == 0 && !c->box.host[0])
        rc = err_set(&c->err, CLI_ELOGIN, "expected --box, or a login ('ringcast login')");
    return rc ? ENDED + client_failed(c) : 0;
}

int client_begin(struct client *c, int argc, char **argv, const struct option *options,
                 const char *help, bool (*own)(void *ctx, int option, const char *value), void *ctx)
{
    const char *letters = "h";
    int o, rc;

    for (const struct option *row = options; row->name; row++)
        letters = row->val == 'o' ? "ho:" : letters;
    c->timeout_ms = TIMEOUT_S * 1000;
    optind = 1;
    opterr = 0;
    while ((o = getopt_long(argc, argv, letters, options, NULL)) != -1) {
        if (o == 'h') {
            fputs(help, stdout);
            return ENDED + EXIT_DONE;
        }
        if (o == '?')
            return ENDED + client_usage(c, "an option is unknown or lacks its value");
        rc = set_option(c, o, optarg);
        if (rc < 0)
            return ENDED + client_failed(c);
        if (rc > 0 && (!own || !own(ctx, o, optarg)))
            return ENDED + client_usage(c, "an option has a value that it cannot have");
    }
    return load(c);
}

/* ---- requests ---- */

int client_ask(struct client *c, const char *method, const char *path, const char *body,
               struct api_answer *a)
{
    struct api_request r = {.method = method,
                            .path = path,
                            .body = body,
                            .timeout_ms = c->timeout_ms};

    return api_get(&c->box, &r, a, &c->err) ? client_failed(c) : EXIT_DONE;
}

int client_said(struct client *c, struct api_answer *a, const char *done)
{
    static struct json_doc d;
    char sentence[CLIENT_TEXT] = "";

    if (a->n && json_read(&d, a->body, a->n) != 0) {
        api_free(a);
        err_set(&c->err, CLI_EANSWER, "the box's answer is not JSON");
        return client_failed(c);
    }
    if (a->n)
        client_text(&d, JSON_ROOT, "sentence", sentence);
    if (c->json)
        puts(a->n ? a->body : "{}");
    else
        fprintf(stderr, "%s\n", sentence[0] ? sentence : done);
    api_free(a);
    return EXIT_DONE;
}

int client_order(struct client *c, const char *method, const char *path, const char *body,
                 const char *done)
{
    struct api_answer a;
    int rc = client_ask(c, method, path, body, &a);

    return rc ? rc : client_said(c, &a, done);
}

bool client_path(char *out, size_t cap, const char *before, const char *word, const char *after)
{
    static const char plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~:";
    size_t n = (size_t)snprintf(out, cap, "%s", before);

    for (; *word && n + 4 < cap; word++)
        n += (size_t)snprintf(out + n, cap - n, strchr(plain, *word) ? "%c" : "%%%02X",
                              (unsigned char)*word);
    if (*word || n + strlen(after) >= cap)
        return false;
    strcpy(out + n, after);
    return true;
}

/* ---- answers ---- */

int client_read(struct client *c, const struct api_answer *a, struct client_doc *d)
{
    /* no value takes less than two bytes, but for the outermost */
    int values = (int)(a->n / 2 + 1), rc;

    d->json = malloc(sizeof *d->json);
    d->room = malloc((size_t)values * sizeof *d->room);
    rc = d->json && d->room ? json_read_in(d->json, d->room, values, a->body, a->n) : CLI_EMEMORY;
    if (rc == 0)
        return 0;
    client_doc_free(d);
    err_set(&c->err, rc == CLI_EMEMORY ? rc : CLI_EANSWER, "the box's answer is %s",
            rc == CLI_EMEMORY ? "too large" : "not JSON");
    return client_failed(c);
}

void client_doc_free(struct client_doc *d)
{
    free(d->json);
    free(d->room);
    *d = (struct client_doc){0};
}

const char *client_text(const struct json_doc *d, int object, const char *key,
                        char out[CLIENT_TEXT])
{
    size_t n = (size_t)(json_get_str(d, object, key, out, CLIENT_TEXT) > 0 ? strlen(out) : 0), k;

    for (size_t i = 0; i < n; i += k) {
        uint32_t cp = 0;

        k = utf8_read((const uint8_t *)out + i, n - i, &cp);
        if (k && utf8_is_control(cp))
            memset(out + i, '?', k);
        k += !k;
    }
    return out;
}

uint64_t client_number(const struct json_doc *d, int object, const char *key)
{
    uint64_t v = 0;

    json_get_u64(d, object, key, UINT64_MAX, &v);
    return v;
}
