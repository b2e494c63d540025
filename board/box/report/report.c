#include "board/box/report/report.h"

#include <stdio.h>
#include <string.h>

#include "net/wire/json.h"
#include "net/wire/must.h"
#include "net/wire/units.h"
#include "net/wire/utf8.h"
#include "net/wire/writer.h"

#define NEVER_CAME ATTEMPT_RESULTS
#define CELL_MAX 400

enum part { PART_HEAD, PART_ATTEMPTS, PART_EXPECTED, PART_TAIL, PART_SEAL, PART_END };

/* ---- a row as texts, the same for all formats ---- */

enum column_kind { TEXT, NUMBER, TRUTH };

static const struct column {
    const char *name;
    enum column_kind kind;
} columns[REPORT_COLUMNS] = {
    {"attempt", NUMBER},    {"mac", TEXT},
    {"name", TEXT},         {"asset", TEXT},
    {"position", TEXT},     {"machine_serial", TEXT},
    {"disk_model", TEXT},   {"disk_serial", TEXT},
    {"image", TEXT},        {"version", TEXT},
    {"root_hash", TEXT},    {"start", TEXT},
    {"end", TEXT},          {"bytes", NUMBER},
    {"loss_ppm", NUMBER},   {"repair_symbols", NUMBER},
    {"read_back", TRUTH},   {"result", TEXT},
    {"cause", TEXT},        {"start_run", NUMBER},
    {"start_up_s", NUMBER}, {"end_run", NUMBER},
    {"end_up_s", NUMBER},   {"dropped_ppm", NUMBER},
};

/* The columns of the page, in its order. */
static const uint8_t page_columns[] = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,
                                       10, 11, 12, 13, 14, 23, 15, 16, 17, 18};

/* "" is not known. A truth is "yes" or "no". */
struct cells {
    char text[REPORT_COLUMNS][CELL_MAX];
};

static const char *result_text(unsigned result)
{
    return result == NEVER_CAME ? "never came" : attempt_result_name(result);
}

static void time_text(char *to, uint64_t unix_s)
{
    to[0] = 0;
    if (unix_s)
        units_date_text(to, unix_s);
}

void report_cause(const struct attempt *a, const char *(*sentence)(int code),
                  char to[REPORT_CAUSE_MAX])
{
    static const char *const lost[ATTEMPT_LOSSES] = {
        [ATTEMPT_SILENT] = "the machine fell silent",
        [ATTEMPT_ANEW] = "the machine was started anew and joined again",
        [ATTEMPT_MUTE] = "the machine joined and was never heard of",
        [ATTEMPT_RESTARTED] = "the box was started anew and has not heard of the machine since",
    };
    const char *why = sentence && a->error ? sentence(a->error) : NULL;

    to[0] = 0;
    if (a->result == ATTEMPT_LOST)
        snprintf(to, REPORT_CAUSE_MAX, "%s", lost[a->loss]);
    else if (a->result == ATTEMPT_LEFT)
        snprintf(to, REPORT_CAUSE_MAX, "stopped on request");
    else if (a->result == ATTEMPT_FAIL)
        snprintf(to, REPORT_CAUSE_MAX, "%s (error %d)",
                 why ? why : "no sentence is known for this error", (int)a->error);
}

static void number_text(char to[CELL_MAX], uint64_t v, bool known)
{
    snprintf(to, known ? CELL_MAX : 1, "%llu", (unsigned long long)v);
}

static void hex_text(char to[CELL_MAX], const uint8_t *bytes, size_t n, const char *between)
{
    char *at = to;

    for (size_t i = 0; i < n; i++)
        at += snprintf(at, (size_t)(to + CELL_MAX - at), "%s%02x", i ? between : "", bytes[i]);
}

static bool any(const uint8_t *bytes, size_t n)
{
    uint8_t all = 0;

    for (size_t i = 0; i < n; i++)
        all |= bytes[i];
    return all;
}

static void attempt_cells(const struct attempt *a, const char *(*sentence)(int code),
                          struct cells *c)
{
    char(*t)[CELL_MAX] = c->text;
    uint32_t loss = attempt_loss_ppm(a), dropped = attempt_dropped_ppm(a);
    bool ended = a->result != ATTEMPT_RUNNING;

