#!/bin/bash
# tools/check-pure must see an object that reaches for a clock, the heap, a socket or the terminal.
set -euo pipefail
top=${TOP:-$PWD}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

compile() { printf '#include <%s>\n%s\n' "$2" "$3" | gcc -O2 -fno-builtin -x c -c - -o "$1"; }
refused() { # SYMBOL HEADER SOURCE
    compile wrong.o "$2" "$3"
    if "$top/tools/check-pure" "$work/wrong.o" > found 2>&1 || ! grep -q "reaches for $1\$" found; then
        echo "expected $1 to be refused, got: $(cat found)"
        exit 1
    fi
}

compile right.o string.h 'void f(char *to, const char *from) { memcpy(to, from, strlen(from)); }'
"$top/tools/check-pure" "$work/right.o" || { echo "expected memcpy and strlen to pass"; exit 1; }

refused malloc stdlib.h 'void *f(void) { return malloc(1); }'
refused clock_gettime time.h 'int f(struct timespec *t) { return clock_gettime(CLOCK_MONOTONIC, t); }'
refused time time.h 'time_t f(void) { return time(0); }'
refused socket sys/socket.h 'int f(void) { return socket(0, 0, 0); }'
refused printf stdio.h 'int f(void) { return printf("x"); }'
refused helper_elsewhere stddef.h 'int helper_elsewhere(void); int f(void) { return helper_elsewhere(); }'
