#include "net/syslog/codec.h"

#include <stdio.h>
#include <string.h>

#include "net/wire/must.h"
#include "net/wire/units.h"
#include "net/wire/utf8.h"
#include "net/wire/writer.h"

#define HOST_MAX 255
#define BOM "\xEF\xBB\xBF" /* RFC 5424 section 6.4: what follows is UTF-8 */

static void put(struct writer *w, const char *text)
{
    wr_copy(w, text, strlen(text));
}

/* The next character; *n bytes of the text are left. */
static uint32_t next_char(const uint8_t **at, size_t *n)
{
    uint32_t cp = 0;
    size_t len = utf8_read(*at, *n, &cp);
    uint32_t plain = len == 0 || utf8_is_control(cp) ? 0xFFFD : cp;

    *at += len ? len : 1;
    *n -= len ? len : 1;
    return plain;
}

/* A character, escaped inside a value; false, and nothing is written, when it does not fit. */
static bool put_char(struct writer *w, uint32_t cp, bool inside)
{
    uint8_t bytes[5] = {'\\'};
    bool escaped = inside && (cp == '"' || cp == '\\' || cp == ']');
    size_t n = utf8_write(bytes + escaped, cp) + escaped;

    if (n > w->left)
        return false;
    wr_copy(w, bytes, n);
    return true;
}

/* RFC 5424 section 6: HOSTNAME is printable ASCII. */
static void put_host(struct writer *w, const char *host)
{
    size_t n = strlen(host) < HOST_MAX ? strlen(host) : HOST_MAX;

    if (n == 0)
        put(w, "-");
    for (size_t i = 0; i < n; i++)
        wr_u8(w, host[i] > ' ' && host[i] <= '~' ? (uint8_t)host[i] : '-');
}

static void put_time(struct writer *w, uint64_t unix_s)
{
    char text[UNITS_TEXT];

    put(w, unix_s && units_date_text(text, unix_s)[0] ? text : "-");
}

/* ` name="value"`, or nothing of it. */
static bool put_param(struct writer *w, const struct syslog_param *p)
{
    struct writer there = *w;
    const uint8_t *at = (const uint8_t *)p->value;
    size_t n = strlen(p->value);
    bool fits = true;

    n = n < SYSLOG_VALUE_MAX ? n : SYSLOG_VALUE_MAX;
    put(w, " ");
    put(w, p->name);
    put(w, "=\"");
    while (fits && n && !w->bad)
        fits = put_char(w, next_char(&at, &n), true);
    put(w, "\"");
    if (fits && !w->bad && w->left > 1 + sizeof BOM)
        return true;
    *w = there;
    return false;
}

static void put_data(struct writer *w, const struct syslog_message *m)
{
    put(w, m->data ? "[" : "-");
    if (!m->data)
        return;
    put(w, m->data);
    for (unsigned i = 0; i < m->n; i++)
        if (m->param[i].value && m->param[i].value[0] && !put_param(w, &m->param[i]))
            break;
    put(w, "]");
}

size_t syslog_encode(const struct syslog_message *m, uint8_t out[SYSLOG_MAX])
{
    struct writer w = writer_on(out, SYSLOG_MAX);
    const uint8_t *at = (const uint8_t *)m->text;
    size_t n = strlen(m->text);
    char pri[8];

    MUST(m->n <= SYSLOG_PARAMS_MAX);
    snprintf(pri, sizeof pri, "<%u>1 ", SYSLOG_LOCAL0 * 8u + (unsigned)m->severity);
    put(&w, pri);
    put_time(&w, m->unix_s);
    put(&w, " ");
    put_host(&w, m->host);
    put(&w, " ringcast - ");
    put(&w, m->id);
    put(&w, " ");
    put_data(&w, m);
    put(&w, n ? " " BOM : "");
    MUST(!w.bad);
    while (n && put_char(&w, next_char(&at, &n), false))
        ;
    return w.done;
}

/* ---- where it goes ---- */

/* Decimal digits, at most `high`; what follows, NULL when there are none or too many. */
static const char *number(const char *at, unsigned high, unsigned *out)
{
    unsigned v = 0, n = 0;

    for (; at[n] >= '0' && at[n] <= '9' && n < 5; n++)
        v = v * 10 + (unsigned)(at[n] - '0');
    *out = v;
    return n && v <= high && !(at[n] >= '0' && at[n] <= '9') ? at + n : NULL;
}

int syslog_address_parse(const char *text, uint32_t *address, uint16_t *port, struct err *err)
{
    const char *at = text;
    unsigned part, to_port = SYSLOG_PORT;

    *address = 0;
    for (unsigned i = 0; at && i < 4; i++) {
        at = number(at, 255, &part);
        *address = *address << 8 | part;
        if (at && i < 3)
            at = *at == '.' ? at + 1 : NULL;
    }
    if (at && *at == ':')
        at = number(at + 1, 65535, &to_port);
    *port = (uint16_t)to_port;
    if (at && !*at && *address && to_port && *address >> 28 != 14)
        return 0;
    return err_set(err, SYSLOG_EADDRESS,
                   "expected a syslog server such as 10.77.0.5 or 10.77.0.5:514, got \"%.60s\"",
                   text);
}
