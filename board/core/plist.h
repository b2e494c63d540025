/* The part of Apple's XML property lists that asr's configuration uses: one dictionary of integers,
 * strings and booleans.
 *
 * Strict and bounded: no DTD is read (a DOCTYPE line is skipped, one with an internal subset
 * refused), no entity is known but XML's own five, nothing is nested, nothing is guessed. Reads
 * nothing but its arguments. */
#ifndef BOARD_CORE_PLIST_H
#define BOARD_CORE_PLIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/wire/err.h"

#define PLIST_TEXT_MAX 255

enum plist_kind { PLIST_INTEGER, PLIST_STRING, PLIST_BOOL };

struct plist_value {
    enum plist_kind kind;
    int64_t integer;
    bool truth;
    char text[PLIST_TEXT_MAX + 1]; /* of strings: UTF-8 without control characters */
};

/* Takes one entry, in file order; `line` is where its value stands. 0 to go on, else what
 * plist_read returns. */
typedef int (*plist_take)(void *ctx, const char *key, const struct plist_value *, unsigned line,
                          struct err *);

/* Whether these bytes claim to be XML; a binary property list, which is not read here. */
bool plist_is_xml(const char *text, size_t n);
bool plist_is_binary(const char *text, size_t n);

/* 0, a CONFIG_E code with "file:line: expected ..., got ...", or what `take` returned. */
int plist_read(const char *file, const char *text, size_t n, plist_take take, void *ctx,
               struct err *);

#endif
