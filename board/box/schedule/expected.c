#include "board/box/schedule/expected.h"

#include <string.h>

#include "net/wire/must.h"
#include "net/wire/reader.h"
#include "net/wire/utf8.h"
#include "net/wire/writer.h"

#define FIELDS 6
#define FIELD_ROOM (EXPECTED_FIELD_MAX + 2) /* with an apostrophe in front, and a NUL */
#define SLOTS (2 * EXPECTED_MAX)

static const char heading[] = "MAC,name,asset,position,image,host name\n";

/* ---- rows by MAC ---- */

/* Its slot, or the free one where it would go. */
static unsigned slot_of(const struct expected *e, const uint8_t mac[6])
{
    uint32_t h = 2166136261u;
    unsigned i;

    for (i = 0; i < 6; i++)
        h = (h ^ mac[i]) * 16777619u;
    for (i = (h ^ h >> 15) % SLOTS; e->slot[i] && memcmp(e->row[e->slot[i] - 1].mac, mac, 6) != 0;)
        i = (i + 1) % SLOTS;
    return i;
}

const struct expected_row *expected_look(const struct expected *e, const uint8_t mac[6])
{
    unsigned at = e->slot[slot_of(e, mac)];

    return at ? &e->row[at - 1] : NULL;
}

struct expected_row *expected_find(struct expected *e, const uint8_t mac[6])
{
    unsigned at = e->slot[slot_of(e, mac)];

    return at ? &e->row[at - 1] : NULL;
}

int expected_add(struct expected *e, const struct expected_row *row)
{
    unsigned slot = slot_of(e, row->mac);

    if (e->slot[slot])
        return PLAN_ETWICE;
    if (e->n == EXPECTED_MAX)
        return PLAN_EMANY;
    e->row[e->n++] = *row;
    e->slot[slot] = (uint16_t)e->n;
    return 0;
}

unsigned expected_missing(const struct expected *e)
{
    unsigned n = 0;

    for (unsigned i = 0; i < e->n; i++)
        n += !e->row[i].came;
    return n;
}

/* ---- text to rows ---- */

struct csv {
    struct reader in;
    char separator;
    unsigned line; /* of the record at hand: a field cannot hold the end of one */
};

struct record {
    unsigned n;
    char field[FIELDS][FIELD_ROOM];
};

static bool is_formula(const char *s)
{
    return s[0] && strchr("=+-@", s[0]);
}

/* The apostrophe that keeps a spreadsheet from reckoning is not part of the text. */
static bool is_guarded(const char *s)
{
    return s[0] == '\'' && is_formula(s + 1);
}

/* A field's bytes; false: there are more than a field may have. */
static bool put(char *field, size_t *n, uint8_t c)
{
    if (*n == EXPECTED_FIELD_MAX + (is_guarded(field) ? 1 : 0))
        return false;
    field[(*n)++] = (char)c;
    field[*n] = 0;
    return true;
}

static bool at_end_of_line(const struct csv *c)
{
    return c->in.left == 0 || c->in.at[0] == '\n' ||
           (c->in.at[0] == '\r' && (c->in.left == 1 || c->in.at[1] == '\n'));
}

static bool quoted(struct csv *c, char *field, size_t *n)
{
    rd_u8(&c->in);
    while (c->in.left) {
        uint8_t b = rd_u8(&c->in);

        if (b == '"' && (c->in.left == 0 || c->in.at[0] != '"'))
            return true;
        if (b == '"')
            rd_u8(&c->in);
        if (!put(field, n, b))
            return false;
    }
    return false;
}

/* Blanks around a field are the spreadsheet's, not the owner's. */
static void trim(char *field)
{
    size_t n = strlen(field), skip = strspn(field, " \t");

    memmove(field, field + skip, n - skip + 1);
    for (n -= skip; n && (field[n - 1] == ' ' || field[n - 1] == '\t'); n--)
        field[n - 1] = 0;
}

/* One field into the record; what stands beyond the sixth must be empty, because spreadsheets fill
 * lines up. */
static const char *take_field(struct csv *c, struct record *r)
{
    char extra[FIELD_ROOM], *field = r->n < FIELDS ? r->field[r->n] : extra;
    size_t n = 0;

    field[0] = 0;
    while (c->in.left && (c->in.at[0] == ' ' || c->in.at[0] == '\t'))
        rd_u8(&c->in);
    if (c->in.left && c->in.at[0] == '"' && !quoted(c, field, &n))
        return "expected a field in quotes that ends, of at most 64 bytes";
    while (!at_end_of_line(c) && c->in.at[0] != (uint8_t)c->separator)
        if (!put(field, &n, rd_u8(&c->in)))
            return "expected fields of at most 64 bytes";
    if (memchr(field, 0, n) || !utf8_is_plain(field, n))
        return "expected fields of UTF-8 text without control characters";
    trim(field);
    if (field == extra && field[0])
        return "expected at most six fields: MAC, name, asset, position, image, host name";
    r->n += r->n < FIELDS;
    return NULL;
}

