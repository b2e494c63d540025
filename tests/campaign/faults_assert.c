/* The asserts of cmocka.h without its runner: one that fails says where, and ends the process. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/campaign/faults.h"

void print_error(const char *const format, ...)
{
    va_list ap;

    va_start(ap, format);
    vfprintf(stdout, format, ap);
    va_end(ap);
}

void _fail(const char *const file, const int line)
{
    printf("%s:%d: wrong\n", file, line);
    fflush(stdout);
    _Exit(1);
}

void _assert_true(const LargestIntegralType result, const char *const expression,
                  const char *const file, const int line)
{
    if (result)
        return;
    print_error("expected: %s\n", expression);
    _fail(file, line);
}

void _assert_int_equal(const LargestIntegralType a, const LargestIntegralType b,
                       const char *const file, const int line)
{
    if (a == b)
        return;
    print_error("expected %lld, got %lld\n", (long long)b, (long long)a);
    _fail(file, line);
}

void _assert_string_equal(const char *const a, const char *const b, const char *const file,
                          const int line)
{
    if (strcmp(a, b) == 0)
        return;
    print_error("expected \"%s\", got \"%s\"\n", b, a);
    _fail(file, line);
}

void _assert_memory_equal(const void *const a, const void *const b, const size_t n,
                          const char *const file, const int line)
{
    if (memcmp(a, b, n) == 0)
        return;
    print_error("expected %zu bytes to be the same\n", n);
    _fail(file, line);
}