    memset(c, 0, sizeof *c);
    number_text(t[0], a->number, a->number);
    hex_text(t[1], a->mac, 6, ":");
    snprintf(t[2], CELL_MAX, "%s", a->name);
    snprintf(t[3], CELL_MAX, "%s", a->asset);
    snprintf(t[4], CELL_MAX, "%s", a->position);
    snprintf(t[5], CELL_MAX, "%s", a->machine_serial);
    snprintf(t[6], CELL_MAX, "%s", a->disk_model);
    snprintf(t[7], CELL_MAX, "%s", a->disk_serial);
    snprintf(t[8], CELL_MAX, "%s", a->image);
    snprintf(t[9], CELL_MAX, "%s", a->version);
    if (any(a->root, sizeof a->root))
        hex_text(t[10], a->root, sizeof a->root, "");
    time_text(t[11], a->start.unix_s);
    time_text(t[12], a->end.unix_s);
    number_text(t[13], a->bytes, a->number);
    number_text(t[14], loss, loss != ATTEMPT_UNKNOWN);
    number_text(t[15], a->repaired, a->number);
    snprintf(t[16], CELL_MAX, "%s", attempt_read_back(a) ? "yes" : "no");
    snprintf(t[17], CELL_MAX, "%s", result_text(a->result));
    report_cause(a, sentence, t[18]);
    number_text(t[19], a->start.run, true);
    number_text(t[20], a->start.up_s, true);
    number_text(t[21], a->end.run, ended);
    number_text(t[22], a->end.up_s, ended);
    number_text(t[23], dropped, dropped != ATTEMPT_UNKNOWN);
}

static void expected_cells(const struct expected_row *e, struct cells *c)
{
    char(*t)[CELL_MAX] = c->text;

    memset(c, 0, sizeof *c);
    hex_text(t[1], e->mac, 6, ":");
    snprintf(t[2], CELL_MAX, "%s", e->name);
    snprintf(t[3], CELL_MAX, "%s", e->asset);
    snprintf(t[4], CELL_MAX, "%s", e->position);
    snprintf(t[8], CELL_MAX, "%s", e->image);
    snprintf(t[16], CELL_MAX, "no");
    snprintf(t[17], CELL_MAX, "%s", result_text(NEVER_CAME));
    snprintf(t[18], CELL_MAX, "it is on the list of expected machines and has not joined");
}

/* ---- letters ---- */

static void put(struct writer *w, const char *text)
{
    wr_copy(w, text, strlen(text));
}

/* The next character of a text; what is not UTF-8, or might move a cursor, comes as U+FFFD. */
static uint32_t next_char(const char **text)
{
    uint32_t cp = 0;
    size_t n = utf8_read((const uint8_t *)*text, strlen(*text), &cp);

    *text += n ? n : 1;
    return n == 0 || utf8_is_control(cp) ? 0xFFFD : cp;
}

static void put_char(struct writer *w, uint32_t cp)
{
    uint8_t utf8[4];

    wr_copy(w, utf8, utf8_write(utf8, cp));
}

/* Where a spreadsheet that splits at something else than the comma, or leaves out blanks, would see
 * a cell begin. */
static bool begins_cell(uint32_t cp)
{
    return cp == ',' || cp == ';' || cp == '|' || cp == ':' || cp == '"' || cp == '\'' ||
           cp == 0xFFFD;
}

/* = + - @, and the wide forms that some take for the same */
static bool begins_formula(uint32_t cp)
{
    return cp == '=' || cp == '+' || cp == '-' || cp == '@' || cp == 0xFF1D || cp == 0xFF0B ||
           cp == 0xFF0D || cp == 0xFF20;
}

static void csv_text(struct writer *w, const char *text)
{
    bool start = true;

    put(w, "\"");
    while (*text) {
        uint32_t cp = next_char(&text);

        if (start && begins_formula(cp))
            put(w, "'");
        if (cp == '"')
            put(w, "\"");
        put_char(w, cp);
        start = begins_cell(cp) || (start && (cp == ' ' || cp == 0xA0));
    }
    put(w, "\"");
}

