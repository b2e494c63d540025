#include "board/cli/login.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "board/cli/api.h"
#include "board/core/ini_text.h"
#include "net/os/file.h"
#include "net/tls/trust.h"

#define FILE_MAX 4096
#define PORT 443

/* ---- texts ---- */

static bool host_legal(const char *text, size_t n)
{
    return n > 0 && n <= LOGIN_HOST_MAX &&
           strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-") >= n;
}

int login_box_parse(struct login *l, const char *text, struct err *err)
{
    size_t n = strcspn(text, ":");
    uint32_t port = PORT;

    if (!host_legal(text, n) ||
        (text[n] && ini_number(&port, text + n + 1, "", NULL, 1, 65535, "a port", NULL)))
        return err_set(
            err, CLI_EUSAGE,
            "expected the box's address, such as 10.77.0.1 or box.local:443, got \"%.80s\"", text);
    memcpy(l->host, text, n);
    l->host[n] = 0;
    l->port = (uint16_t)port;
    return 0;
}

int login_pin_parse(struct login *l, const char *text, struct err *err)
{
    uint8_t pin[LOGIN_PIN_BYTES];

    if (!tls_pin_parse(text, pin))
        return err_set(err, CLI_EUSAGE,
                       "expected a fingerprint of 64 hexadecimal digits, as the box's screen shows "
                       "it, got \"%.100s\"",
                       text);
    memcpy(l->pin, pin, sizeof pin);
    l->pinned = true;
    return 0;
}

const char *login_pin_text(char out[LOGIN_PIN_TEXT], const uint8_t pin[LOGIN_PIN_BYTES])
{
    return tls_hex_text(out, pin, LOGIN_PIN_BYTES);
}

/* ---- files ---- */

/* At most cap - 1 bytes of a file of one's own; their number, or a negative code. */
static int read_private(char *out, size_t cap, const char *path, struct err *err)
{
    bool standard = strcmp(path, "-") == 0;
    int fd = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    size_t have = 0;
    ssize_t n = fd < 0 ? -1 : 1;

    if (fd >= 0 && !standard && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_mode & 077) {
        close(fd);
        return err_set(err, CLI_EFILE, "others may read or write %s; 'chmod 600 %s' ends that",
                       path, path);
    }
    while (n > 0 && have < cap - 1 && !(standard && memchr(out, '\n', have)) &&
           (n = read(fd, out + have, cap - 1 - have)) > 0)
        have += (size_t)n;
    if (n < 0)
        err_set(err, CLI_EFILE, "cannot read %s: %s", path, strerror(errno));
    if (fd >= 0 && !standard)
        close(fd);
    if (n < 0)
        return CLI_EFILE;
    out[have] = 0;
    return (int)have;
}

int login_secret_read(char *out, size_t cap, const char *path, struct err *err)
{
    char text[LOGIN_TOKEN_MAX + 3];
    int n = read_private(text, sizeof text, path, err);
    size_t length;

    if (n < 0)
        return n;
    length = strcspn(text, "\r\n");
    if (length == 0 || length >= cap)
        return err_set(err, CLI_EFILE, "expected one line of at most %zu bytes in %s", cap - 1,
                       path);
    memcpy(out, text, length);
    out[length] = 0;
    return 0;
}

bool login_path(char *out, size_t cap)
{
    const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
    int n = config && *config ? snprintf(out, cap, "%s/ringcast/login", config)
            : home && *home   ? snprintf(out, cap, "%s/.config/ringcast/login", home)
                              : -1;

    return n > 0 && (size_t)n < cap;
}

struct reading {
    struct login *l, from;
};

static int entry(void *ctx, const struct ini_place *at, const char *section, const char *key,
                 const char *value, struct err *err)
{
    struct login *l = &((struct reading *)ctx)->from;
    struct err why = {0};
    int rc = CLI_EFILE;

    if (strcmp(key, "box") == 0)
        rc = login_box_parse(l, value, &why);
    else if (strcmp(key, "fingerprint") == 0)
        rc = login_pin_parse(l, value, &why);
    else if (strcmp(key, "token") == 0)
        rc = ini_text(l->token, sizeof l->token, value, "a token", &why);
    else
        err_set(&why, CLI_EFILE, "expected box, fingerprint or token, got \"%.40s\"", key);
    return rc || *section ? err_set(err, CLI_EFILE, "%s:%u: %s", at->file, at->line,
                                    why.code ? why.text : "expected no section")
                          : 0;
}

int login_load(struct login *l, const char *path, struct err *err)
{
    struct reading r = {.l = l};
    char text[FILE_MAX];
    struct stat st;
    bool other;
    int n, rc;

    if (lstat(path, &st) != 0 && errno == ENOENT)
        return 0;
    n = read_private(text, sizeof text, path, err);
    if (n < 0)
        return n;
    rc = ini_text_read(path, text, (size_t)n, entry, &r, err);
    if (rc)
        return rc;
    other = l->host[0] && (strcmp(l->host, r.from.host) != 0 || l->port != r.from.port);
    if (!l->host[0]) {
        memcpy(l->host, r.from.host, sizeof l->host);
        l->port = r.from.port;
    }
    if (!l->pinned && !other) {
        memcpy(l->pin, r.from.pin, sizeof l->pin);
        l->pinned = r.from.pinned;
    }
    if (!l->token[0] && !other) /* another box learns nothing of this one's */
        memcpy(l->token, r.from.token, sizeof l->token);
    return 0;
}

static void make_folders(char *path)
{
    for (char *at = path + 1; (at = strchr(at, '/')); *at++ = '/') {
        *at = 0;
        (void)mkdir(path, 0700); /* what cannot be made is seen when the file is opened */
    }
}

int login_save(const struct login *l, const char *path, struct err *err)
{
    char pin[LOGIN_PIN_TEXT], text[FILE_MAX], folders[1024], fresh[1032];
    int n = snprintf(text, sizeof text, "box = %s:%u\nfingerprint = %s\ntoken = %s\n", l->host,
                     l->port, login_pin_text(pin, l->pin), l->token);

    if ((size_t)snprintf(folders, sizeof folders, "%s", path) >= sizeof folders)
        return err_set(err, CLI_EFILE, "expected a path of at most 1023 bytes");
    make_folders(folders);
    snprintf(fresh, sizeof fresh, "%s.new", path);
    (void)unlink(fresh);
    if (file_rename_over(path, fresh, text, (size_t)n, 0600))
        return err_set(err, CLI_EFILE, "cannot write %s: %s", path, strerror(errno));
    /* some network file systems have no such call */
    if (file_sync_name(path) && errno != EINVAL)
        return err_set(err, CLI_EFILE, "%s is written, but its name may not be on the disk: %s",
                       path, strerror(errno));
    return 0;
}
