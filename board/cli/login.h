/* Which box a command speaks to, how it is known, and by what right: a file that only its owner may
 * read, in the form of an INI file,
 *
 *     box = 10.77.0.1:443
 *     fingerprint = AB:CD:...      SHA-256 of the box's certificate
 *     token = ...
 *
 * written by `ringcast login`. */
#ifndef BOARD_CLI_LOGIN_H
#define BOARD_CLI_LOGIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/wire/err.h"

#define LOGIN_HOST_MAX 253
#define LOGIN_TOKEN_MAX 255
#define LOGIN_PIN_BYTES 32
#define LOGIN_PIN_TEXT (3 * LOGIN_PIN_BYTES)

struct login {
    char host[LOGIN_HOST_MAX + 1]; /* "": not known */
    uint16_t port;
    bool pinned;
    uint8_t pin[LOGIN_PIN_BYTES];
    char token[LOGIN_TOKEN_MAX + 1]; /* "": none */
};

/* HOST or HOST:PORT (443). */
int login_box_parse(struct login *, const char *text, struct err *);
/* 64 hexadecimal digits of either case, colons between bytes allowed. */
int login_pin_parse(struct login *, const char *text, struct err *);
const char *login_pin_text(char out[LOGIN_PIN_TEXT], const uint8_t pin[LOGIN_PIN_BYTES]);
/* The first line of a file that nobody else may read, or of standard input ("-"): a token or a
 * password. */
int login_secret_read(char *out, size_t cap, const char *path, struct err *);

/* Where it is kept unless somebody says otherwise: $XDG_CONFIG_HOME/ringcast/login or
 * ~/.config/ringcast/login. False: no home. */
bool login_path(char *out, size_t cap);
/* Fills what is not filled yet. CLI_EFILE: it cannot be read, or others may read it. A file that is
 * not there is no error. */
int login_load(struct login *, const char *path, struct err *);
/* Makes the folder and the file (0600), which appears whole. */
int login_save(const struct login *, const char *path, struct err *);

#endif