static void html_text(struct writer *w, const char *text)
{
    while (*text) {
        uint32_t cp = next_char(&text);

        switch (cp) {
        case '&':
            put(w, "&amp;");
            break;
        case '<':
            put(w, "&lt;");
            break;
        case '>':
            put(w, "&gt;");
            break;
        case '"':
            put(w, "&quot;");
            break;
        case '\'':
            put(w, "&#39;");
            break;
        default:
            put_char(w, cp);
        }
    }
}

/* ---- rows ---- */

static void csv_row(struct writer *w, const struct cells *c)
{
    for (unsigned i = 0; i < REPORT_COLUMNS; i++) {
        put(w, i ? "," : "");
        if (columns[i].kind == TEXT && c->text[i][0])
            csv_text(w, c->text[i]);
        else
            put(w, c->text[i]);
    }
    put(w, "\r\n");
}

static void json_cell(struct json *j, const struct column *col, const char *text)
{
    if (!text[0] &&
        (col->kind == NUMBER || strcmp(col->name, "start") == 0 || strcmp(col->name, "end") == 0))
        json_null(j, col->name);
    else if (col->kind == NUMBER) {
        uint64_t v = 0;

        for (; *text; text++)
            v = v * 10 + (uint64_t)(*text - '0');
        json_u64(j, col->name, v);
    } else if (col->kind == TRUTH)
        json_bool(j, col->name, strcmp(text, "yes") == 0);
    else
        json_str(j, col->name, text);
}

static void json_cells(struct json *j, const struct cells *c)
{
    for (unsigned i = 0; i < REPORT_COLUMNS; i++)
        json_cell(j, &columns[i], c->text[i]);
}

void report_attempt(struct json *j, const struct attempt *a, const char *(*sentence)(int code))
{
    struct cells cells;

    attempt_cells(a, sentence, &cells);
    json_cells(j, &cells);
}

static void json_row(struct writer *w, const struct cells *c, bool first)
{
    char buf[REPORT_PIECE - 8];
    struct json j = json_on(buf, sizeof buf);

    json_open(&j, NULL, '{');
    json_cells(&j, c);
    json_close(&j);
    MUST(!j.bad);
    put(w, first ? "\n" : ",\n");
    wr_copy(w, j.buf, j.len);
}

/* What the page shows: the clockless times only where there is no clock. */
static void html_time(struct writer *w, const struct cells *c, unsigned date, unsigned run,
                      unsigned up)
{
    html_text(w, c->text[date]);
    if (c->text[date][0] || !c->text[run][0])
        return;
    put(w, "start ");
    put(w, c->text[run]);
    put(w, " + ");
    put(w, c->text[up]);
    put(w, " s");
}

static void html_row(struct writer *w, const struct cells *c)
{
    const char *result = c->text[17];

    put(w, "<tr class=\"");
    put(w, strcmp(result, "never came") == 0 ? "never" : result);
    put(w, "\">");
    for (unsigned at = 0; at < sizeof page_columns; at++) {
        unsigned i = page_columns[at];

        put(w, columns[i].kind == NUMBER ? "<td class=\"n\">"
               : i == 10                 ? "<td class=\"h\">"
                                         : "<td>");
        if (i == 11)
            html_time(w, c, 11, 19, 20);
        else if (i == 12)
            html_time(w, c, 12, 21, 22);
        else
            html_text(w, c->text[i]);
        put(w, "</td>");
    }
    put(w, "</tr>\n");
}

static void put_row(struct report *r, struct writer *w, const struct cells *c, unsigned result)
{
    r->tally[result]++;
    if (r->format == REPORT_CSV)
        csv_row(w, c);
    else if (r->format == REPORT_JSON)
        json_row(w, c, !r->some);
    else
        html_row(w, c);
    r->some = true;
}

/* ---- head and tail ---- */

static const char *clock_text(const struct report *r)
{
    return r->about.now.unix_s >= ATTEMPT_CLOCK_LEAST
               ? "The box's clock has a date; where a time has none, it had lost it by then. In "
                 "any case attempts are numbered in their order."
               : "The box's clock has no right date (its battery may be empty): times are the "
                 "number of the box's start and its seconds of "
                 "uptime, and attempts are numbered in their order.";
}

