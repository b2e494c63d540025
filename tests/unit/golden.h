/* Packets kept as text in tests/golden: "#" lines, then "offset byte byte ..." in hexadecimal. */
#ifndef TESTS_UNIT_GOLDEN_H
#define TESTS_UNIT_GOLDEN_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/wire/must.h"

struct golden {
    uint8_t bytes[2048];
    size_t n;
};

static inline struct golden golden_load(const char *folder, const char *name)
{
    struct golden g = {.n = 0};
    char path[256], line[256];
    FILE *f;

    snprintf(path, sizeof path, "tests/golden/%s/%s.txt", folder, name);
    f = fopen(path, "r");
    if (!f)
        fprintf(stderr, "expected %s: run this from the top of the tree\n", path);
    MUST(f);
    while (fgets(line, sizeof line, f)) {
        char *at = line, *end;

        if (line[0] == '#')
            continue;
        MUST(strtoul(at, &at, 16) == g.n);
        for (unsigned long byte = strtoul(at, &end, 16); end != at; byte = strtoul(at, &end, 16)) {
            MUST(byte < 256 && g.n < sizeof g.bytes);
            g.bytes[g.n++] = (uint8_t)byte;
            at = end;
        }
    }
    fclose(f);
    return g;
}

#endif
