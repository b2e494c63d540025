#!/bin/bash
# What the box says of a room full of hostile texts, as foreign readers see it: Prometheus's own checker and Python's JSON.
set -euo pipefail
cd "${TOP:-$PWD}"
command -v promtool >/dev/null || { echo "promtool is not installed"; exit 77; }
tool=build/e2e/status_tool
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

for machines in 0 22 2048; do
    $tool metrics $machines >"$work/metrics"
    promtool check metrics <"$work/metrics" >"$work/said" 2>&1 || { cat "$work/said"; exit 1; }
    [ ! -s "$work/said" ] || { echo "promtool has something to say:"; cat "$work/said"; exit 1; }
    ! grep -q '^evil' "$work/metrics" || { echo "a name became a metric"; exit 1; }
    [ "$(grep -c '^ringcast_machine_info' "$work/metrics" || true)" = $machines ]
    for what in whole change; do
        $tool $what $machines >"$work/json"
        python3 - "$work/json" $machines <<'PYTHON'
import json, sys
room = json.load(open(sys.argv[1], encoding="utf-8"))
assert len(room["machines"]) == int(sys.argv[2]), len(room["machines"])
assert all(m["mac"].startswith("52:54:") for m in room["machines"])
assert len({m["number"] for m in room["machines"]}) == len(room["machines"])
t = room["totals"]
assert sum(t[k] for k in ("waiting", "imaging", "verifying", "passed", "failed", "lost")) == t["machines"] == len(room["machines"])
for m in room["machines"]:
    for text in (v for v in m.values() if isinstance(v, str)):
        assert all(ord(c) >= 32 and not 127 <= ord(c) < 160 for c in text), text
PYTHON
    done
done
