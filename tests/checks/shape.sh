#!/bin/bash
# tools/check-shape must see what has grown too large, and a switch that is not about the instruction set.
set -euo pipefail
top=${TOP:-$PWD}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work"/net/wire
cd "$work"

lines() { for _ in $(seq "$1"); do echo '    x++;'; done; }
check() { "$top/tools/check-shape" "$work" > found 2>&1; }
refused() { # WHAT FILE
    if check || ! grep -q "^$2:.*$1" found; then
        echo "expected '$1' about $2, got: $(cat found)"
        exit 1
    fi
    rm "$2"
}

{ printf 'void f(void)\n{\n'; lines 100; echo '}'; } > net/wire/right.c
printf '#ifndef NET_WIRE_RIGHT_H\n#define NET_WIRE_RIGHT_H\n#endif\n' > net/wire/right.h
printf '#if defined(__x86_64__)\n#endif\n' > net/wire/isa.c
check || { echo "expected a tree in shape to pass, got: $(cat found)"; exit 1; }

{ printf 'void f(void)\n{\n'; lines 101; echo '}'; } > net/wire/wrong.c
refused 'f has 101 lines' net/wire/wrong.c
lines 801 > net/wire/wrong.c
refused '801 lines' net/wire/wrong.c
lines 201 > net/wire/wrong.h
refused '201 lines' net/wire/wrong.h
printf '#ifdef WITH_TFTP\n#endif\n' > net/wire/wrong.c
refused 'features are files' net/wire/wrong.c
