/* What the commands that speak to a box have in common: options, the login, an answer as JSON or
 * for people, exit codes. */
#ifndef BOARD_CLI_CLIENT_H
#define BOARD_CLI_CLIENT_H

#include <getopt.h>

#include "board/cli/api.h"
#include "net/wire/json.h"
#include "net/wire/json_read.h"

struct client {
    const char *command; /* its name, in messages */
    struct login box;
    const char *login_file, *token_file; /* NULL: where login_path says; none */
    bool json, yes;
    int timeout_ms;
    struct err err;
};

/* Rows for the command's table of options. */
#define CLIENT_OPTIONS                                                                             \
    {"box", 1, 0, 'B'}, {"fingerprint", 1, 0, 'F'}, {"token-file", 1, 0, 'T'},                     \
        {"login", 1, 0, 'L'}, {"timeout", 1, 0, 'O'}, {"json", 0, 0, 'j'},                         \
    {                                                                                              \
        "help", 0, 0, 'h'                                                                          \
    }

/* Lines of help about them. */
#define CLIENT_HELP                                                                                \
    "  --box ADDRESS        the box, if not the one of the login; ADDRESS:PORT works too\n"        \
    "  --fingerprint HEX    SHA-256 of its certificate, as its screen shows it\n"                  \
    "  --token-file FILE    the token, in a file that nobody else may read ('-': standard "        \
    "input)\n"                                                                                     \
    "  --login FILE         what 'ringcast login' wrote (~/.config/ringcast/login)\n"              \
    "  --timeout SECONDS    give up when the box has not answered by then (30)\n"                  \
    "  --json               the box's own JSON on stdout\n"

/* Reads the options into *c, each of the command's own through `own` (NULL: it has none), and loads
 * the login. The words that are no options stand at argv[optind] then. 0, or 1 + the exit code to
 * end with. */
int client_begin(struct client *c, int argc, char **argv, const struct option *options,
                 const char *help, bool (*own)(void *ctx, int option, const char *value),
                 void *ctx);
/* "ringcast COMMAND: said; '... --help' says more"; EXIT_USAGE. */
int client_usage(const struct client *, const char *said);
/* Says what went wrong and returns its exit code. */
int client_failed(const struct client *);

/* One request; NULL body: none. 0, or the exit code; the reason has been said. */
int client_ask(struct client *, const char *method, const char *path, const char *body,
               struct api_answer *);
/* The same for an order: what the box answers is printed with --json, otherwise its sentence is
 * said, or `done`. Returns the exit code. */
int client_order(struct client *, const char *method, const char *path, const char *body,
                 const char *done);
/* The end of an order: prints the answer in that way, and frees it. */
int client_said(struct client *, struct api_answer *, const char *done);
/* Magic packets to n machines; none, or the word "expected": to those of the list. Returns the exit
 * code. */
int client_wake(struct client *, char **macs, int n);
/* `word`, or with it a list of the command: percent-encoded into a path. False: it does not fit. */
bool client_path(char *out, size_t cap, const char *before, const char *word, const char *after);

/* An answer's JSON. */
struct client_doc {
    struct json_doc *json;
    struct json_value *room;
};
/* 0, or the exit code. */
int client_read(struct client *, const struct api_answer *, struct client_doc *);
void client_doc_free(struct client_doc *);
#define CLIENT_TEXT 256
/* A member's text with nothing in it that a terminal obeys; "" when it is not there. */
const char *client_text(const struct json_doc *, int object, const char *key,
                        char out[CLIENT_TEXT]);
/* A member that is a whole number, 0 when it is not there. */
uint64_t client_number(const struct json_doc *, int object, const char *key);

#endif
