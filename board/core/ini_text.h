/* A text in memory as INI (libinih): sections, keys, comments; every message with file and line.
 * And what values of keys may be. */
#ifndef BOARD_CORE_INI_TEXT_H
#define BOARD_CORE_INI_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/wire/err.h"

struct ini_place {
    const char *file; /* named in messages */
    unsigned line;
};

/* One KEY = VALUE. 0, or a negative code and a sentence that begins with file and line. */
typedef int ini_entry(void *ctx, const struct ini_place *, const char *section, const char *key,
                      const char *value, struct err *);

/* Text without a zero byte. Ends at the first error: 0, the entry's own code, or CONFIG_ESYNTAX. */
int ini_text_read(const char *file, const char *text, size_t n, ini_entry *entry, void *ctx,
                  struct err *);

/* What a value may be. Each: 0 and *to, or CONFIG_EVALUE and "expected `what`, got ..."; *to
 * untouched. */
int ini_wrong(const char *what, const char *value, struct err *);
/* One to cap - 1 bytes without control characters. */
int ini_text(char *to, size_t cap, const char *value, const char *what, struct err *);
/* yes, on, true; no, off, false */
int ini_truth(bool *to, const char *value, const char *what, struct err *);
/* A whole number in [low, high]; behind it perhaps one letter of `units`, which multiplies by its
 * factor ("" and NULL: none). */
int ini_number(uint32_t *to, const char *value, const char *units, const uint32_t *factor,
               uint32_t low, uint32_t high, const char *what, struct err *);

#endif
