/* The machines that are expected: a list in CSV, made by a person in a spreadsheet.
 *
 *   MAC,name,asset,position,image,host name
 *
 * Fields may be in quotes ("" inside them is one), lines end in LF or CR LF, trailing fields may be
 * missing, the separator may be a semicolon (it is what the first line has more of), empty lines
 * and lines that begin with # are skipped. A first line whose first field is "mac" in any letter
 * case is a heading and passes. A byte order mark at the start passes. Everything else is refused
 * with its line. A host name is letters, digits and hyphens, at most 63 (RFC 1123); the other
 * fields are UTF-8 without control characters, at most 64 bytes.
 *
 * Pure; memory is the caller's. */
#ifndef BOARD_BOX_SCHEDULE_EXPECTED_H
#define BOARD_BOX_SCHEDULE_EXPECTED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "board/errors/schedule.h"
#include "net/wire/err.h"

#define EXPECTED_MAX 2048
#define EXPECTED_FIELD_MAX 64 /* bytes */
#define EXPECTED_HOST_MAX 63
#define EXPECTED_CSV_MAX (1u << 20)
#define EXPECTED_VALUE_MAX (6 + 5 * (1 + EXPECTED_FIELD_MAX)) /* bytes of a row in the journal */

struct expected_row {
    uint8_t mac[6];
    bool came;   /* it has joined a session in this run, or had passed before */
    bool passed; /* in the session it is for */
    char name[EXPECTED_FIELD_MAX + 1], asset[EXPECTED_FIELD_MAX + 1],
        position[EXPECTED_FIELD_MAX + 1];
    char image[EXPECTED_FIELD_MAX + 1]; /* "": any */
    char host[EXPECTED_HOST_MAX + 1];   /* "": none */
};

struct expected {
    unsigned n;
    struct expected_row row[EXPECTED_MAX]; /* in the order of the list */
    uint16_t slot[2 * EXPECTED_MAX];       /* by MAC: 1 + index; 0: free */
};

/* Replaces the list; on error it is empty, and `err` has the line. What is known of machines that
 * stay (came, passed) is not carried over: the caller does. An empty text is an empty list. */
int expected_parse(struct expected *, const char *text, size_t n, struct err *);
/* NULL: not on the list. */
struct expected_row *expected_find(struct expected *, const uint8_t mac[6]);
const struct expected_row *expected_look(const struct expected *, const uint8_t mac[6]);
/* One more row; 0, PLAN_EMANY or PLAN_ETWICE. */
int expected_add(struct expected *, const struct expected_row *);
/* How many have not come. */
unsigned expected_missing(const struct expected *);

/* The list as CSV with its heading: fields that could be read as a formula begin with an
 * apostrophe; returns the bytes there are, and writes at most `cap` of them without a final NUL. */
size_t expected_write(const struct expected *, char *to, size_t cap);

/* A row as bytes for the journal, and back (false: makes no sense). */
size_t expected_encode(const struct expected_row *, uint8_t value[EXPECTED_VALUE_MAX]);
bool expected_decode(struct expected_row *, const uint8_t *value, size_t n);

#endif