static const char *take_record(struct csv *c, struct record *r)
{
    memset(r, 0, sizeof *r);
    c->line++;
    for (;;) {
        const char *wrong = take_field(c, r);

        if (wrong)
            return wrong;
        if (at_end_of_line(c))
            break;
        rd_u8(&c->in); /* the separator */
    }
    if (c->in.left && rd_u8(&c->in) == '\r' && c->in.left)
        rd_u8(&c->in);
    return NULL;
}

static void skip_line(struct csv *c)
{
    while (c->in.left && rd_u8(&c->in) != '\n')
        continue;
    c->line++;
}

static int hex(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* 52:54:00:00:00:01, 52-54-00-00-00-01, 5254.0000.0001 or 525400000001, as switches, labels and
 * spreadsheets have it. */
static bool read_mac(const char *text, uint8_t mac[6])
{
    unsigned n = 0;

    memset(mac, 0, 6);
    for (; *text; text++) {
        int digit = hex(*text);

        if (digit < 0 && n % 2 == 0 && strchr(":-.", *text))
            continue;
        if (digit < 0 || n == 12)
            return false;
        mac[n / 2] = (uint8_t)(mac[n / 2] << 4 | digit);
        n++;
    }
    return n == 12 && !(mac[0] & 1) && memcmp(mac, (uint8_t[6]){0}, 6) != 0;
}

static bool is_host_name(const char *s)
{
    size_t n = strlen(s);

    for (size_t i = 0; i < n; i++)
        if (!((s[i] >= 'a' && s[i] <= 'z') || (s[i] >= 'A' && s[i] <= 'Z') ||
              (s[i] >= '0' && s[i] <= '9') || (s[i] == '-' && i > 0 && i + 1 < n)))
            return false;
    return n <= EXPECTED_HOST_MAX;
}

static bool is_word(const char *s, const char *lower)
{
    for (; *lower && (*s | 32) == *lower; s++)
        lower++;
    return *s == 0 && *lower == 0;
}

static void set_field(char *to, const char *from)
{
    from += is_guarded(from);
    memcpy(to, from, strlen(from) + 1);
}

static int row_of(const struct record *r, struct expected_row *row, unsigned line, struct err *err)
{
    memset(row, 0, sizeof *row);
    if (!read_mac(r->field[0], row->mac))
        return err_set(err, PLAN_ELINE,
                       "line %u: expected a MAC such as 52:54:00:00:00:01, got \"%.40s\"", line,
                       r->field[0]);
    if (!is_host_name(r->field[5]))
        return err_set(
            err, PLAN_ELINE,
            "line %u: expected a host name of letters, digits and hyphens, got \"%.64s\"", line,
            r->field[5]);
    set_field(row->name, r->field[1]);
    set_field(row->asset, r->field[2]);
    set_field(row->position, r->field[3]);
    set_field(row->image, r->field[4]);
    memcpy(row->host, r->field[5], strlen(r->field[5]) + 1);
    return 0;
}

/* What the first line that is no remark has more of. */
static char separator_of(struct reader in)
{
    unsigned commas = 0, semicolons = 0;
    uint8_t c = 0;

    while (in.left && in.at[0] == '#')
        while (in.left && rd_u8(&in) != '\n')
            continue;
    while (in.left && c != '\n') {
        c = rd_u8(&in);
        commas += c == ',';
        semicolons += c == ';';
    }
    return semicolons > commas ? ';' : ',';
}

/* Spreadsheets export rows that somebody emptied. */
static bool is_blank(const struct record *r)
{
    for (unsigned i = 0; i < r->n; i++)
        if (r->field[i][0])
            return false;
    return true;
}

static int add_record(struct expected *e, const struct csv *c, const struct record *r,
                      struct err *err)
{
    struct expected_row row;
    int rc = row_of(r, &row, c->line, err);

    if (rc == 0)
        rc = expected_add(e, &row);
    if (rc == PLAN_ETWICE)
        return err_set(err, rc, "line %u: expected each machine once, got %.20s again", c->line,
                       r->field[0]);
    if (rc == PLAN_EMANY)
        return err_set(err, rc, "line %u: expected at most %d machines", c->line, EXPECTED_MAX);
    return rc;
}

static int parse(struct expected *e, struct csv *c, struct err *err)
{
    bool first = true;
    struct record r;
    int rc = 0;

    while (rc == 0 && c->in.left) {
        const char *wrong;

        if (c->in.at[0] == '#') {
            skip_line(c);
            continue;
        }
        wrong = take_record(c, &r);
        if (wrong)
            return err_set(err, PLAN_ELINE, "line %u: %s", c->line, wrong);
        if (is_blank(&r))
            continue;
        if (!(first && is_word(r.field[0], "mac")))
            rc = add_record(e, c, &r, err);
        first = false;
    }
    return rc;
}

int expected_parse(struct expected *e, const char *text, size_t n, struct err *err)
{
    struct csv c = {.in = reader_on(text, n)};
    int rc;

    memset(e, 0, sizeof *e);
    if (n > EXPECTED_CSV_MAX)
        return err_set(err, PLAN_EMANY, "expected a list of at most 1 MiB, got %zu bytes", n);
    if (n >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
        rd_bytes(&c.in, 3);
    c.separator = separator_of(c.in);
    rc = parse(e, &c, err);
    if (rc)
        memset(e, 0, sizeof *e);
    return rc;
}

/* ---- rows to text ---- */

struct out {
    char *to;
    size_t cap, n;
};

static void out_text(struct out *o, const char *s, size_t n)
{
    if (o->n < o->cap)
        memcpy(o->to + o->n, s, n < o->cap - o->n ? n : o->cap - o->n);
    o->n += n;
}

static void out_field(struct out *o, const char *s)
{
    out_text(o, ",", 1);
    if (!s[0])
        return;
    out_text(o, "\"'", is_formula(s) ? 2 : 1);
    for (; *s; s++)
        out_text(o, *s == '"' ? "\"\"" : s, *s == '"' ? 2 : 1);
    out_text(o, "\"", 1);
}

size_t expected_write(const struct expected *e, char *to, size_t cap)
{
    static const char digits[] = "0123456789abcdef";
    struct out o = {to, cap, 0};

    out_text(&o, heading, sizeof heading - 1);
    for (unsigned i = 0; i < e->n; i++) {
        const struct expected_row *r = &e->row[i];

        for (unsigned b = 0; b < 6; b++) {
            char text[3] = {':', digits[r->mac[b] >> 4], digits[r->mac[b] & 15]};

            out_text(&o, text + (b == 0), b == 0 ? 2 : 3);
        }
        out_field(&o, r->name);
        out_field(&o, r->asset);
        out_field(&o, r->position);
        out_field(&o, r->image);
        out_field(&o, r->host);
        out_text(&o, "\n", 1);
    }
    return o.n;
}

/* ---- the journal ---- */

static void wr_text(struct writer *w, const char *s)
{
    wr_u8(w, (uint8_t)strlen(s));
    wr_copy(w, s, strlen(s));
}

static bool rd_text(struct reader *r, char *to)
{
    size_t n = rd_u8(r);
    const uint8_t *from = n <= EXPECTED_FIELD_MAX ? rd_bytes(r, n) : NULL;

    if (!from || !utf8_is_plain(from, n))
        return false;
    memcpy(to, from, n);
    to[n] = 0;
    return true;
}

/* MAC (6), then name, asset, position, image, host: length (1) and bytes */
size_t expected_encode(const struct expected_row *row, uint8_t value[EXPECTED_VALUE_MAX])
{
    struct writer w = writer_on(value, EXPECTED_VALUE_MAX);

    wr_copy(&w, row->mac, 6);
    wr_text(&w, row->name);
    wr_text(&w, row->asset);
    wr_text(&w, row->position);
    wr_text(&w, row->image);
    wr_text(&w, row->host);
    MUST(!w.bad);
    return w.done;
}

bool expected_decode(struct expected_row *row, const uint8_t *value, size_t n)
{
    struct reader r = reader_on(value, n);
    char host[EXPECTED_FIELD_MAX + 1] = "";

    memset(row, 0, sizeof *row);
    rd_copy(&r, row->mac, 6);
    if (!rd_text(&r, row->name) || !rd_text(&r, row->asset) || !rd_text(&r, row->position) ||
        !rd_text(&r, row->image) || !rd_text(&r, host) || !is_host_name(host))
        return false;
    memcpy(row->host, host, strlen(host) + 1);
    return rd_done(&r) && !(row->mac[0] & 1);
}
