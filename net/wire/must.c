#include "net/wire/must.h"

#include <stdio.h>
#include <stdlib.h>

_Noreturn void must_fail(const char *file, int line, const char *text)
{
    fprintf(stderr, "%s:%d: must hold: %s\n", file, line, text);
    abort();
}
