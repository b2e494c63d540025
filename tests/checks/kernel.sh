#!/bin/bash
# tools/kernel must see a line that the configuration lost, and the kernel of the image must have lost none.
set -euo pipefail
top=${TOP:-$PWD}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/fragments"
printf '# remark\nCONFIG_A=y  # why\nCONFIG_B=n # why\nCONFIG_C="x y # z" # why\n' > "$work/fragments/a.config"

check() { "$top/tools/kernel" --check "$work/fragments" "$work/config" > "$work/said"; }
lost() { # CONFIG WORDS
    printf '%b' "$1" > "$work/config"
    if check || [ "$(cat "$work/said")" != "$2" ]; then
        echo "expected '$2', got '$(cat "$work/said")'"
        exit 1
    fi
}

printf 'CONFIG_A=y\n# CONFIG_B is not set\nCONFIG_C="x y # z"\nCONFIG_D=y\n' > "$work/config"
check || { echo "expected all lines to be found, got: $(cat "$work/said")"; exit 1; }
lost 'CONFIG_C="x y # z"\n' 'expected CONFIG_A=y, got CONFIG_A=n'
lost 'CONFIG_A=y\nCONFIG_B=y\nCONFIG_C="x y # z"\n' 'expected CONFIG_B=n, got CONFIG_B=y'
lost 'CONFIG_A=y\nCONFIG_C="x"\n' 'expected CONFIG_C="x y # z", got CONFIG_C="x"'

wrong=$(grep -nvE '^(#.*|CONFIG_[A-Za-z0-9_]+=("[^"]*"|[^ "]+) +# .+)$' "$top"/kernel-config/*.config) &&
    { echo "expected a reason on each line, got: $wrong"; exit 1; }
built=$("$top/tools/deps" path kernel)/config
[ -e "$built" ] || { echo "no kernel has been built"; exit 77; }
"$top/tools/kernel" --check "$top/kernel-config" "$built"
