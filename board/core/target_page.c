#include "board/core/target_page.h"

#include <stdio.h>
#include <string.h>

#include "net/wire/reader.h"

#define LINE_MAX 300
static const char magic[] = "RINGCAST-BOX-IDENTITY-1";

static int refuse(struct err *err, const char *expected, const char *got)
{
    return err_set(err, TARGET_EPAGE, "the box's page: expected %s, got \"%.80s\"", expected, got);
}

/* The next line that is not empty, without its newline and control characters; false at the end. */
static bool next_line(struct reader *r, char line[LINE_MAX])
{
    line[0] = 0;
    while (r->left > 0 && !line[0]) {
        const uint8_t *end = memchr(r->at, '\n', r->left);
        size_t n = end ? (size_t)(end - r->at) : r->left;

        facts_text(line, LINE_MAX, r->at, n);
        rd_bytes(r, end ? n + 1 : n);
    }
    return line[0] != 0;
}

/* Decimal, without sign, blanks or more than nine digits; what follows it, or NULL. */
static const char *decimal(const char *at, unsigned *out)
{
    size_t n = strspn(at, "0123456789");

    if (n == 0 || n > 9)
        return NULL;
    for (*out = 0; n > 0; n--)
        *out = *out * 10 + (unsigned)(*at++ - '0');
    return at;
}

static int take_address(struct target_page *p, const char *value, struct err *err)
{
    const char *at = value;
    unsigned part = 0;
    uint32_t v = 0;

    for (int i = 0; at && i < 4; i++) {
        if (i && *at++ != '.')
            return refuse(err, "an address", value);
        at = decimal(at, &part);
        if (part > 255)
            return refuse(err, "an address", value);
        v = v << 8 | part;
    }
    if (!at || *at || v == 0 || v >> 28 >= 14)
        return refuse(err, "an address", value);
    p->address = v;
    return 0;
}

static int take_port(struct target_page *p, const char *value, struct err *err)
{
    unsigned v = 0;
    const char *end = decimal(value, &v);

    if (!end || *end || v == 0 || v > 65535)
        return refuse(err, "a port", value);
    p->port = (uint16_t)v;
    return 0;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int take_key(struct target_page *p, const char *value, struct err *err)
{
    if (strlen(value) != 2 * sizeof p->key)
        return refuse(err, "a key of 130 hexadecimal digits", value);
    for (size_t i = 0; i < sizeof p->key; i++) {
        int high = hex_digit(value[2 * i]), low = hex_digit(value[2 * i + 1]);

        if (high < 0 || low < 0)
            return refuse(err, "a key of 130 hexadecimal digits", value);
        p->key[i] = (uint8_t)(high << 4 | low);
    }
    return p->key[0] == 4 ? 0 : refuse(err, "a key that begins with 04", value);
}

static int take_after(struct target_page *p, const char *value, struct err *err)
{
    static const char *const words[] = {"", "reboot", "poweroff", "wait"};

    for (int i = TARGET_REBOOT; i <= TARGET_WAIT; i++)
        if (!strcmp(value, words[i]))
            p->after = (enum target_after)i;
    return p->after ? 0 : refuse(err, "after-pass reboot, poweroff or wait", value);
}

static int take_disk(struct target_page *p, const char *value, struct err *err)
{
    snprintf(p->rule, sizeof p->rule, "%s", value);
    return strlen(value) < sizeof p->rule ? disk_rule_parse(&p->pick, value, err)
                                          : refuse(err, "a shorter rule", value);
}

static const struct {
    const char *name;
    int (*take)(struct target_page *, const char *value, struct err *);
} words[] = {{"address", take_address},
             {"session-port", take_port},
             {"key", take_key},
             {"after-pass", take_after},
             {"disk", take_disk}};
#define WORDS (sizeof words / sizeof *words)

static int take_line(struct target_page *p, char *line, unsigned *seen, struct err *err)
{
    char *value = strchr(line, ' ');

    if (!value)
        return refuse(err, "a word and its value", line);
    *value++ = 0;
    for (unsigned i = 0; i < WORDS; i++)
        if (!strcmp(line, words[i].name)) {
            if (*seen & 1u << i)
                return refuse(err, "each word once", line);
            *seen |= 1u << i;
            return words[i].take(p, value, err);
        }
    return refuse(err, "address, session-port, key, after-pass or disk", line);
}

int target_page_parse(struct target_page *p, const uint8_t *bytes, size_t n, struct err *err)
{
    struct reader r = reader_on(bytes, n < TARGET_PAGE_BYTES ? n : TARGET_PAGE_BYTES);
    char line[LINE_MAX];
    unsigned seen = 0;
    int rc = 0;

    memset(p, 0, sizeof *p);
    if (n > TARGET_PAGE_BYTES || !next_line(&r, line) || strcmp(line, magic))
        return refuse(err, magic,
                      n > TARGET_PAGE_BYTES ? "more than 1024 bytes" : "another first line");
    while (!rc && next_line(&r, line))
        rc = take_line(p, line, &seen, err);
    for (unsigned i = 0; i < WORDS && !rc; i++)
        if (!(seen & 1u << i))
            rc = refuse(err, words[i].name, "nothing");
    return rc;
}
