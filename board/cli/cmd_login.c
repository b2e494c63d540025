/* ringcast login: a box is known from now on, and gives a token of our own. */
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "board/cli/client.h"
#include "board/cli/commands.h"
#include "net/os/random.h"

#define PASSWORD_MAX 128

static const char help[] = "usage: ringcast login --box ADDRESS [--fingerprint HEX] "
                           "[--password-file FILE] [--name NAME] [OPTION...]\n"
                           "\n"
                           "Asks the box for a token and keeps address, fingerprint and token for "
                           "the other commands, in a file\n"
                           "that only you may read. On a terminal it shows the fingerprint that it "
                           "finds and asks whether it is\n"
                           "the one on the box's screen, and it asks for the password. Without a "
                           "terminal nothing is asked:\n"
                           "--fingerprint and --password-file must be there, or --token-file.\n"
                           "\n"
                           "  --password-file FILE the box's password ('-': standard input)\n"
                           "  --name NAME          how the token is called on the box (default: "
                           "this machine's, and a number)\n" CLIENT_HELP "\n"
                           "Exit codes: 0; 1 no answer, or the box refused; 4 the fingerprint was "
                           "not confirmed; 5 it is another\n"
                           "than --fingerprint says.\n";

const struct option cmd_login_options[] = {{"password-file", 1, 0, 'p'},
                                           {"name", 1, 0, 'n'},
                                           CLIENT_OPTIONS,
                                           {0}};

struct wanted {
    const char *password_file, *name;
};

static bool own_option(void *ctx, int option, const char *value)
{
    struct wanted *w = ctx;

    w->password_file = option == 'p' ? value : w->password_file;
    w->name = option == 'n' ? value : w->name;
    return true;
}

/* A line from the terminal, with or without its letters shown. */
static bool ask(const char *question, bool hidden, char *out, size_t cap)
{
    struct termios was, now;
    bool got;

    fputs(question, stderr);
    if (tcgetattr(STDIN_FILENO, &was) != 0)
        return false;
    now = was;
    if (hidden)
        now.c_lflag &= ~(tcflag_t)ECHO;
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &now);
    got = fgets(out, (int)cap, stdin) != NULL;
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &was);
    if (hidden)
        fputc('\n', stderr);
    out[strcspn(out, "\n")] = 0;
    return got;
}

static int confirm(struct client *c)
{
    char text[LOGIN_PIN_TEXT], line[16] = "";

    if (c->box.pinned)
        return 0;
    if (!isatty(STDIN_FILENO))
        return err_set(&c->err, CLI_ELOGIN, "expected --fingerprint, as the box's screen shows it");
    if (api_fingerprint(&c->box, c->timeout_ms, c->box.pin, &c->err))
        return c->err.code;
    fprintf(stderr, "The box at %s says it is\n  %s\n", c->box.host,
            login_pin_text(text, c->box.pin));
    if (!ask("Is that what its screen shows? Type yes to go on: ", false, line, sizeof line) ||
        strcmp(line, "yes") != 0)
        return err_set(&c->err, CLI_ECONSENT, "the fingerprint was not confirmed");
    c->box.pinned = true;
    return 0;
}

static int password(struct client *c, const struct wanted *w, char out[PASSWORD_MAX + 2])
{
    if (w->password_file)
        return login_secret_read(out, PASSWORD_MAX + 2, w->password_file, &c->err);
    if (!isatty(STDIN_FILENO) || !ask("Password of the box: ", true, out, PASSWORD_MAX + 2) ||
        !out[0])
        return err_set(&c->err, CLI_ELOGIN, "expected --password-file");
    return 0;
}

/* POST of {key: value}; headers may be NULL. */
static int post(struct client *c, const char *path, const char *key, const char *value,
                const char *headers, struct api_answer *a)
{
    char body[1024];
    struct json j = json_on(body, sizeof body);
    struct api_request r = {.method = "POST",
                            .path = path,
                            .body = body,
                            .headers = headers,
                            .timeout_ms = c->timeout_ms};

    json_open(&j, NULL, '{');
    json_str(&j, key, value);
    json_close(&j);
    return json_text(&j) ? api_get(&c->box, &r, a, &c->err)
                         : err_set(&c->err, CLI_EUSAGE, "expected a shorter %s", key);
}

static int token(struct client *c, const char *name, const char *secret)
{
    static struct json_doc d;
    char csrf[CLIENT_TEXT] = "", headers[API_COOKIE_MAX + CLIENT_TEXT + 64];
    struct api_answer a;
    int rc = post(c, "/api/v1/login", "password", secret, NULL, &a);

    if (rc)
        return rc;
    if (json_read(&d, a.body, a.n) == 0)
        client_text(&d, JSON_ROOT, "csrf", csrf);
    snprintf(headers, sizeof headers, "Cookie: %s\r\nX-Ringcast-CSRF: %s\r\n", a.cookie, csrf);
    api_free(&a);
    rc = post(c, "/api/v1/tokens", "name", name, headers, &a);
    if (rc)
        return rc;
    if (json_read(&d, a.body, a.n) != 0 ||
        json_get_str(&d, JSON_ROOT, "token", c->box.token, sizeof c->box.token) <= 0)
        err_set(&c->err, CLI_EANSWER, "the box's answer holds no token");
    api_free(&a);
    return c->err.code;
}

static int login(struct client *c, const struct wanted *w)
{
    char path[1024], name[64], host[40] = "somewhere", secret[PASSWORD_MAX + 2];
    int rc = confirm(c);

    if (rc == 0 && !c->login_file && !login_path(path, sizeof path))
        rc = err_set(&c->err, CLI_EFILE, "expected --login FILE: there is no home folder");
    (void)gethostname(host, sizeof host - 1); /* cut, if it is longer */
    /* a box takes a name once */
    snprintf(name, sizeof name, "%s-%04x", host, random_word() & 0xffff);
    if (rc == 0 && !c->token_file) {
        c->box.token[0] = 0;
        rc = password(c, w, secret);
        if (rc == 0)
            rc = token(c, w->name ? w->name : name, secret);
        explicit_bzero(secret, sizeof secret);
    }
    return rc ? rc : login_save(&c->box, c->login_file ? c->login_file : path, &c->err);
}

int cmd_login(int argc, char **argv)
{
    struct client c = {.command = "login"};
    struct wanted w = {0};
    int rc = client_begin(&c, argc, argv, cmd_login_options, help, own_option, &w);

    if (rc)
        return rc - 1;
    if (optind < argc)
        return client_usage(&c, "expected options only");
    if (login(&c, &w))
        return client_failed(&c);
    fprintf(stderr, "the box at %s is known\n", c.box.host);
    return EXIT_DONE;
}
