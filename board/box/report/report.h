/* The report: every attempt (attempts.h) as CSV, JSON or a page to print, written piece by piece
 * while somebody reads it, and signed by the box at its end (seal.h).
 *
 *   CSV   RFC 4180, UTF-8; a heading, a line an attempt, the signature as the last line:
 *         "signature" where the attempt's number would be.
 *         Texts are in quotes; wherever a spreadsheet might begin to read a formula (= + - @, at
 *         the start of a field or behind a
 *         separator) an apostrophe stands before it.
 *   JSON  one object: box, made, clock, attempts [...], totals, dropped, signature
 *   HTML  one page without script and without anything from elsewhere
 *
 * Columns (members of an attempt in JSON have these names; what is not known is empty, in JSON
 * null): attempt         number, from 1; empty: the machine joined and was never heard of, or never
 * came at all mac name asset position     the machine, the last three from the list of expected
 * ones machine_serial disk_model disk_serial image version root_hash     what it was to get start
 * end       date and time, ISO 8601 UTC; empty when the box's clock had no right time bytes of the
 * image's content that are on the disk loss_ppm        packets lost on the way, parts per million
 *   repair_symbols  used: symbols of the image that they stood in for
 *   read_back       "yes": the disk was read back and found right
 *   result          pass, fail, left, lost, running, never came
 *   cause           in words
 *   start_run start_up_s end_run end_up_s    the same times without a clock: how often the box had
 *                                            been started by then, and its seconds
 *                   of uptime
 *   dropped_ppm     packets that arrived and that the machine, too busy, dropped itself, parts per
 *                   million; on the page beside loss_ppm;
 *                   empty in attempts of a version that did not keep it
 * New columns come at the end. Pure but for the signature. */
#ifndef BOARD_BOX_REPORT_REPORT_H
#define BOARD_BOX_REPORT_REPORT_H

#include "board/box/report/attempts.h"
#include "board/box/schedule/expected.h"
#include "board/core/seal.h"
#include "net/wire/json.h"

#define REPORT_COLUMNS 24
#define REPORT_PIECE 16384 /* the longest row of any format fits */

struct report_about {
    const struct attempts *attempts; /* kept; it may change while the report is read */
    const struct expected *expected; /* kept; NULL: nobody is expected by name */
    const struct sign_key *key;      /* kept */
    const char *box;                 /* its name, kept */
    struct attempt_clock now;
    const char *(*sentence)(int code); /* of an error, NULL: none is known */
};

struct report {
    struct report_about about;
    enum report_format format;
    unsigned part, at, n; /* of it: the row that comes next; rows */
    bool some;            /* a row was written */
    uint32_t tally[ATTEMPT_RESULTS + 1];
    struct seal seal;
    size_t left; /* of the piece */
    const uint8_t *from;
    uint16_t row[ATTEMPTS_MAX];
    uint32_t number[ATTEMPTS_MAX]; /* when it began: a row that has gone meanwhile is left out */
    uint8_t piece[REPORT_PIECE];
};

/* About 70 KB: taken once. */
void report_begin(struct report *, enum report_format, const struct report_about *);
/* The next bytes, at most cap; 0: that was all. A signature that cannot be made leaves a report
 * without an end, which nobody believes. */
size_t report_read(struct report *, uint8_t *out, size_t cap);
/* "text/csv; charset=utf-8" and so on. */
const char *report_media_type(enum report_format);
/* What stands in the page's <style>: a policy names its hash. */
const char *report_style(void);

/* One attempt outside of a report: as members of the open object, and its cause in words ("" when
 * there is nothing to say). */
void report_attempt(struct json *, const struct attempt *, const char *(*sentence)(int code));
#define REPORT_CAUSE_MAX 320
void report_cause(const struct attempt *, const char *(*sentence)(int code),
                  char to[REPORT_CAUSE_MAX]);

#endif
