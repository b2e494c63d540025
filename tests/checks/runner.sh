#!/bin/bash
# tests/run must count what it is told, and must not be talked into a success: not by a program that dies before its
# first test, not by one that says "ok" and then fails, not by one that never ends.
set -euo pipefail
top=${TOP:-$PWD}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work"/tests/unit "$work"/build/unit
cp "$top/tests/run" "$work/tests/"
cd "$work"

unit() { # NAME SCRIPT: a unit program that does this
    touch "tests/unit/$1_test.c"
    printf '#!/bin/sh\n%s\n' "$2" > "build/unit/$1_test"
    chmod +x "build/unit/$1_test"
}
expect() { # EXIT-CODE LAST-LINE
    local code=0
    PATIENCE=0.02 tests/run check > out 2>&1 || code=$?
    if [ "$code $(tail -n 1 out)" != "$1 $2" ]; then
        echo "expected '$1 $2', got '$code $(tail -n 1 out)':"
        cat out
        exit 1
    fi
    rm -r tests/unit build
    mkdir -p tests/unit build/unit
}

unit fine 'echo "ok 1 - a"; echo "ok 2 - b"'
expect 0 "2 passed, 0 failed"

unit fine 'echo "ok 1 - a"'
unit skips 'echo "ok 1 - a # SKIP no such disk"; echo "ok 2 - b"'
expect 0 "2 passed, 0 failed, 1 skipped"

unit fails 'echo "ok 1 - a"; echo "not ok 2 - b"; exit 1'
expect 1 "1 passed, 1 failed"

unit dies 'exit 1'
expect 1 "0 passed, 1 failed"

unit silent 'exit 0'
expect 1 "0 passed, 1 failed"

unit leaks 'echo "ok 1 - a"; exit 1'
expect 1 "1 passed, 1 failed"

unit hangs 'trap "exit 0" TERM; echo "ok 1 - a"; sleep 60 & wait'
expect 1 "1 passed, 1 failed"

touch tests/unit/unbuilt_test.c
expect 1 "0 passed, 1 failed"