static void json_head(struct report *r, struct writer *w)
{
    char buf[1024], made[CELL_MAX];
    struct json j = json_on(buf, sizeof buf);

    time_text(made, r->about.now.unix_s >= ATTEMPT_CLOCK_LEAST ? r->about.now.unix_s : 0);
    json_open(&j, NULL, '{');
    json_u64(&j, "report", 1);
    json_str(&j, "box", r->about.box);
    json_str(&j, "made", made[0] ? made : NULL);
    json_u64(&j, "made_run", r->about.attempts->run);
    json_u64(&j, "made_up_s", r->about.now.up_s);
    json_str(&j, "clock", clock_text(r));
    MUST(!j.bad);
    wr_copy(w, j.buf, j.len);
    put(w, ",\"attempts\":[");
}

static const char style[] =
    "body{font:14px/1.4 system-ui,sans-serif;margin:2em;color:#111;background:#fff}"
    "table{border-collapse:collapse;width:100%;font-size:12px}"
    "th,td{border:1px solid #999;padding:.2em "
    ".4em;text-align:left;vertical-align:top;unicode-bidi:isolate;overflow-wrap:anywhere}"
    "th{background:#eee}.n{text-align:right}.h,code{font:10px/1.2 monospace;overflow-wrap:anywhere}"
    "tr.fail td,tr.lost td,tr.never td{background:#fdd}tr.pass td:nth-child(19){font-weight:bold}"
    ".seal{margin-top:2em;font-size:11px}"
    "@page{size:A4 landscape;margin:10mm}"
    "@media "
    "print{body{margin:0}table{font-size:7pt}.h,code{font-size:5pt}thead{display:table-header-"
    "group}tr{break-inside:avoid}"
    "td,th{-webkit-print-color-adjust:exact;print-color-adjust:exact}}";

