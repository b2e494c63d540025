#!/bin/bash
# The C sources are laid out as .clang-format says, and no line of them or of a document is longer than 100 columns. The check
# sees a file that is not, and a line that is.
set -euo pipefail
top=${TOP:-$PWD}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$top"

"$top/tools/format" --check

refused() { # WHAT FILE
    if "$top/tools/format" --check "$2" > "$work/found" 2>&1 || ! grep -q "$1" "$work/found"; then
        echo "expected '$1' about $2, got: $(cat "$work/found")"
        exit 1
    fi
}

cp .clang-format "$work"
printf 'int f(void)\n{\n    return 0;\n}\n' > "$work/right.c"
"$top/tools/format" --check "$work/right.c"
printf 'int f(void) {\n  return 0;\n}\n' > "$work/layout.c"
refused 'laid out otherwise' "$work/layout.c"
printf '/* %s */\n' "$(printf 'x%.0s' $(seq 100))" > "$work/long.c"
refused 'at most 100 columns' "$work/long.c"

if git ls-files '*.md' | LC_ALL=C.UTF-8 xargs -d '\n' grep -HnE '^.{101}'; then
    echo "expected documents of at most 100 columns"
    exit 1
fi
