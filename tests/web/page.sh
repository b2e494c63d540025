#!/bin/bash
# What a person does with the page, in Debian's Chromium, against a box made of memory (mock.mjs). TAP.
#   tests/web/page.sh [WORD]   the tests whose name holds WORD
set -euo pipefail
cd "${TOP:-$(dirname "$0")/../..}"
command -v node > /dev/null || { echo "skip: node is not there"; exit 77; }
[ -s build/gen/www/index.html.gz ] || { echo "skip: build/gen/www is not there: make e2e-programs"; exit 77; }
exec node tests/web/page_test.mjs "$@"