static void html_head(struct report *r, struct writer *w)
{
    char made[CELL_MAX];

    time_text(made, r->about.now.unix_s >= ATTEMPT_CLOCK_LEAST ? r->about.now.unix_s : 0);
    put(w,
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>Report of ");
    html_text(w, r->about.box);
    put(w, "</title>\n<style>");
    put(w, style);
    put(w, "</style>\n</head>\n<body>\n<h1>Report of ");
    html_text(w, r->about.box);
    put(w, "</h1>\n<p>");
    if (made[0]) {
        put(w, "Made ");
        put(w, made);
        put(w, ". ");
    }
    put(w, clock_text(r));
    put(w, "</p>\n<table>\n<thead><tr>");
    for (unsigned i = 0; i < sizeof page_columns; i++) {
        put(w, "<th scope=\"col\">");
        for (const char *at = columns[page_columns[i]].name; *at; at++)
            put_char(w, *at == '_' ? ' ' : (uint32_t)*at);
        put(w, "</th>");
    }
    put(w, "</tr></thead>\n<tbody>\n");
}

static void put_head(struct report *r, struct writer *w)
{
    if (r->format == REPORT_JSON) {
        json_head(r, w);
    } else if (r->format == REPORT_HTML) {
        html_head(r, w);
    } else {
        for (unsigned i = 0; i < REPORT_COLUMNS; i++) {
            put(w, i ? "," : "");
            put(w, columns[i].name);
        }
        put(w, "\r\n");
    }
}

static void json_tail(const struct report *r, struct writer *w)
{
    static const char *const name[ATTEMPT_RESULTS + 1] = {"running", "passed", "failed",
                                                          "left",    "lost",   "never_came"};
    char buf[512];
    struct json j = json_on(buf, sizeof buf);

    json_open(&j, NULL, '{');
    for (unsigned i = 0; i <= ATTEMPT_RESULTS; i++)
        json_u64(&j, name[i], r->tally[i]);
    json_close(&j);
    put(w, "\n],\"totals\":");
    wr_copy(w, j.buf, j.len);
    snprintf(buf, sizeof buf, ",\"dropped\":%lu",
             (unsigned long)attempts_dropped(r->about.attempts));
    put(w, buf);
}

static void html_tail(const struct report *r, struct writer *w)
{
    char text[400];
    uint32_t dropped = attempts_dropped(r->about.attempts);

    snprintf(text, sizeof text,
             "</tbody>\n</table>\n<p>%lu passed, %lu failed, %lu lost, %lu left, %lu running; %lu "
             "expected machines never came.</p>\n",
             (unsigned long)r->tally[ATTEMPT_PASS], (unsigned long)r->tally[ATTEMPT_FAIL],
             (unsigned long)r->tally[ATTEMPT_LOST], (unsigned long)r->tally[ATTEMPT_LEFT],
             (unsigned long)r->tally[ATTEMPT_RUNNING], (unsigned long)r->tally[NEVER_CAME]);
    put(w, text);
    snprintf(text, sizeof text, "<p>%lu older attempts are not listed: the box keeps %d.</p>\n",
             (unsigned long)dropped, ATTEMPTS_MAX);
    if (dropped)
        put(w, text);
}

/* ---- piece by piece ---- */

const char *report_style(void)
{
    return style;
}

const char *report_media_type(enum report_format format)
{
    static const char *const type[REPORT_FORMATS] = {"text/csv; charset=utf-8", "application/json",
                                                     "text/html; charset=utf-8"};

    return type[format];
}

void report_begin(struct report *r, enum report_format format, const struct report_about *about)
{
    memset(r, 0, sizeof *r);
    r->about = *about;
    r->format = format;
    r->n = attempts_list(about->attempts, r->row);
    for (unsigned i = 0; i < r->n; i++)
        r->number[i] = about->attempts->row[r->row[i]].number;
    seal_begin(&r->seal, format);
}

/* A row that was given to another attempt meanwhile is left out. */
static void attempt_piece(struct report *r, struct writer *w)
{
    const struct attempt *a = &r->about.attempts->row[r->row[r->at]];
    struct cells cells;

    if (a->used && a->number == r->number[r->at] && (a->number || a->result != ATTEMPT_RUNNING)) {
        attempt_cells(a, r->about.sentence, &cells);
        put_row(r, w, &cells, a->result);
    }
    r->at++;
}

static void expected_piece(struct report *r, struct writer *w)
{
    const struct expected_row *e = &r->about.expected->row[r->at++];
    struct cells cells;

    if (e->came)
        return;
    expected_cells(e, &cells);
    put_row(r, w, &cells, NEVER_CAME);
}

static bool next_piece(struct report *r, struct writer *w)
{
    switch ((enum part)r->part) {
    case PART_HEAD:
        put_head(r, w);
        return true;
    case PART_ATTEMPTS:
        if (r->at < r->n)
            attempt_piece(r, w);
        return r->at == r->n;
    case PART_EXPECTED:
        if (r->about.expected && r->at < r->about.expected->n)
            expected_piece(r, w);
        return !r->about.expected || r->at >= r->about.expected->n;
    case PART_TAIL:
        if (r->format == REPORT_JSON)
            json_tail(r, w);
        if (r->format == REPORT_HTML)
            html_tail(r, w);
        return true;
    case PART_SEAL:
        w->done = seal_end(&r->seal, r->about.key, r->piece);
        return true;
    case PART_END:
        break;
    }
    return false;
}

static void fill(struct report *r)
{
    struct writer w = writer_on(r->piece, sizeof r->piece);
    bool seals = r->part == PART_SEAL;

    if (next_piece(r, &w)) {
        r->part++;
        r->at = 0;
    }
    MUST(!w.bad);
    if (!seals)
        seal_add(&r->seal, r->piece, w.done);
    r->from = r->piece;
    r->left = w.done;
}

size_t report_read(struct report *r, uint8_t *out, size_t cap)
{
    size_t done = 0;

    while (done < cap && (r->left || r->part < PART_END)) {
        size_t n = r->left < cap - done ? r->left : cap - done;

        if (n == 0) {
            fill(r);
            continue;
        }
        memcpy(out + done, r->from, n);
        r->from += n;
        r->left -= n;
        done += n;
    }
    return done;
}
