#!/bin/bash
# tools/check-includes must see each arrow that is not allowed: one wrong file at a time, each named.
set -euo pipefail
top=${TOP:-$PWD}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
mkdir -p imaging/fec net/{wire,ring,dhcp,ip} board/{cli,core,box/web,box/orders}
touch imaging/fec/fec.h net/wire/reader.h net/ring/ring.h board/cli/commands.h board/box/web/portal.h

check() { "$top"/tools/check-includes "$work" > found 2>&1; }
refused() { # FILE INCLUDE
    echo "#include $2" > "$1"
    if check || ! grep -q "^$1:1: " found; then
        echo "expected $1 to be refused for $2, got: $(cat found)"
        exit 1
    fi
    rm "$1"
}

echo '#include "net/wire/reader.h"' > imaging/fec/fec.c
echo '#include <lwip/udp.h>' > net/dhcp/bind.c
echo '#include "imaging/fec/fec.h"' > board/cli/main.c
check || { echo "expected a clean tree to pass, got: $(cat found)"; exit 1; }

refused imaging/fec/wrong.c '"net/ring/ring.h"'
refused imaging/fec/wrong.c '"board/cli/commands.h"'
refused imaging/fec/wrong.c '"lwip/udp.h"'
refused imaging/fec/wrong.c '"fec.h"'
refused net/dhcp/server.c '<lwip/udp.h>'
refused net/dhcp/server.c '"board/cli/commands.h"'
refused net/wire/wrong.h '"net/ring/ring.h"'
refused board/core/wrong.c '"tests/unit/help.h"'
refused board/core/wrong.c '"board/cli/commands.h"'
refused board/box/orders/wrong.c '"board/box/web/portal.h"'

# A circle in the table itself, and a folder without a row.
if INCLUDE_TABLE=$'net/wire:\nimaging/fec: net/dhcp\nnet/dhcp: net/ring\nnet/ring: imaging/fec\nboard/cli: imaging/fec' check || ! grep -q "circle through net/ring" found; then
    echo "expected a circle of three folders to be refused, got: $(cat found)"
    exit 1
fi
if INCLUDE_TABLE="net/wire:" check || ! grep -q "board/cli has no row" found; then
    echo "expected a folder without a row to be refused, got: $(cat found)"
    exit 1
fi
