#!/bin/bash
# Every fault that tests/mutants/run puts back has its place in the code as it is; and the check sees one that has not.
set -euo pipefail
top=${TOP:-$PWD}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

TOP=$top "$top/tests/mutants/run" --check

entry() { # FIND FILE TEST
    printf '[[mutant]]\nname = "a"\nfile = "%s"\nfind = "%s"\nput = ""\ntest = "%s"\n' "$2" "$1" "$3" > "$work/tests/mutants/mutants.toml"
}
refused() { # WHAT
    if TOP=$work "$top/tests/mutants/run" --check > "$work/found" 2>&1 || ! grep -q "$1" "$work/found"; then
        echo "expected '$1', got: $(cat "$work/found")"
        exit 1
    fi
}

mkdir -p "$work/tests/mutants" "$work/tests/unit"
echo 'int once, twice, twice;' > "$work/a.c"
touch "$work/tests/unit/a_test.c"
entry once a.c unit/a_test
TOP=$work "$top/tests/mutants/run" --check
entry never a.c unit/a_test
refused 'occurs 0 times in a.c'
entry twice a.c unit/a_test
refused 'occurs 2 times in a.c'
entry once b.c unit/a_test
refused 'b.c does not exist'
entry once a.c unit/b_test
refused 'tests/unit/b_test.c does not exist'
entry once a.c unit/a_test
cat "$work/tests/mutants/mutants.toml" "$work/tests/mutants/mutants.toml" > "$work/both"
mv "$work/both" "$work/tests/mutants/mutants.toml"
refused 'the name is used twice'
