/* A text in memory as INI (libinih): sections, keys, comments; every message with file and line. */
#ifndef BOARD_HOST_INI_TEXT_H
#define BOARD_HOST_INI_TEXT_H

#include <stddef.h>

#include "net/wire/err.h"

struct ini_place {
    const char *file; /* named in messages */
    unsigned line;
};

/* One KEY = VALUE. 0, or a negative code and a sentence that begins with file and line. */
typedef int ini_entry(void *ctx, const struct ini_place *, const char *section, const char *key, const char *value,
                      struct err *);

/* Text without a zero byte. Ends at the first error: 0, the entry's own code, or CONFIG_ESYNTAX. */
int ini_text_read(const char *file, const char *text, size_t n, ini_entry *entry, void *ctx, struct err *);

#endif
